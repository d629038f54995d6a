package e2e_test

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// pocket is a device in the test's own process, over a real file and real sockets: many syncs without many processes.
type pocket struct {
	*replica.Replica
	w       *town
	f       *field
	sync    *syncer.Syncer
	via     http.RoundTripper
	houses  []syncproto.RowID
	matters map[syncproto.RowID]int64 // the supporters that each must have in the end
}

// pocket enrols a device for a user with ownHouses households.
func (w *town) pocket(login string) *pocket {
	w.t.Helper()
	f := w.enrol(login)
	p := &pocket{w: w, f: f, matters: map[syncproto.RowID]int64{}, via: &http.Transport{}}
	w.t.Cleanup(func() { p.via.(*http.Transport).CloseIdleConnections() })
	p.open()
	must(w.t, p.Records(context.Background(), "household", func(r replica.Record) error {
		p.houses = append(p.houses, r.Row)
		return nil
	}))
	return p
}

func (p *pocket) open() {
	p.w.t.Helper()
	r, err := replica.Open(context.Background(), replica.Options{Path: p.f.file, Book: schema.Minqing(), Now: func() int64 { return time.Now().UnixMilli() }, Rand: crand.Reader})
	must(p.w.t, err)
	p.Replica = r
	p.w.t.Cleanup(func() { r.Close() }) // closing twice is closing once
	p.fresh(p.via)
}

// fresh syncs through a transport from now on, with no token yet.
func (p *pocket) fresh(via http.RoundTripper) {
	p.sync = syncer.New(syncer.Options{Replica: p.Replica, Transport: via, Rand: crand.Reader, Client: "e2e"})
}

// matter writes a matter; supporters are then counted on it.
func (p *pocket) matter(detail string) syncproto.RowID {
	p.w.t.Helper()
	var id syncproto.RowID
	me, err := p.Device(context.Background())
	must(p.w.t, err)
	_, err = p.Write(context.Background(), func(tx *replica.Tx) (err error) {
		if id, err = tx.NewID(); err != nil {
			return err
		}
		return tx.Create("matter", id, map[string]schema.Value{"household": schema.Text(string(p.houses[0])), "author": schema.Text(string(me.User)),
			"kind": schema.Text("request"), "title": schema.Text("修水沟"), "detail": schema.Text(detail), "supporters": schema.Int(0)})
	})
	must(p.w.t, err)
	p.matters[id] = 0
	return id
}

// support counts one more supporter: an addition, so that one taken twice would show.
func (p *pocket) support(id syncproto.RowID) {
	p.w.t.Helper()
	f, err := p.Form(context.Background(), "matter", id)
	must(p.w.t, err)
	_, err = p.Write(context.Background(), func(tx *replica.Tx) error {
		return tx.Update(f, map[string]schema.Value{"supporters": schema.Int(f.Values["supporters"].Num() + 1)})
	})
	must(p.w.t, err)
	p.matters[id]++
}

// through syncs with a network as it should be: nothing waits, nothing differs, nothing was taken for a copy or a fork.
func (p *pocket) through(what string) syncer.Report {
	p.w.t.Helper()
	p.anew()
	rep, err := p.sync.Sync(context.Background())
	if err != nil {
		p.w.t.Fatalf("%s: the next sync: %v", what, err)
	}
	if rep.Waiting > 0 || rep.Differs > 0 || rep.Copied || rep.Forked {
		p.w.t.Fatalf("%s: the next sync: %+v", what, rep)
	}
	if pending, err := p.Entries(context.Background(), replica.Pending, replica.Refused); err != nil || len(pending) > 0 {
		p.w.t.Fatalf("%s: after the next sync %d wait or were refused, %v", what, len(pending), err)
	}
	return rep
}

// anew goes on over a connection of its own: one that was cut behind the last byte of an answer may look whole for a moment yet.
func (p *pocket) anew() { p.via.(*http.Transport).CloseIdleConnections() }

// once proves on the server's tables that every supporter was counted once and every matter is there once.
func (p *pocket) once() {
	t := p.w.t
	t.Helper()
	got := map[string]string{}
	db := filepath.Join(p.w.data, "minqing.db")
	ids, counts := query(t, db, "SELECT id FROM matter ORDER BY id"), query(t, db, "SELECT supporters FROM matter ORDER BY id")
	for i, id := range ids {
		got[id] = counts[i]
		if counts[i] == "" {
			got[id] = "0" // nobody added anything
		}
	}
	for id, want := range p.matters {
		if got[string(id)] != fmt.Sprint(want) {
			t.Errorf("matter %s has %q supporters, want %d", id, got[string(id)], want)
		}
	}
	if len(got) != len(p.matters) {
		t.Errorf("%d matters on the server, want %d", len(got), len(p.matters))
	}
	p.f.equal()
}

