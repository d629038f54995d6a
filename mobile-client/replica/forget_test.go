package replica_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

const canary = "金丝雀canary"

// find looks for bytes in every file of the phone's folder.
func (p *phone) find(what string) (in []string) {
	p.tb.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(p.opt.Path), "*"))
	p.must(err)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		p.must(err)
		if bytes.Contains(raw, []byte(what)) {
			in = append(in, filepath.Base(f))
		}
	}
	return in
}

// otherHouseID is a household whose id ends as houseID does: buckets are looked for by the ends of their scopes.
const otherHouseID = syncproto.RowID("01900000-0000-7000-8000-0000000100b1")

// crowd fills two households with things, of one of them with the canary in every text.
func crowd(c *cloud, things int) (kept, lost []syncproto.RowID) {
	c.house()
	lostBucket := syncproto.BucketID{Scope: "household:" + string(otherHouseID), Period: "-"}
	c.set("household", otherHouseID, lostBucket, 1, "place", placeID, "code", "H2", "address", canary)
	for i := range things {
		k, l := syncproto.RowID(fmt.Sprintf("01900001-0000-7000-8000-%012x", i)), syncproto.RowID(fmt.Sprintf("01900002-0000-7000-8000-%012x", i))
		c.set("thing", k, houseBucket, 1, "household", houseID, "name", "留下", "story", strings.Repeat("平常的话。", i%40), "state", "open")
		c.set("thing", l, lostBucket, 1, "household", otherHouseID, "name", canary, "story", strings.Repeat(canary, i%40), "newest", canary, "state", "open")
		kept, lost = append(kept, k), append(lost, l)
	}
	return kept, lost
}

func TestForgettingLeavesNoByteBehind(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	private := bytes.Repeat([]byte{7}, 32)
	public, err := courier.PublicKey(private)
	p.must(err)
	p.must(p.LearnKeys(ctx(), courier.Keys{Recipient: public, Receipts: "ed25519 x"}))
	c := newCloud(t, schematest.Book())
	kept, lost := crowd(c, 300)
	p.pull(c)
	// Every trace a row can leave: edited and accepted, captured from a tool, put back with a notice, moved between pages.
	done := p.update(lost[1], "newest", canary+" eigen")
	p.shell(`UPDATE thing SET tags = '` + canary + `' WHERE id = '` + string(lost[2]) + `'`)
	for _, id := range lost {
		c.set("thing", id, c.rows[id].Bucket, 2, "story", strings.Repeat(canary, 60))
	}
	p.pull(c, c.accept(done, 2))
	// And one deleted before its scope goes: nothing that is held says then where it lay.
	c.set("thing", lost[3], c.rows[lost[3]].Bucket, 3)
	buried := p.update(lost[3], "newest", canary+" begraben")
	p.pull(c, c.accept(buried, 4))
	c.gone(lost[3], true, 5)
	p.pull(c)
	if len(p.find(canary)) == 0 {
		t.Fatal("the canary is nowhere: the search proves nothing")
	}
	c.forget("household:" + string(otherHouseID))
	p.pull(c)
	if in := p.find(canary); len(in) > 0 {
		t.Errorf("the canary is still in %v", in)
	}
	if p.shown("thing", kept[5]) == nil || p.shown("thing", lost[5]) != nil {
		t.Error("the wrong rows went")
	}
	entries, err := p.Entries(ctx(), replica.Accepted)
	p.must(err)
	if len(entries) != 2 {
		t.Fatalf("accepted: %+v", entries)
	}
	for i, want := range []*syncproto.Change{done, buried} {
		plain, err := courier.Open(private, courier.Escrow, entries[i].Change.Sealed)
		if err != nil || !bytes.Equal(plain, want.Content) {
			t.Errorf("what the server may want back is %q, %v", plain, err)
		}
	}
}

func TestUnsentWordsOfAForgottenScopeWaitInTheBox(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	_, lost := crowd(c, 3)
	p.pull(c)
	edit := p.update(lost[0], "newest", "meine Worte")
	var made syncproto.RowID
	create := p.write(func(tx *replica.Tx) (err error) {
		if made, err = tx.NewID(); err != nil {
			return err
		}
		return tx.Create("note", made, values("thing", lost[1], "author", syncproto.RowID(userID), "text", "meine Notiz"))
	})
	c.forget("household:" + string(otherHouseID))
	p.pull(c)
	if p.shown("thing", lost[0]) != nil || p.shown("note", made) != nil {
		t.Error("rows of a forgotten scope show")
	}
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(entries) != 2 || !entries[0].Boxed || !entries[1].Boxed || describe(entries[1].Change.Edits[0]) == "" {
		t.Fatalf("in the box: %+v", entries)
	}
	s, err := p.Begin(ctx())
	p.must(err)
	out, _, err := s.Outbox(ctx(), 10, 1<<20)
	p.must(err)
	p.must(s.Close(ctx()))
	if len(out) != 2 {
		t.Errorf("%d of 2 are still to be sent", len(out))
	}
	if in := p.find(canary); len(in) > 0 {
		t.Errorf("words of others are still in %v", in)
	}
	// The one was accepted late, the other refused and withdrawn.
	p.take(c, c.accept(edit), refuse(create, syncproto.CodeForbidden), c.checkpoint())
	if entries, err = p.Entries(ctx(), replica.Accepted); err != nil || len(entries) != 1 || len(entries[0].Change.Content) != 0 {
		t.Errorf("accepted: %+v %v", entries, err)
	}
	p.must(p.Withdraw(ctx(), create.Identity()))
	if p.shown("thing", lost[0]) != nil || p.shown("note", made) != nil {
		t.Error("rows of a forgotten scope show after the verdicts")
	}
}

