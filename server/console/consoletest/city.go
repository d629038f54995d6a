package consoletest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console"
	"minqing/server/console/account"
	"minqing/server/console/idp"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// State is what a city is like.
type State string

// The states.
const (
	Empty   State = "empty"
	Full    State = "full"
	Long    State = "long"
	Many    State = "many"
	Hostile State = "hostile"
	Knots   State = "knots"
	Crowd   State = "crowd"
	Wide    State = "wide" // its places are too large for a mark a household
)

// narrow is how many households one picture shows where all places are to be too large for that.
const narrow = 6

// States are all of them.
var States = []State{Empty, Full, Long, Many, Hostile, Knots, Crowd, Wide}

// Password is everybody's.
const Password = "石桥村口的老樟树有三百岁"

// Options say how a city is opened.
type Options struct {
	State    State
	Dir      string // of the database and its secret
	DSN      string // PostgreSQL instead of SQLite
	Log      io.Writer
	Proxies  []netip.Prefix
	Picture  int // how many households one picture shows, 0: as usual
	Provider *idp.Config
	Book     *schema.Book // instead of the product's
}

// City is one open.
type City struct {
	Engine   *engine.Engine
	Accounts *account.Service
	State    State
	// Users, Places and Rows are what the story speaks of, by short names.
	Users  map[string]syncproto.UserID
	Places map[string]string
	Rows   map[string]syncproto.RowID
	// Serials are those of the contact cards, by household.
	Serials map[string]string

	beside func(context.Context)
	mu     sync.Mutex
	clock  time.Time
	last   map[syncproto.DeviceID]uint64
	told   int // of affairs
}

var zone = schema.CityZone

// morning is when the pages are looked at.
var morning = time.Date(2026, 11, 23, 10, 50, 0, 0, zone)

// seeded is randomness that several goroutines may draw from.
type seeded struct {
	mu sync.Mutex
	r  *rand.ChaCha8
}

func (s *seeded) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(b)
}

// Open makes a city in a state, and the consoles over it.
func Open(ctx context.Context, opt Options) (*City, error) {
	c := &City{State: opt.State, Users: map[string]syncproto.UserID{}, Places: map[string]string{}, Rows: map[string]syncproto.RowID{}, Serials: map[string]string{},
		clock: time.Date(2026, 1, 5, 9, 0, 0, 0, zone), last: map[syncproto.DeviceID]uint64{}}
	random := &seeded{r: rand.NewChaCha8([32]byte{4})}
	log := slog.New(slog.DiscardHandler)
	if opt.Log != nil {
		log = slog.New(slog.NewTextHandler(opt.Log, nil))
	}
	if opt.Book == nil {
		opt.Book = schema.Minqing()
	}
	var err error
	if c.Engine, err = engine.Open(ctx, engine.Config{Dir: opt.Dir, DSN: opt.DSN, Book: opt.Book, Now: func() int64 { return c.Now().UnixMilli() }, Rand: random, Log: log}); err != nil {
		return nil, err
	}
	if c.Accounts, err = account.New(c.Engine.Store, c.Engine.Keys, zone, random); err == nil {
		err = c.tell(ctx)
	}
	var provider *idp.Provider
	if err == nil && opt.Provider != nil {
		provider, err = idp.New(*opt.Provider)
	}
	var pages *console.App
	if err == nil {
		c.SetNow(morning)
		if opt.State == Wide && opt.Picture == 0 {
			opt.Picture = narrow
			err = c.counted(ctx)
		}
	}
	if err == nil {
		pages, err = console.New(console.Options{Engine: c.Engine, Accounts: c.Accounts, Provider: provider, Proxies: opt.Proxies, Picture: opt.Picture, Rand: random, Log: log})
	}
	if err != nil {
		return nil, errors.Join(err, c.Engine.Close())
	}
	c.Engine.Mount(pages)
	c.beside = pages.Run
	return c, nil
}

// Now is the clock of the city.
func (c *City) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

// SetNow moves the clock.
func (c *City) SetNow(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock = t
}

// Serve answers on a free port of this machine until ctx ends; ended then gives how it ended.
func (c *City) Serve(ctx context.Context) (base string, ended <-chan error, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	done := make(chan error, 1)
	var beside sync.WaitGroup
	beside.Go(func() { c.beside(ctx) })
	go func() {
		err := c.Engine.API.Run(ctx, l)
		beside.Wait()
		done <- err
	}()
	return "http://" + l.Addr().String(), done, nil
}

// Link makes a one-time link for somebody, and gives its code.
func (c *City) Link(ctx context.Context, who string) (string, error) {
	code, _, err := c.Accounts.Link(ctx, c.Users[who], c.Users["admin"], true)
	return code, err
}

// Session signs somebody in by a one-time link and gives what his browser's cookie holds.
func (c *City) Session(ctx context.Context, who string) (string, error) {
	code, err := c.Link(ctx, who)
	if err != nil {
		return "", err
	}
	token, _, err := c.Accounts.UseLink(ctx, code, Password, account.Client{Address: "127.0.0.1", Agent: "consoletest"})
	if err == nil && c.State == Crowd && who == "secretary" { // whoever signs in by a link has ended the sessions before
		err = c.manySessions(ctx)
	}
	return token, err
}

// Vals are the values of a row by column, as people type them: sets with “、” between.
type Vals map[string]string

// Create makes a row in the name of a user.
func (c *City) Create(ctx context.Context, who, table string, v Vals) (syncproto.RowID, error) {
	var id syncproto.RowID
	err := c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		e, err := c.creation(tx, table, v)
		if err != nil {
			return err
		}
		id = e.Row
		return c.submit(tx, who, e)
	})
	return id, err
}

