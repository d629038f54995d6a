package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

func panicHurtsOnlyItsOwner(t *testing.T, sub subject) {
	open := sub.open
	s, ctx := open(schematest.Book()), context.Background()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			defer func() {
				if got := recover(); (got != nil) != (i%5 == 0) {
					t.Errorf("job %d panicked: %v", i, got)
				}
			}()
			err := s.Write(ctx, func(tx *store.Tx) error {
				if err := takeSeq(tx, "a"); err != nil {
					return err
				}
				if i%5 == 0 {
					panic("on purpose")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := s.Read(ctx, func(tx *store.Tx) error { return checkNoGap(tx, []string{"a"}) }); err != nil {
		t.Error(err)
	}
	states := mustStreams(t, s)
	if len(states) != 1 || states[0].Seq != 16 {
		t.Errorf("streams stand at %+v, want 16", states)
	}
}

// A panic amid a PostgreSQL transaction must not keep its locks: the connection is ended, not given back as it is.
func TestPanicLetsGoOfItsLocks(t *testing.T) {
	s := mustOpen(t, store.Options{DSN: testenv.MustRelaxedPostgres(t)}, schematest.Book())
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = s.Write(t.Context(), func(tx *store.Tx) error { // it panics
				if err := takeSeq(tx, "a"); err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { // the server's end of a connection ends a little after ours
			n := 0
			read(t, s, func(tx *store.Tx) error {
				_, err := tx.One("SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() AND a.state = 'idle in transaction'", nil, &n)
				return err
			})
			if n == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d locks are held by nobody", n)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := s.Write(ctx, func(tx *store.Tx) error { return takeSeq(tx, "a") })
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A reader whose transaction SQLite ended by itself must give an error, not panic over the statements of the connection that it throws away.
func TestReaderOutlivesItsConnection(t *testing.T) {
	s := mustOpen(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schematest.Book())
	lost := errors.New("what the disk said")
	for range 3 {
		err := s.Read(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.AllStreams(); err != nil {
				return err
			}
			if _, err := tx.One("ROLLBACK", nil); err != nil { // as SQLite does when it cannot go on
				return err
			}
			return lost
		})
		if !errors.Is(err, lost) {
			t.Errorf("the reader fails by %v", err)
		}
		if states := mustStreams(t, s); len(states) != 0 {
			t.Errorf("streams stand at %+v", states)
		}
	}
}

func mustStreams(t *testing.T, s *store.Store) (out []store.StreamState) {
	t.Helper()
	if err := s.Read(context.Background(), func(tx *store.Tx) error {
		var err error
		out, err = tx.AllStreams()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWaitingWriterCanGiveUp(t *testing.T) {
	s := mustOpen(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schematest.Book())
	started, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Write(context.Background(), func(tx *store.Tx) error {
			close(started)
			<-release
			return takeSeq(tx, "a")
		}); err != nil {
			t.Error(err)
		}
	})
	<-started
	ctx, cancel := context.WithCancel(context.Background())
	ran := false
	gaveUp := make(chan error, 1)
	go func() { gaveUp <- s.Write(ctx, func(*store.Tx) error { ran = true; return nil }) }()
	cancel()
	var err error
	select {
	case err = <-gaveUp: // the first is at it still, so there is nothing else for it
	case <-time.After(patience):
		t.Error("it waits on for the first")
	}
	close(release)
	all.Wait()
	if ran || !errors.Is(err, context.Canceled) {
		t.Errorf("ran %v, error %v", ran, err)
	}
}

// dumpGoesIntoEither: what one database wrote out, each of the two takes in, and begins a new epoch.
func dumpGoesIntoEither(t *testing.T, sub subject) {
	open, ctx, book := sub.open, context.Background(), schematest.Book()
	targets := map[string]func() store.Options{
		"sqlite":   func() store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "t.db")} },
		"postgres": func() store.Options { return store.Options{DSN: testenv.MustPostgres(t)} },
	}
	s := open(book)
	thing := book.Table("thing")
	values := make([]schema.Value, len(thing.Columns))
	values[0], values[4], values[7] = schema.Text("h"), schema.Int(schema.MaxInt), schema.Text("一\n“𠮷”\t<b>&")
	if err := s.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(takeSeq(tx, "a"), tx.SaveValues("thing", map[syncproto.RowID][]schema.Value{"r": values}),
			tx.SaveChanges([]*store.Change{{Identity: "i", Status: syncproto.Applied, Body: []byte{0, 255, 'x'}, Verdict: []byte("{}")}}))
	}); err != nil {
		t.Fatal(err)
	}
	var dump bytes.Buffer
	if _, err := s.Dump(ctx, &dump); err != nil {
		t.Fatal(err)
	}
	for name, target := range targets {
		into := mustOpen(t, target(), book)
		if err := into.Load(ctx, bytes.NewReader(dump.Bytes())); err != nil {
			t.Fatalf("into %s: %v", name, err)
		}
		if err := into.Load(ctx, bytes.NewReader(dump.Bytes())); err == nil {
			t.Errorf("into %s: a database that is not empty was overwritten", name)
		}
		if err := into.Read(ctx, func(tx *store.Tx) error {
			got, err := tx.Values("thing", []string{"r"})
			if !slices.Equal(got["r"], values) {
				t.Errorf("into %s: values %v", name, got)
			}
			changes, err2 := tx.Changes("identity = ?", "i")
			if len(changes) != 1 || string(changes[0].Body) != "\x00\xffx" {
				t.Errorf("into %s: changes %+v", name, changes)
			}
			line, err3 := tx.Epochs()
			if len(line) != 2 {
				t.Errorf("into %s: epochs %+v", name, line)
			}
			return errors.Join(err, err2, err3, checkNoGap(tx, []string{"a"}))
		}); err != nil {
			t.Error(err)
		}
	}
	into := mustOpen(t, targets["sqlite"](), book)
	var e *syncproto.Error
	if err := into.Load(ctx, strings.NewReader(dump.String()[:dump.Len()/2])); !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("half a dump: %v", err)
	}
}

func lostEpochsAreKnown(t *testing.T, sub subject) {
	open := sub.open
	s, ctx := open(schematest.Book()), context.Background()
	var own syncproto.EpochID
	if err := s.Write(ctx, func(tx *store.Tx) error {
		e, err := tx.Epoch()
		own = e.ID
		return errors.Join(err, tx.LearnEpochs([]syncproto.EpochLink{
			{ID: "lost2", Streams: []syncproto.StreamAt{{ID: "v", Seq: 9}}}, {ID: "lost1", Streams: []syncproto.StreamAt{{ID: "v", Seq: 7}}}, {ID: own}}))
	}); err != nil {
		t.Fatal(err)
	}
	// Another device follows another stream, and a third one both.
	for n, streams := range [][]syncproto.StreamAt{{{ID: "w", Seq: 4}}, {{ID: "v", Seq: 9}, {ID: "w", Seq: 4}}} {
		if err := s.Write(ctx, func(tx *store.Tx) error {
			before, err := tx.LostEpochs()
			err2 := tx.LearnEpochs([]syncproto.EpochLink{{ID: "lost2", Streams: streams}, {ID: "lost1"}, {ID: own}})
			after, err3 := tx.LostEpochs()
			if grows := after > before; grows != (n == 0) {
				t.Errorf("what is known of lost epochs went from %d to %d", before, after)
			}
			return errors.Join(err, err2, err3)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Read(ctx, func(tx *store.Tx) error {
		line, err := tx.LineOf("v")
		if line.Current != own || line.All["lost2"].Parent != "lost1" || line.All["lost2"].Began != 9 || line.All["lost1"].Parent != own || line.All["lost1"].Began != 7 {
			t.Errorf("the line is %+v", line)
		}
		other, err2 := tx.LineOf("w")
		if other.All["lost2"].Began != 4 {
			t.Errorf("the other stream's line is %+v", other)
		}
		return errors.Join(err, err2)
	}); err != nil {
		t.Error(err)
	}
}

// togetherComesBack writes more and fewer rows at once, with every mixture of columns that they share and that they do not, new ones and
// others again: each comes back as it was written.
func togetherComesBack(t *testing.T, sub subject) {
	s, dice := sub.open(schematest.Book()), rand.New(rand.NewPCG(1, 2))
	for round, n := range []int{1, 2, 15, 16, 17, 32, 50, 16, 16, 16, 16, 16, 16, 16, 16, 16} {
		one := func(shared bool, i int) string {
			if shared {
				return fmt.Sprint("the same in round ", round)
			}
			return fmt.Sprint("走访 ", i)
		}
		var is [8]bool
		for i := range is {
			is[i] = dice.IntN(2) == 0
		}
		want := map[syncproto.Identity]store.Change{}
		var changes []*store.Change
		for i := range n {
			c := store.Change{Identity: syncproto.Identity(fmt.Sprint(round, "-", i)), First: syncproto.Name{Device: syncproto.DeviceID(one(is[0], i)), Number: uint64(round*100 + i)},
				User: syncproto.UserID(one(is[1], i)), Status: syncproto.Status(one(is[2], i)), Body: []byte(one(is[3], i)), Verdict: []byte(one(is[4], i)), Stream: one(is[5], i)}
			if !is[6] {
				c.At, c.Late = int64(i), i%2 == 0
			}
			if is[7] && i == n-1 {
				c.Mends = "another"
			}
			changes, want[c.Identity] = append(changes, &c), c
		}
		write(t, s, func(tx *store.Tx) error { return tx.AddChanges(changes) })
		compareChanges(t, s, want)
		for i, c := range changes[:n/2] {
			c.Status, c.MendedBy = syncproto.Status(one(is[4], i)), syncproto.Identity(one(is[5], i))
			want[c.Identity] = *c
		}
		write(t, s, func(tx *store.Tx) error { return tx.SaveChanges(changes) })
		compareChanges(t, s, want)
	}
}

func compareChanges(t *testing.T, s *store.Store, want map[syncproto.Identity]store.Change) {
	t.Helper()
	var ids []string
	for id := range want {
		ids = append(ids, string(id))
	}
	read(t, s, func(tx *store.Tx) error {
		got, err := tx.Changes("identity = ANY(?)", ids)
		if len(got) != len(want) {
			t.Fatalf("%d changes came back of %d", len(got), len(want))
		}
		for _, c := range got {
			if !reflect.DeepEqual(*c, want[c.Identity]) {
				t.Fatalf("a change came back as\n%+v\nwant\n%+v", *c, want[c.Identity])
			}
		}
		return err
	})
}

// A number that another transaction took since is not written over, by whatever took rows for new.
func TestWhatIsThereIsNotNew(t *testing.T) {
	s := mustOpen(t, store.Options{Path: filepath.Join(t.TempDir(), "s.db")}, schematest.Book())
	name := store.Named{Name: syncproto.Name{Device: "d", Number: 1}, Identity: "i"}
	write(t, s, func(tx *store.Tx) error { return tx.AddNames([]store.Named{name}) })
	other := name
	other.Identity = "k"
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.AddNames([]store.Named{other}) }); err == nil {
		t.Error("a name was given to a second change")
	}
	read(t, s, func(tx *store.Tx) error {
		got, err := tx.NamesBetween("d", 1, 1)
		if len(got) != 1 || got[0].Identity != "i" {
			t.Errorf("the name is %+v", got)
		}
		return err
	})
}

// A log that has grown long goes into the file by itself, though no commit waits for that, and others go on writing meanwhile.
func TestLongLogGoesIntoTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := mustOpen(t, store.Options{Path: path}, schematest.Book())
	big := strings.Repeat("走访", 4<<20)
	write(t, s, func(tx *store.Tx) error { return tx.SetMeta("big", big) })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		write(t, s, func(tx *store.Tx) error { return tx.SetMeta("small", time.Now().String()) })
		file, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if file.Size() > int64(len(big)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute the file has %d bytes of %d", file.Size(), len(big))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, store.Options{Path: path}, schematest.Book())
	read(t, again, func(tx *store.Tx) error {
		got, err := tx.Meta("big")
		if got != big {
			t.Error("what went into the file is not what was written")
		}
		return err
	})
}
