package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/auth"
	"minqing/server/engine"
	"minqing/server/files"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// city is a small city and the faces of one or more server processes of it. Devices have proven who they are already: what is left of their
// requests is what this package answers.
type city struct {
	t       *testing.T
	engines []*engine.Engine
	faces   []*httptest.Server
	skew    atomic.Int64 // of the clock of all processes, ms
	ids     map[string]string
}

func mustCity(t *testing.T, processes int, cfg engine.Config) *city {
	t.Helper()
	c := &city{t: t, ids: map[string]string{}}
	cfg.Book, cfg.Rand, cfg.Now = schema.Minqing(), rand.Reader, func() int64 { return time.Now().UnixMilli() + c.skew.Load() }
	for range processes {
		e, err := engine.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		face := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.answer(e.Files, w, r) }))
		t.Cleanup(face.Close)
		c.engines, c.faces = append(c.engines, e), append(c.faces, face)
	}
	c.do("place", "city", "level", "city", "name", "市")
	c.do("place", "v", "parent", "@city", "level", "village", "name", "村")
	for _, login := range []string{"ann", "sec"} {
		c.do("user", login, "place", "@v", "login", login, "name", login)
	}
	c.do("role", "ann-role", "user", "@ann", "role", "cadre", "place", "@v")
	c.do("role", "sec-role", "user", "@sec", "role", "secretary", "place", "@v")
	c.do("household", "h", "place", "@v", "code", "H1")
	c.do("assignment", "as", "household", "@h", "user", "@ann", "team", "cadre", "since", "2026-01-01")
	c.do("visit", "visit", "household", "@h", "author", "@ann", "day", "2026-11-01")
	return c
}

// answer is what server/api does once it knows who asks, and what body was signed.
func (c *city) answer(f *files.Service, w http.ResponseWriter, r *http.Request) {
	who := auth.Who{Device: "01935b7e-0000-7000-8000-0000000000d1", User: syncproto.UserID(c.ids[r.Header.Get("User")])}
	var err error
	switch r.Method {
	case http.MethodGet:
		err = f.Serve(w, r, who, syncproto.RowID(r.URL.Path[1:]))
	case http.MethodPost:
		err = f.Create(w, r, who)
	default:
		sum, parseErr := syncproto.ParseContentDigest(r.Header.Get(syncproto.DigestHeader))
		if err = parseErr; err == nil {
			err = f.Resume(w, r, who, sum)
		}
	}
	if err == nil {
		return
	}
	var e *syncproto.Error
	if !asOurs(err, &e) {
		c.t.Errorf("%s %s: %v", r.Method, r.URL, err)
		return
	}
	w.Header().Set("Code", string(e.Code))
	w.WriteHeader(http.StatusTeapot)
}

func asOurs(err error, e **syncproto.Error) bool {
	return errors.As(err, e)
}

// ask sends a request to a process; code is that of the error, "" for none.
func (c *city) ask(process int, method, path string, body []byte, header ...string) (resp *http.Response, code string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, c.faces[process].URL+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "User": {"ann"}, syncproto.DigestHeader: {syncproto.ContentDigest(sha256.Sum256(body))}}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		c.t.Fatal(err)
	}
	return resp, resp.Header.Get("Code")
}

func (c *city) begin(process int, row string, size int) (path, code string) {
	c.t.Helper()
	resp, code := c.ask(process, "POST", files.UploadPath, nil, "Upload-Length", strconv.Itoa(size), "Upload-Metadata", "attachment "+base64.StdEncoding.EncodeToString([]byte(c.ids[row])))
	return resp.Header.Get("Location"), code
}

