package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"minqing/internal/thumb"
	"minqing/syncproto"
)

// appSizes are how much the field app is measured with.
type appSizes struct {
	homes, people, rows int
	year                appSizesYear
	loads               int // of each page
	saves               int
	searches            int // of each query
	starts              int
}

// appSizesYear is a cadre's share for the first sync.
type appSizesYear struct{ homes, people, rows int }

func appSizesOf(quick bool) appSizes {
	if quick {
		return appSizes{homes: 20, people: 60, rows: 400, year: appSizesYear{20, 60, 300}, loads: 2, saves: 2, searches: 1, starts: 1}
	}
	return appSizes{homes: 2000, people: 10_000, rows: 50_000, year: appSizesYear{100, 300, 6000}, loads: 20, saves: 30, searches: 15, starts: 5}
}

// What the field app should reach.
const (
	visitTaps, visitSeconds = 6, 15
	matterSeconds           = 45
	saveMS                  = 150
	pageMS                  = 100
	searchMS                = 20
	startMS                 = 1500
	plainPageMS             = 16 // DESIGN section 9, of the machine as it is
	plainStartMS            = 300
	residentMB              = 60
	weightWhole             = 60 << 10
	weightAlone             = 15 << 10
	deltaBytes              = 20 << 10
)

// The model of a person: what a tap, a character and the reading of a choice take.
const (
	tapTime    = 1200 * time.Millisecond
	keyTime    = 600 * time.Millisecond
	choiceTime = 1200 * time.Millisecond
)

// slowdown is how many times slower the browser's processor is made.
const slowdown = 4

// appRun is one run over the field app.
type appRun struct {
	*run
	appSizes
	dir     string
	program *program
	screen  *thumb.Screen
	people  *parish
	pages   []appPage
	begun   []float64 // ms from the start of the program until the lock page stood, start by start
	opened  []float64 // ms from the PIN sent until Today stood
}