// The verdict comes long after the forget wrote the file anew: what it puts out of reach lies in free pages and in the log until that is
// done once more. Words of others that the author left standing in his text are among it.
func TestAcceptedWordsOfAForgottenScopeLeaveTheFile(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	public, err := courier.PublicKey(bytes.Repeat([]byte{9}, 32))
	p.must(err)
	p.must(p.LearnKeys(ctx(), courier.Keys{Recipient: public, Receipts: "ed25519 x"}))
	c := newCloud(t, schematest.Book())
	_, lost := crowd(c, 3)
	p.pull(c)
	const words = "ihr Wort und meines"
	edit := p.update(lost[0], "story", strings.Repeat(words, 150)) // runs over into pages of its own
	c.forget("household:" + string(otherHouseID))
	p.pull(c)
	if len(p.find(words)) == 0 {
		t.Fatal("the box does not hold the words: the search proves nothing")
	}
	p.take(c, c.accept(edit), c.checkpoint())
	if in := p.find(words); len(in) > 0 {
		t.Errorf("what was accepted is still in %v", in)
	}
	if entries, err := p.Entries(ctx(), replica.Accepted); err != nil || len(entries) != 1 || len(entries[0].Change.Sealed) == 0 {
		t.Errorf("what the server may want back is %+v, %v", entries, err)
	}
}

// Another program deletes without overwriting. When the row is gone for good, by law perhaps, nothing of it may lie in the page where it was.
func TestWordsThatAToolDeletedLeaveTheFile(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	_, lost := crowd(c, 3)
	const words = "ihr Wort"
	c.set("thing", lost[0], c.rows[lost[0]].Bucket, 2, "story", words)
	p.pull(c)
	p.shell(`DELETE FROM thing WHERE id = '` + string(lost[0]) + `'`)
	if len(p.find(words)) == 0 {
		t.Fatal("the words are nowhere: the search proves nothing")
	}
	c.gone(lost[0], true, 3)
	p.pull(c)
	if in := p.find(words); len(in) > 0 {
		t.Errorf("what was deleted is still in %v", in)
	}
}

func TestScopeGrantedAnewBringsUnsentWordsBack(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	_, lost := crowd(c, 2)
	p.pull(c)
	p.update(lost[0], "newest", "meine Worte")
	var made syncproto.RowID
	p.write(func(tx *replica.Tx) (err error) {
		if made, err = tx.NewID(); err != nil {
			return err
		}
		return tx.Create("thing", made, values("household", otherHouseID, "name", "neu"))
	})
	c.forget("household:" + string(otherHouseID))
	p.pull(c)
	crowd(c, 2)
	p.pull(c)
	wantCells(t, p.shown("thing", lost[0]), "newest", "meine Worte")
	wantCells(t, p.shown("thing", made), "name", "neu")
}

func TestMovedRowGoesAndItsUnsentEditIsBoxed(t *testing.T) {
	p, c, id := started(t)
	ch := p.update(id, "grade", "b")
	c.gone(id, false, 0)
	p.pull(c)
	if p.shown("thing", id) != nil {
		t.Error("a row out of sight shows")
	}
	entries, err := p.Entries(ctx(), replica.Pending)
	p.must(err)
	if len(entries) != 1 || !entries[0].Boxed || entries[0].Identity != ch.Identity() {
		t.Errorf("in the box: %+v", entries)
	}
}

func TestForgetSurvivesAReaderInTheWay(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, schematest.Book())
	crowd(c, 20)
	p.pull(c)
	c.forget("household:" + string(otherHouseID))
	frames := c.frames()
	p.must(p.Records(ctx(), "household", func(replica.Record) error { // a snapshot is open meanwhile
		if frames != nil {
			p.take(c, frames...)
			frames = nil
		}
		return nil
	}))
	p.reopen()
	if in := p.find(canary); len(in) > 0 {
		t.Errorf("the canary is still in %v", in)
	}
}
