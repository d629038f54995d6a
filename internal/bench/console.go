package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"minqing/internal/bench/county"
	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/console"
	"minqing/server/console/account"
	"minqing/server/store"
)

// ConsoleOptions say what RunConsole measures.
type ConsoleOptions struct {
	Options
	Visits   int    // instead of a million
	Villages int    // instead of 900: of all but the conflicts their share
	Cache    string // the folder where planted databases are kept; "" is one among the temporary files
}

// What the consoles should reach.
const (
	consolePageMS   = 50
	consoleAtWorkMS = 200
	exportRows      = 100_000
	exportSeconds   = 6
	exportMB        = 100
)

// consoleRun is one run over one database.
type consoleRun struct {
	*run
	*town
	size     county.Sizes
	quick    bool
	pages    http.Handler
	app      *console.App
	accounts *account.Service
	slow     []string
	tokens   map[string]string // by login
	db       database
	only     string
}

// wants tells whether a line whose name begins so was asked for.
func (c *consoleRun) wants(name string) bool {
	return strings.HasPrefix(name, c.only) || strings.HasPrefix(c.only, name)
}

// RunConsole plants a county-level city into a database, or takes the one planted before, and measures every page of the consoles by the
// server's own time, lists from end to end, an export, and people at work beside phones.
func RunConsole(ctx context.Context, opt ConsoleOptions) (err error) {
	var on []database
	switch opt.DB {
	case "sqlite", "postgres":
		on = []database{database(opt.DB)}
	case "both", "":
		on = []database{sqlite, postgres}
	default:
		return fmt.Errorf("there is no database %q: sqlite, postgres or both", opt.DB)
	}
	size := county.Full
	if opt.Quick {
		size = county.Tiny
	}
	if opt.Villages > 0 {
		size = size.Of(opt.Villages)
	}
	if opt.Visits > 0 {
		size.Visits = opt.Visits
	}
	cache := opt.Cache
	if cache == "" {
		cache = filepath.Join(os.TempDir(), "minqing-bench-console") // not in the user's own folder: a PostgreSQL of another user works in it
	}
	for _, db := range on {
		c := &consoleRun{run: &run{sizes: sizesOf(opt.Quick), out: opt.Out}, size: size, quick: opt.Quick, tokens: map[string]string{}, db: db, only: opt.Only}
		c.say("%s %s/%s, %d processors, load %s, %s, %d visits", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load(), db, size.Visits)
		onClock, onCPU := disturbance()
		c.say("a fixed piece of work takes %.1f times its best time on the clock, %.1f times its best processor time", onClock, onCPU)
		if err := c.on(ctx, db, filepath.Join(cache, fmt.Sprintf("%s-%d-%d-%d", db, schema.Minqing().Version, size.Villages, size.Visits))); err != nil {
			return fmt.Errorf("%s: %w", db, err)
		}
	}
	return nil
}

