package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

// subject is a database under test: opener opens it, again and again if need be.
type subject struct {
	opt  store.Options
	open func(book *schema.Book) *store.Store
}

// conformance is the one suite that both databases are held to: what package store promises, a case each.
var conformance = []struct {
	name string
	test func(t *testing.T, s subject)
}{
	{"rows come back as written", rowsComeBack},
	{"writers and readers see no gap", noGap},
	{"followers miss nothing", followersMissNothing},
	{"a panic hurts only its owner", panicHurtsOnlyItsOwner},
	{"a failed write leaves nothing", failedWriteLeavesNothing},
	{"a snapshot stands still", snapshotStandsStill},
	{"readers do not write", readersDoNotWrite},
	{"times never go back", timesNeverGoBack},
	{"a mark has one first writer", markHasOneFirst},
	{"touched scopes are heard after the commit", touchedAreHeard},
	{"a code is sold once", codeIsSoldOnce},
	{"migrated equals fresh", migratedEqualsFresh},
	{"older books are brought to this version", olderBooksAreBrought},
	{"records are found by what they name", recordsAreFoundByName},
	{"a database too new", tooNew},
	{"lost epochs are known", lostEpochsAreKnown},
	{"testimony is kept", testimonyIsKept},
	{"a dump goes into either database", dumpGoesIntoEither},
	{"values at the ends of their types", endsOfTypes},
	{"a list held is known once it is kept", heldIsKnown},
	{"streams are those asked for", streamsAsked},
	{"rights move with whatever writes", rightsMove},
	{"rows written together come back singly", togetherComesBack},
	{"questions ahead are answered as in their turn", questionsAhead},
	{"statements that go aside", statementsAside},
	{"news of several streams", newsOfStreams},
	{"the first rows of each key", firstOfEach},
}

func TestStoreConformance(t *testing.T) {
	for database, options := range map[string]func(t *testing.T) store.Options{
		"sqlite":   func(t *testing.T) store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "s.db")} },
		"postgres": func(t *testing.T) store.Options { return store.Options{DSN: testenv.MustPostgres(t)} },
	} {
		t.Run(database, func(t *testing.T) {
			for _, c := range conformance {
				t.Run(c.name, func(t *testing.T) {
					opt := options(t)
					c.test(t, subject{opt: opt, open: func(book *schema.Book) *store.Store { return mustOpen(t, opt, book) }})
				})
			}
		})
	}
}

