package pagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/lock"
	"minqing/mobile-client/pages"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/practice"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// State is what a phone has on it.
type State string

// The states.
const (
	Empty  State = "empty"  // enrolled, nobody assigned, nothing written
	Full   State = "full"   // an ordinary day: 20 households, five of them due
	Done   State = "done"   // everything done and sent
	Failed State = "failed" // Full, with a refused, a conflicted, a merged and a late change
	Long   State = "long"   // the longest names, addresses, titles and texts
	Many   State = "many"   // 1,000 households, 3,000 people
	// Reminded is Done, reminded by the branch of one household, and spoken to by another.
	Reminded State = "reminded"
	// Practising is Full, with somebody who practises.
	Practising State = "practising"
	// Drafting is Full with drafts of every sort: one that another overtook, and a round of three homes.
	Drafting State = "drafting"
	// Locked is Full behind its PIN, Waiting after too many wrong tries, and Lapsed when it was out of touch for longer than its lease.
	Locked  State = "locked"
	Waiting State = "waiting"
	Lapsed  State = "lapsed"
	// Hostile is Full with markup and script in every text of every row. It is in no picture: a test opens every screen of Full with it.
	Hostile State = "hostile"
	// Huge is the most that pages are measured with: 2,000 households, 10,000 people, 50,000 rows.
	Huge State = "huge"
	// Filling is a first sync whose link broke amid the past.
	Filling State = "filling"
)

// States are all that screens are looked at in.
var States = []State{Empty, Full, Done, Failed, Long, Many, Reminded, Practising, Drafting, Locked, Waiting, Lapsed, Filling}

// Phone is a replica in a state, and the app over it.
type Phone struct {
	State   State
	Replica *replica.Replica
	App     *pages.App
	Path    string
	Now     time.Time
	Me      syncproto.UserID
	Log     *bytes.Buffer // what the app logged
	Free    int64         // bytes that the disk has left
	// Rows are the rows, and changes, that screens are about, by name: home, resident, matter, journal, refused…
	Rows map[string]syncproto.RowID

	cloud *practice.Cloud
	rng   *rand.ChaCha8
	key   []byte
	phone *phone.Phone // of a locked one
}

// zone is the zone of the local dates.
var zone = schema.CityZone

// Open makes a phone in a state in a folder. The file is encrypted, as on a phone.
func Open(ctx context.Context, dir string, state State) (p *Phone, err error) {
	p = &Phone{State: state, Path: filepath.Join(dir, "field.db"), Now: time.Date(2026, 11, 23, 10, 42, 0, 0, zone), Rows: map[string]syncproto.RowID{}, Free: 8 << 30,
		Log: &bytes.Buffer{}, rng: rand.NewChaCha8([32]byte{7})}
	book := schema.Minqing()
	if err := p.makeKey(); err != nil {
		return nil, err
	}
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	file := p.Replica
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	p.cloud = &practice.Cloud{Book: book, IDs: p.id}
	p.Me = syncproto.UserID(p.id())
	d := replica.Device{ID: syncproto.DeviceID(p.id()), User: p.Me, Server: "https://minqing.example", Seed: make([]byte, 32)}
	if err := p.Replica.Enrol(ctx, d); err != nil {
		return nil, err
	}
	p.people()
	if err := p.fill(ctx); err != nil {
		return nil, fmt.Errorf("pagetest: state %s: %w", state, err)
	}
	switch state {
	case Practising:
		err = p.App.Practise(ctx)
	case Locked, Waiting:
		err = p.lock(ctx)
	case Lapsed:
		p.Now = p.Now.AddDate(0, 0, 40)
	}
	return p, err
}

// PIN is that of a phone that is locked.
const PIN = "246810"

// box is the key file of a phone with a PIN.
func (p *Phone) box() (*lock.Box, error) {
	return lock.Open(lock.Options{Path: p.Path + ".key", Now: func() int64 { return p.Now.UnixMilli() }, Rand: p.rng, Weak: true})
}

func (p *Phone) makeKey() error {
	if p.State == Locked || p.State == Waiting {
		box, err := p.box()
		if err == nil {
			p.key, err = box.Make(PIN)
		}
		return err
	}
	p.key = make([]byte, 32)
	_, err := io.ReadFull(p.rng, p.key)
	return err
}

// lock closes the file and serves the phone as it starts: behind its PIN.
func (p *Phone) lock(ctx context.Context) (err error) {
	file := p.Replica
	p.Replica = nil
	if err := file.Close(); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(p.Log, nil))
	p.phone, err = phone.New(ctx, phone.Options{File: p.Path, Transport: nowhere{}, Now: func() int64 { return p.Now.UnixMilli() }, After: func(time.Duration) <-chan time.Time { return nil },
		Rand: p.rng, Log: log, Weak: true})
	if err != nil {
		return err
	}
	for p.State == Waiting {
		left, err := p.phone.Wait()
		if err != nil {
			return err
		}
		if left > 0 {
			break
		}
		if err := p.phone.Unlock(ctx, "135790"); err == nil {
			return errors.New("pagetest: a wrong PIN opened the phone")
		}
	}
	p.App, err = pages.New(p.options(p.phone))
	return err
}

