package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/tus/tusd/v2/pkg/handler"
)

// A content goes into an S3-compatible store piece by piece, is read from its beginning and its middle, and goes again.
func TestBucketKeepsReadsAndRemoves(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("photos"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	u, err := url.Parse("s3://photos/city?region=cn-north-1&endpoint=" + url.QueryEscape(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	keep, err := openBucket(u, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(Options{}, keep)
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("一张照片 "), 20000)
	up, err := s.core.DataStore.NewUpload(t.Context(), handler.FileInfo{ID: "0123456789abcdef0123456789abcdef", Size: int64(len(content)), MetaData: handler.MetaData{}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := up.GetInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const cut = 100_001
	for _, piece := range [][2]int{{0, cut}, {cut, len(content)}} { // each by a process that knows the name alone
		again, err := s.core.DataStore.GetUpload(t.Context(), info.ID)
		if err != nil {
			t.Fatal(err)
		}
		at, err := again.GetInfo(t.Context())
		if err != nil || at.Offset != int64(piece[0]) {
			t.Fatalf("stands at %d, want %d: %v", at.Offset, piece[0], err)
		}
		if _, err := again.WriteChunk(t.Context(), int64(piece[0]), bytes.NewReader(content[piece[0]:piece[1]])); err != nil {
			t.Fatal(err)
		}
		if piece[1] == len(content) {
			if err := again.FinishUpload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := sha256.Sum256(content)
	in, err := s.reader(t.Context(), info.ID)
	if err != nil {
		t.Fatal(err)
	}
	hash, n, _, err := digest(in)
	if err := errors.Join(err, in.Close()); err != nil || hash != hex.EncodeToString(want[:]) || n != int64(len(content)) {
		t.Fatalf("read %d bytes, %s, %v", n, hash, err)
	}
	part := &lazy{size: n, open: func() (io.ReadCloser, error) { return s.reader(context.Background(), info.ID) }}
	if _, err := part.Seek(cut, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(part)
	if err := errors.Join(err, part.close()); err != nil || !bytes.Equal(rest, content[cut:]) {
		t.Fatalf("from the middle: %d bytes, %v", len(rest), err)
	}
	for range 2 { // the second time it is gone already
		if err := s.remove(t.Context(), info.ID); err != nil {
			t.Fatal(err)
		}
	}
	left, err := backend.ListBucket("photos", nil, gofakes3.ListBucketPage{})
	if err != nil || len(left.Contents) != 0 {
		t.Fatalf("left in the bucket: %+v, %v", left, err)
	}
}