func write(t testing.TB, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// followersMissNothing is commit order as devices live on it: while many write to several streams, on PostgreSQL from several processes,
// each follower asks again and again only for what came after the last seq that it saw. In the end it has seen every one, once.
func followersMissNothing(t *testing.T, s subject) {
	stores := []*store.Store{s.open(schematest.Book())}
	if stores[0].Postgres() {
		stores = append(stores, s.open(schematest.Book()))
	}
	streams := []string{"a", "b", "c", "d"}
	var done atomic.Bool
	var writers, followers sync.WaitGroup
	const many, each = 8, 30
	for w := range many {
		writers.Go(func() {
			for i := range each {
				pick := []string{streams[(w+i)%4], streams[i%4], streams[w%4]}
				err := stores[w%len(stores)].Write(context.Background(), func(tx *store.Tx) error { return takeSeq(tx, pick...) })
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	seen := make([]map[string][]string, 3)
	for f := range seen {
		seen[f] = map[string][]string{}
		followers.Go(func() {
			for last := false; ; {
				ending := done.Load()
				err := stores[f%len(stores)].Read(context.Background(), func(tx *store.Tx) error { return follow(tx, streams, seen[f]) })
				if err != nil {
					t.Errorf("follower %d: %v", f, err)
					return
				}
				if last {
					return
				}
				last = ending
			}
		})
	}
	writers.Wait()
	done.Store(true)
	followers.Wait()
	total := 0
	for _, stream := range streams {
		for f := range seen {
			if !slices.Equal(seen[f][stream], seen[0][stream]) {
				t.Errorf("follower %d saw %v of stream %s, the first saw %v", f, seen[f][stream], stream, seen[0][stream])
			}
		}
		total += len(seen[0][stream])
	}
	want := 0
	for w := range many {
		for i := range each {
			want += len(map[int]bool{(w + i) % 4: true, i % 4: true, w % 4: true})
		}
	}
	if total != want {
		t.Errorf("%d records were seen, want %d", total, want)
	}
}

// follow takes what came after the last record seen of each stream; a gap is a record that will never be seen.
func follow(tx *store.Tx, streams []string, seen map[string][]string) error {
	for _, stream := range streams {
		have := len(seen[stream])
		news, err := tx.Chain(stream, int64(have), 1<<20)
		if err != nil {
			return err
		}
		for i, r := range news {
			if r.Pos != int64(have+i+1) {
				return fmt.Errorf("stream %s: record %d came after record %d", stream, r.Pos, have+i)
			}
			seen[stream] = append(seen[stream], r.Head)
		}
	}
	return nil
}

func failedWriteLeavesNothing(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	ran := false
	err := st.Write(context.Background(), func(tx *store.Tx) error {
		tx.AfterCommit(func() { ran = true })
		return errors.Join(takeSeq(tx, "a"), tx.SetMeta("half", "1"), tx.SaveRows([]*store.Row{{ID: "r", Table: "thing", Stream: "a", Scope: "s", Period: "-", Seq: 1}}), errOnPurpose)
	})
	if !errors.Is(err, errOnPurpose) {
		t.Fatalf("the error became %v", err)
	}
	read(t, st, func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{"r"})
		half, merr := tx.Meta("half")
		streams, serr := tx.AllStreams()
		if len(rows) > 0 || half != "" || len(streams) > 0 || ran {
			t.Errorf("it left %v, %q, %v, after commit %v", rows, half, streams, ran)
		}
		return errors.Join(err, merr, serr)
	})
}

func snapshotStandsStill(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	write(t, st, func(tx *store.Tx) error { return errors.Join(takeSeq(tx, "a"), tx.SetMeta("k", "1")) })
	read(t, st, func(tx *store.Tx) error {
		before, err := tx.Meta("k")
		if err != nil {
			return err
		}
		write(t, st, func(tx *store.Tx) error { return errors.Join(takeSeq(tx, "a"), tx.SetMeta("k", "2")) })
		after, err := tx.Meta("k")
		if before != "1" || after != "1" {
			t.Errorf("within one snapshot %q became %q", before, after)
		}
		streams, serr := tx.Streams([]string{"a"})
		if len(streams) != 1 || streams[0].Seq != 1 {
			t.Errorf("the snapshot moved on to %+v", streams)
		}
		return errors.Join(err, serr)
	})
}

func readersDoNotWrite(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	if err := st.Read(context.Background(), func(tx *store.Tx) error { return tx.SetMeta("k", "1") }); err == nil {
		t.Error("a reader wrote")
	}
	read(t, st, func(tx *store.Tx) error {
		v, err := tx.Meta("k")
		if v != "" {
			t.Errorf("it stayed: %q", v)
		}
		return err
	})
}

func timesNeverGoBack(t *testing.T, s subject) {
	opt, clock := s.opt, atomic.Int64{}
	clock.Store(1_000_000)
	opt.Book, opt.Now, opt.Rand = schematest.Book(), clock.Load, strings.NewReader(strings.Repeat("random", 100))
	first, err := store.Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	write(t, first, func(tx *store.Tx) error { return takeSeq(tx, "a") })
	clock.Store(10)
	if now := first.Now(); now < 1_000_000 {
		t.Errorf("within a process it is %d", now)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := store.Open(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if now := second.Now(); now < 1_000_000 {
		t.Errorf("a process that follows begins at %d", now)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

func markHasOneFirst(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	var all sync.WaitGroup
	kept := make([]string, 10)
	for i := range kept {
		all.Go(func() {
			err := st.Write(context.Background(), func(tx *store.Tx) (err error) {
				kept[i], err = tx.FirstMeta("first", fmt.Sprint(i))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(kept)
	if kept[0] == "" || len(slices.Compact(kept)) != 1 {
		t.Errorf("several were first: %v", kept)
	}
}

func touchedAreHeard(t *testing.T, s subject) {
	heard := make(chan string, 100)
	opt := s.opt
	opt.Touched = func(scopes []string, by syncproto.DeviceID) {
		if by != "phone" {
			t.Errorf("brought by %q", by)
		}
		for _, scope := range scopes {
			heard <- scope
		}
	}
	st := mustOpen(t, opt, schematest.Book())
	long := strings.Repeat("x", 300)
	want := map[string]bool{}
	for i := range 60 { // more than one notification of PostgreSQL holds
		want[fmt.Sprintf("%s%d", long, i)] = true
	}
	if err := st.Write(context.Background(), func(tx *store.Tx) error { tx.Touch("never"); return errOnPurpose }); !errors.Is(err, errOnPurpose) {
		t.Fatal(err)
	}
	write(t, st, func(tx *store.Tx) error {
		tx.By("phone")
		for scope := range want {
			tx.Touch(scope)
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(want) > 0 {
		select {
		case scope := <-heard:
			if !want[scope] {
				t.Errorf("heard of %.20s", scope)
			}
			delete(want, scope)
		case <-ctx.Done():
			t.Fatalf("not heard of %v", slices.Collect(maps.Keys(want)))
		}
	}
}

func codeIsSoldOnce(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	write(t, st, func(tx *store.Tx) error {
		return tx.SaveTicket(store.Ticket{Hash: "h", User: "u", Made: 1, Expires: 1 << 60})
	})
	var won atomic.Int32
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			err := st.Write(context.Background(), func(tx *store.Tx) error {
				k, found, err := tx.Ticket("h")
				if err != nil || !found || k.Device != "" {
					return err
				}
				k.Device = syncproto.DeviceID(fmt.Sprint(i))
				tx.AfterCommit(func() { won.Add(1) })
				return tx.SaveTicket(k)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

func tooNew(t *testing.T, s subject) {
	if err := s.open(schematest.BookAt(3)).Close(); err != nil {
		t.Fatal(err)
	}
	open := func(version int) error {
		opt := s.opt
		opt.Book, opt.Now, opt.Rand = schematest.BookAt(version), func() int64 { return 1 }, strings.NewReader(strings.Repeat("r", 100))
		st, err := store.Open(context.Background(), opt)
		if err == nil {
			err = st.Close()
		}
		return err
	}
	if err := open(2); err != nil {
		t.Errorf("one version older: %v", err)
	}
	var e *syncproto.Error
	if err := open(1); !errors.As(err, &e) || e.Code != syncproto.CodeUpgrade || !strings.Contains(e.Message, "3") || e.Hint == "" {
		t.Errorf("two versions older: %v", err)
	}
}

func endsOfTypes(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	thing := schematest.Book().Table("thing")
	at := func(name string) int {
		return slices.IndexFunc(thing.Columns, func(c schema.Column) bool { return c.Name == name })
	}
	values := make([]schema.Value, len(thing.Columns))
	values[at("household")], values[at("stamp")], values[at("total")] = schema.Text("h"), schema.Int(schema.MaxInt), schema.Int(-1000000)
	values[at("story")] = schema.Text("𠮷\n'\"\\;--\u2028𬭚" + strings.Repeat("长", 3900))
	values[at("words")], values[at("newest")] = schema.Set("'", `"`, "甲"), schema.Text("")
	write(t, st, func(tx *store.Tx) error {
		return errors.Join(tx.SaveRows([]*store.Row{{ID: "r", Table: "thing", Stream: "a", Scope: "s", Period: "-", Seq: 1}}),
			tx.SaveValues("thing", map[syncproto.RowID][]schema.Value{"r": values}))
	})
	read(t, st, func(tx *store.Tx) error {
		got, err := tx.Values("thing", []string{"r"})
		if !slices.Equal(got["r"], values) {
			t.Error("the values came back otherwise")
		}
		return err
	})
}

func heldIsKnown(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	known := func(digest string, want bool) {
		t.Helper()
		write(t, st, func(tx *store.Tx) error {
			kept, err := tx.HasHeld(digest)
			if kept != want {
				t.Errorf("the list of %s: kept %v, want %v", digest, kept, want)
			}
			return err
		})
	}
	known("d", false)
	write(t, st, func(tx *store.Tx) error { return tx.SaveHeld("d", "[1]") })
	known("d", true)
	known("other", false)
	read(t, st, func(tx *store.Tx) error {
		list, err := tx.Held("d")
		if list != "[1]" {
			t.Errorf("the list became %q", list)
		}
		return err
	})
}

func firstOfEach(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	write(t, st, func(tx *store.Tx) error {
		for at := range int64(6) {
			for _, stream := range []string{"a", "b", "c", "d"} {
				if err := tx.Exec("INSERT INTO mq_disclosed_in (stream, at, chain, pos) VALUES (?, ?, 'x', 0)", stream, at); err != nil {
					return err
				}
			}
		}
		return tx.Exec("DELETE FROM mq_disclosed_in WHERE stream = 'c' AND at > 1")
	})
	read(t, st, func(tx *store.Tx) error {
		table, args := tx.OfEach([]string{"a", "c", "none", "d"}, "SELECT stream, at FROM mq_disclosed_in WHERE at >= ? AND stream = {key} AND at < ? ORDER BY at DESC LIMIT ?", int64(1), int64(5), int64(2))
		var got []string
		err := tx.Each(func(scan func(...any) error) error {
			var stream string
			var at int64
			err := scan(&stream, &at)
			got = append(got, fmt.Sprint(stream, at))
			return err
		}, "SELECT stream, at FROM "+table+" ORDER BY stream, at LIMIT ?", append(args, int64(100))...)
		if want := []string{"a3", "a4", "c1", "d3", "d4"}; !slices.Equal(got, want) {
			t.Errorf("of each key there is %v, want %v", got, want)
		}
		return err
	})
}
