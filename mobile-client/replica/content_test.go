package replica_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// grain is a content that nothing else looks like.
func grain(n int) (content []byte, hash string) {
	content = make([]byte, n)
	dice := rand.NewChaCha8([32]byte{9})
	for i := range content {
		content[i] = byte(dice.Uint64())
	}
	sum := sha256.Sum256(content)
	return content, hex.EncodeToString(sum[:])
}

func (p *phone) keep(content []byte, hash string, end error) (row syncproto.RowID, err error) {
	_, err = p.Write(ctx(), func(tx *replica.Tx) error {
		if row, err = tx.NewID(); err != nil {
			return err
		}
		if err := tx.Create("thing", row, values("household", houseID, "name", "甲")); err != nil {
			return err
		}
		return errors.Join(tx.KeepContent(row, hash, content, []byte("thumb")), end)
	})
	return row, err
}

func TestContentIsKeptWithItsRowOrNotAtAll(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	content, hash := grain(300_001)
	broke := errors.New("the battery")
	if _, err := p.keep(content, hash, broke); !errors.Is(err, broke) {
		t.Fatal(err)
	}
	if all, err := p.Contents(ctx(), ""); err != nil || len(all) != 0 {
		t.Fatalf("kept without its row: %+v, %v", all, err)
	}
	row, err := p.keep(content, hash, nil)
	p.must(err)
	twin, err := p.keep(content, hash, nil) // the same photo in another visit
	p.must(err)
	if _, err := p.Write(ctx(), func(tx *replica.Tx) error { return tx.KeepContent(row, hash, content, nil) }); err == nil {
		t.Error("a content was kept for a row of another change")
	}
	p.reopen()
	for _, from := range []int64{0, 1, 65_535, 65_536, 200_000, 300_000, 300_001} {
		got, err := p.ReadContent(ctx(), hash, from, 100_000)
		p.must(err)
		if want := content[from:min(from+100_000, int64(len(content)))]; !bytes.Equal(got, want) {
			t.Errorf("from %d: %d bytes that are not the %d there", from, len(got), len(want))
		}
	}
	all, err := p.Contents(ctx(), "")
	p.must(err)
	if len(all) != 2 || all[0].Ready || all[0].Sent || all[0].Here != int64(len(content)) || !all[0].Own || all[0].Boxed {
		t.Errorf("they stand: %+v", all)
	}
	thumb, err := p.Thumb(ctx(), twin)
	if err != nil || string(thumb) != "thumb" {
		t.Errorf("thumbnail %q, %v", thumb, err)
	}

	// How the sending stands outlives a restart; what is dropped for one row stays for the other.
	want := replica.Sending{Path: "/v1/files/uploads/x", Done: 7, Tries: 2, Due: 5, Leave: true, Error: "e"}
	p.must(p.NoteSending(ctx(), row, want))
	p.reopen()
	if list, err := p.Contents(ctx(), row); err != nil || len(list) != 1 || list[0].Sending != want {
		t.Errorf("%+v, %v", list, err)
	}
	p.must(p.DropContent(ctx(), row))
	if got, err := p.ReadContent(ctx(), hash, 0, 10); err != nil || len(got) != 10 {
		t.Errorf("the other row's content went too: %d bytes, %v", len(got), err)
	}
	p.must(p.DropContent(ctx(), twin))
	if got, err := p.ReadContent(ctx(), hash, 0, 10); err != nil || len(got) != 0 {
		t.Errorf("a content for nobody: %d bytes, %v", len(got), err)
	}
	if in := lying(t, p.opt.Path, content); len(in) > 0 {
		t.Errorf("a content that was dropped lies in %v", in)
	}
}

// lying tells the files that hold a piece of a content.
func lying(t *testing.T, path string, content []byte) (in []string) {
	t.Helper()
	list, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at+64 < len(content); at += 50_000 {
			if bytes.Contains(raw, content[at:at+64]) {
				in = append(in, name)
				break
			}
		}
	}
	return in
}

// While the file is open and its log full, after a crash and after a clean end: nothing of a content can be read.
func TestContentCannotBeReadInAnEncryptedFile(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	content, hash := grain(300_000)
	_, err := p.keep(content, hash, nil)
	p.must(err)
	if in := lying(t, p.opt.Path, content); len(in) == 0 {
		t.Fatal("this test finds nothing even in a plain file")
	}
	p.opt.Path, p.opt.Key = filepath.Join(t.TempDir(), "sealed.db"), bytes.Repeat([]byte{7}, 32)
	p.must(p.Close())
	p.open()
	p.must(p.Enrol(ctx(), replica.Device{ID: deviceID, User: userID, Server: "http://server.invalid", Seed: make([]byte, 32)}))
	_, err = p.keep(content, hash, nil)
	p.must(err)
	if in := lying(t, p.opt.Path, content); len(in) > 0 {
		t.Errorf("while it is open: %v", in)
	}
	p.reopen()
	if in := lying(t, p.opt.Path, content); len(in) > 0 {
		t.Errorf("afterwards: %v", in)
	}
	if got, err := p.ReadContent(ctx(), hash, 0, len(content)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back: %d bytes, %v", len(got), err)
	}
}

func BenchmarkKeepContent(b *testing.B) {
	p := mustPhone(b, schematest.Book())
	p.opt.Path, p.opt.Key = filepath.Join(b.TempDir(), "sealed.db"), bytes.Repeat([]byte{7}, 32)
	p.must(p.Close())
	p.open()
	p.must(p.Enrol(ctx(), replica.Device{ID: deviceID, User: userID, Server: "http://server.invalid", Seed: make([]byte, 32)}))
	content, _ := grain(300_000)
	for b.Loop() {
		content[0]++
		content[1] += content[0] / 255
		sum := sha256.Sum256(content)
		if _, err := p.keep(content, hex.EncodeToString(sum[:]), nil); err != nil {
			b.Fatal(err)
		}
	}
}
