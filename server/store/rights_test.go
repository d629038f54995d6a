package store_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

func rightsVersion(t testing.TB, s *store.Store) (v int64) {
	t.Helper()
	read(t, s, func(tx *store.Tx) (err error) {
		v, err = tx.RightsVersion()
		return err
	})
	return v
}

// valuesOf makes the values of a row, texts by column.
func valuesOf(table string, pairs ...string) []schema.Value {
	t := schematest.Book().Table(table)
	out := make([]schema.Value, len(t.Columns))
	for i := range t.Columns {
		for k := 0; k < len(pairs); k += 2 {
			if t.Columns[i].Name == pairs[k] {
				out[i] = schema.Text(pairs[k+1])
			}
		}
	}
	return out
}

// rightsMove: the version of rights moves with everything that rights rest on, whoever writes it and by whatever statement, in the same
// commit; and with nothing else, as each time costs every device a long look.
func rightsMove(t *testing.T, sub subject) {
	s := sub.open(schematest.Book())
	values := func(table string, pairs ...string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.SaveValues(table, map[syncproto.RowID][]schema.Value{syncproto.RowID(table): valuesOf(table, pairs...)})
		}
	}
	grant := func(since, until int64) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.SaveGrants([]store.Grant{{User: "u", Scope: "household:h", Source: "a", Since: since, Until: until}})
		}
	}
	raw := func(query string) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.Exec(query) }
	}
	steps := []struct {
		what  string
		write func(*store.Tx) error
		moves bool
	}{
		{"a grant begins", grant(5, 9), true},
		{"it is written again as it was", grant(5, 9), false},
		{"a grant ends sooner", grant(5, 8), true},
		{"a grant goes", grant(5, 5), true},
		{"a place comes", values("place", "parent", "p", "name", "one"), true},
		{"a place is named", values("place", "parent", "p", "name", "two"), false},
		{"a place moves", values("place", "parent", "q", "name", "two"), true},
		{"a place goes", func(tx *store.Tx) error { return tx.DropValues("place", []string{"place"}) }, true},
		{"a user comes", values("user", "place", "p", "name", "one"), true},
		{"a user is named", values("user", "place", "p", "name", "two"), false},
		{"a user moves", values("user", "place", "q", "name", "two"), true},
		{"a user goes", func(tx *store.Tx) error { return tx.DropValues("user", []string{"user"}) }, true},
		{"a household comes", values("household", "place", "p", "address", "one"), true},
		{"a household's address", values("household", "place", "p", "address", "two"), false},
		{"a household moves", values("household", "place", "q", "address", "two"), true},
		{"a household loses its place", values("household", "address", "two"), true},
		{"another program moves it", raw("UPDATE household SET place = 'r'"), true},
		{"a thing comes", values("thing", "household", "household", "name", "x"), false},
		{"a row's label", func(tx *store.Tx) error { return tx.SaveRows([]*store.Row{{ID: "household", Table: "household"}}) }, false},
		{"old marks are swept", func(tx *store.Tx) error { _, _, err := tx.Sweep(1); return err }, false},
		{"a household goes", func(tx *store.Tx) error { return tx.DropValues("household", []string{"household"}) }, true},
		{"another program grants", raw("INSERT INTO mq_grant (user_id, scope, source, since_ms, until_ms) VALUES ('u', 's', 'a', 1, 2)"), true},
		{"another program takes all", raw("DELETE FROM mq_grant"), true},
	}
	seen := map[int64]bool{rightsVersion(t, s): true}
	for _, step := range steps {
		before := rightsVersion(t, s)
		if err := s.Write(context.Background(), func(tx *store.Tx) error { return errors.Join(step.write(tx), errStop) }); !errors.Is(err, errStop) {
			t.Fatalf("%s: %v", step.what, err)
		}
		if after := rightsVersion(t, s); after != before {
			t.Errorf("%s, and is undone: the version moved", step.what)
		}
		var inside int64
		write(t, s, func(tx *store.Tx) error {
			if err := step.write(tx); err != nil {
				return err
			}
			// A snapshot of now does not see it, and says so.
			inside = rightsVersion(t, s)
			return nil
		})
		after := rightsVersion(t, s)
		if inside != before {
			t.Errorf("%s: the version moved before the commit", step.what)
		}
		if (after != before) != step.moves {
			t.Errorf("%s: the version went from %d to %d", step.what, before, after)
		}
		if step.moves && seen[after] {
			t.Errorf("%s: the version came back to %d", step.what, after)
		}
		seen[after] = true
	}
	rightsMoveElsewhere(t, sub, s, steps[0].write)
}

var errStop = errors.New("undo it")

// rightsMoveElsewhere: a neighbouring process on the same PostgreSQL moves the version too, and so does a dump that is loaded.
func rightsMoveElsewhere(t *testing.T, sub subject, s *store.Store, grant func(*store.Tx) error) {
	if s.Postgres() {
		before := rightsVersion(t, s)
		write(t, sub.open(schematest.Book()), grant)
		if rightsVersion(t, s) == before {
			t.Error("a neighbouring process granted, and the version stands")
		}
	} else {
		write(t, s, grant)
	}
	var dump bytes.Buffer
	if _, err := s.Dump(context.Background(), &dump); err != nil {
		t.Fatal(err)
	}
	opt := store.Options{Path: filepath.Join(t.TempDir(), "loaded.db")}
	if s.Postgres() {
		opt = store.Options{DSN: testenv.MustPostgres(t)}
	}
	into := mustOpen(t, opt, schematest.Book())
	before := rightsVersion(t, into)
	if err := into.Load(context.Background(), &dump); err != nil {
		t.Fatal(err)
	}
	if rightsVersion(t, into) == before {
		t.Error("a dump with a grant was loaded, and the version stands")
	}
}
