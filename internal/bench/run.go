package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"minqing/internal/testenv"
)

// Options say what to measure.
type Options struct {
	Out   io.Writer
	Only  string // the benches whose name begins so; "" for all
	DB    string // sqlite, postgres or both
	Quick bool   // tiny sizes: the lines come, their figures mean little
	Rows  int    // no database of more rows than these; 0 for all sizes
}

// sizes are how much of everything is measured.
type sizes struct {
	repeats     int           // of what is cheap to repeat; the median counts
	devices     int           // that push
	each        int           // changes of a push
	pushes      int           // of a device in the closed loop
	openLoop    time.Duration // how long pushes come at a steady rate
	outbox      int           // changes waiting on each real phone
	quiet       int           // syncs with nothing new
	oneRow      []int         // rows on the server and on the phone
	oneRowTries int
	firstRows   int
	fillers     int // first syncs at once
	houses      int // reassigned
	houseRows   int // in each of them
	edits       int // unsent edits of reassigned rows
	hints       int // commits that another device waits for
	listeners   int
	single      int // captured statements of one row
	batch       int // rows of a captured batch
}

func sizesOf(quick bool) sizes {
	if quick {
		return sizes{repeats: 1, devices: 4, each: 5, pushes: 2, openLoop: 200 * time.Millisecond, outbox: 5, quiet: 3, oneRow: []int{100, 200}, oneRowTries: 2,
			firstRows: 200, fillers: 3, houses: 5, houseRows: 8, edits: 3, hints: 3, listeners: 50, single: 20, batch: 100}
	}
	return sizes{repeats: 3, devices: 64, each: 50, pushes: 10, openLoop: 6 * time.Second, outbox: 50, quiet: 60, oneRow: []int{10_000, 100_000, 1_000_000}, oneRowTries: 21,
		firstRows: 10_000, fillers: 100, houses: 500, houseRows: 40, edits: 100, hints: 60, listeners: 10_000, single: 600, batch: 10_000}
}

// bench is one row of DESIGN section 9.
type bench struct {
	name string
	both bool // measured on both databases
	run  func(ctx context.Context, r *run, on database) error
}

// The benches in the order of DESIGN section 9.
var benches = []bench{
	{"apply", false, benchApply},
	{"push", true, benchPush},
	{"quiet", true, benchQuiet},
	{"one-row", true, benchOneRow},
	{"first", true, benchFirst},
	{"reassign", true, benchReassign},
	{"notify", true, benchNotify},
	{"listeners", true, benchListeners},
	{"capture", false, benchCapture},
	{"room", false, benchRoom},
}

// database names where a server keeps its data.
type database string

const (
	sqlite   database = "sqlite"
	postgres database = "postgres"
)

// run is one run of the bench.
type run struct {
	sizes
	out io.Writer
	dir string // everything lies in it
	n   int    // folders made
	fed []func() error
}

// Run measures, and prints a line for each figure as soon as it is known.
func Run(ctx context.Context, opt Options) (err error) {
	var on []database
	switch opt.DB {
	case "sqlite", "postgres":
		on = []database{database(opt.DB)}
	case "both", "":
		on = []database{sqlite, postgres}
	default:
		return fmt.Errorf("there is no database %q: sqlite, postgres or both", opt.DB)
	}
	if !slices.ContainsFunc(benches, func(b bench) bool { return strings.HasPrefix(b.name, opt.Only) }) {
		return fmt.Errorf("there is no bench %q; there are: %s", opt.Only, strings.Join(names(), ", "))
	}
	dir, err := os.MkdirTemp("", "minqing-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &run{sizes: sizesOf(opt.Quick), out: opt.Out, dir: dir}
	if r.oneRow = slices.DeleteFunc(r.oneRow, func(n int) bool { return opt.Rows > 0 && n > opt.Rows }); len(r.oneRow) == 0 {
		return fmt.Errorf("the smallest database has more than %d rows", opt.Rows)
	}
	r.say("%s %s/%s, %d processors, load %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load())
	onClock, onCPU := disturbance()
	r.say("a fixed piece of work takes %.1f times its best time on the clock, %.1f times its best processor time", onClock, onCPU)
	for _, b := range benches {
		if !strings.HasPrefix(b.name, opt.Only) {
			continue
		}
		for _, db := range on {
			if !b.both && db != on[0] {
				continue
			}
			began := time.Now()
			if err := r.one(ctx, b, db); err != nil {
				return fmt.Errorf("%s on %s: %w", b.name, db, err)
			}
			r.say("%s %s took %.0f s, load %s", b.name, db, time.Since(began).Seconds(), load())
		}
	}
	return nil
}

func names() (out []string) {
	for _, b := range benches {
		out = append(out, b.name)
	}
	return out
}

// one runs a bench and lets go of what it opened, the last first.
func (r *run) one(ctx context.Context, b bench, db database) (err error) {
	defer func() {
		for len(r.fed) > 0 {
			last := r.fed[len(r.fed)-1]
			r.fed = r.fed[:len(r.fed)-1]
			err = errors.Join(err, last())
		}
		runtime.GC() // the next bench begins with an empty house
	}()
	return b.run(ctx, r, db)
}

// after says what to do when the bench ends.
func (r *run) after(f func() error) { r.fed = append(r.fed, f) }

// folder makes an empty folder.
func (r *run) folder() (string, error) {
	r.n++
	dir := fmt.Sprintf("%s/%d", r.dir, r.n)
	return dir, os.Mkdir(dir, 0o700)
}

// dsn makes a database on PostgreSQL; "" stands for SQLite.
func (r *run) dsn(db database) (string, error) {
	if db == sqlite {
		return "", nil
	}
	dsn, drop, err := testenv.Postgres()
	if err != nil {
		return "", err
	}
	r.after(drop)
	return dsn, nil
}

func (r *run) print(l line) error { return l.print(r.out) }

// say prints what is no figure.
func (r *run) say(format string, args ...any) { fmt.Fprintf(r.out, "# "+format+"\n", args...) }

// disturbance tells how much other work slows this process down: a fixed piece of work is done again and again, and its mean set against
// its best. On an idle machine both are near 1.
func disturbance() (onClock, onCPU float64) {
	var took, used []float64
	block := make([]byte, 1<<20)
	for range 100 {
		had, began := cpu(), time.Now()
		for range 3 {
			sha256.Sum256(block)
		}
		took, used = append(took, ms(time.Since(began))), append(used, ms(cpu()-had))
	}
	mean := func(v []float64) (sum float64) {
		for _, x := range v {
			sum += x
		}
		return sum / float64(len(v))
	}
	return mean(took) / max(quantile(took, 0), 0.001), mean(used) / max(quantile(used, 0), 0.001)
}

// load is the load average of the last minute where the system tells it: on a machine that does other work too, times mean little.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(raw), " ")
	return first
}
