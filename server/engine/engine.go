package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"minqing/internal/sqlitex/vfs"
	"minqing/schema"
	"minqing/server/api"
	"minqing/server/auth"
	"minqing/server/courier"
	"minqing/server/exchange"
	"minqing/server/files"
	"minqing/server/judge"
	"minqing/server/keys"
	"minqing/server/offer"
	"minqing/server/pull"
	"minqing/server/store"
	"minqing/syncproto"
)

// DatabaseName is the SQLite file in a data folder, FilesName the folder of attachments' contents beside it.
const (
	DatabaseName = "minqing.db"
	FilesName    = "files"
)

// The defaults of Config (DESIGN section 4).
const (
	defaultLease   = 30 * 24 * time.Hour
	defaultHorizon = 400 * 24 * time.Hour
)

// Config says what an engine runs on. Dir, Book, Now and Rand are required.
type Config struct {
	Dir  string  // the data folder: secret, and with SQLite the database
	DSN  string  // postgres://…: PostgreSQL instead of SQLite
	FS   vfs.VFS // where an SQLite database lies (the simulator's disk); Dir is then a folder on it, and Keys is required
	Keys *keys.Ring
	Book *schema.Book
	Now  func() int64 // wall clock, Unix ms
	Rand io.Reader
	// Files is where contents of attachments lie: a folder, or s3://bucket/prefix?endpoint=…&region=…; "" is FilesName in Dir, or nowhere
	// when FS is given. Several processes on one database need one that all of them reach.
	Files string
	// App is the folder of the package for phones that enrolled devices are offered; "": none.
	App  string
	Log  *slog.Logger // nil: nothing is logged
	Zone *time.Location
	// Grace is how long late work is judged by the authority at capture, Lease how long a replica may be used without contact: 30 days
	// each when 0. Horizon is how long marks of dead rows are kept: 400 days when 0.
	Grace, Lease, Horizon time.Duration
	Version               string // of the program, for the API document and logs
	// Serve tells that Run will be called: the store then listens for what other processes commit.
	Serve bool
}

// Engine is one server, open. Its parts are for whoever wires or tests it; they share one store.
type Engine struct {
	Book     *schema.Book
	Keys     *keys.Ring
	Store    *store.Store
	Judge    *judge.Judge
	Auth     *auth.Service
	Pull     *pull.Service
	Exchange *exchange.Service
	Courier  *courier.Service
	Files    *files.Service // nil: there is no place for contents
	API      *api.Server
	Zone     *time.Location
	Now      func() int64

	cfg    Config
	beside []func(context.Context)
	lock   *folderLock
	news   *news
	minted bool // the folder had no secret before
	set    settings
}

