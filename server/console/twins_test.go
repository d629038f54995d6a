package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/server/console/consoletest"
	"minqing/server/store"
)

func TestTwins(t *testing.T) { both(t, twins) }

// twins merges two rows of one household field by field: what is taken over goes with the merging, in one change that is undone whole.
func twins(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	wang := string(city.Rows["wang"])
	was := columnOf(t, city, "household", "address", wang)
	twin, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": city.Places["group8"], "code": columnOf(t, city, "household", "code", wang), "head": "王桂芬", "address": "第8组下湾新房", "note": "刚搬来"})
	if err != nil {
		t.Fatal(err)
	}
	var item, row string
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT id, row_id FROM mq_item WHERE kind = 'twin' AND closed_ms = 0 AND (row_id = ? OR other = ?)", []any{string(twin), string(twin)}, &item, &row)
		return err
	}); err != nil || item == "" {
		t.Fatalf("no item of twins: %v", err)
	}
	keep, other := "1", "2"
	if row != wang {
		keep, other = "2", "1"
	}
	p := b.Get("/at/{city}/conflicts/" + item).Want(200)
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "可能是同一个：合成一条，还是本来就是两个？") || len(p.All(".ways a")) != 3 {
		t.Errorf("twins: %s", got)
	}
	p = b.Get("/at/{city}/conflicts/" + item + "?pick=" + keep).Want(200)
	if n := len(p.All(`input[name="write.address"]`)); n != 2 || len(p.All(`input[name="write.code"]`)) != 0 {
		t.Fatalf("%d choices of an address: %q", n, p.Texts(".decide"))
	}
	p = p.Send(".decide form", url.Values{"write.address": {other}, "why": {"同一户"}}).Want(200)
	if got := columnOf(t, city, "household", "address", wang); got != "第8组下湾新房" {
		t.Errorf("merged, the address is %q", got)
	}
	if note := columnOf(t, city, "household", "note", wang); strings.Contains(note, "刚搬来") {
		t.Errorf("a note that nobody chose was taken over: %q", note)
	}
	if left := columnOf(t, city, "household", "head", string(twin)); left != "" {
		t.Errorf("the other is there still: %q", left)
	}
	p.Send(".said form", nil).Want(200)
	if back, there := columnOf(t, city, "household", "address", wang), columnOf(t, city, "household", "head", string(twin)); back != was || there != "王桂芬" {
		t.Errorf("undone, the address is %q and the other %q", back, there)
	}
}
