package e2e_test

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	handset "minqing/mobile-client/phone"
	"minqing/mobile-client/pump"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/schema"
)

const handsetPIN = "246810"

// hand is a phone with its engine in the test's own process, against a real server over real sockets.
type hand struct {
	w      *town
	login  string
	file   string
	speed  float64      // of its clock
	secret string       // the keystore's; empty: only the PIN opens the file
	slow   func()       // called before each piece of an answer
	syncs  atomic.Int64 // requests of a sync that were answered, or not
	p      *handset.Phone
	pkg    handset.Package
	stop   func()
}

func (w *town) hand(login string) *hand {
	return &hand{w: w, login: login, file: filepath.Join(w.dir, login+"-hand.db"), speed: 1, secret: "a keystore's secret"}
}

// start starts the program; a keystore opens the file, and the PIN the pages.
func (h *hand) start() {
	h.w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	began, net := time.Now(), &http.Transport{}
	now := func() int64 { return began.UnixMilli() + int64(float64(time.Since(began).Milliseconds())*h.speed) }
	p, err := handset.New(ctx, handset.Options{File: h.file, Secret: []byte(h.secret), Transport: pieces{net, h}, Now: now, After: time.After, Rand: crand.Reader, Client: "e2e",
		Weak: true, Package: h.pkg, Log: slog.New(slog.DiscardHandler)})
	must(h.w.t, err)
	h.p = p
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := p.Close(); err != nil {
			h.w.t.Error(err)
		}
		net.CloseIdleConnections()
	})
	h.w.t.Cleanup(h.stop)
}

// enrol makes it its user's.
func (h *hand) enrol() {
	h.w.t.Helper()
	_, err := h.p.Enrol(context.Background(), "http://"+h.w.net.address(), h.w.minqing("device", "invite", "--user", h.login, "--plain"), handsetPIN)
	must(h.w.t, err)
}

// over works over the file, which is open behind the gate as well.
func (h *hand) over(f func(r *replica.Replica) error) {
	h.w.t.Helper()
	r, _, release, err := h.p.Hold(context.Background())
	defer release()
	if err == nil && r == nil {
		err = fmt.Errorf("%s has no file", h.login)
	}
	if err == nil {
		err = f(r)
	}
	must(h.w.t, err)
}

func (h *hand) count(q string, args ...any) (n int) {
	h.w.t.Helper()
	h.over(func(r *replica.Replica) error {
		return r.View(context.Background(), func(v *replica.View) error {
			_, err := v.One(q, args, &n)
			return err
		})
	})
	return n
}

func (h *hand) status() (s handset.Status) {
	h.w.t.Helper()
	h.over(func(r *replica.Replica) (err error) {
		s, err = h.p.StatusOf(context.Background(), r)
		return err
	})
	return s
}

// visit records one at a household.
func (h *hand) visit(household, met string) {
	h.w.t.Helper()
	h.over(func(r *replica.Replica) error {
		me, err := r.Device(context.Background())
		if err != nil {
			return err
		}
		_, err = r.Write(context.Background(), func(tx *replica.Tx) error {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(household), "author": schema.Text(string(me.User)), "day": schema.Text(time.Now().In(schema.CityZone).Format(time.DateOnly)), "met": schema.Text(met)})
		})
		return err
	})
	h.p.Saved()
}

func (h *hand) household() (id string) {
	h.w.t.Helper()
	h.over(func(r *replica.Replica) error {
		return r.View(context.Background(), func(v *replica.View) error {
			_, err := v.One(`SELECT id FROM household ORDER BY code LIMIT 1`, nil, &id)
			return err
		})
	})
	return id
}

// pieces is a network on which something happens before each piece of an answer.
type pieces struct {
	http.RoundTripper
	h *hand
}

func (p pieces) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.RoundTripper.RoundTrip(r)
	if r.URL.Path == "/v1/sync" {
		p.h.syncs.Add(1)
		if err == nil {
			resp.Body = &piece{resp.Body, p.h}
		}
	}
	return resp, err
}

type piece struct {
	io.ReadCloser
	h *hand
}

