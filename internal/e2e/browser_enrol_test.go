package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"minqing/internal/thumb"
	"minqing/internal/thumb/camera"
)

// TestEnrolByThePicture signs an administrator in by the link that the server prints, has the page show a code, reads that from the picture of the
// screen as a camera does, and enrols a device with it: the real programs on both ends. The code works once.
func TestEnrolByThePicture(t *testing.T) {
	w := mustTown(t, 2*ownHouses)
	w.cadre("ann", 0)
	s, err := thumb.Open(t.Context(), filepath.Join(t.TempDir(), "profile"))
	must(t, err)
	t.Cleanup(s.Close)
	must(t, s.Desk(1440, 900))
	link := w.minqing("user", "link", "boss", "--plain")
	_, code, _ := strings.Cut(link, "/link/")
	base := "http://" + w.server.address
	must(t, s.Go(base+"/link/"+code, "#password"))
	must(t, s.Fill("#password", "石桥村口的老樟树有三百岁"))
	must(t, s.Follow(".door .btn.main", ".rail"))
	must(t, s.Follow(`.rail a[href$="/devices"]`, "#login"))
	must(t, s.Fill("#login", "ann"))
	must(t, s.Follow(`form[action$="/enrol"] button`, "svg.qr"))
	picture, err := s.Shot("svg.qr")
	must(t, err)
	held, err := camera.Read(picture)
	must(t, err)
	shown, err := s.Text(".enrolcode code")
	must(t, err)
	if !strings.Contains(held, "c="+shown) {
		t.Errorf("the picture holds %q, and the page shows the code %q", held, shown)
	}

	f := &field{w: w, login: "ann", file: filepath.Join(w.dir, "by-picture.db")}
	f.must("enrol", "--plain", "--link", held)
	f.sync()
	f.holds(t, "3", "SELECT count(*) FROM household")
	if out, err := w.try("minqing-field", "--file", filepath.Join(w.dir, "twice.db"), "enrol", "--plain", "--link", held); err == nil {
		t.Errorf("one code enrols two devices: %s", out)
	}
	must(t, s.Follow(`main a[href$="/devices"]`, "tbody"))
	text, err := s.Text("tbody")
	must(t, err)
	if !strings.Contains(text, "ann") || !strings.Contains(text, "minqing-field") {
		t.Errorf("the phones are %q", text)
	}
}
