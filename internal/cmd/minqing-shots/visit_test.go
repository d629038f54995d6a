package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"minqing/mobile-client/field"
	"minqing/mobile-client/pages/pagetest"
	"minqing/mobile-client/replica"
	"minqing/schema"
)

// TestMain is also the program that TestDraftOutlivesAKill kills: a phone in a folder, served until the end.
func TestMain(m *testing.M) {
	dir := os.Getenv("MINQING_KILLED")
	if dir == "" {
		os.Exit(m.Run())
	}
	p, err := pagetest.Open(context.Background(), dir, pagetest.Full)
	if err == nil {
		var link string
		var ended <-chan error
		if link, ended, err = p.Serve(context.Background()); err == nil {
			fmt.Println(p.At("/h/{home}/visit"))
			fmt.Println(link)
			err = <-ended
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestDraftOutlivesAKill types into a visit in a real browser, kills the program between two keys, and finds every word whose “kept” was
// shown in the file.
func TestDraftOutlivesAKill(t *testing.T) {
	w, err := startBrowser(t.Context(), filepath.Join(t.TempDir(), "profile"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), "MINQING_KILLED="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	visit := lines.Text()
	lines.Scan()
	if err := w.enter(lines.Text(), options{lang: "zh", scheme: "light"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return w.Go(w.base+visit, "form[data-draft]") },
		func() error { return w.Tap(`[data-phrase="家里都好"]`) },
		func() error { return w.Fill("#f-text", "她说腿疼") },
		func() error {
			return w.Wait(`document.querySelector("#said.on") && document.querySelector("[name=rev]").value >= 2`)
		},
	} {
		if err == nil {
			err = step()
		}
	}
	if killed := cmd.Process.Kill(); err != nil || killed != nil {
		t.Fatal(err, killed)
	}
	if cmd.Wait() == nil {
		t.Fatal("the program ended by itself")
	}
	key := make([]byte, 32)
	rng := rand.NewChaCha8([32]byte{7}) // as pagetest draws it
	if _, err := rng.Read(key); err != nil {
		t.Fatal(err)
	}
	r, err := replica.Open(t.Context(), replica.Options{Path: filepath.Join(dir, "field.db"), Key: key, Book: schema.Minqing(), Now: func() int64 { return 1795401720000 },
		Rand: rng, Indexes: field.Indexes, Search: field.Search()})
	if err != nil {
		t.Fatal(err)
	}
	kept := ""
	if err := r.View(t.Context(), func(v *replica.View) error {
		return v.Locals("draft/visit/", func(_ string, value []byte, _ int64) error {
			kept += string(value)
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(kept, "家里都好。") || !strings.Contains(kept, "她") {
		t.Errorf("kept: %s", kept)
	}
}
