package apk_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"minqing/internal/testenv"
	"minqing/mobile-client/apk"
)

func write(t *testing.T, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.apk")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The certificate is read where it stands; a file cut or damaged anywhere gives no other one, and no panic. (A package made by Android's own
// tools is read in internal/e2e.)
func TestSigner(t *testing.T) {
	certificate := []byte("a certificate, in DER")
	whole := testenv.APK(certificate, []byte("classes and resources"))
	sum := sha256.Sum256(certificate)
	want := hex.EncodeToString(sum[:])
	if got, err := apk.Signer(write(t, whole)); got != want || err != nil {
		t.Fatalf("the signer is %s, %v", got, err)
	}
	if got, err := apk.Signer(write(t, append(bytes.Clone(whole), "a comment"...))); got != want || err != nil {
		t.Errorf("with a comment it is %s, %v", got, err)
	}
	for n := range whole {
		if got, err := apk.Signer(write(t, whole[:n])); err == nil {
			t.Errorf("cut at %d it is %s", n, got)
		}
		for _, b := range []byte{0x00, 0xff, whole[n] + 1} {
			other := bytes.Clone(whole)
			other[n] = b
			got, err := apk.Signer(write(t, other))
			if err == nil && len(got) != len(want) {
				t.Errorf("with %#x at %d it is %q", b, n, got)
			}
		}
	}
	if _, err := apk.Signer(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("no file gives %v", err)
	}
}
