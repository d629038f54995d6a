package files_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"minqing/server/engine"
	"minqing/syncproto"
)

// The whole way over an S3-compatible store: begun, cut, gone on with, served from the middle, and off the store with its row.
func TestTheWholeWayOverABucket(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("photos"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	c := mustCity(t, 1, engine.Config{Dir: t.TempDir(), Files: "s3://photos/city?endpoint=" + url.QueryEscape(server.URL)})
	content := c.attach("photo")
	path, code := c.begin(0, "photo", len(content))
	if code != "" {
		t.Fatal(code)
	}
	const cut = 1000
	if now, code := c.patch(0, path, 0, content[:cut]); code != "" || now != strconv.Itoa(cut) {
		t.Fatalf("the first part: %s, %q", now, code)
	}
	if at, code := c.head(0, path); code != "" || at != strconv.Itoa(cut) {
		t.Fatalf("it stands at %s, %q", at, code)
	}
	if now, code := c.patch(0, path, cut, content[cut:]); code != "" || now != strconv.Itoa(len(content)) {
		t.Fatalf("the rest: %s, %q", now, code)
	}
	resp, code := c.ask(0, "GET", "/"+c.ids["photo"], nil, "User", "sec", "Range", "bytes=500-")
	if code != "" || resp.StatusCode != http.StatusPartialContent || resp.ContentLength != int64(len(content)-500) || resp.Header.Get("Content-Type") != "image/png" {
		t.Errorf("%d, %d bytes, %q", resp.StatusCode, resp.ContentLength, code)
	}
	c.submit(syncproto.Edit{Table: "attachment", Row: syncproto.RowID(c.ids["photo"]), Op: syncproto.OpDelete, Decides: []string{syncproto.ExistenceCell}})
	if out, err := c.engines[0].Files.Sweep(t.Context()); err != nil || out.Removed != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	left, err := backend.ListBucket("photos", nil, gofakes3.ListBucketPage{})
	if err != nil || len(left.Contents) != 0 {
		t.Errorf("left in the bucket: %+v, %v", left, err)
	}
}
