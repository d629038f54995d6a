package county_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"minqing/internal/bench/county"
	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/engine"
	"minqing/server/store"
)

// TestPlantedIsAsIfWritten plants little, and has the product verify every chain and rebuild every row from its history.
func TestPlantedIsAsIfWritten(t *testing.T) {
	for name, dsn := range map[string]string{"sqlite": "", "postgres": testenv.MustRelaxedPostgres(t)} {
		t.Run(name, func(t *testing.T) {
			// The first run is ended behind the first village; the second goes on.
			first, end := context.WithCancel(t.Context())
			defer end()
			say := func(format string, args ...any) {
				t.Logf(format, args...)
				end()
			}
			e, err := engine.Open(t.Context(), engine.Config{Dir: t.TempDir(), DSN: dsn, Book: schema.Minqing(), Now: func() int64 { return time.Now().UnixMilli() }, Rand: rand.Reader})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}()
			if err := county.Plant(first, e, county.Tiny, say); !errors.Is(err, context.Canceled) {
				t.Fatalf("the first run ends with %v", err)
			}
			if err := county.Plant(t.Context(), e, county.Tiny, t.Logf); err != nil {
				t.Fatal(err)
			}
			desk := &admin.Desk{E: e}
			p, err := desk.Verify(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			if !p.Sound() {
				t.Errorf("broken %+v, missing %v", p.Broken, p.Missing)
				for _, d := range p.Differences[:min(5, len(p.Differences))] {
					t.Errorf("%s: %s, should be %s", d.Where, d.Is, d.Should)
				}
			}
			s, err := desk.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			for _, c := range s.Tables {
				got[c.Name] = c.N
			}
			want := county.Tiny
			if got["household"] != int64(want.Homes) || got["resident"] != int64(want.People) || got["visit"] != int64(want.Visits) || got["journal"] != got["visit"] {
				t.Errorf("planted %v of %+v", got, want)
			}
			if s.OpenItems != int64(want.Conflicts) || s.Changes["refused"] != int64(want.Refused) {
				t.Errorf("%d open items, %d refused changes", s.OpenItems, s.Changes["refused"])
			}
			// What the consoles list by was reckoned for all that was planted, each list from its table.
			if err := e.Store.Read(t.Context(), func(tx *store.Tx) error {
				for list, from := range map[string]string{
					"SELECT COUNT(*) FROM mq_above WHERE place = above": "SELECT COUNT(*) FROM place",
					"SELECT COUNT(DISTINCT id) FROM mq_matter_at":       "SELECT COUNT(*) FROM matter",
					"SELECT COUNT(DISTINCT journal) FROM mq_unread":     "SELECT COUNT(*) FROM journal WHERE state = 'submitted'",
				} {
					var n, want int64
					if _, err := tx.One(list, nil, &n); err != nil {
						return err
					}
					if _, err := tx.One(from, nil, &want); err != nil {
						return err
					}
					if n != want || n == 0 {
						t.Errorf("%s: %d of %d", list, n, want)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := county.Planted(t.Context(), e.Store, want); err != nil || !ok {
				t.Errorf("it does not know itself again: %v", err)
			}
		})
	}
}