// nowhere is a network that leads nowhere.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("pagetest: there is no network")
}

// open opens the file, and the app over it.
func (p *Phone) open(ctx context.Context) (err error) {
	now := func() int64 { return p.Now.UnixMilli() }
	p.Replica, err = replica.Open(ctx, replica.Options{Path: p.Path, Key: p.key, Book: schema.Minqing(), Now: now, Rand: p.rng, Indexes: field.Indexes, Search: field.Search()})
	if err != nil {
		return err
	}
	p.App, err = pages.New(p.options(phone.Over(p.Replica, phone.Options{Now: now})))
	if err != nil {
		err = errors.Join(err, p.Replica.Close())
	}
	return err
}

// idOn makes an id as a phone would have on a day: what is recorded on the day itself is no late recording.
func (p *Phone) idOn(day string) syncproto.RowID {
	at, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err == nil {
		var id string
		id, err = syncproto.NewID(at.Add(10*time.Hour).UnixMilli(), p.rng)
		if err == nil {
			return syncproto.RowID(id)
		}
	}
	panic(err) // the days of the states are days, and the generator does not end
}

func (p *Phone) options(over *phone.Phone) pages.Options {
	return pages.Options{Phone: over, Settings: p.Path + ".settings", Practice: p.Path + ".practice", Version: "1.0.0", Platform: "android/arm64",
		Free: func() (int64, error) { return p.Free, nil }, Now: func() time.Time { return p.Now }, Zone: zone, Rand: p.rng, Log: slog.New(slog.NewTextHandler(p.Log, nil))}
}

// id makes the next id.
func (p *Phone) id() syncproto.RowID {
	id, err := syncproto.NewID(p.Now.UnixMilli(), p.rng)
	if err != nil {
		panic(err) // the generator does not end
	}
	return syncproto.RowID(id)
}

// fill gives the phone what its state has.
func (p *Phone) fill(ctx context.Context) error {
	switch p.State {
	case Full, Done, Failed, Practising, Drafting, Locked, Waiting, Lapsed:
		p.village(20)
	case Reminded:
		p.village(20)
		p.reminders()
		p.words()
	case Filling:
		p.village(20)
		return p.begin(ctx)
	case Hostile:
		p.village(20)
		poison(p.cloud)
	case Long:
		p.longVillage()
	case Many:
		if err := p.bigVillage(1000, 3000); err != nil {
			return err
		}
		p.many()
	case Huge:
		if err := p.bigVillage(2000, 10000); err != nil {
			return err
		}
		p.fillUp(50000)
	}
	if err := p.cloud.Send(ctx, p.Replica, p.Now.UnixMilli()-3*60*60*1000); err != nil {
		return err
	}
	switch p.State {
	case Full, Long, Practising, Locked, Waiting, Lapsed:
		return p.unsent(ctx)
	case Failed:
		return p.failures(ctx)
	case Drafting:
		return p.drafts(ctx)
	}
	return nil
}

// At puts the rows of the phone into a path: /h/{home}.
func (p *Phone) At(path string) string {
	for name, id := range p.Rows {
		path = strings.ReplaceAll(path, "{"+name+"}", string(id))
	}
	return path
}

// Serve runs the app at a port of its own until ctx ends, and gives the address to open. ended gives what Serve gave.
func (p *Phone) Serve(ctx context.Context) (link string, ended <-chan error, err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	links, end := make(chan string, 1), make(chan error, 1)
	go func() {
		end <- p.App.Serve(ctx, l, func(link string, _ func(to string) (string, error)) { links <- link })
	}()
	select {
	case link = <-links:
		return link, end, nil
	case err := <-end:
		return "", nil, err
	}
}

// Close closes the file.
func (p *Phone) Close() error {
	if p.phone != nil {
		return p.phone.Close()
	}
	return p.Replica.Close()
}

// Again opens a copy of the phone's file in a folder, as it lies on the disk at this moment: what a kill, or a dead battery, would leave.
func (p *Phone) Again(ctx context.Context, dir string) (*Phone, error) {
	again := *p
	again.Path, again.Log = filepath.Join(dir, "again.db"), &bytes.Buffer{}
	for _, end := range []string{"", "-wal", "-xwal"} {
		raw, err := os.ReadFile(p.Path + end)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(again.Path+end, raw, 0o600); err != nil {
			return nil, err
		}
	}
	return &again, again.open(ctx)
}