// on measures one database.
func (c *consoleRun) on(ctx context.Context, db database, dir string) (err error) {
	defer func() {
		for len(c.fed) > 0 {
			last := c.fed[len(c.fed)-1]
			c.fed = c.fed[:len(c.fed)-1]
			err = errors.Join(err, last())
		}
	}()
	if err := c.plant(ctx, db, dir); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{{"page", c.every}, {"at-work", c.atWork}, {"export", c.export}} {
		if !c.wants(step.name) {
			continue
		}
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	for _, s := range c.slow {
		c.say("over %d ms: %s", consolePageMS, s)
	}
	return nil
}

// plant opens the database of a folder, planted now unless it was before, and serves it.
func (c *consoleRun) plant(ctx context.Context, db database, dir string) error {
	at, planted, err := c.open(ctx, db, dir)
	if err != nil {
		return err
	}
	if !planted {
		began := time.Now()
		if err := county.Plant(ctx, c.e, c.size, c.say); err != nil {
			return err
		}
		c.say("planting took %.0f s", time.Since(began).Seconds())
		if at, planted, err = county.Planted(ctx, c.e.Store, c.size); err != nil || !planted {
			return errors.Join(err, errors.New("what was planted is not there"))
		}
		if err := c.reopen(ctx); err != nil {
			return err
		}
		if db == postgres { // as its autovacuum does within the hour
			if err := c.e.Store.Write(ctx, func(tx *store.Tx) error { return tx.Exec("ANALYZE") }); err != nil {
				return err
			}
		}
	}
	began := time.Now()
	if c.accounts, err = account.New(c.e.Store, c.e.Keys, c.e.Zone, rand.Reader); err != nil {
		return err
	}
	faults := slog.New(slog.NewTextHandler(c.out, &slog.HandlerOptions{Level: slog.LevelWarn})) // a page that fails says why
	if c.app, err = console.New(console.Options{Engine: c.e, Accounts: c.accounts, Rand: rand.Reader, Log: faults}); err != nil {
		return err
	}
	c.e.Mount(c.app)
	c.pages = c.e.Handler()
	c.say("opened in %.1f s; planted %s", time.Since(began).Seconds(), at.Format(time.DateTime))
	return nil
}

// open opens the engine over a folder and serves it.
func (c *consoleRun) open(ctx context.Context, db database, dir string) (at time.Time, planted bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return at, false, err
	}
	c.town = &town{dir: filepath.Join(dir, "server")}
	if db == postgres {
		// The folder of the cluster is handed to the user that PostgreSQL runs as; the server's own lies beside it.
		dsn, stop, err := testenv.PostgresIn(filepath.Join(dir, "pg"))
		if err != nil {
			return at, false, err
		}
		c.after(stop)
		c.town.dsn = dsn
	}
	if err := c.start(ctx); err != nil {
		return at, false, err
	}
	t := c.town
	c.after(func() error { return t.stop() })
	return county.Planted(ctx, c.e.Store, c.size)
}

// reopen closes the database and opens it again: planting leaves a writer with more room than a server gives it.
func (c *consoleRun) reopen(ctx context.Context) error {
	stop := c.stop
	c.stop = func() error { return nil }
	if err := stop(); err != nil {
		return err
	}
	return c.start(ctx)
}

// token signs somebody in by a one-time link.
func (c *consoleRun) token(ctx context.Context, login string) (string, error) {
	if t := c.tokens[login]; t != "" {
		return t, nil
	}
	u, err := c.accounts.UserOf(ctx, login)
	if err != nil {
		return "", err
	}
	if u.ID == "" {
		return "", fmt.Errorf("nobody has the login %s", login)
	}
	boss, err := c.accounts.UserOf(ctx, "boss")
	if err != nil {
		return "", err
	}
	code, _, err := c.accounts.Link(ctx, u.ID, boss.ID, true)
	if err != nil {
		return "", err
	}
	t, _, err := c.accounts.UseLink(ctx, code, "石桥村口的老樟树有三百岁", account.Client{Address: "127.0.0.1", Agent: "bench"})
	c.tokens[login] = t
	return t, err
}

// sink takes an answer and keeps what the bench looks at.
type sink struct {
	header http.Header
	status int
	body   strings.Builder
	bytes  int64
	only   bool // count the bytes, and keep none
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(n int)   { s.status = n }
func (s *sink) Write(p []byte) (int, error) {
	s.bytes += int64(len(p))
	if s.only {
		return len(p), nil
	}
	return s.body.Write(p)
}

// ask has the server answer a request without a network, and gives how long it took.
func (c *consoleRun) ask(ctx context.Context, method, path, token string, body io.Reader, only bool) (*sink, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1"+path, body)
	if err != nil {
		return nil, 0, err
	}
	req.RequestURI, req.RemoteAddr = path, "127.0.0.1:40000"
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "http://127.0.0.1")
	}
	if token != "" {
		req.AddCookie(&http.Cookie{Name: "__Host-mq-session", Value: token})
	}
	s := &sink{header: http.Header{}, status: http.StatusOK, only: only}
	began := time.Now()
	c.pages.ServeHTTP(s, req)
	return s, time.Since(began), nil
}

