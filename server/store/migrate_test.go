package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

func migratedEqualsFresh(t *testing.T, sub subject) {
	open := sub.open
	for v := 1; v <= schematest.Version; v++ {
		s := open(schematest.BookAt(v))
		if v == schematest.Version {
			var fresh *store.Store
			if s.Postgres() {
				fresh = mustOpen(t, store.Options{DSN: testenv.MustPostgres(t)}, schematest.Book())
			} else {
				fresh = mustOpen(t, store.Options{Path: filepath.Join(t.TempDir(), "fresh.db")}, schematest.Book())
			}
			want, got := mustDescribe(t, fresh), mustDescribe(t, s)
			if !slices.Equal(want, got) {
				t.Errorf("fresh:\n%s\nmigrated:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
			}
		}
	}
}

// mustDescribe lists tables, columns and indexes as the database itself knows them.
func mustDescribe(t *testing.T, s *store.Store) []string {
	t.Helper()
	query := `SELECT m.name || ' ' || COALESCE(p.name, '') || ' ' || COALESCE(p.type, '') || ' ' || CASE WHEN m.type = 'index' THEN COALESCE(m.sql, '') ELSE '' END
		FROM sqlite_master m LEFT JOIN pragma_table_info(m.name) p ON m.type = 'table' WHERE m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid`
	if s.Postgres() {
		query = `SELECT * FROM (SELECT table_name || ' ' || column_name || ' ' || ordinal_position || ' ' || data_type FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public') x ORDER BY 1`
	}
	var out []string
	if err := s.Read(context.Background(), func(tx *store.Tx) error {
		return tx.Each(func(scan func(...any) error) error {
			var line string
			err := scan(&line)
			out = append(out, line)
			return err
		}, query)
	}); err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d lines describe the database", len(out))
	}
	return out
}

func TestEveryOpeningOfAFileMintsAnEpoch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	first := mustOpen(t, store.Options{Path: path}, schematest.Book())
	if err := first.Write(context.Background(), func(tx *store.Tx) error { return takeSeq(tx, "v") }); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, store.Options{Path: path}, schematest.Book())
	if err := second.Read(context.Background(), func(tx *store.Tx) error {
		line, err := tx.Epochs()
		if err != nil {
			return err
		}
		if len(line) != 2 || line[1].Parent != line[0].ID {
			t.Errorf("the line of epochs is %+v", line)
		}
		began, err := tx.EpochStarts(line, []string{"v", "w"})
		if !slices.Equal(began["v"], []int64{0, 1}) || !slices.Equal(began["w"], []int64{0, 0}) {
			t.Errorf("the epochs began at %v", began)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// A change in two streams has its record in the chain of one: the other counts on all the same.
	if err := second.Write(context.Background(), func(tx *store.Tx) error {
		if err := tx.LockStreams("v"); err != nil {
			return err
		}
		st := tx.Stream("v")
		st.Seq++
		tx.SetStream(st)
		return tx.SaveStreams()
	}); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := mustOpen(t, store.Options{Path: path}, schematest.Book())
	if err := third.Read(context.Background(), func(tx *store.Tx) error {
		line, err := tx.Epochs()
		if err != nil {
			return err
		}
		began, err := tx.EpochStarts(line, []string{"v"})
		if !slices.Equal(began["v"], []int64{0, 1, 2}) {
			t.Errorf("the epochs began at %v, want 0, 1 and 2", began)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// olderBooksAreBrought: the mq_* tables of the store version before become those of this one, and what they held is found.
func olderBooksAreBrought(t *testing.T, sub subject) {
	s := sub.open(schematest.Book())
	want := mustDescribe(t, s)
	text, number, key := "TEXT", "INTEGER", "WITHOUT ROWID"
	if s.Postgres() {
		text, number, key = `TEXT COLLATE "C"`, "BIGINT", ""
	}
	old := fmt.Sprintf("CREATE TABLE mq_name (device %[1]s NOT NULL, number %[2]s NOT NULL, identity %[1]s NOT NULL, vseq %[2]s NOT NULL, PRIMARY KEY (device, number)) %[3]s", text, number, key)
	shown := fmt.Sprintf(`CREATE TABLE mq_disclosure (chain %[1]s NOT NULL, pos %[2]s NOT NULL, device %[1]s NOT NULL, user_id %[1]s NOT NULL, salt %[1]s NOT NULL, value TEXT NOT NULL,
		leaf %[1]s NOT NULL, head %[1]s NOT NULL, at %[2]s NOT NULL, PRIMARY KEY (chain, pos)) %[3]s`, text, number, key)
	name := func(device syncproto.DeviceID) syncproto.Name { return syncproto.Name{Device: device, Number: 1} }
	write(t, s, func(tx *store.Tx) error {
		for _, stmt := range []string{"DROP TABLE mq_disclosure", shown, "INSERT INTO mq_disclosure VALUES ('c', 1, '', 'u', 's', '{}', 'l', 'h', 5)", "DROP TABLE mq_name", old, "DROP INDEX mq_history_received", "CREATE INDEX mq_history_identity ON mq_history (identity)", "CREATE INDEX mq_name_identity ON mq_name (identity)", "CREATE INDEX mq_name_vseq ON mq_name (device, vseq) WHERE vseq > 0",
			"INSERT INTO mq_name (device, number, identity, vseq) VALUES ('old', 1, 'i', 0)"} {
			if err := tx.Exec(stmt); err != nil {
				return err
			}
		}
		return errors.Join(tx.SaveChanges([]*store.Change{{Identity: "i", First: name("old"), Status: syncproto.Applied, Body: []byte{}, Verdict: []byte("{}")},
			{Identity: "k", First: name("new"), Status: syncproto.Applied, Body: []byte{}, Verdict: []byte("{}")}}), tx.SetMeta("store_version", "5"))
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = sub.open(schematest.Book())
	if got := mustDescribe(t, s); !slices.Equal(want, got) {
		t.Errorf("fresh:\n%s\nbrought:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	write(t, s, func(tx *store.Tx) error {
		return tx.SaveNames([]store.Named{{Name: name("new"), Identity: "k", First: true}, {Name: name("copy"), Identity: "k"}, {Name: name("other"), Identity: "l"}})
	})
	read(t, s, func(tx *store.Tx) error {
		if d, err := tx.Disclosures("c", 0, 9); err != nil || len(d) != 1 || d[0].At != 5 || d[0].Stream != "" {
			t.Errorf("what was shown is %+v, %v", d, err)
		}
		names, err := tx.NamesOf([]string{"i", "k"})
		if len(names) != 3 || names[0].Name != name("copy") || names[1].Name != name("new") || names[2].Name != name("old") {
			t.Errorf("the names are %+v", names)
		}
		return err
	})
}
