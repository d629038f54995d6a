package store_test

import (
	"context"
	"errors"
	"testing"

	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

// questionsAhead: what travels ahead is answered as if it were asked in its turn, save what others commit meanwhile.
func questionsAhead(t *testing.T, sub subject) {
	s := sub.open(schematest.Book())
	client := func(tx *store.Tx, id syncproto.DeviceID) string {
		d, _, err := tx.Device(id)
		if err != nil {
			t.Error(err)
		}
		return d.Client
	}
	save := func(id syncproto.DeviceID, client string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.SaveDevice(store.Device{ID: id, User: "u", Next: 1, Client: client})
		}
	}
	device := func(tx *store.Tx, id syncproto.DeviceID) func() error {
		return func() error { _, _, err := tx.Device(id); return err }
	}
	write(t, s, save("a", "first"))
	write(t, s, func(tx *store.Tx) error {
		var n, null *int64
		odd := func() error {
			_, err := tx.One("SELECT 7, NULL WHERE 1 = ?", []any{int64(1)}, &n, &null)
			return err
		}
		if err := tx.Ahead(device(tx, "a"), device(tx, "b"), odd, func() error { _, err := tx.LostEpochs(); return err }); err != nil {
			return err
		}
		if n != nil && s.Postgres() {
			t.Error("a rehearsal answers")
		}
		if got := client(tx, "a"); got != "first" {
			t.Errorf("a is %q", got)
		}
		if s.Postgres() { // that b was asked about with a, shows by what another commits between; SQLite has no other
			write(t, s, save("b", "beside"))
		}
		if got := client(tx, "b"); got != "" {
			t.Errorf("b is %q", got)
		}
		if err := odd(); err != nil || n == nil || *n != 7 || null != nil {
			t.Errorf("seven and nothing: %v %v %v", n, null, err)
		}
		if lost, err := tx.LostEpochs(); lost != 0 || err != nil {
			t.Errorf("%d epochs were lost: %v", lost, err)
		}
		if got := client(tx, "b"); s.Postgres() && got != "beside" {
			t.Errorf("asked again, b is %q", got)
		}
		// What the transaction itself writes is seen, wherever the question was.
		if err := tx.Ahead(device(tx, "a"), device(tx, "c"), func() error { _, err := tx.Epochs(); return err }); err != nil {
			return err
		}
		if err := save("a", "second")(tx); err != nil {
			return err
		}
		if _, err := tx.Epochs(); err != nil {
			return err
		}
		if got := client(tx, "a"); got != "second" {
			t.Errorf("after its own write a is %q", got)
		}
		// Of locks, too: what was asked before one may have changed before it.
		if err := tx.Ahead(device(tx, "c")); err != nil {
			return err
		}
		if _, err := tx.Epochs(); err != nil {
			return err
		}
		if s.Postgres() {
			write(t, s, save("c", "late"))
			if err := tx.LockStreams("stream"); err != nil {
				return err
			}
			if got := client(tx, "c"); got != "late" {
				t.Errorf("under the lock c is %q", got)
			}
		}
		return nil
	})
	// A question that cannot be asked fails whoever comes for it, and the transaction.
	if err := s.Write(context.Background(), func(tx *store.Tx) error {
		bad := func() error { _, err := tx.One("SELECT nothing FROM nowhere", nil, new(int)); return err }
		if err := tx.Ahead(bad); err != nil {
			return err
		}
		_, err := tx.LostEpochs()
		return errors.Join(err, bad())
	}); err == nil {
		t.Error("a question about nothing was answered")
	}
	if err := s.Ask(context.Background(), func(tx *store.Tx) error {
		if got := client(tx, "a"); got != "second" {
			t.Errorf("asked alone, a is %q", got)
		}
		return tx.Exec("DELETE FROM mq_device")
	}); err == nil {
		t.Error("who asks writes")
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for _, ctx := range []context.Context{gone, context.Background()} {
		err := s.Ask(ctx, func(tx *store.Tx) error { return device(tx, "a")() })
		if ctx == context.Background() && err != nil {
			t.Errorf("after one who went away: %v", err)
		}
	}
}

// newsOfStreams: of several at once as of each.
func newsOfStreams(t *testing.T, sub subject) {
	write(t, sub.open(schematest.Book()), func(tx *store.Tx) error {
		if err := tx.SaveScopeSeqs([]store.ScopeSeq{{Scope: "household:a", Stream: "v", Seq: 3}, {Scope: "household:b", Stream: "v", Seq: 5},
			{Scope: "household:a", Stream: "w", Seq: 9}, {Scope: "household:c", Stream: "x", Seq: 1}}); err != nil {
			return err
		}
		for _, c := range []struct {
			after       map[string]int64
			limit, want int
		}{{map[string]int64{"v": 3}, 9, 1}, {map[string]int64{"v": 0, "w": 8, "x": 1}, 9, 3}, {map[string]int64{"v": 0, "w": 0, "x": 0}, 2, 2}, {nil, 9, 0}} {
			got, err := tx.ScopesSince(c.after, c.limit)
			if err != nil {
				return err
			}
			if len(got) != c.want {
				t.Errorf("after %v: %v", c.after, got)
			}
			for _, n := range got {
				if n.Seq <= c.after[n.Stream] {
					t.Errorf("after %v: %v", c.after, n)
				}
			}
		}
		return nil
	})
}

// statementsAside: what goes aside is written in its turn, its errors end the transaction at the next question or at the commit, and one that is not
// to stand leaves nothing behind it.
func statementsAside(t *testing.T, sub subject) {
	s := sub.open(schematest.Book())
	save := func(tx *store.Tx, id syncproto.DeviceID) error {
		return tx.SaveDevice(store.Device{ID: id, User: "u", Next: 1})
	}
	there := func(tx *store.Tx, id syncproto.DeviceID) bool {
		_, ok, err := tx.Device(id)
		if err != nil {
			t.Errorf("asking for %s: %v", id, err)
		}
		return ok
	}
	twice := "INSERT INTO mq_meta (key, value) VALUES ('aside', '1'), ('aside', '2')"
	write(t, s, func(tx *store.Tx) error {
		tx.Aside() // nothing waits
		if err := save(tx, "a"); err != nil {
			return err
		}
		tx.Aside()
		tx.Aside()
		if err := save(tx, "b"); err != nil {
			return err
		}
		if !there(tx, "a") || !there(tx, "b") {
			t.Error("what went aside is not there")
		}
		if err := save(tx, "c"); err != nil {
			return err
		}
		tx.Aside()
		return nil
	})
	stop := errors.New("stop")
	for name, ends := range map[string]func(tx *store.Tx) error{
		"the commit": func(*store.Tx) error { return nil },
		"a question": func(tx *store.Tx) error { _, _, err := tx.Device("a"); return err },
		"its caller": func(*store.Tx) error { return stop },
	} {
		err := s.Write(t.Context(), func(tx *store.Tx) error {
			if err := errors.Join(save(tx, "d"), tx.Exec(twice)); err != nil {
				return err
			}
			tx.Aside()
			return ends(tx)
		})
		if err == nil {
			t.Errorf("ended by %s, a statement that failed aside says nothing", name)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Write(t.Context(), func(tx *store.Tx) error { // it panics
			if err := save(tx, "e"); err != nil {
				return err
			}
			tx.Aside()
			panic("on purpose")
		})
	}()
	if err := s.Read(t.Context(), func(tx *store.Tx) error {
		for id, want := range map[syncproto.DeviceID]bool{"a": true, "b": true, "c": true, "d": false, "e": false} {
			if got := there(tx, id); got != want {
				t.Errorf("%s is there: %v", id, got)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