// post is a place and one who works there.
type post struct{ login, place, level string }

// posts are who look: the administrator over the city, a specialist over a township, a secretary over a village.
func (c *consoleRun) posts(ctx context.Context) (out map[schema.Role]post, err error) {
	out = map[schema.Role]post{}
	err = c.e.Store.Read(ctx, func(tx *store.Tx) error {
		for role, login := range map[schema.Role]string{schema.RoleAdmin: "boss", "township": "town0", "secretary": "sec0"} {
			p := post{login: login}
			if _, err := tx.One(`SELECT r.place, COALESCE(p.level, '') FROM role r JOIN "user" u ON u.id = r."user" JOIN place p ON p.id = r.place WHERE u.login = ?`, []any{login}, &p.place, &p.level); err != nil {
				return err
			}
			out[role] = p
		}
		return nil
	})
	return out, err
}

// rowOf finds something for {row} in a place: a row of a table, an item, a change, what was assigned, brought, moved or deleted.
func (c *consoleRun) rowOf(ctx context.Context, of, place string) (id string, err error) {
	const homes = "mq_above u CROSS JOIN household h WHERE u.above = ? AND h.place = u.place"
	query := map[string]string{
		"order":      "SELECT w.id FROM mq_work w WHERE w.place = ? AND w.kind = 'assign'",
		"file":       "SELECT w.id FROM mq_work w WHERE w.place = ? AND w.kind = 'import'",
		"shift":      "SELECT w.id FROM mq_work w WHERE w.place = ? AND w.kind = 'shift'",
		"item":       "SELECT i.id FROM mq_item i CROSS JOIN mq_above u WHERE u.above = ? AND u.place = i.stream AND i.closed_ms = 0",
		"change":     "SELECT c.identity FROM mq_change c CROSS JOIN mq_above u WHERE u.above = ? AND u.place = c.stream AND c.status = 'refused'",
		"journal":    "SELECT q.journal FROM mq_unread q WHERE q.above = ? AND q.state = 'submitted'",
		"matter":     "SELECT m.id FROM mq_matter_at m WHERE m.above = ?",
		"attachment": "SELECT a.id FROM attachment a CROSS JOIN visit v CROSS JOIN household h CROSS JOIN mq_above u WHERE u.above = ? AND v.id = a.visit AND h.id = v.household AND u.place = h.place",
		"household":  "SELECT h.id FROM " + homes,
		"resident":   "SELECT r.id FROM " + strings.Replace(homes, " WHERE", " CROSS JOIN resident r WHERE r.household = h.id AND", 1),
		"place":      "SELECT u.place FROM mq_above u WHERE u.above = ? AND u.place <> u.above",
		"user":       "SELECT x.id FROM mq_above u CROSS JOIN \"user\" x WHERE u.above = ? AND x.place = u.place",
		"device":     "SELECT d.id FROM mq_above u CROSS JOIN \"user\" x CROSS JOIN device d WHERE u.above = ? AND x.place = u.place AND d.\"user\" = x.id",
	}[of]
	if query == "" {
		return "", fmt.Errorf("nobody knows where to find a %s", of)
	}
	err = c.e.Store.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.One(query+" LIMIT 1", []any{place}, &id)
		return err
	})
	return id, err
}

// serialOf finds a contact card.
func (c *consoleRun) serialOf(ctx context.Context) (serial string, err error) {
	err = c.e.Store.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.One("SELECT c.serial FROM contact_card c JOIN matter m ON m.household = c.household WHERE m.state = 'answered' ORDER BY c.id LIMIT 1", nil, &serial)
		return err
	})
	return serial, err
}