// linkBroke tells the error that a device must give when the network went: anything else is a fault.
func linkBroke(err error) bool {
	var e *syncproto.Error
	return errors.As(err, &e) && e.Code == syncproto.CodeUnavailable
}

// The connection is cut after bytes of a small sync, either way, under a token that is there and with the sign-in before it; after each the next
// sync completes. At full length the cut comes after each byte of both.
func TestFaultsCutSmallExchange(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	id := p.matter("每天积水")
	p.through("the beginning")
	for direction := range 2 {
		plain, _ := p.cutSmall(id, direction, full(11, 1), false)
		signed, cuts := p.cutSmall(id, direction, full(37, 1), true)
		if signed <= plain {
			t.Errorf("direction %d: the last cut into a sync with its sign-in came after %d bytes, into one without after %d", direction, signed, plain)
		}
		t.Logf("direction=%d bytes=%d with-sign-in=%d cuts-into-it=%d", direction, plain, signed, cuts)
	}
	p.once()
}

// cutSmall cuts small syncs after ever more bytes, and gives after how many the last cut came and how many cuts there were. How long such an
// exchange is, is measured; it moves by some bytes, so cuts go on till three came too late.
func (p *pocket) cutSmall(id syncproto.RowID, direction, step int, signIn bool) (last, cuts int) {
	t := p.w.t
	t.Helper()
	for n, late := 1, 0; late < 3; n += step {
		p.support(id)
		if signIn {
			p.fresh(p.via)
		}
		p.w.net.cutAfter(direction, n)
		_, err := p.sync.Sync(t.Context())
		if err != nil && !linkBroke(err) {
			t.Fatalf("cut %d after %d bytes: %v", direction, n, err)
		}
		late++
		if err != nil {
			late, last = 0, n
			cuts++
		}
		p.w.net.heal()
		p.through(fmt.Sprintf("direction %d, cut after %d bytes", direction, n))
		if n > 6<<10 {
			t.Fatalf("after %d bytes a small exchange is still not over", n)
		}
	}
	return last, cuts
}

// The connection is cut at random bytes of large exchanges: a first fill going down, a long outbox going up.
func TestFaultsCutLargeExchange(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	w.minqing("user", "add", "--login", "bob", "--name", "bob", "--role", "cadre", "--over", townVillage)
	w.minqing("assign", "--user", "bob", "--team", "member", "--households", house(0)+","+house(1)+","+house(2))
	ann, bob := w.pocket("ann"), w.pocket("bob")
	rng := rand.New(rand.NewPCG(3, 3))
	want := full(20, 500)
	var cuts [2]int
	for rounds := 0; cuts[up] < want || cuts[down] < want; rounds++ {
		if rounds > want {
			t.Fatalf("%d cuts up and %d down after %d rounds", cuts[up], cuts[down], rounds)
		}
		for range 40 {
			ann.matter(noise(rng, 800))
		}
		for _, leg := range []struct {
			p         *pocket
			direction int
		}{{ann, up}, {ann, down}, {bob, down}} {
			for range 4 { // each goes on where the one before left
				w.net.cutAfter(leg.direction, 1+rng.IntN(60<<10))
				_, err := leg.p.sync.Sync(t.Context())
				if err != nil && !linkBroke(err) {
					t.Fatal(err)
				}
				if err != nil {
					cuts[leg.direction]++
				}
			}
			w.net.heal()
			leg.p.through("after cuts")
		}
		for id := range ann.matters {
			bob.support(id)
			ann.matters[id]++
			break
		}
		bob.through("a supporter")
		ann.through("a supporter")
	}
	ann.once()
	bob.f.equal()
	t.Logf("cuts-up=%d cuts-down=%d matters=%d", cuts[up], cuts[down], len(ann.matters))
}

// noise is text that does not compress away.
func noise(rng *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteRune(rune(0x4e00 + rng.IntN(0x5000)))
	}
	return b.String()
}

// bent is a network that does something to one sync request or its answer.
type bent struct {
	via  http.RoundTripper
	bend func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error)
}

func (b *bent) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/v1/sync" || b.bend == nil {
		return b.via.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	bend := b.bend
	b.bend = nil
	return bend(b.via, r, body)
}

func with(r *http.Request, body []byte) *http.Request {
	out := r.Clone(r.Context())
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return out
}

// plainOf is the body of a request as it was before it was packed.
func plainOf(r *http.Request, body []byte) ([]byte, error) {
	plain, err := codec.Decompress(r.Header.Get("Content-Encoding"), bytes.NewReader(body), syncproto.MaxRequestBytes)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return io.ReadAll(plain)
}

// answered reads an answer whole, plain.
func answered(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	plain, err := codec.Decompress(resp.Header.Get("Content-Encoding"), resp.Body, syncproto.MaxAnswerBytes)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return io.ReadAll(plain)
}

