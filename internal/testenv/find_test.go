package testenv

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func notInPath(string) (string, error) { return "", exec.ErrNotFound }

func mustInitdb(tb testing.TB, dir string) string {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(dir, "initdb")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
		tb.Fatal(err)
	}
	return file
}

func TestFindPostgres(t *testing.T) {
	root := t.TempDir()
	glob := filepath.Join(root, "*", "bin", "initdb")

	_, err := findPostgres(notInPath, glob)
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("without PostgreSQL the error must name the package to install, not say %v", err)
	}

	mustInitdb(t, filepath.Join(root, "9", "bin"))
	mustInitdb(t, filepath.Join(root, "15", "bin"))
	dir, err := findPostgres(notInPath, glob)
	if err != nil || dir != filepath.Join(root, "15", "bin") {
		t.Errorf("of versions 9 and 15 found %s, %v", dir, err)
	}

	// A link in PATH leads to the programs that lie beside its target.
	target := mustInitdb(t, filepath.Join(t.TempDir(), "bin"))
	link := filepath.Join(t.TempDir(), "initdb")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	want, err := filepath.EvalSymlinks(filepath.Dir(target))
	if err != nil {
		t.Fatal(err)
	}
	dir, err = findPostgres(func(string) (string, error) { return link, nil }, glob)
	if err != nil || dir != want {
		t.Errorf("PATH must win and links be followed: found %s, %v", dir, err)
	}
}

func TestAServerThatDoesNotStartSaysWhy(t *testing.T) {
	bin := t.TempDir()
	file := mustInitdb(t, bin)
	// Readable by the user the server runs as, who is not the one who runs the tests when that is root.
	if err := errors.Join(os.Chmod(filepath.Dir(bin), 0o755), os.Chmod(bin, 0o755),
		os.WriteFile(file, []byte("#!/bin/sh\necho no room on the device\nexit 1\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	_, err := launch(bin, "")
	if err == nil || !strings.Contains(err.Error(), "no room on the device") {
		t.Errorf("the error must carry the program's own words, not %v", err)
	}
}
