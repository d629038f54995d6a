package pages_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"minqing/mobile-client/pages"
	"minqing/mobile-client/phone"
)

// TestServeEndsBesideAnIdleBrowser: a browser opens connections ahead of need, and says nothing on them. That the program ends is no fault of it.
func TestServeEndsBesideAnIdleBrowser(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	p, err := phone.New(ctx, phone.Options{File: filepath.Join(t.TempDir(), "f.db"), Transport: http.DefaultTransport, Now: func() int64 { return time.Now().UnixMilli() },
		After: time.After, Rand: rand.Reader, Log: log, Weak: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := pages.New(pages.Options{Phone: p, Now: time.Now, Zone: time.UTC, Rand: rand.Reader, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opened, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- a.Serve(ctx, l, func(string, func(to string) (string, error)) { close(opened) })
	}()
	<-opened
	silent, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	time.Sleep(100 * time.Millisecond) // until it is accepted
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
