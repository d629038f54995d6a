// Package health answers how a server and its fleet are: what the page about it shows.
//
// It promises: nothing is counted row by row that grows with the years; what is counted of a large fleet is remembered for a minute; of a place
// other than the city only its phones and its conflicts are told, as the server belongs to all of them.
package health

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"minqing/server/admin"
	"minqing/server/engine"
	"minqing/server/store"
	"minqing/syncproto"
)

// Report is what was found.
type Report struct {
	Server    *Server // nil for a place that is not the city
	Fleet     []Version
	All       Version // all versions together
	Conflicts Conflicts
}

// Server is how this process and its database are.
type Server struct {
	Version, Go, System string
	Memory              uint64 // of Go's heap, bytes
	Syncs, Listeners    int
	Postgres            bool
	Database            int64 // bytes
	Schema, Streams     int
	Epochs              int
	Epoch               time.Time // when the present one began
	Uploads             int       // under way
	Waiting             int       // changes that wait for others
	Backup              time.Time // zero: never
	DiskSize, DiskFree  int64
	DiskTold            bool
}

// Version is the phones that run one version of the field app, by when they last called.
type Version struct {
	Name                              string
	Today, Week, Month, Longer, Never int
	Waiting                           int // changes that they said wait on them
	Skewed                            int // whose clock is off
}

// Phones are all of them.
func (v *Version) Phones() int { return v.Today + v.Week + v.Month + v.Longer + v.Never }

// Conflicts are those of the last weeks.
type Conflicts struct {
	Weeks []time.Time // the day on which each begins, oldest first
	Kinds []Kind
}

// Kind is the conflicts of one kind: opened by week, and how many are open now.
type Kind struct {
	Kind   syncproto.ItemKind
	Opened []int
	Open   int
}

// weeks is how far back conflicts are told.
const weeks = 12

// skewed is from when on a clock is off.
const skewed = int64(2 * time.Minute / time.Millisecond)

// Fleets remembers what was counted of large fleets: a city has tens of thousands of phones, and each of them says something new all the time.
type Fleets struct {
	mu    sync.Mutex
	known map[string]fleet // by place
}

type fleet struct {
	at       time.Time
	versions []Version
	all      Version
}

// largeFleet is from how many phones on a fleet is remembered, and remembered for how long; mostFleets are how many are.
const (
	largeFleet = 2000
	remembered = time.Minute
	mostFleets = 64
)

// recall gives what is remembered of a place.
func (f *Fleets) recall(place string, now time.Time) (found fleet, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok = f.known[place]
	if age := now.Sub(found.at); age < 0 || age >= remembered {
		ok = false
	}
	found.versions = slices.Clone(found.versions)
	return found, ok
}

// keep remembers a place, and forgets all others where they would be too many.
func (f *Fleets) keep(place string, found fleet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= mostFleets {
		f.known = map[string]fleet{}
	}
	found.versions = slices.Clone(found.versions)
	f.known[place] = found
}

// Read looks at a place, the whole city or a part of it, at a moment of its own time.
func (f *Fleets) Read(tx *store.Tx, e *engine.Engine, place string, whole bool, now time.Time) (*Report, error) {
	r := &Report{}
	ids := []string(nil)
	var err error
	if !whole {
		if ids, err = tx.PlacesBeneath(place); err != nil {
			return nil, err
		}
	} else {
		if r.Server, err = readServer(tx, e); err != nil {
			return nil, err
		}
	}
	if last, ok := f.recall(place, now); ok {
		r.Fleet, r.All = last.versions, last.all
	} else if err := r.readFleet(tx, ids, now); err != nil {
		return nil, err
	} else if r.All.Phones() >= largeFleet {
		f.keep(place, fleet{now, r.Fleet, r.All})
	}
	return r, r.readConflicts(tx, ids, now)
}

func readServer(tx *store.Tx, e *engine.Engine) (*Server, error) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s := &Server{Version: e.Version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Memory: mem.HeapAlloc, Postgres: e.Store.Postgres(), Schema: tx.Book().Version}
	s.Syncs, s.Listeners = e.API.Load()
	s.DiskSize, s.DiskFree, s.DiskTold = disk(e.Dir())
	if s.Postgres {
		if _, err := tx.One("SELECT pg_database_size(current_database())", nil, &s.Database); err != nil {
			return nil, err
		}
	} else {
		for _, tail := range []string{"", "-wal"} {
			info, err := os.Stat(filepath.Join(e.Dir(), engine.DatabaseName+tail))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			if err == nil {
				s.Database += info.Size()
			}
		}
	}
	for query, into := range map[string]*int{"SELECT COUNT(*) FROM mq_stream": &s.Streams, "SELECT COUNT(*) FROM mq_epoch": &s.Epochs, "SELECT COUNT(*) FROM mq_upload WHERE row_id <> ''": &s.Uploads,
		"SELECT COUNT(*) FROM mq_wait": &s.Waiting} {
		var n int64
		if _, err := tx.One(query, nil, &n); err != nil {
			return nil, err
		}
		*into = int(n)
	}
	ms, err := admin.LastBackup(tx)
	if err != nil {
		return nil, err
	}
	if ms > 0 {
		s.Backup = time.UnixMilli(ms).In(e.Zone)
	}
	epoch, err := tx.Epoch()
	s.Epoch = time.UnixMilli(epoch.Began).In(e.Zone)
	return s, err
}