// Open opens everything over one database.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Zone == nil {
		cfg.Zone = schema.CityZone
	}
	if cfg.Grace == 0 {
		cfg.Grace = judge.DefaultGrace
	}
	if cfg.Lease == 0 {
		cfg.Lease = defaultLease
	}
	if cfg.Horizon == 0 {
		cfg.Horizon = defaultHorizon
	}
	e := &Engine{Book: cfg.Book, Keys: cfg.Keys, Zone: cfg.Zone, cfg: cfg, news: newNews()}
	if err := e.openFolder(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if err := e.wire(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// openFolder takes the folder and its secret. A simulated disk has neither.
func (e *Engine) openFolder(ctx context.Context) (err error) {
	if e.cfg.FS != nil {
		if e.Keys == nil {
			return fmt.Errorf("engine: an engine on a simulated disk is given its keys")
		}
		return nil
	}
	if err := os.MkdirAll(e.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if e.cfg.DSN == "" {
		if e.lock, err = lockFolder(ctx, e.cfg.Dir); err != nil {
			return err
		}
	}
	if e.Keys == nil {
		_, missing := os.Stat(filepath.Join(e.cfg.Dir, keys.FileName))
		e.minted = errors.Is(missing, fs.ErrNotExist)
		e.Keys, err = keys.Open(e.cfg.Dir, e.cfg.Rand)
	}
	return err
}

// metaSecret is the mark by which a database knows its secret again; it tells nothing of it.
const metaSecret = "secret"

// holdSecret refuses to work on a database with another secret than its own: no process would understand the cursors and tokens of the
// other ones, and what devices left in escrow could never be read again.
func (e *Engine) holdSecret(ctx context.Context) error {
	mark := hex.EncodeToString(e.Keys.Derive("mark")[:16])
	var own string
	err := e.Store.Write(ctx, func(tx *store.Tx) (err error) {
		own, err = tx.FirstMeta(metaSecret, mark)
		return err
	})
	if err != nil || own == mark {
		return err
	}
	file := filepath.Join(e.cfg.Dir, keys.FileName)
	err = &syncproto.Error{Code: syncproto.CodeConflict, Op: "engine.Open: secret", Message: syncproto.Both("密钥对不上：这个数据库不是用 "+file+" 建的。", "This database was made with another secret than this folder's."),
		Hint: syncproto.Both("把原来数据文件夹里的 secret.key 复制到这里；丢了就从备份恢复。", "Copy secret.key from the first data folder to this one; if it is lost, restore a backup.")}
	if e.minted { // a secret that never served must not look like the one that is missing
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

func (e *Engine) wire(ctx context.Context) error {
	opt := store.Options{DSN: e.cfg.DSN, Book: e.cfg.Book, Now: e.cfg.Now, Rand: e.cfg.Rand, Log: e.cfg.Log, FS: e.cfg.FS}
	if e.cfg.DSN == "" {
		opt.Path = filepath.Join(e.cfg.Dir, DatabaseName)
	}
	if e.cfg.Serve {
		opt.Touched = e.news.touched
	}
	sealer, err := syncproto.NewSealer(e.Keys.Derive("seal"), e.cfg.Rand)
	if err != nil {
		return err
	}
	if e.Store, err = store.Open(ctx, opt); err != nil {
		return err
	}
	if err := e.holdSecret(ctx); err != nil {
		return err
	}
	e.Now = e.Store.Now
	if err := e.readSettings(ctx); err != nil {
		return err
	}
	e.Judge = judge.New(e.Store, judge.Options{Seals: sealer, Zone: e.Zone, Grace: e.terms().Grace})
	e.Auth = &auth.Service{Store: e.Store, Keys: e.Keys, Now: e.Store.Now, Rand: e.cfg.Rand, Enlist: e.enlist}
	e.Pull = &pull.Service{Store: e.Store, Sealer: sealer, Zone: e.Zone, Verdicts: e.verdicts}
	e.Courier = &courier.Service{Book: e.Book, Ring: e.Keys, Auth: e.Auth, Now: e.Store.Now, Log: e.cfg.Log}
	e.Exchange = &exchange.Service{Store: e.Store, Book: e.Book, Sealer: sealer, Pull: e.Pull, Judge: e.Judge, Ticket: e.ticket, Unbox: e.Courier.Unbox,
		Terms: e.terms}
	e.Courier.Exchange = e.Exchange
	if err := e.openFiles(); err != nil {
		return err
	}
	var app *offer.App
	if e.cfg.App != "" {
		if app, err = offer.Load(e.cfg.App); err != nil {
			return err
		}
	}
	e.API = api.New(api.Config{App: app, Book: e.Book, Auth: e.Auth, Exchange: e.Exchange, Courier: e.Courier, Files: e.Files, Log: e.cfg.Log, Now: e.Store.Now, Rand: e.cfg.Rand, Ready: e.Store.Ready, Version: e.cfg.Version})
	// What an older program did not know, this one may: after an upgrade it is heard again.
	_, err = e.Judge.Retry(ctx)
	return err
}

// openFiles opens the place of attachments' contents. A simulated disk has none.
func (e *Engine) openFiles() (err error) {
	place := e.cfg.Files
	if place == "" {
		if e.cfg.FS != nil {
			return nil
		}
		place = filepath.Join(e.cfg.Dir, FilesName)
	}
	e.Files, err = files.New(files.Options{Store: e.Store, Rand: e.cfg.Rand, Log: e.cfg.Log, Place: place, Shared: e.cfg.DSN != "", Temp: e.cfg.Dir})
	return err
}

// Handler is the HTTP face.
func (e *Engine) Handler() http.Handler { return e.API.Handler() }

// Mount serves pages beside the protocol, on the same port. Call it once, before Run.
func (e *Engine) Mount(pages http.Handler) { e.API.Mount(pages) }

// Beside gives Run something to run beside the serving, until ctx ends. Call it before Run.
func (e *Engine) Beside(work func(ctx context.Context)) { e.beside = append(e.beside, work) }

// Run serves on l until ctx ends, then drains.
func (e *Engine) Run(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { e.wakeAll(ctx) })
	beside.Go(func() { e.sweepDaily(ctx) })
	beside.Go(func() { e.heedSettings(ctx) })
	beside.Go(func() { e.sweepFiles(ctx) })
	for _, work := range e.beside {
		beside.Go(func() { work(ctx) })
	}
	err := e.API.Run(ctx, l)
	stop()
	beside.Wait()
	return err
}

// sweepDaily drops marks older than the horizon, now and every day, and hears again what an older server of a rolling upgrade refused
// after this one had begun.
func (e *Engine) sweepDaily(ctx context.Context) {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	for {
		if err := e.Sweep(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.Warn("cannot sweep old marks", "error", err.Error()) // they only take room; tomorrow is another day
		}
		if _, err := e.Judge.Retry(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.Warn("cannot hear again what was unknown", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-day.C:
		}
	}
}

// filesSwept is how often contents are looked for that no row needs any more.
const filesSwept = time.Hour

// sweepFiles removes contents that no row needs any more, now and every hour.
func (e *Engine) sweepFiles(ctx context.Context) {
	if e.Files == nil {
		return
	}
	every := time.NewTicker(filesSwept)
	defer every.Stop()
	for {
		if out, err := e.Files.Sweep(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.Warn("cannot sweep contents", "error", err.Error()) // nobody gets at them; the next hour tries again
		} else if out.Removed > 0 {
			e.cfg.Log.Info("contents swept", "rows", out.Rows, "removed", out.Removed)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// Sweep drops marks of rows that died or left a scope before the horizon.
func (e *Engine) Sweep(ctx context.Context) error {
	return e.Store.Write(ctx, func(tx *store.Tx) error {
		rows, marks, err := tx.Sweep(tx.Now() - e.horizon().Milliseconds())
		if err == nil && rows+marks > 0 {
			e.cfg.Log.Info("old marks swept", "rows", rows, "marks", marks)
		}
		return err
	})
}

// Close lets everything go. Closing twice is closing once.
func (e *Engine) Close() error {
	var errs []error
	if e.Store != nil {
		errs = append(errs, e.Store.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.release())
		e.lock = nil
	}
	return errors.Join(errs...)
}

// Dir is the data folder.
func (e *Engine) Dir() string { return e.cfg.Dir }

// ticket lets a device that found out to be a copy enrol anew.
func (e *Engine) ticket(ctx context.Context, user syncproto.UserID) (string, error) {
	code, _, err := e.Auth.Invite(ctx, user)
	return code, err
}

// enlist writes the row of an enrolled device, in the transaction of its enrolment.
func (e *Engine) enlist(tx *store.Tx, d auth.NewDevice) error {
	t := e.Book.Table("device")
	edit := syncproto.Edit{Table: t.Name, Row: syncproto.RowID(d.ID), Op: syncproto.OpCreate}
	for _, c := range []struct{ column, text string }{{"user", string(d.User)}, {"label", d.Label}, {"platform", d.Platform}, {"key", d.Key}} {
		v, err := t.Column(c.column).Normalize(c.text)
		if err != nil {
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "enrol: " + c.column, Message: schema.Words(err), Err: err}
		}
		if !v.IsNull() {
			edit.Cells = append(edit.Cells, syncproto.CellEdit{Cell: c.column, Value: v})
		}
	}
	out, err := e.Judge.SubmitIn(tx, "", judge.Draft{Edits: []syncproto.Edit{edit}})
	if err != nil {
		return err
	}
	if v := out.Verdicts[0]; v.Status == syncproto.Refused {
		return &syncproto.Error{Code: v.Code, Op: "enrol", Message: v.Message}
	}
	return nil
}

// verdicts are what a pull tells a device of changes whose fate changed.
func (e *Engine) verdicts(tx *store.Tx, device syncproto.DeviceID, user syncproto.UserID, names bool, after int64) ([]*syncproto.Verdict, int64, error) {
	d, found, err := tx.Device(device)
	if err != nil || !found || d.VSeq == after {
		return nil, d.VSeq, err
	}
	changed, err := tx.NewVerdicts(device, after)
	if err != nil {
		return nil, 0, err
	}
	out, err := e.Judge.Verdicts(tx, judge.Author{Device: device, User: user, Names: names}, changed)
	return out, d.VSeq, err
}
