package e2e_test

import (
	"bytes"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"minqing/internal/testenv"
	handset "minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/syncproto"
)

// mustOffer fills a folder with a package as ./task android does.
func mustOffer(t *testing.T, version int, certificate string, content []byte) string {
	t.Helper()
	dir, apk, signer := t.TempDir(), testenv.APK([]byte(certificate), content), sha256.Sum256([]byte(certificate))
	sum := sha256.Sum256(apk)
	raw, err := json.Marshal(syncproto.AppOffer{Version: version, Name: fmt.Sprint("0.", version), Bytes: int64(len(apk)), SHA256: hex.EncodeToString(sum[:]), Signer: hex.EncodeToString(signer[:])})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "minqing-field.json"), raw, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "minqing-field.apk"), apk, 0o600))
	return dir
}

// A newer package on the server is offered to enrolled phones; where data costs money it waits for leave, goes on where a link broke, and is
// handed to the installer only whole and signed as the one that runs.
func TestNewVersionIsOffered(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	content := make([]byte, 5<<19) // three parts
	_, err := crand.Read(content)
	must(t, err)
	ann, installed := w.hand("ann"), ""
	own := filepath.Join(t.TempDir(), "base.apk")
	must(t, os.WriteFile(own, testenv.APK([]byte("our key"), []byte("version 6")), 0o600))
	ann.pkg = handset.Package{Version: 6, Path: own, Folder: t.TempDir(), Install: func(path string) error { installed = path; return nil }}
	ann.start()
	ann.enrol()
	ann.p.Network(shell.Metered)
	update := func() (u *handset.Update) {
		t.Helper()
		ann.over(func(r *replica.Replica) error {
			return r.View(t.Context(), func(v *replica.View) (err error) { u, err = ann.p.Update(v); return err })
		})
		return u
	}
	want := func() {
		t.Helper()
		ann.over(func(r *replica.Replica) error { return ann.p.WantUpdate(t.Context(), r) })
	}
	install := func() error {
		t.Helper()
		var err error
		ann.over(func(r *replica.Replica) error { err = r.View(t.Context(), ann.p.InstallUpdate); return nil })
		return err
	}
	quiet := func(what string) {
		t.Helper()
		soon(t, what, func() bool {
			s := ann.p.Status()
			return !s.Running && s.Trouble == pump.Fine && ann.count(`SELECT count(*) FROM household`) > 0
		})
	}
	ann.p.Sync()
	quiet("a first sync")
	if u := update(); u != nil {
		t.Errorf("a server without a package offers %+v", u)
	}
	w.stop()
	w.start("--app", mustOffer(t, 7, "our key", content))
	w.net.cutAfter(down, 1<<20) // before anything of it can come
	want()
	ann.p.Network(shell.None)
	ann.p.Network(shell.Metered)
	soon(t, "a part of it", func() bool {
		u := update()
		return u != nil && u.Here > 0 && !ann.p.Status().Running && w.net.count(down) >= 1<<20
	})
	part := update()
	if part.Ready || part.Here >= part.Bytes || install() == nil || installed != "" {
		t.Errorf("after a cut it stands at %+v, installed %q", part, installed)
	}
	w.net.heal()
	ann.p.Sync()
	soon(t, "all of it", func() bool { u := update(); return u != nil && u.Ready })
	if got := w.net.count(down); int64(got) > part.Bytes-part.Here+256<<10 {
		t.Errorf("%d bytes came for the %d that were left", got, part.Bytes-part.Here)
	}
	must(t, install())
	got, err := os.ReadFile(installed)
	must(t, err)
	if !bytes.Equal(got, testenv.APK([]byte("our key"), content)) {
		t.Error("the installer was given something else")
	}
	installed = ""
	w.stop()
	w.start("--app", mustOffer(t, 8, "another key", content))
	want()
	soon(t, "the other signer is found out", func() bool { u := update(); return u != nil && u.Version == 8 && u.Foreign })
	if err := install(); err == nil || installed != "" {
		t.Errorf("another's package was handed on: %v, %q", err, installed)
	}
	if left, err := filepath.Glob(ann.file + ".update-*"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