// readFleet counts the phones that are not revoked; ids nil is everybody's.
func (r *Report) readFleet(tx *store.Tx, ids []string, now time.Time) error {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	from, args := `mq_device d WHERE d.revoked = 0 AND d.user_id <> ''`, []any{skewed, skewed, today.UnixMilli(), today.AddDate(0, 0, -6).UnixMilli(), today.AddDate(0, 0, -29).UnixMilli()}
	if ids != nil {
		from, args = `mq_device d JOIN "user" u ON u.id = d.user_id WHERE d.revoked = 0 AND u.place = ANY(?)`, append(args, ids)
	}
	byName := map[string]*Version{}
	err := tx.Each(func(scan func(...any) error) error {
		var name string
		var n, waiting, off, ago int64
		if err := scan(&name, &n, &waiting, &off, &ago); err != nil {
			return err
		}
		if byName[name] == nil {
			byName[name] = &Version{Name: name}
		}
		for _, v := range []*Version{byName[name], &r.All} {
			*[]*int{&v.Never, &v.Today, &v.Week, &v.Month, &v.Longer}[ago] += int(n)
			v.Waiting += int(waiting)
			v.Skewed += int(off)
		}
		return nil
	}, `SELECT client, COUNT(*), CAST(COALESCE(SUM(waiting), 0) AS BIGINT), CAST(COALESCE(SUM(off), 0) AS BIGINT), ago FROM (SELECT d.client AS client, d.waiting AS waiting,
		CASE WHEN d.clock_offset > ? OR d.clock_offset < -CAST(? AS BIGINT) THEN 1 ELSE 0 END AS off,
		CASE WHEN d.last_contact = 0 THEN 0 WHEN d.last_contact >= ? THEN 1 WHEN d.last_contact >= ? THEN 2 WHEN d.last_contact >= ? THEN 3 ELSE 4 END AS ago
		FROM `+from+`) x GROUP BY client, ago`, args...)
	for _, v := range byName {
		r.Fleet = append(r.Fleet, *v)
	}
	slices.SortFunc(r.Fleet, func(a, b Version) int { return cmp.Compare(b.Name, a.Name) })
	return err
}

// readConflicts counts those that were opened in the last weeks by kind, and those that are open now.
func (r *Report) readConflicts(tx *store.Tx, ids []string, now time.Time) error {
	monday := time.Date(now.Year(), now.Month(), now.Day()-(int(now.Weekday())+6)%7, 0, 0, 0, 0, now.Location())
	for i := range weeks {
		r.Conflicts.Weeks = append(r.Conflicts.Weeks, monday.AddDate(0, 0, 7*(i-weeks+1)))
	}
	first, week := r.Conflicts.Weeks[0].UnixMilli(), int64(7*24*time.Hour/time.Millisecond)
	where, args := "(opened_ms >= ? OR closed_ms = 0)", []any{first, first, week, first}
	if ids != nil {
		where, args = where+" AND stream = ANY(?)", append(args, ids)
	}
	byKind := map[syncproto.ItemKind]*Kind{}
	err := tx.Each(func(scan func(...any) error) error {
		var kind syncproto.ItemKind
		var at, n, open int64
		if err := scan(&kind, &at, &n, &open); err != nil {
			return err
		}
		k := byKind[kind]
		if k == nil {
			k = &Kind{Kind: kind, Opened: make([]int, weeks)}
			byKind[kind] = k
		}
		k.Open += int(open)
		if at >= 0 && at < weeks {
			k.Opened[at] += int(n)
		}
		return nil
	}, `SELECT kind, CASE WHEN opened_ms < ? THEN -1 ELSE (opened_ms - CAST(? AS BIGINT)) / CAST(? AS BIGINT) END AS since, COUNT(*), CAST(COALESCE(SUM(CASE WHEN closed_ms = 0 THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM mq_item WHERE `+where+` GROUP BY kind, since`, args...)
	for _, k := range byKind {
		r.Conflicts.Kinds = append(r.Conflicts.Kinds, *k)
	}
	slices.SortFunc(r.Conflicts.Kinds, func(a, b Kind) int { return cmp.Compare(a.Kind, b.Kind) })
	return err
}
