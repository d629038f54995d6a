package keys_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/server/keys"
)

func TestOpenKeepsOneSecret(t *testing.T) {
	dir := t.TempDir()
	a, err := keys.Open(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := keys.Open(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.Text() != b.Text() {
		t.Fatal("a second start made another secret")
	}
	if bytes.Equal(a.Derive("seal"), a.Derive("token")) {
		t.Fatal("two purposes share a key")
	}
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the secret is readable by others: %v %v", info.Mode(), err)
	}
}

func TestOpenNamesABrokenSecret(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret.key"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := keys.Open(dir, rand.Reader)
	if err == nil || !strings.Contains(err.Error(), "backup") {
		t.Fatalf("want an error that says what to do, got %v", err)
	}
}