func plainAnswer(resp *http.Response, body []byte) *http.Response {
	resp.Header.Del("Content-Encoding")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp
}

// bends are the ways in which bodies arrive wrong.
var bends = map[string]func(rng *rand.Rand, old []byte) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error){
	"request truncated, its length made to fit": func(rng *rand.Rand, _ []byte) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error) {
		return func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error) {
			return via.RoundTrip(with(r, body[:rng.IntN(len(body))]))
		}
	},
	"request sent three times": func(*rand.Rand, []byte) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error) {
		return func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error) {
			for range 2 {
				resp, err := via.RoundTrip(with(r, body))
				if err != nil {
					return nil, err
				}
				if _, err := answered(resp); err != nil {
					return nil, err
				}
			}
			return via.RoundTrip(with(r, body))
		}
	},
	"request with two lines swapped": func(rng *rand.Rand, _ []byte) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error) {
		return func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error) {
			raw, err := plainOf(r, body)
			if err != nil {
				return nil, err
			}
			out := with(r, swapLines(rng, raw)) // its signature cannot fit any more
			out.Header.Del("Content-Encoding")
			return via.RoundTrip(out)
		}
	},
	"answer truncated at a line": answerBent(func(rng *rand.Rand, lines, _ []byte) []byte {
		all := bytes.SplitAfter(lines, []byte("\n"))
		return bytes.Join(all[:rng.IntN(len(all))], nil)
	}),
	"answer truncated in a line":    answerBent(func(rng *rand.Rand, lines, _ []byte) []byte { return lines[:rng.IntN(len(lines))] }),
	"answer with two lines swapped": answerBent(func(rng *rand.Rand, lines, _ []byte) []byte { return swapLines(rng, lines) }),
	"answer with a line repeated": answerBent(func(rng *rand.Rand, lines, _ []byte) []byte {
		all := bytes.SplitAfter(lines, []byte("\n"))
		i := rng.IntN(len(all))
		return bytes.Join(slices.Insert(all, i, all[i]), nil)
	}),
	"answer of an older sync in its place": answerBent(func(_ *rand.Rand, _, old []byte) []byte { return old }),
	"answer twice in one body":             answerBent(func(_ *rand.Rand, lines, _ []byte) []byte { return append(bytes.Clone(lines), lines...) }),
}

func answerBent(bend func(rng *rand.Rand, lines, old []byte) []byte) func(*rand.Rand, []byte) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error) {
	return func(rng *rand.Rand, old []byte) func(http.RoundTripper, *http.Request, []byte) (*http.Response, error) {
		return func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error) {
			resp, err := via.RoundTrip(with(r, body))
			if err != nil {
				return nil, err
			}
			lines, err := answered(resp)
			if err != nil {
				return nil, err
			}
			return plainAnswer(resp, bend(rng, lines, old)), nil
		}
	}
}

func swapLines(rng *rand.Rand, lines []byte) []byte {
	all := bytes.SplitAfter(bytes.TrimSuffix(lines, []byte("\n")), []byte("\n"))
	i, j := rng.IntN(len(all)), rng.IntN(len(all))
	last := len(all) - 1
	all[last] = append(bytes.Clone(all[last]), '\n')
	all[i], all[j] = all[j], all[i]
	return bytes.Join(all, nil)
}

// Bodies arrive truncated, repeated, reordered, or in another's place. Whatever the device makes of it, afterwards the next sync
// completes, both sides are equal, and everything counts once.
func TestFaultsBentBodies(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	p := w.pocket("ann")
	rng := rand.New(rand.NewPCG(5, 5))
	id := p.matter("每天积水")
	p.through("the beginning")
	names := make([]string, 0, len(bends))
	for name := range bends {
		names = append(names, name)
	}
	slices.Sort(names)
	count := 0
	for range full(4, 60) {
		for _, name := range names {
			var old []byte
			net := &bent{via: p.via}
			p.fresh(net)
			// An honest sync first, whose answer is kept.
			p.support(id)
			net.bend = func(via http.RoundTripper, r *http.Request, body []byte) (*http.Response, error) {
				resp, err := via.RoundTrip(with(r, body))
				if err != nil {
					return nil, err
				}
				if old, err = answered(resp); err != nil {
					return nil, err
				}
				return plainAnswer(resp, old), nil
			}
			p.through("an honest sync")
			p.support(id)
			p.matter(noise(rng, 100))
			net.bend = bends[name](rng, old)
			if _, err := p.sync.Sync(t.Context()); err != nil {
				var e *syncproto.Error
				if !errors.As(err, &e) || e.Code == syncproto.CodeInternal || e.Message == "" {
					t.Fatalf("%s: an error that helps nobody: %v", name, err)
				}
			}
			p.fresh(p.via)
			p.through(name)
			count++
		}
		p.once()
	}
	t.Logf("bent=%d kinds=%d", count, len(names))
}
