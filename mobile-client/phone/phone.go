package phone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/lock"
	"minqing/mobile-client/photos"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/mobile-client/syncer"
	"minqing/schema"
	"minqing/syncproto"
)

// Options are what a Phone works with.
type Options struct {
	File      string
	Secret    []byte // the keystore's; empty: none
	PIN       string // given at the start: the pages begin open
	Transport http.RoundTripper
	Now       func() int64
	Zone      *time.Location // of the months that data used is counted by; nil: UTC
	After     func(time.Duration) <-chan time.Time
	Rand      io.Reader
	Client    string
	Platform  string
	Log       *slog.Logger
	// What the shell is told; each may be nil.
	Busy    func(running bool)
	Wiped   func()
	Share   func(name string, file []byte) error // offer a file to other apps; nil: the browser saves it
	Package Package                              // the Android package that the program came in
	Taken   func()                               // the camera's file is not needed any more
	Weak    bool                                 // of tests: guesses of the PIN cost next to nothing
}

// State is how a phone stands.
type State string

// The states.
const (
	Fresh  State = "fresh"  // nobody is enrolled
	Locked State = "locked" // the PIN is asked for
	Ready  State = "ready"
	Stuck  State = "stuck" // the keystore does not open what it wrapped
)

// hideLimit is how long nobody may look before the pages lock.
const hideLimit = 5 * time.Minute

// Phone is safe for use by many.
type Phone struct {
	opt Options
	ctx context.Context

	mu     sync.RWMutex // for reading while somebody works over the file, for writing while it is opened or closed
	box    *lock.Box
	file   *replica.Replica // nil: there is none, or it is closed
	engine atomic.Pointer[engine]
	gated  atomic.Bool // the pages want the PIN
	hidden atomic.Int64
	net    atomic.Value // shell.State
	used   meter
	rows   atomic.Int64 // taken since the start
	pace   atomic.Pointer[pace]
}

// engine is the sync of the open file.
type engine struct {
	*pump.Pump
	send  *photos.Sender
	stop  context.CancelFunc
	ended chan struct{}
}

// New makes the phone of a file and opens it when it can be opened. The engine runs until ctx ends.
func New(ctx context.Context, opt Options) (*Phone, error) {
	p := &Phone{opt: opt, ctx: ctx}
	p.net.Store(shell.Unknown)
	var err error
	if p.box, err = lock.Open(lock.Options{Path: opt.File + ".key", Secret: opt.Secret, Now: opt.Now, Rand: opt.Rand, Weak: opt.Weak, Spent: p.spent}); err != nil {
		return nil, err
	}
	done, err := FinishWipe(opt.File, p.box)
	if err != nil {
		return nil, err
	}
	if done && opt.Wiped != nil {
		opt.Wiped()
	}
	_, statErr := os.Stat(opt.File)
	switch {
	case statErr != nil && !errors.Is(statErr, fs.ErrNotExist):
		return nil, statErr
	case opt.PIN != "" && (p.box.State() == lock.Free || p.box.State() == lock.Closed):
		return p, p.Unlock(ctx, opt.PIN)
	case p.box.State() == lock.Free:
		p.gated.Store(true)
		return p, p.open(ctx, p.box.Key())
	case p.box.State() == lock.Missing && statErr == nil: // a plain file
		return p, p.open(ctx, nil)
	}
	return p, nil
}

// freeAfter is how long the memory of a guess of the PIN stays: Today is on the screen by then.
const freeAfter = 2 * time.Second

// spent gives back to the system what a guess of the PIN took.
func (p *Phone) spent() {
	if p.opt.After == nil {
		debug.FreeOSMemory()
		return
	}
	go func() {
		select {
		case <-p.opt.After(freeAfter):
			debug.FreeOSMemory()
		case <-p.ctx.Done():
		}
	}()
}

// Over makes a phone over an open file, without an engine and without a PIN.
func Over(r *replica.Replica, opt Options) *Phone {
	p := &Phone{opt: opt, file: r, ctx: context.Background(), box: &lock.Box{}}
	p.net.Store(shell.Unknown)
	return p
}

// open opens the file and starts its engine. The caller holds no lock.
func (p *Phone) open(ctx context.Context, key []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		return nil
	}
	return p.load(ctx, key)
}

// load is open under the lock.
func (p *Phone) load(ctx context.Context, key []byte) error {
	r, err := replica.Open(ctx, replica.Options{Path: p.opt.File, Key: key, Book: schema.Minqing(), Now: p.opt.Now, Rand: p.opt.Rand, Indexes: field.Indexes, Search: field.Search()})
	if err != nil {
		return err
	}
	d, err := r.Device(ctx)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	p.file = r
	if d.ID == "" {
		return nil
	}
	p.start(r)
	return p.unspool(ctx, r)
}

// start runs the engine. The caller holds the lock.
func (p *Phone) start(r *replica.Replica) {
	opt := syncer.Options{Replica: r, Transport: counting{p.opt.Transport, p}, Rand: p.opt.Rand, Client: p.opt.Client}
	forRows := opt
	forRows.Filling = p.fills
	rows := syncer.New(forRows)
	send := photos.NewSender(photos.Options{Replica: r, Syncer: syncer.New(opt), Now: p.opt.Now, Metered: func() bool { return p.network() == shell.Metered }})
	ctx, stop := context.WithCancel(p.ctx)
	e := &engine{stop: stop, ended: make(chan struct{}), send: send}
	e.Pump = pump.New(pump.Options{After: p.opt.After, Rand: p.opt.Rand, Listen: syncer.New(opt).Listen,
		Do: func(ctx context.Context, asked bool) error { return p.sync(ctx, r, rows, send, asked) }})
	e.Network(p.network() != shell.None)
	p.attend(e)
	p.engine.Store(e)
	go func() {
		defer close(e.ended)
		if err := e.Run(ctx); err != nil {
			p.opt.Log.Error("the sync engine ended", "err", err)
		}
	}()
}

