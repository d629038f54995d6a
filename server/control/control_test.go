package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"minqing/server/control"
)

func TestCommandsGoThroughTheServer(t *testing.T) {
	dir := t.TempDir()
	if ok, err := control.Hand(t.Context(), dir, control.Request{}, io.Discard); ok || err != nil {
		t.Fatalf("no server, yet Hand says %v, %v", ok, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- control.Serve(ctx, dir, func(_ context.Context, r control.Request, out io.Writer) error {
			fmt.Fprintf(out, "ran %s\n", strings.Join(r.Args, " "))
			if r.Args[0] == "bad" {
				return errors.New("no such village")
			}
			return nil
		})
	}()
	var out bytes.Buffer
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		ok, err := control.Hand(t.Context(), dir, control.Request{Args: []string{"stats", "青石村"}}, &out)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server never answered")
		}
	}
	if out.String() != "ran stats 青石村\n" {
		t.Fatalf("printed %q", out.String())
	}
	if ok, err := control.Hand(t.Context(), dir, control.Request{Args: []string{"bad"}}, &out); !ok || err == nil || err.Error() != "no such village" {
		t.Fatalf("a failed command gave %v, %v", ok, err)
	}
	if err := control.Serve(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "running") {
		t.Fatalf("a second server on one folder gave %v", err)
	}
	stop()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}