func (c *city) patch(process int, path string, at int, body []byte, header ...string) (now, code string) {
	c.t.Helper()
	resp, code := c.ask(process, "PATCH", path, body, append([]string{"Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(at)}, header...)...)
	return resp.Header.Get("Upload-Offset"), code
}

func (c *city) head(process int, path string) (at, code string) {
	c.t.Helper()
	resp, code := c.ask(process, "HEAD", path, nil)
	return resp.Header.Get("Upload-Offset"), code
}

// do makes a row.
func (c *city) do(table, name string, pairs ...string) {
	c.t.Helper()
	c.ids[name] = fmt.Sprintf("01900000-0000-7000-8000-%012x", len(c.ids)+1)
	e := syncproto.Edit{Table: table, Row: syncproto.RowID(c.ids[name]), Op: syncproto.OpCreate}
	for i := 0; i < len(pairs); i += 2 {
		text := pairs[i+1]
		if text[0] == '@' {
			text = c.ids[text[1:]]
		}
		v, err := c.engines[0].Book.Table(table).Column(pairs[i]).Normalize(text)
		if err != nil {
			c.t.Fatal(err)
		}
		e.Cells = append(e.Cells, syncproto.CellEdit{Cell: pairs[i], Value: v})
	}
	c.submit(e)
}

func (c *city) submit(e syncproto.Edit) {
	c.t.Helper()
	out, err := c.engines[0].Judge.Submit(context.Background(), "", judge.Draft{Edits: []syncproto.Edit{e}})
	if err != nil || out.Verdicts[0].Status == syncproto.Refused {
		c.t.Fatalf("%s: %v %+v", e.Table, err, out)
	}
}

// attach makes an attachment row for a picture of grain, and gives the picture.
func (c *city) attach(name string) []byte {
	c.t.Helper()
	m := image.NewGray(image.Rect(0, 0, 400, 300))
	if _, err := rand.Read(m.Pix); err != nil {
		c.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	c.do("attachment", name, "visit", "@visit", "author", "@ann", "hash", hex.EncodeToString(sum[:]), "media", "image/png", "bytes", strconv.Itoa(out.Len()))
	return out.Bytes()
}

func TestAFullDiskTakesNothingAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	c := mustCity(t, 1, engine.Config{Dir: dir})
	content := c.attach("photo")
	path, code := c.begin(0, "photo", len(content))
	if code != "" {
		t.Fatal(code)
	}
	if err := files.Flood(c.engines[0].Files, 1000); err != nil {
		t.Fatal(err)
	}
	if _, code := c.patch(0, path, 0, content); code != string(syncproto.CodeFull) {
		t.Fatalf("a full disk gave %q", code)
	}
	if err := files.Flood(c.engines[0].Files, -1); err != nil {
		t.Fatal(err)
	}
	at, _ := c.head(0, path)
	if at != "1000" {
		t.Fatalf("it stands at %s", at)
	}
	if now, code := c.patch(0, path, 1000, content[1000:]); code != "" || now != strconv.Itoa(len(content)) {
		t.Fatalf("the rest gave %s, %q", now, code)
	}
	if resp, code := c.ask(0, "GET", "/"+c.ids["photo"], nil); code != "" || resp.ContentLength != int64(len(content)) {
		t.Errorf("%d bytes, %q", resp.ContentLength, code)
	}
}

// Two processes on one database and one folder: an upload begun at one goes on at the other, and either serves it.
func TestTwoProcessesShareAFolder(t *testing.T) {
	c := mustCity(t, 2, engine.Config{Dir: t.TempDir(), DSN: testenv.MustPostgres(t), Files: t.TempDir()})
	content := c.attach("photo")
	half := len(content) / 2
	path, code := c.begin(0, "photo", len(content))
	if code != "" {
		t.Fatal(code)
	}
	if _, code := c.patch(0, path, 0, content[:half]); code != "" {
		t.Fatal(code)
	}
	if at, code := c.head(1, path); at != strconv.Itoa(half) || code != "" {
		t.Fatalf("the other process says %s, %q", at, code)
	}
	if _, code := c.patch(1, path, 0, content); code != string(syncproto.CodeConflict) {
		t.Errorf("from the beginning again: %q", code)
	}
	if _, code := c.patch(1, path, half, content[half:]); code != "" {
		t.Fatal(code)
	}
	for process := range 2 {
		for _, user := range []string{"ann", "sec"} {
			if resp, code := c.ask(process, "GET", "/"+c.ids["photo"], nil, "User", user, "Range", "bytes=100-"); code != "" || resp.StatusCode != http.StatusPartialContent || resp.ContentLength != int64(len(content)-100) {
				t.Errorf("%s at %d: %d, %q", user, process, resp.StatusCode, code)
			}
		}
	}
	proofs := 0
	if err := c.engines[0].Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT COUNT(*) FROM mq_disclosure WHERE value LIKE '%\"file\"%'", nil, &proofs)
		return err
	}); err != nil || proofs != 4 {
		t.Errorf("%d of 4 disclosures are on record, %v", proofs, err)
	}
}

// A body that is not the one that was signed ends the upload; one that nobody goes on with is gone after a week.
func TestSpoiltAndForgottenUploadsGo(t *testing.T) {
	dir := t.TempDir()
	c := mustCity(t, 1, engine.Config{Dir: dir})
	content := c.attach("photo")
	path, _ := c.begin(0, "photo", len(content))
	if _, code := c.patch(0, path, 0, content[:500], syncproto.DigestHeader, syncproto.ContentDigest([32]byte{1})); code != string(syncproto.CodeInvalid) {
		t.Errorf("another body: %q", code)
	}
	if _, code := c.head(0, path); code != string(syncproto.CodeForbidden) {
		t.Errorf("it is still there: %q", code)
	}
	if _, code := c.patch(0, path, 500, content[500:]); code != string(syncproto.CodeForbidden) {
		t.Errorf("it goes on: %q", code)
	}
	path, _ = c.begin(0, "photo", len(content))
	if _, code := c.patch(0, path, 0, content[:500]); code != "" {
		t.Fatal(code)
	}
	again, _ := c.begin(0, "photo", len(content)) // the phone lost the address
	if _, code := c.patch(0, path, 500, content[500:]); code != string(syncproto.CodeForbidden) {
		t.Errorf("the one before goes on: %q", code)
	}
	if resp, code := c.ask(0, "DELETE", again, nil); code != "" || resp.StatusCode != http.StatusNoContent {
		t.Errorf("given up: %d, %q", resp.StatusCode, code)
	}
	last, _ := c.begin(0, "photo", len(content))
	if _, code := c.patch(0, last, 0, content[:500]); code != "" {
		t.Fatal(code)
	}
	c.skew.Add((8 * 24 * time.Hour).Milliseconds())
	if _, code := c.patch(0, last, 500, content[500:]); code != string(syncproto.CodeForbidden) {
		t.Errorf("after a week: %q", code)
	}
	if _, err := c.engines[0].Files.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir + "/" + engine.FilesName); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
