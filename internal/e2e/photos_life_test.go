package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// holds tells which of a device's files hold some bytes out of the middle of a content.
func (p *pocket) holds(content []byte) (in []string) {
	p.w.t.Helper()
	list, err := filepath.Glob(p.f.file + "*")
	must(p.w.t, err)
	for _, name := range list {
		raw, err := os.ReadFile(name)
		must(p.w.t, err)
		for _, at := range []int{1000, len(content) / 2, len(content) - 100} {
			if bytes.Contains(raw, content[at:at+64]) {
				in = append(in, name)
				break
			}
		}
	}
	return in
}

// code is that of the household whose photos a pocket takes: ids that were made together come in any order.
func (p *pocket) code() string {
	p.w.t.Helper()
	f, err := p.Form(context.Background(), "household", p.houses[0])
	must(p.w.t, err)
	return f.Values["code"].Str()
}

func (p *pocket) picture(row syncproto.RowID) []byte {
	p.w.t.Helper()
	content, _, err := p.sender().Picture(context.Background(), row)
	must(p.w.t, err)
	return content
}

// A household goes to somebody else. What was sent leaves the phone with it; what was not is sent first, whether its row was accepted
// before or not, and then leaves too.
func TestPhotosLeaveWithTheirScope(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", 0)
	ann := w.pocket("ann")
	done := ann.take(1)[0]
	ann.through("rows")
	ann.sent("the first")
	accepted := ann.take(2)[0]
	ann.through("rows")
	pending := ann.take(3)[0]
	var contents [][]byte
	for _, row := range []syncproto.RowID{done, accepted, pending} {
		contents = append(contents, ann.picture(row))
	}
	w.minqing("assign", "--end", "--user", "ann", "--team", "cadre", "--households", ann.code())
	if rep, err := ann.sync.Sync(t.Context()); err != nil || !rep.Forgot {
		t.Fatalf("not forgotten: %+v, %v", rep, err)
	}
	left, err := ann.sender().Waiting(t.Context())
	must(t, err)
	if len(left) != 2 || !left[0].Boxed || !left[1].Boxed || !left[0].Ready || !left[1].Ready {
		t.Fatalf("what still has to be sent: %+v", left)
	}
	if in := ann.holds(contents[0]); len(in) > 0 {
		t.Errorf("the first photo is still in %v", in)
	}
	ann.sent("the rest")
	if all, err := ann.Contents(t.Context(), ""); err != nil || len(all) > 0 {
		t.Errorf("still here: %+v, %v", all, err)
	}
	for i, content := range contents {
		if in := ann.holds(content); len(in) > 0 {
			t.Errorf("photo %d is still in %v", i, in)
		}
	}
	bob := w.pocket("bob")
	for i, row := range []syncproto.RowID{done, accepted, pending} {
		if !bytes.Equal(bob.picture(row), contents[i]) {
			t.Errorf("photo %d came to the next contact as something else", i)
		}
	}
}

// A deleted row's content is for nobody; an erasure takes it off the disk at once, with everything beneath the household.
func TestPhotosGoWithTheirRows(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", 0)
	ann, bob := w.pocket("ann"), w.pocket("bob")
	rows := ann.take(1, 2)
	ann.through("rows")
	ann.sent("both")
	// One that its author thinks better of before it was sent is nobody's.
	unsent := ann.take(3)[0]
	ann.through("its row")
	g, err := ann.Form(t.Context(), "attachment", unsent)
	must(t, err)
	_, err = ann.Write(t.Context(), func(tx *replica.Tx) error { return tx.Delete(g) })
	must(t, err)
	ann.through("its deletion")
	if all, err := ann.Contents(t.Context(), unsent); err != nil || len(all) > 0 {
		t.Errorf("ann still has %+v, %v", all, err)
	}
	bob.through("rows")
	bob.picture(rows[0])
	f, err := ann.Form(t.Context(), "attachment", rows[0])
	must(t, err)
	_, err = ann.Write(t.Context(), func(tx *replica.Tx) error { return tx.Delete(f) })
	must(t, err)
	ann.through("the deletion")
	_, err = bob.request("GET", "/v1/files/"+string(rows[0]), nil)
	wantCode(t, "a deleted one", err, syncproto.CodeForbidden)
	bob.through("the deletion")
	if all, err := bob.Contents(t.Context(), rows[0]); err != nil || len(all) > 0 {
		t.Errorf("bob still has %+v, %v", all, err)
	}
	if got := len(w.files()); got != 2 {
		t.Fatalf("%d files on the server", got)
	}
	w.minqing("erase", "household", string(ann.houses[0]), "--reason", "本人申请", "--yes")
	if left, err := os.ReadDir(filepath.Join(w.data, "files")); err != nil || len(left) != 0 {
		t.Errorf("after the erasure there lie %v, %v", left, err)
	}
}

