package engine_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"minqing/internal/simdisk"
	"minqing/internal/testenv"
	"minqing/server/engine"
	"minqing/server/keys"
	"minqing/server/store"
	"minqing/syncproto"
)

// A store that takes no writes is not ready, though it can be read and gives a turn to write: whoever asks is told that the disk is full, as soon as
// somebody's write found it so or some seconds after it came to be, and when there is room it is ready by itself. However often it is asked, it
// writes once in some seconds.
func TestReadinessTellsOfAFullDisk(t *testing.T) {
	disk := simdisk.New()
	for name, c := range map[string]struct {
		dsn        string
		fill, free func(e *engine.Engine)
	}{
		"sqlite": {"", func(*engine.Engine) { disk.FailWritesAfter(0) }, func(*engine.Engine) { disk.Heal() }},
		// PostgreSQL's disk is another machine's: the database says of itself what it says then.
		"postgres": {testenv.MustRelaxedPostgres(t), func(e *engine.Engine) {
			tell(t, e, `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100'; END $$`,
				`CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON mq_meta FOR EACH ROW EXECUTE FUNCTION no_room()`)
		}, func(e *engine.Engine) { tell(t, e, "DROP TRIGGER no_room ON mq_meta", "DROP FUNCTION no_room()") }},
	} {
		t.Run(name, func(t *testing.T) {
			var clock atomic.Int64
			clock.Store(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).UnixMilli())
			cfg := config(t.TempDir(), c.dsn)
			cfg.Now = clock.Load
			if c.dsn == "" {
				cfg.Dir, cfg.FS = "server", disk.VFS()
				var err error
				if cfg.Keys, err = keys.New(rand.Reader); err != nil {
					t.Fatal(err)
				}
			}
			e := mustOpen(t, cfg)
			face := httptest.NewServer(e.API.Handler())
			defer face.Close()
			asked := func(path string, want int) {
				t.Helper()
				res, err := http.Get(face.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != want {
					t.Fatalf("%s: %s, want %d (%v): %s", path, res.Status, want, err, body)
				}
				if want == http.StatusOK {
					return
				}
				var p struct{ Title, Hint, Code string }
				if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || n < 1 || json.Unmarshal(body, &p) != nil || p.Code != string(syncproto.CodeUnavailable) ||
					!strings.Contains(p.Title, "磁盘满了") || !strings.Contains(p.Title, "The disk is full") || p.Hint == "" {
					t.Errorf("who asks is told %s (%q, %v)", body, res.Header.Get("Retry-After"), err)
				}
			}
			wrote := func() (at string) {
				t.Helper()
				if err := e.Store.Read(t.Context(), func(tx *store.Tx) (err error) {
					at, err = tx.Meta("ready_ms")
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return at
			}
			asked("/readyz", http.StatusOK)
			first := wrote()
			for range 50 { // some seconds of many askers
				clock.Add(90)
				asked("/readyz", http.StatusOK)
			}
			if first == "" || wrote() != first {
				t.Errorf("asked again within five seconds it wrote again: %q, then %q", first, wrote())
			}
			clock.Add(1000)
			asked("/readyz", http.StatusOK)
			if wrote() == first {
				t.Error("it writes no more")
			}

			// It fills up while nobody writes.
			c.fill(e)
			clock.Add(5000)
			asked("/readyz", http.StatusServiceUnavailable)
			asked("/healthz", http.StatusOK)
			clock.Add(9000)
			c.free(e)
			asked("/readyz", http.StatusServiceUnavailable) // it was looked at a moment ago
			clock.Add(1000)
			asked("/readyz", http.StatusOK)

			// It fills up under somebody's write.
			c.fill(e)
			if err := e.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.SetMeta("somebody", "writes") }); err == nil {
				t.Fatal("the disk is not full")
			}
			asked("/readyz", http.StatusServiceUnavailable)
			clock.Add(10000)
			asked("/readyz", http.StatusServiceUnavailable) // and is found to be so anew
			c.free(e)
			clock.Add(10000)
			asked("/readyz", http.StatusOK)
		})
	}
}

// tell says something to the database of an engine.
func tell(t *testing.T, e *engine.Engine, statements ...string) {
	t.Helper()
	if err := e.Store.Write(t.Context(), func(tx *store.Tx) error {
		for _, s := range statements {
			if err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
