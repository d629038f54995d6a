package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/schema"
	"minqing/syncproto"

	crand "crypto/rand"
)

// jpegHead is how every picture begins that the phone keeps, small or large. Anything shorter stands in random bytes now and then.
const jpegHead = "\xff\xd8\xff\xdb\x00\x84\x00"

// whereTaken is what the camera says of the place; it must not leave the phone, nor be readable on it.
const whereTaken = "canary-GPS-29.512N-106.531E"

// shot is a file as a camera leaves it: grain that compresses badly, and where it was taken.
func shot(t testing.TB, seed uint64) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 1300, 900))
	dice := rand.New(rand.NewPCG(seed, 1))
	for i := range m.Pix {
		m.Pix[i] = uint8(96 + dice.IntN(64))
	}
	var out bytes.Buffer
	must(t, jpeg.Encode(&out, m, &jpeg.Options{Quality: 95}))
	exif := "Exif\x00\x00" + whereTaken
	raw := out.Bytes()
	return bytes.Join([][]byte{raw[:2], {0xff, 0xe1, 0, byte(len(exif) + 2)}, []byte(exif), raw[2:]}, nil)
}

// take writes a visit with photos and gives the rows of those.
func (p *pocket) take(seeds ...uint64) (rows []syncproto.RowID) {
	p.w.t.Helper()
	me, err := p.Device(context.Background())
	must(p.w.t, err)
	var taken []*photos.Photo
	for _, seed := range seeds {
		one, err := photos.Prepare(bytes.NewReader(shot(p.w.t, seed)))
		must(p.w.t, err)
		taken = append(taken, one)
	}
	_, err = p.Write(context.Background(), func(tx *replica.Tx) error {
		visit, err := tx.NewID()
		if err != nil {
			return err
		}
		if err := tx.Create("visit", visit, map[string]schema.Value{"household": schema.Text(string(p.houses[0])), "author": schema.Text(string(me.User)), "day": schema.Text("2026-11-20")}); err != nil {
			return err
		}
		for _, one := range taken {
			row, err := one.Attach(tx, visit, me.User)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	must(p.w.t, err)
	return rows
}

// declare writes an attachment row that says what it likes.
func (p *pocket) declare(hash, media string, size int64) syncproto.RowID {
	p.w.t.Helper()
	me, err := p.Device(context.Background())
	must(p.w.t, err)
	var row syncproto.RowID
	_, err = p.Write(context.Background(), func(tx *replica.Tx) error {
		visit, err := tx.NewID()
		if err != nil {
			return err
		}
		if row, err = tx.NewID(); err != nil {
			return err
		}
		return errors.Join(tx.Create("visit", visit, map[string]schema.Value{"household": schema.Text(string(p.houses[0])), "author": schema.Text(string(me.User)), "day": schema.Text("2026-11-20")}),
			tx.Create("attachment", row, map[string]schema.Value{"visit": schema.Text(string(visit)), "author": schema.Text(string(me.User)), "hash": schema.Text(hash),
				"media": schema.Text(media), "bytes": schema.Int(size)}))
	})
	must(p.w.t, err)
	return row
}

// sender is a photo sender over the pocket's network, with a sign-in of its own.
func (p *pocket) sender() *photos.Sender {
	s := syncer.New(syncer.Options{Replica: p.Replica, Transport: p.via, Rand: crand.Reader, Client: "e2e"})
	return photos.NewSender(photos.Options{Replica: p.Replica, Syncer: s, Now: func() int64 { return time.Now().UnixMilli() }})
}

// content is what a device holds of one row's content.
func (p *pocket) content(row syncproto.RowID) replica.Content {
	p.w.t.Helper()
	list, err := p.Contents(context.Background(), row)
	must(p.w.t, err)
	if len(list) != 1 {
		p.w.t.Fatalf("%d contents of %s", len(list), row)
	}
	return list[0]
}

// sent sends, which must go through.
func (p *pocket) sent(what string) photos.Report {
	p.w.t.Helper()
	p.anew()
	s := p.sender()
	must(p.w.t, s.Hurry(context.Background(), false))
	rep, err := s.Send(context.Background())
	if err != nil || rep.Waiting > 0 {
		p.w.t.Fatalf("%s: %+v, %v", what, rep, err)
	}
	return rep
}

// files are the contents that lie on the server.
func (w *town) files() (out [][]byte) {
	w.t.Helper()
	list, err := filepath.Glob(filepath.Join(w.data, "files", "*"))
	must(w.t, err)
	for _, name := range list {
		if filepath.Ext(name) == "" {
			raw, err := os.ReadFile(name)
			must(w.t, err)
			out = append(out, raw)
		}
	}
	return out
}

// Photos are cut off at any byte, either way, with the phone's program and the server killed between; every one arrives whole, once.
func TestPhotosCutAndResumed(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", 0)
	ann := w.pocket("ann")
	dice := rand.New(rand.NewPCG(7, 7))
	for round := range full(8, 60) {
		rows := ann.take(uint64(round))
		direction := round % 2
		// The visit goes before its photo, and without it.
		ann.through("rows")
		if c := ann.content(rows[0]); c.Sent || !c.Ready {
			t.Fatalf("before sending: %+v", c)
		}
		size := int(ann.content(rows[0]).Bytes)
		most := size
		if direction == down {
			most = 2500 // answers are short
		}
		w.net.cutAfter(direction, 1+dice.IntN(most))
		_, err := ann.sender().Send(t.Context())
		if err != nil && !linkBroke(err) {
			t.Fatalf("round %d: %v", round, err)
		}
		switch round % 4 {
		case 1:
			must(t, ann.Close())
			ann.open()
		case 2:
			must(t, w.server.kill())
			w.start()
		}
		w.net.heal()
		ann.sent("after the cut")
		if c := ann.content(rows[0]); !c.Sent {
			t.Fatalf("round %d: %+v", round, c)
		}
	}
	rounds := full(8, 60)
	if got := len(w.files()); got != rounds {
		t.Errorf("%d files on the server, want %d", got, rounds)
	}
	for _, raw := range w.files() {
		if bytes.Contains(raw, []byte("canary")) || bytes.Contains(raw, []byte("Exif")) || len(raw) > photos.MaxContent {
			t.Error("a photo says where it was taken, or is too large")
		}
	}
	// Another phone fetches them over the same kind of network.
	bob := w.pocket("bob")
	must(t, bob.Records(t.Context(), "attachment", func(r replica.Record) error {
		s := bob.sender()
		for try := 0; ; try++ {
			w.net.cutAfter(down, 3000+dice.IntN(200_000))
			content, media, err := s.Picture(t.Context(), r.Row)
			w.net.heal()
			if err == nil {
				sum := sha256.Sum256(content)
				if c := bob.content(r.Row); hex.EncodeToString(sum[:]) != c.Hash || media != photos.Media || !c.Thumb {
					t.Errorf("%s came as %d bytes of %s, %+v", r.Row, len(content), media, c)
				}
				return nil
			}
			if !linkBroke(err) || try > 50 {
				return err
			}
		}
	}))
}

// The phone's program is killed while it takes and while it sends photos; what it called saved arrives, and nothing twice.
func TestPhotosKilledWhileTakenAndSent(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	f := w.enrol("ann")
	camera := filepath.Join(w.dir, "shot.jpg")
	dice := rand.New(rand.NewPCG(11, 1))
	saved := 0
	for round := range full(5, 40) {
		must(t, os.WriteFile(camera, shot(t, uint64(100+round)), 0o600))
		taking := f.spawn("visit", "--household", house(0), "--photo", camera)
		if round%2 == 0 {
			time.Sleep(time.Duration(20+dice.IntN(200)) * time.Millisecond)
			must(t, taking.kill())
		} else if _, err := taking.wait(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(taking.out.String(), "已存在本机") {
			saved++
		}
		sending := f.spawn("sync")
		time.Sleep(time.Duration(20+dice.IntN(150)) * time.Millisecond)
		must(t, sending.kill())
	}
	f.sync()
	f.equal()
	visits, rows := query(t, f.file, "SELECT id FROM visit"), query(t, f.file, "SELECT hash FROM attachment")
	if len(visits) < saved || len(rows) != len(visits) {
		t.Errorf("%d were called saved, there are %d visits and %d photos", saved, len(visits), len(rows))
	}
	got := w.files()
	hashes := map[string]bool{}
	for _, raw := range got {
		sum := sha256.Sum256(raw)
		hashes[hex.EncodeToString(sum[:])] = true
	}
	for _, hash := range rows {
		if !hashes[hash] {
			t.Errorf("the photo %s is not on the server", hash)
		}
	}
}

// What was sent before the server died is not sent again.
func TestPhotosGoOnWhereTheyWere(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	ann := w.pocket("ann")
	row := ann.take(1)[0]
	ann.through("rows")
	size := int(ann.content(row).Bytes)
	if size < 200_000 {
		t.Fatalf("a photo of %d bytes is too small for this test", size)
	}
	w.net.cutAfter(up, size-40_000)
	if _, err := ann.sender().Send(t.Context()); !linkBroke(err) {
		t.Fatalf("the cut gave %v", err)
	}
	// What the server had not read off its socket when it died was never with it, and is rightly sent again.
	for until := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if got := w.files(); len(got) == 1 && len(got[0]) >= size-45_000 {
			break
		}
		if time.Now().After(until) {
			t.Fatal("the server did not write down what it was sent")
		}
	}
	must(t, w.server.kill())
	must(t, ann.Close())
	ann.open()
	w.start()
	w.net.heal()
	ann.sent("the rest")
	if sent := w.net.count(up); sent > 60_000 {
		t.Errorf("%d bytes were sent for the last 40,000", sent)
	}
}

// request asks the server about contents in a device's name.
func (p *pocket) request(method, path string, body []byte, header ...string) (*http.Response, error) {
	h := http.Header{"Tus-Resumable": {"1.0.0"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	resp, err := p.sync.Files(context.Background(), method, path, body, h)
	if err == nil {
		err = resp.Body.Close()
	}
	return resp, err
}

func (p *pocket) begin(row syncproto.RowID, size int) (*http.Response, error) {
	return p.request("POST", "/v1/files/uploads", nil, "Upload-Length", strconv.Itoa(size), "Upload-Metadata", "attachment "+base64.StdEncoding.EncodeToString([]byte(row)))
}

// put sends a content in one piece.
func (p *pocket) put(row syncproto.RowID, content []byte, declared int) error {
	p.w.t.Helper()
	resp, err := p.begin(row, declared)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		p.w.t.Fatalf("status %d", resp.StatusCode)
	}
	_, err = p.request("PATCH", resp.Header.Get("Location"), content, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
	return err
}

func wantCode(t *testing.T, what string, err error, want syncproto.Code) {
	t.Helper()
	var e *syncproto.Error
	if !errors.As(err, &e) || e.Code != want || e.Message == "" {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func TestPhotosThatAreNotWhatTheySay(t *testing.T) {
	w := mustTown(t, 2*ownHouses)
	w.cadre("ann", 0)
	w.cadre("eve", ownHouses) // of other households
	ann, eve := w.pocket("ann"), w.pocket("eve")
	p, err := photos.Prepare(bytes.NewReader(shot(t, 5)))
	must(t, err)
	size := len(p.Content)
	page := []byte("<html><script>alert(1)</script>")
	sum := sha256.Sum256(page)

	rows := map[string]syncproto.RowID{"good": ann.declare(p.Hash, photos.Media, int64(size)), "other hash": ann.declare(strings.Repeat("ab", 32), photos.Media, int64(size)),
		"page": ann.declare(hex.EncodeToString(sum[:]), photos.Media, int64(len(page))), "html": ann.declare(hex.EncodeToString(sum[:]), "text/html", int64(len(page))),
		"huge": ann.declare(p.Hash, photos.Media, 60<<20)}
	unsent := ann.declare(p.Hash, photos.Media, int64(size))
	ann.through("rows")
	wantCode(t, "another hash", ann.put(rows["other hash"], p.Content, size), syncproto.CodeInvalid)
	wantCode(t, "a page that says it is a photo", ann.put(rows["page"], page, len(page)), syncproto.CodeInvalid)
	wantCode(t, "a type that is not taken", ann.put(rows["html"], page, len(page)), syncproto.CodeInvalid)
	wantCode(t, "another length", ann.put(rows["good"], p.Content, size-1), syncproto.CodeInvalid)
	wantCode(t, "too large", ann.put(rows["huge"], p.Content, 60<<20), syncproto.CodeTooLarge)
	wantCode(t, "more than declared", ann.put(rows["good"], append(bytes.Clone(p.Content), "more"...), size), syncproto.CodeTooLarge)
	_, err = ann.request("GET", "/v1/files/"+string(rows["good"]), nil)
	wantCode(t, "a content that has not come", err, syncproto.CodeWaits)

	must(t, ann.put(rows["good"], p.Content, size))
	if resp, err := ann.begin(rows["good"], size); err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Upload-Offset") != strconv.Itoa(size) {
		t.Errorf("once more: %+v, %v", resp, err)
	}
	if resp, err := ann.begin(unsent, size); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the same for another row of hers: %+v, %v", resp, err)
	}

	// Eve knows row and hash, and gets nothing by either.
	_, foreign := eve.request("GET", "/v1/files/"+string(rows["good"]), nil)
	_, missing := eve.request("GET", "/v1/files/01935b7e-0000-7000-8000-0000000000d1", nil)
	wantCode(t, "foreign", foreign, syncproto.CodeForbidden)
	if foreign.Error() != missing.Error() {
		t.Errorf("foreign %v, missing %v", foreign, missing)
	}
	wantCode(t, "an upload for a foreign row", eve.put(rows["good"], p.Content, size), syncproto.CodeForbidden)
	twin := eve.declare(p.Hash, photos.Media, int64(size))
	eve.through("a row with a hash that others have")
	resp, err := eve.begin(twin, size)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("a known hash gave away that it is known: %+v, %v", resp, err)
	}
	_, err = eve.request("GET", "/v1/files/"+string(twin), nil)
	wantCode(t, "a content that she has not sent", err, syncproto.CodeWaits)
	_, err = ann.request("HEAD", resp.Header.Get("Location"), nil)
	wantCode(t, "another's upload", err, syncproto.CodeForbidden)
	must(t, eve.put(twin, p.Content, size))
	if got := len(w.files()); got != 1 {
		t.Errorf("%d files on the server, want 1", got)
	}

	// What goes out, in which headers; then the device is revoked.
	resp, err = ann.request("GET", "/v1/files/"+string(rows["good"]), nil)
	must(t, err)
	for name, want := range map[string]string{"Content-Type": photos.Media, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control": "private, no-store", "Content-Disposition": `attachment; filename="` + string(rows["good"]) + `.jpg"`} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	me, err := ann.Device(t.Context())
	must(t, err)
	w.minqing("device", "revoke", string(me.ID))
	_, err = ann.request("GET", "/v1/files/"+string(rows["good"]), nil)
	wantCode(t, "revoked", err, syncproto.CodeRevoked)
	_, err = ann.begin(rows["page"], len(page))
	wantCode(t, "revoked", err, syncproto.CodeRevoked)
}