// attend has an engine listen to the server as long as somebody may look at what it says.
func (p *Phone) attend(e *engine) {
	if e == nil {
		return
	}
	net := p.network()
	e.Hear(!p.gated.Load() && p.hidden.Load() == 0 && net != shell.None && net != shell.Portal, net == shell.Metered)
}

// sync is one sync: rows first, then photos.
func (p *Phone) sync(ctx context.Context, r *replica.Replica, rows *syncer.Syncer, send *photos.Sender, asked bool) error {
	if p.opt.Busy != nil {
		p.opt.Busy(true)
		defer p.opt.Busy(false)
	}
	here := true
	defer func() {
		if here {
			p.keepUsed(context.WithoutCancel(ctx), r)
		}
	}()
	p.pace.Store(nil)
	rep, err := rows.Sync(ctx)
	p.pace.Store(nil)
	p.rows.Add(int64(rep.Rows))
	var e *syncproto.Error
	if errors.As(err, &e) && e.Code == syncproto.CodeRevoked {
		if err := p.wipe(ctx, r, rows); err != nil {
			return err
		}
		here = false
		return pump.ErrEnded
	}
	if err != nil {
		return err
	}
	if err := p.deliver(ctx, r, rows); err != nil {
		return err
	}
	if err := p.update(ctx, r, rows); err != nil {
		p.opt.Log.Info("no word of a new version", "err", err)
	}
	if asked {
		if err := send.Hurry(ctx, false); err != nil {
			return err
		}
	}
	_, err = send.Send(ctx)
	return err
}

// Close stops the engine and closes the file.
func (p *Phone) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shut()
}

// shut is Close under the lock.
func (p *Phone) shut() error {
	p.halt()
	if p.file == nil {
		return nil
	}
	r := p.file
	p.file = nil
	p.keepUsed(context.Background(), r)
	return r.Close()
}

// Hold gives the open file, nil when there is none, and how the phone stands; the file stays open until release is called.
func (p *Phone) Hold(ctx context.Context) (r *replica.Replica, s State, release func(), err error) {
	if at := p.hidden.Load(); at != 0 && p.opt.Now()-at >= hideLimit.Milliseconds() {
		if err := p.Lock(); err != nil {
			return nil, Locked, func() {}, err
		}
	}
	p.mu.RLock()
	s, err = p.state(ctx)
	return p.file, s, p.mu.RUnlock, err
}

func (p *Phone) state(ctx context.Context) (State, error) {
	switch {
	case p.box.State() == lock.Stuck:
		return Stuck, nil
	case p.gated.Load() || p.file == nil && p.box.State() == lock.Closed:
		return Locked, nil
	case p.file == nil:
		return Fresh, nil
	}
	d, err := p.file.Device(ctx)
	if err == nil && d.ID == "" {
		return Fresh, nil
	}
	return Ready, err
}

// Unlock opens the pages, and the file where the PIN wraps its key.
func (p *Phone) Unlock(ctx context.Context, pin string) error {
	key, err := p.box.Try(pin)
	if err == nil {
		err = p.open(ctx, key)
	}
	if err == nil {
		p.gated.Store(false)
		p.hidden.Store(0)
		p.attend(p.current())
	}
	return err
}

// Lock closes the pages. Where only the PIN opens the file, that closes too, once nobody works over it. A plain file has no lock.
func (p *Phone) Lock() error {
	switch p.box.State() {
	case lock.Free:
		p.gated.Store(true)
		p.attend(p.current())
	case lock.Closed:
		return p.Close()
	}
	return nil
}

// Wait is how long the next try of a PIN has to wait.
func (p *Phone) Wait() (time.Duration, error) { return p.box.Wait() }

// ChangePIN puts another PIN in the place of the old one.
func (p *Phone) ChangePIN(old, pin string) error {
	if err := lock.CheckNew(pin); err != nil {
		return err
	}
	return p.box.Change(old, pin)
}

// HasPIN tells whether there is a PIN: a plain file has none.
func (p *Phone) HasPIN() bool { return p.box.State() != lock.Missing }

// Looked says whether somebody looks at the pages: a while after nobody does they lock.
func (p *Phone) Looked(looks bool) {
	switch {
	case !looks:
		p.hidden.CompareAndSwap(0, p.opt.Now())
	case p.opt.Now()-p.hidden.Load() < hideLimit.Milliseconds():
		p.hidden.Store(0)
	}
	p.attend(p.current())
}

// Network says how the network stands.
func (p *Phone) Network(s shell.State) {
	p.net.Store(s)
	if e := p.current(); e != nil {
		e.Network(s != shell.None)
		p.attend(e)
	}
}

func (p *Phone) network() shell.State { return p.net.Load().(shell.State) }

// current is the engine that runs, nil when none does. It is for those as well who hold the file: no lock is taken.
func (p *Phone) current() *engine { return p.engine.Load() }

// halt ends the engine. The caller holds the lock.
func (p *Phone) halt() {
	if e := p.engine.Swap(nil); e != nil {
		e.stop()
		<-e.ended
	}
}