// RunApp measures the field app as people have it: the real program on one processor and a disk whose every sync takes 20 ms longer, an
// encrypted replica, no network, and its pages in a Chromium made four times slower at 360x640. It prints a line for each figure.
func RunApp(ctx context.Context, opt Options) (err error) {
	dir, err := os.MkdirTemp("", "minqing-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a := &appRun{run: &run{sizes: sizesOf(opt.Quick), out: opt.Out, dir: dir}, appSizes: appSizesOf(opt.Quick), dir: dir}
	defer func() { err = errors.Join(err, a.end()) }()
	a.say("%s %s/%s, %d processors, load %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load())
	if opt.Quick {
		a.say("tiny sizes: that every figure is taken; what they are, and met=no, says nothing")
	}
	onClock, onCPU := disturbance()
	a.say("a fixed piece of work takes %.1f times its best time on the clock, %.1f times its best processor time", onClock, onCPU)
	a.say("the program: GOMAXPROCS=1, 20 ms added to every fsync of its database (build tag %s), encrypted replica, keystore, network off", slowDisk)
	a.say("the browser: Chromium at %dx%d, processor throttled %d times", thumb.Width, thumb.Height, slowdown)
	for _, step := range []func(context.Context) error{a.first, a.settle, a.start, a.walk, a.save, a.each, a.search, a.weigh, a.resident, a.plain} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// end lets go of everything, the last first.
func (a *appRun) end() (err error) {
	if a.screen != nil {
		a.screen.Close()
	}
	if a.program != nil && a.program.cmd != nil {
		err = a.program.stop()
	}
	for len(a.fed) > 0 {
		last := a.fed[len(a.fed)-1]
		a.fed = a.fed[:len(a.fed)-1]
		err = errors.Join(err, last())
	}
	return err
}

// tell prints a figure with its budget.
func (a *appRun) tell(met bool, budget, format string, args ...any) {
	word := "no"
	if met {
		word = "yes"
	}
	fmt.Fprintf(a.out, format+" budget=%s met=%s\n", append(args, budget, word)...)
}

// first measures what a first sync and a day's delta weigh, with texts as people write them and with random ones.
func (a *appRun) first(ctx context.Context) error {
	for _, kind := range []struct {
		name  string
		texts func() string
	}{{"written", spoken()}, {"random", random()}} {
		t, err := a.town(ctx, sqlite)
		if err != nil {
			return err
		}
		people, err := t.parish(ctx, appSizes{homes: a.year.homes, people: a.year.people, rows: a.year.rows}, kind.texts)
		if err != nil {
			return err
		}
		p, err := a.phone(ctx, t, people.user, make([]byte, 32))
		if err != nil {
			return err
		}
		p.net.hold = true
		rep, err := p.synced(ctx)
		if err != nil {
			return err
		}
		table, err := p.csv(ctx)
		if err != nil {
			return err
		}
		var packed strings.Builder
		if err := squeeze(&packed, table); err != nil {
			return err
		}
		had, least := float64(len(p.net.answer)), float64(packed.Len())
		a.tell(had <= firstTimes*least, "1.1x", "first-sync-%s %.1f KB for %d rows of %d households csv=%.1f KB zstd-csv=%.1f KB ratio=%.3f", kind.name, had/1024, rep.Rows, a.year.homes,
			float64(len(table))/1024, least/1024, had/least)
		if _, err := p.synced(ctx); err != nil { // the lineage's next word
			return err
		}
		if err := a.delta(ctx, t, people, p, kind.name); err != nil {
			return err
		}
	}
	return nil
}

// delta measures what comes on a day: 30 rows.
func (a *appRun) delta(ctx context.Context, t *town, people *parish, p *phone, name string) error {
	const rows = 30
	var edits [][]syncproto.Edit
	n := 0
	for i := 1; n < rows; i++ { // the first of every ten brings a matter
		c := t.call(people, people.homes[i%len(people.homes)], time.UnixMilli(nowMS()), i)
		edits, n = append(edits, c), n+len(c)
	}
	if err := t.make(ctx, edits...); err != nil {
		return err
	}
	had := p.net.bytes()
	rep, err := p.synced(ctx)
	if err != nil {
		return err
	}
	if rep.Rows != n {
		return fmt.Errorf("%d rows came of %d", rep.Rows, n)
	}
	bytes := p.net.bytes() - had
	a.tell(bytes <= deltaBytes, "20KB", "delta-%s %.1f KB both ways with headers for %d rows", name, float64(bytes)/1024, n)
	return nil
}

// settle makes the big parish, enrols the program through its page, and lets it sync; then the network is gone.
func (a *appRun) settle(ctx context.Context) error {
	t, err := a.town(ctx, sqlite)
	if err != nil {
		return err
	}
	if a.people, err = t.parish(ctx, a.appSizes, spoken()); err != nil {
		return err
	}
	a.say("%d households, %d people, %d rows", len(a.people.homes), a.appSizes.people, a.people.rows)
	if a.program, err = a.build(ctx, true); err != nil {
		return err
	}
	if a.screen, err = thumb.Open(ctx, filepath.Join(a.dir, "profile")); err != nil {
		return err
	}
	link, err := a.program.start(ctx, "free")
	if err != nil {
		return err
	}
	code, _, err := t.e.Auth.Invite(ctx, a.people.user)
	if err != nil {
		return err
	}
	if err := a.screen.Go(link, "#f-code"); err != nil {
		return err
	}
	for _, f := range [][2]string{{"#f-code", code}, {"#f-server", t.url}, {"#f-pin", pin}} {
		if err := a.screen.Fill(f[0], f[1]); err != nil {
			return err
		}
	}
	if err := a.screen.Follow("main .btn.main", `.bar a[href="/today"]`); err != nil {
		return err
	}
	if err := a.arrive(ctx, t); err != nil {
		return err
	}
	t.stop = func() error { return nil } // it was stopped
	return a.program.stop()
}

// pin opens the pages of the measured phone.
const pin = "246810"

// arrive waits for the first sync, and notes when the first household could be worked with. The server goes when all is there.
func (a *appRun) arrive(ctx context.Context, t *town) error {
	link, err := a.program.link()
	if err != nil {
		return err
	}
	r, err := newReader(link)
	if err != nil {
		return err
	}
	began := time.Now()
	var usable time.Duration
	for {
		if usable == 0 {
			_, _, err := r.get("/h/"+string(a.people.homes[0])+"/visit", false)
			some, _, wrong := r.get("/today", false)
			if wrong != nil {
				return wrong
			}
			if rows, err2 := unpack(some); err2 != nil {
				return err2
			} else if err == nil || strings.Contains(rows, `/visit"`) {
				usable = time.Since(began)
			}
		}
		body, _, err := r.get("/sync", false)
		if err != nil {
			return err
		}
		page, err := unpack(body)
		if err != nil {
			return err
		}
		if usable > 0 && !strings.Contains(page, "正在同步") {
			break
		}
		if time.Since(began) > appPatience {
			return fmt.Errorf("the first sync does not end: %s", page)
		}
		time.Sleep(100 * time.Millisecond)
	}
	all := time.Since(began)
	a.tell(usable < all-time.Second/2, "before-all", "first-usable %.1f s after enrolment, all %d rows %.1f s", usable.Seconds(), a.people.rows, all.Seconds())
	return t.stop()
}