func (p *piece) Read(b []byte) (int, error) {
	if p.h.slow != nil {
		p.h.slow()
	}
	return p.ReadCloser.Read(b[:min(len(b), 4<<10)])
}

// soon waits for something that a real network brings.
func soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// A first sync of thousands of rows over a link that breaks again and again: it says how far it has come, never takes anything back, remembers
// it over a restart, can be used as soon as the register is there, and ends with everything.
func TestFirstSyncIsCutAndGoesOn(t *testing.T) {
	const homes, visits = 400, 2500
	w := mustTown(t, homes)
	var codes []string
	for i := range homes {
		codes = append(codes, house(i))
	}
	for login, team := range map[string]string{"ann": "cadre", "bob": "member"} {
		w.minqing("user", "add", "--login", login, "--name", login, "--role", "cadre", "--over", townVillage)
		w.minqing("assign", "--user", login, "--team", team, "--households", strings.Join(codes, ","))
	}
	bob := w.pocket("bob")
	me, err := bob.Device(t.Context())
	must(t, err)
	for from := 0; from < visits; from += 500 {
		_, err := bob.Write(t.Context(), func(tx *replica.Tx) error {
			for i := from; i < from+500; i++ {
				id, err := tx.NewID()
				if err != nil {
					return err
				}
				err = tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(bob.houses[i%homes])), "author": schema.Text(string(me.User)), "day": schema.Text("2026-11-02"),
					"met": schema.Text(fmt.Sprintf("户主和他%d岁的母亲", 60+i%40))})
				if err != nil {
					return err
				}
			}
			return nil
		})
		must(t, err)
	}
	bob.through("a year's visits")
	ann := w.hand("ann")
	ann.speed = 50 // so that a pace can be told of a network as fast as this
	ann.start()
	w.net.cutAfter(down, 1500) // the enrolment passes
	ann.enrol()
	usable, begun, last := false, false, handset.Filling{}
	for cut := 12 << 10; ; cut += 12 << 10 {
		before := ann.syncs.Load() // bytes come down for the link on which it listens, too
		w.net.cutAfter(down, cut)
		ann.p.Sync()
		soon(t, "a sync that ends", func() bool { return ann.syncs.Load() > before && !ann.p.Status().Running })
		s := ann.status()
		if s.Trouble == pump.Fine && w.net.count(down) < cut {
			break // it came through whole
		}
		f := s.Filling
		if s.Trouble != pump.Offline || f.Total == 0 && last.Total != 0 || f.Rows < last.Rows || f.Bytes < last.Bytes || last.Total > 0 && f.Total != last.Total {
			t.Fatalf("after a cut at %d: %+v, before %+v", cut, s, last)
		}
		if f.Homes < last.Homes || f.Homes > f.AllHomes || f.Total > 0 && f.AllHomes != homes {
			t.Fatalf("after a cut at %d: %d of %d homes, before %d", cut, f.Homes, f.AllHomes, last.Homes)
		}
		last = f
		if f.Ready && !f.Past && !begun { // the first household came, and can be visited before the others
			begun = true
			if n, m := ann.count(`SELECT count(*) FROM household h JOIN assignment a ON a.household = h.id`), ann.count(`SELECT count(DISTINCT id) FROM household`); n == 0 || m != 1 {
				t.Errorf("behind the first checkpoint there are %d households, with %d contacts", m, n)
			}
			ann.visit(ann.household(), "户主")
			last.Total++ // it comes back with the others'
		}
		if f.Past && !usable {
			usable = true
			if n, m := ann.count(`SELECT count(*) FROM household`), ann.count(`SELECT count(*) FROM visit`); n != homes || m != 1 {
				t.Errorf("before the past has come there are %d households and %d visits, want but her own", n, m)
			}
			ann.stop()
			ann.start()
			if got := ann.status().Filling; got.Filling != f.Filling {
				t.Errorf("a restart makes %+v of %+v", got, f)
			}
		}
		if cut > 2<<20 {
			t.Fatal("it never ends")
		}
	}
	if !usable || !begun || last.Total < homes+visits || last.Rows == 0 {
		t.Errorf("usable %t, the last cut at %+v", usable, last)
	}
	if n, m := ann.count(`SELECT count(*) FROM household`), ann.count(`SELECT count(*) FROM visit`); n != homes || m != visits+1 {
		t.Errorf("in the end there are %d households and %d visits", n, m)
	}
	if f := ann.status().Filling; f.Total != 0 {
		t.Errorf("in the end it is still at %+v", f)
	}
	ann.stop()
	onePiece(t, w)
}