func (c *City) creation(tx *store.Tx, table string, v Vals) (syncproto.Edit, error) {
	id, err := tx.NewID()
	if err != nil {
		return syncproto.Edit{}, err
	}
	e := syncproto.Edit{Table: table, Row: syncproto.RowID(id), Op: syncproto.OpCreate}
	e.Cells, err = cells(tx.Book(), table, v)
	return e, err
}

func cells(book *schema.Book, table string, v Vals) (out []syncproto.CellEdit, err error) {
	for _, cell := range book.Cells(table) {
		text, ok := v[cell.Name]
		if !ok {
			continue
		}
		value, err := cell.Columns[0].Normalize(text)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", table, cell.Name, err)
		}
		if value.IsNull() {
			continue
		}
		ce := syncproto.CellEdit{Cell: cell.Name, Value: value}
		if cell.Rule == schema.RuleSet {
			ce = syncproto.CellEdit{Cell: cell.Name, Add: value.Elements()}
		}
		out = append(out, ce)
	}
	return out, nil
}

func (c *City) submit(tx *store.Tx, who string, edits ...syncproto.Edit) error {
	out, err := c.Engine.Judge.SubmitIn(tx, c.Users[who], judge.Draft{Edits: edits})
	if err != nil {
		return err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return fmt.Errorf("%s by %s: %s", edits[0].Table, who, v.Message)
		}
	}
	return nil
}

// Update writes cells of a row in the name of a user, who has seen it as it stands, or as it stood at a base.
func (c *City) Update(ctx context.Context, who, table string, id syncproto.RowID, base syncproto.Base, v Vals) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		e := syncproto.Edit{Table: table, Row: id, Op: syncproto.OpUpdate, Base: base}
		var err error
		if e.Cells, err = cells(tx.Book(), table, v); err != nil {
			return err
		}
		return c.submit(tx, who, e)
	})
}

// Delete takes a row away in the name of a user, who has seen it as it stands.
func (c *City) Delete(ctx context.Context, who, table string, id syncproto.RowID) error {
	return c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		return c.submit(tx, who, syncproto.Edit{Table: table, Row: id, Op: syncproto.OpDelete})
	})
}

// Base is what somebody who looks at a row now is shown.
func (c *City) Base(ctx context.Context, id syncproto.RowID) (b syncproto.Base, err error) {
	err = c.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Rows([]string{string(id)})
		if err == nil && len(rows) == 1 {
			b = syncproto.Base{Epoch: rows[0].Label.Epoch, Rev: rows[0].Label.Rev, Open: rows[0].Open}
		}
		return err
	})
	return b, err
}

// phone makes a device of somebody's.
func (c *City) phone(ctx context.Context, who, label string, offset int64) (id syncproto.DeviceID, err error) {
	row, err := c.Create(ctx, "admin", "device", Vals{"user": string(c.Users[who]), "label": label, "platform": "android", "key": "ed25519 " + who + label})
	if err != nil {
		return "", err
	}
	id = syncproto.DeviceID(row)
	return id, c.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.SaveDevice(store.Device{ID: id, User: c.Users[who], Key: "ed25519 " + who + label, Next: 1, Client: "minqing-field 0.1.0", ClockOffset: offset, LastContact: tx.Now(), Waiting: 3})
	})
}

// push sends an edit as a phone does: captured at a moment of its own clock, which it believes to be off, over a base.
func (c *City) push(ctx context.Context, who string, dev syncproto.DeviceID, at time.Time, offset time.Duration, edit syncproto.Edit) (*syncproto.Verdict, error) {
	out, err := c.pushAll(ctx, who, dev, &syncproto.Change{At: at.UnixMilli(), Offset: offset.Milliseconds(), Edits: []syncproto.Edit{edit}})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// pushAll sends changes as a phone does.
func (c *City) pushAll(ctx context.Context, who string, dev syncproto.DeviceID, changes ...*syncproto.Change) ([]*syncproto.Verdict, error) {
	for _, change := range changes {
		c.last[dev]++
		change.Name = syncproto.Name{Device: dev, Number: c.last[dev]}
		if err := change.Seal(); err != nil {
			return nil, err
		}
	}
	out, err := c.Engine.Judge.Push(ctx, judge.Author{Device: dev, User: c.Users[who]}, changes)
	if err != nil {
		return nil, err
	}
	return out.Verdicts, nil
}

// founding is the city of the story.
var founding = admin.Founding{City: "临江市", Code: "990000", Login: "hewanqing", Name: "何婉清"}

// HandIn hands over a change of a phone that was revoked, made two hours ago, as phones do before they wipe themselves.
func (c *City) HandIn(ctx context.Context, dev syncproto.DeviceID, table string, id syncproto.RowID, v Vals) error {
	base, err := c.Base(ctx, id)
	if err != nil {
		return err
	}
	var d store.Device
	if err := c.Engine.Store.Read(ctx, func(tx *store.Tx) (err error) {
		d, _, err = tx.Device(dev)
		return err
	}); err != nil {
		return err
	}
	change := &syncproto.Change{Name: syncproto.Name{Device: dev, Number: d.Next}, At: c.Now().Add(-2 * time.Hour).UnixMilli(), Edits: []syncproto.Edit{{Table: table, Row: id, Op: syncproto.OpUpdate, Base: base}}}
	if change.Edits[0].Cells, err = cells(c.Engine.Book, table, v); err != nil {
		return err
	}
	if err := change.Seal(); err != nil {
		return err
	}
	_, err = c.Engine.Judge.Push(ctx, judge.Author{Device: dev, User: d.User, Carried: true}, []*syncproto.Change{change})
	return err
}