// A backup takes contents along. What was sent after it is offered again to the restored server, like the rows.
func TestPhotosSurviveARestore(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", 0)
	ann := w.pocket("ann")
	before := ann.take(1)[0]
	ann.through("rows")
	ann.sent("before the backup")
	pass := filepath.Join(w.dir, "pass")
	must(t, os.WriteFile(pass, []byte("seven tall pines\n"), 0o600))
	file := filepath.Join(w.dir, "city.backup")
	w.minqing("backup", file, "--passphrase-file", pass)
	after := ann.take(2)[0]
	ann.through("rows")
	ann.sent("after the backup")
	contents := [][]byte{ann.picture(before), ann.picture(after)}

	w.stop()
	w.data = filepath.Join(w.dir, "restored")
	w.minqing("restore", file, "--passphrase-file", pass)
	if got := w.files(); len(got) != 1 || !bytes.Equal(got[0], contents[0]) {
		t.Fatalf("%d files after the restore", len(got))
	}
	w.start()
	if rep, err := ann.sync.Sync(t.Context()); err != nil || !rep.Forked {
		t.Fatalf("no fork: %+v, %v", rep, err)
	}
	if rep := ann.sent("what the server lost"); rep.Sent != 2 || rep.Bytes != int64(len(contents[1])) {
		t.Errorf("%+v: want both offered, and the one sent", rep)
	}
	bob := w.pocket("bob")
	for i, row := range []syncproto.RowID{before, after} {
		if !bytes.Equal(bob.picture(row), contents[i]) {
			t.Errorf("photo %d came as something else", i)
		}
	}
}

// On a metered network photos wait for leave, and rows do not.
func TestPhotosWaitForLeave(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	f := w.enrol("ann")
	camera := filepath.Join(w.dir, "shot.jpg")
	must(t, os.WriteFile(camera, shot(t, 1), 0o600))
	f.must("visit", "--household", house(0), "--photo", camera)
	if out := f.must("sync", "--metered"); !strings.Contains(out, "传出 1 条") || !strings.Contains(out, "1 张照片等有 Wi-Fi 再传") {
		t.Errorf("on a metered network: %s", out)
	}
	if out := f.must("status"); !strings.Contains(out, "1 张照片未上传") {
		t.Errorf("status: %s", out)
	}
	if out := f.must("photos"); !strings.Contains(out, "已传 0/") {
		t.Errorf("they stand: %s", out)
	}
	if out := f.must("sync", "--metered", "--leave"); !strings.Contains(out, "传出照片 1 张") {
		t.Errorf("with leave: %s", out)
	}
	if out := f.must("photos"); !strings.Contains(out, "已在服务器上") {
		t.Errorf("they stand: %s", out)
	}
}

// Nothing of a photo can be read in any file of an encrypted device, and nothing of the place where it was taken anywhere.
func TestPhotosUnreadableOnThePhone(t *testing.T) {
	t.Setenv("MINQING_FIELD_PIN", "246810")
	t.Setenv("TMPDIR", t.TempDir()) // whatever a program leaves there is looked at as well
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	camera := filepath.Join(t.TempDir(), "shot.jpg")
	must(t, os.WriteFile(camera, shot(t, 1), 0o600))
	home := filepath.Join(w.dir, "phone")
	must(t, os.Mkdir(home, 0o700))
	f := &field{w: w, login: "ann", file: filepath.Join(home, "ann.db")}
	f.must("enrol", "--server", "http://"+w.net.address(), "--code", w.minqing("device", "invite", "--user", "ann", "--plain"))
	f.sync()
	f.must("visit", "--household", house(0), "--met", "canary-met", "--photo", camera, "--photo", camera)
	row := strings.Fields(f.must("photos"))[0]
	taken := filepath.Join(t.TempDir(), "taken.jpg")
	f.must("photos", "--save", row, "--out", taken)
	content, err := os.ReadFile(taken)
	must(t, err)
	if p, err := photos.Prepare(bytes.NewReader(shot(t, 1))); err != nil || !bytes.Equal(p.Content, content) || !bytes.HasPrefix(p.Content, []byte(jpegHead)) || !bytes.HasPrefix(p.Thumb, []byte(jpegHead)) {
		t.Errorf("what was kept is not what was prepared: %d bytes, %v", len(content), err)
	}
	look := func(when string) {
		t.Helper()
		must(t, filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Contains(raw, []byte(whereTaken)) {
				t.Errorf("%s: %s says where the photo was taken", when, path)
			}
			phone := strings.HasPrefix(path, home)
			if phone && (bytes.Contains(raw, []byte("canary-")) || bytes.Contains(raw, content[2000:2064]) || bytes.Contains(raw, []byte(jpegHead))) {
				t.Errorf("%s: the photo can be read in %s", when, path)
			}
			return nil
		}))
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 1 { // the server's control socket may lie there
			t.Errorf("%s: in the folder for temporary files there lie %v, %v", when, left, err)
		}
	}
	look("before it was sent")
	if out := f.sync(); !strings.Contains(out, "传出照片 2 张") {
		t.Errorf("sync: %s", out)
	}
	look("after it was sent")
	if got := w.files(); len(got) != 1 || !bytes.Equal(got[0], content) {
		t.Errorf("%d files on the server", len(got))
	}
}

