package console_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"minqing/server/console/consoletest"
	"minqing/server/console/shift"
	"minqing/server/store"
)

func TestDeletingInParts(t *testing.T) { both(t, deletingInParts) }

// deletingInParts deletes a household part by part. What changes between two parts stops it, and so does what fails; what is gone comes back, or the
// rest follows it under the same record.
func deletingInParts(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	wang := city.Rows["wang"]
	late, err := city.Create(t.Context(), "admin", "resident", consoletest.Vals{"household": string(wang), "name": "王末", "relation": "孙子"})
	if err != nil {
		t.Fatal(err)
	}
	var children []*store.Row
	beneath := func() (n int) {
		t.Helper()
		read(t, city, func(tx *store.Tx) (err error) {
			r, err := shift.PreviewRemoval(tx, "household", wang)
			if err == nil {
				n = r.Rows
			}
			children, err = tx.Children([]string{string(wang)})
			return err
		})
		children = slices.DeleteFunc(children, func(r *store.Row) bool { return r.Dead != 0 })
		return n
	}
	had := beneath()
	if last := children[len(children)-1]; had < 9 || last.ID != late {
		t.Fatalf("%d rows, the last right beneath it %+v", had, last)
	}
	items := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0")
	remove := func() (string, bool, error) {
		t.Helper()
		o := shift.Order{By: city.Users["admin"], Root: city.Places["village"], Table: "household", Row: wang, Name: "王桂芬家", Why: "重复登记"}
		read(t, city, func(tx *store.Tx) error {
			r, err := shift.PreviewRemoval(tx, o.Table, o.Row)
			if err == nil {
				o.Shown = r.Digest
			}
			return err
		})
		return shift.Remove(t.Context(), city.Engine.Store, city.Engine.Judge, o, 3)
	}
	bump := func(by string) { tamper(t, city, "UPDATE mq_row SET rev = rev "+by+" WHERE id = '"+string(late)+"'") }
	// With the first part somebody writes to the last.
	partly := func() (id string) {
		t.Helper()
		first := children[0]
		mend := spoil(t, city, dsn, first.Table, string(first.ID), "UPDATE mq_row SET rev = rev + 1 WHERE id = '"+string(late)+"'")
		id, whole, err := remove()
		mend()
		bump("- 1")
		if n := beneath(); err != nil || whole || id == "" || n == 0 || n >= had {
			t.Fatalf("%d of %d rows are left; whole: %v, %v", n, had, whole, err)
		}
		page := b.Get("/at/{place}/shifts/" + id).Want(200)
		if got := strings.Join(page.Texts("body"), " "); !strings.Contains(got, "只删了一部分") || len(page.All("#on")) != 1 {
			t.Errorf("the record says: %s", got)
		}
		return id
	}
	id := partly()
	back := func(id string) {
		t.Helper()
		b.Post("/at/{place}/shifts/"+id+"/undo", nil).Want(200)
		if n, open := beneath(), countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0"); n != had || open != items {
			t.Errorf("taken back, %d rows are there, were %d; %d items are open, were %d", n, had, open, items)
		}
	}
	back(id)
	id = partly()
	// What fails leaves it as it stands.
	mend := spoil(t, city, dsn, "resident", string(late), "")
	if _, whole, err := remove(); err == nil || whole {
		t.Errorf("what cannot be deleted: whole %v, %v", whole, err)
	}
	mend()
	p := b.Get("/at/{place}/homes/{wang}/delete").Want(200)
	p.Send("#remove", url.Values{"why": {"接着删"}}).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM household WHERE id = '"+string(wang)+"'"); n != 0 {
		t.Error("it is there still")
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0 AND kind = 'delete' AND other <> ''"); n != 0 {
		t.Errorf("%d rows live beneath dead ones", n)
	}
	if got := b.Get("/at/{place}/shifts/" + id).Want(200); strings.Contains(strings.Join(got.Texts("body"), " "), "只删了一部分") {
		t.Error("it was gone on with, under another record")
	}
	back(id)
	// What was shown whole goes whole.
	if id, whole, err := remove(); err != nil || !whole {
		t.Fatalf("whole: %v, %v", whole, err)
	} else if found, err := shift.Undo(t.Context(), city.Engine.Store, city.Engine.Judge, city.Users["admin"], city.Places["other"], id); found || err != nil {
		t.Errorf("from elsewhere: %v %v", found, err)
	} else {
		back(id)
	}
	if differences, err := city.Engine.Judge.Rebuild(context.Background()); err != nil || len(differences) > 0 {
		t.Errorf("%v %v", differences, err)
	}
}

func read(t *testing.T, city *consoletest.City, f func(tx *store.Tx) error) {
	t.Helper()
	if err := city.Engine.Store.Read(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// spoil has the database do something when a row is deleted, or refuse it; mend ends that.
func spoil(t *testing.T, city *consoletest.City, dsn, table, row, do string) (mend func()) {
	t.Helper()
	if dsn == "" {
		if do == "" {
			do = "SELECT RAISE(ABORT, 'not this one')"
		}
		tamper(t, city, "CREATE TRIGGER spoilt AFTER DELETE ON "+table+" WHEN OLD.id = '"+row+"' BEGIN "+do+"; END")
		return func() { tamper(t, city, "DROP TRIGGER spoilt") }
	}
	if do == "" {
		do = "RAISE 'not this one'"
	}
	tamper(t, city, "CREATE OR REPLACE FUNCTION spoilt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+do+"; RETURN NULL; END $$")
	tamper(t, city, "CREATE TRIGGER spoilt AFTER DELETE ON "+table+" FOR EACH ROW WHEN (OLD.id = '"+row+"') EXECUTE FUNCTION spoilt()")
	return func() { tamper(t, city, "DROP TRIGGER spoilt ON "+table) }
}