// onePiece is the same first sync in one go: the figures grow while it comes, and say how long it takes.
func onePiece(t *testing.T, w *town) {
	t.Helper()
	w.net.heal()
	h := w.hand("ann")
	h.file, h.speed = h.file+"2", 50
	var told, timed, percent, total atomic.Int64
	h.slow = func() {
		time.Sleep(2 * time.Millisecond)
		f := h.status().Filling
		if f.Total == 0 {
			return
		}
		total.CompareAndSwap(0, int64(f.Total))
		told.Add(1)
		if f.Left > 0 {
			timed.Add(1)
		}
		if int64(f.Percent()) < percent.Swap(int64(f.Percent())) || int64(f.Total) != total.Load() || f.Percent() > 100 {
			t.Errorf("it stands at %+v after %d %%", f, percent.Load())
		}
	}
	h.start()
	h.enrol()
	h.p.Sync()
	soon(t, "a first sync", func() bool { s := h.p.Status(); return !s.Running && h.count(`SELECT count(*) FROM visit`) > 0 })
	if told.Load() < 10 || timed.Load() == 0 || percent.Load() < 50 {
		t.Errorf("it told %d times how far it was, %d times how long it takes, and came to %d %%", told.Load(), timed.Load(), percent.Load())
	}
	h.stop()
}

// listeners is how many devices listen, as the server says.
func (w *town) listeners() int {
	w.t.Helper()
	resp, err := http.Get("http://" + w.server.address + "/metrics")
	must(w.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(w.t, err)
	_, rest, ok := strings.Cut(string(raw), "\nminqing_event_listeners ")
	n := -1
	if _, err := fmt.Sscan(rest, &n); !ok || err != nil {
		w.t.Fatalf("no count of listeners: %v", err)
	}
	return n
}

// What one saves is on the other's phone at once: it listens while somebody looks, and not while it is locked, hidden or without a network.
func TestOthersChangesArriveAtOnce(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.minqing("user", "add", "--login", "bob", "--name", "bob", "--role", "cadre", "--over", townVillage)
	w.minqing("assign", "--user", "bob", "--team", "member", "--households", house(0))
	ann, bob := w.hand("ann"), w.hand("bob")
	for _, h := range []*hand{ann, bob} {
		h.start()
		h.enrol()
		h.p.Sync()
		soon(t, "the first sync of "+h.login, func() bool { return h.count(`SELECT count(*) FROM household`) > 0 && !h.p.Status().Running })
	}
	soon(t, "both listen", func() bool { return w.listeners() == 2 })
	home := bob.household()
	arrives := func(met string) {
		t.Helper()
		ann.visit(home, met)
		soon(t, met, func() bool { return bob.count(`SELECT count(*) FROM visit WHERE met = ?`, met) == 1 })
	}
	arrives("while he looks")
	for name, c := range map[string]struct{ off, on func() }{
		"locked":  {func() { must(t, bob.p.Lock()) }, func() { must(t, bob.p.Unlock(context.Background(), handsetPIN)) }},
		"hidden":  {func() { bob.p.Looked(false) }, func() { bob.p.Looked(true) }},
		"offline": {func() { bob.p.Network(shell.None) }, func() { bob.p.Network(shell.Unknown) }},
		"portal":  {func() { bob.p.Network(shell.Portal) }, func() { bob.p.Network(shell.Unknown) }},
	} {
		c.off()
		soon(t, name+" phones are deaf", func() bool { return w.listeners() == 1 })
		c.on()
		soon(t, name+" phones listen again", func() bool { return w.listeners() == 2 })
	}
	arrives("after all that")
	w.net.cutNow() // every link breaks
	soon(t, "both listen after a break", func() bool { return w.listeners() == 2 })
	arrives("after a break")
}