// A revoked phone hands over the photos that it had not sent, before it is wiped: those of rows that were accepted long ago, and those
// of rows that it hands over in the same breath. Without a network they are sealed into files that anybody can carry.
func TestPhotosOfARevokedPhoneAreHandedOver(t *testing.T) {
	for _, network := range []bool{true, false} {
		w := mustTown(t, ownHouses)
		w.cadre("ann", 0)
		w.cadre("bob", 0)
		bob := w.pocket("bob")
		f := w.enrol("ann")
		camera := filepath.Join(w.dir, "shot.jpg")
		must(t, os.WriteFile(camera, shot(t, 1), 0o600))
		f.must("visit", "--household", bob.code(), "--photo", camera)
		f.must("sync", "--metered")
		must(t, os.WriteFile(camera, shot(t, 2), 0o600))
		f.must("visit", "--household", bob.code(), "--photo", camera)
		var rows, taken []string
		for i, line := range strings.Split(strings.TrimSpace(f.must("photos")), "\n") {
			rows = append(rows, strings.Fields(line)[0])
			taken = append(taken, filepath.Join(w.dir, "taken"+string(rune('0'+i))))
			f.must("photos", "--save", rows[i], "--out", taken[i])
		}
		if len(rows) != 2 {
			t.Fatalf("%d photos", len(rows))
		}
		id := query(t, f.file, "SELECT value FROM mq_meta WHERE key = 'device'")[0]
		w.minqing("device", "revoke", id)
		// The first contact tells; a network that then goes lets nothing through but that.
		if !network {
			p := &pocket{w: w, f: f, via: &http.Transport{}}
			p.open()
			if _, err := p.sync.Sync(t.Context()); err == nil {
				t.Fatal("a revoked device synced")
			}
			w.net.cutAfter(up, 0)
			var kept [][]byte
			out, err := p.sync.Escrow(t.Context(), 0, func(_ int, file []byte) error {
				kept = append(kept, file)
				return nil
			})
			if err != nil || out.Contents != 2 || out.Carried != 0 || len(kept) != 3 {
				t.Fatalf("%+v, %d files, %v", out, len(kept), err)
			}
			w.net.heal()
			for i, file := range kept {
				name := filepath.Join(w.dir, "carried"+string(rune('0'+i)))
				must(t, os.WriteFile(name, file, 0o600))
				if _, err := w.try("minqing-field", "carry", name, "--file", bob.f.file); err != nil {
					t.Fatal(err)
				}
			}
		} else if out, err := f.try("sync"); err == nil || !strings.Contains(err.Error(), "2 张已交给服务器") {
			t.Fatalf("the revoked phone: %s, %v", out, err)
		}
		bob.through("what ann left")
		for i, row := range rows {
			want, err := os.ReadFile(taken[i])
			must(t, err)
			if !bytes.Equal(bob.picture(syncproto.RowID(row)), want) {
				t.Errorf("network %v: photo %d came as something else", network, i)
			}
		}
	}
}

// A photo was sent, its household went to somebody else, and the server is restored to before both: the phone, which cannot read it any
// more, hands it in again.
func TestPhotosOutOfSightSurviveARestore(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", 0)
	ann, bob := w.pocket("ann"), w.pocket("bob")
	pass, file := filepath.Join(w.dir, "pass"), filepath.Join(w.dir, "city.backup")
	must(t, os.WriteFile(pass, []byte("seven tall pines\n"), 0o600))
	w.minqing("backup", file, "--passphrase-file", pass)
	row := ann.take(1)[0]
	ann.through("rows")
	ann.sent("the photo")
	content := ann.picture(row)
	w.minqing("assign", "--end", "--user", "ann", "--team", "cadre", "--households", ann.code())
	if rep, err := ann.sync.Sync(t.Context()); err != nil || !rep.Forgot {
		t.Fatalf("not forgotten: %+v, %v", rep, err)
	}
	if in := ann.holds(content); len(in) > 0 {
		t.Errorf("the photo can be read in %v", in)
	}
	w.stop()
	w.data = filepath.Join(w.dir, "restored")
	w.minqing("restore", file, "--passphrase-file", pass)
	w.start()
	ann.sent("too early: the server does not know the row") // and nothing is lost by it
	if rep, err := ann.sync.Sync(t.Context()); err != nil || !rep.Forked {
		t.Fatalf("no fork: %+v, %v", rep, err)
	}
	ann.sent("what went out of sight")
	if left, err := ann.Partings(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d are still to be handed in, %v", len(left), err)
	}
	bob.through("the restored server")
	if !bytes.Equal(bob.picture(row), content) {
		t.Error("the photo came as something else")
	}
}
