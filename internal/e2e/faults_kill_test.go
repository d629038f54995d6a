package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The server and a device are killed at random moments of their syncs while several devices write and sync, until each has died in a sync as often
// as is asked. Nothing that a device called saved is lost, nothing that the server gave a verdict for is, both databases are sound as the crash
// left them, the next sync completes, and in the end every device equals the server.
func TestFaultsKill(t *testing.T) {
	const devices = 3
	want := full(20, 500)
	w := mustTown(t, devices*ownHouses)
	k := &killing{w: w, nets: map[*field]*relay{}, rng: rand.New(rand.NewPCG(7, 7)), span: [2]time.Duration{longestSpan, longestSpan}}
	for i := range devices {
		login := fmt.Sprintf("cadre%d", i)
		w.cadre(login, i*ownHouses)
		f := w.enrol(login)
		k.nets[f] = mustRelay(t, w.server.address)
		f.must("server", "http://"+k.nets[f].address())
		k.fields = append(k.fields, f)
	}
	rounds := 0
	for ; k.hits[ofServer] < want || k.hits[ofDevice] < want; rounds++ {
		if rounds == 6*want {
			t.Fatalf("of %d kills each, only %d of the server and %d of devices fell into a sync, not %d", rounds, k.hits[ofServer], k.hits[ofDevice], want)
		}
		k.round(rounds)
		if rounds%20 == 19 {
			k.settle()
		}
		if rounds%100 == 99 { // at full length it takes most of an hour
			t.Logf("kills=%d in_sync_server=%d in_sync_device=%d", rounds+1, k.hits[ofServer], k.hits[ofDevice])
		}
	}
	k.settle()
	w.stop()
	sound(t, filepath.Join(w.data, "minqing.db"))
	for _, f := range k.fields {
		sound(t, f.file)
	}
	t.Logf("kills server=%d device=%d in_sync_server=%d in_sync_device=%d saved=%d rows=%d verdicts=%d", rounds, rounds, k.hits[ofServer], k.hits[ofDevice], k.saved(), k.rows(),
		k.verdicts)
}

// killing is a run of kills.
type killing struct {
	w        *town
	fields   []*field
	nets     map[*field]*relay // each device's own way to the server: it tells whether the device's sync has begun
	rng      *rand.Rand
	hits     [2]int           // kills in a sync
	span     [2]time.Duration // within which of a sync's beginning a kill comes
	verdicts int
}

// The two who are killed.
const (
	ofServer = iota
	ofDevice
)

// longestSpan is longer than a sync of a few changes takes on most machines.
const longestSpan = 200 * time.Millisecond

// round lets every device write, kills one of them at it or at its sync, and the server during the syncs.
func (k *killing) round(n int) {
	t := k.w.t
	t.Helper()
	victim := k.fields[k.rng.IntN(len(k.fields))]
	k.write(n, victim)
	syncs := map[*field]*process{}
	for _, f := range k.fields {
		k.nets[f].heal() // counts from zero
		syncs[f] = f.spawn("sync")
	}
	// Both kills fall somewhere into the syncs, in either order: of the device once its sync has begun, of the server once another's has.
	var after [2]time.Duration
	for who, span := range k.span {
		after[who] = time.Duration(k.rng.Int64N(int64(span)))
	}
	var both sync.WaitGroup
	var faults [2]error
	var met map[*field]bool // whose sync had begun when the server died
	gone := make(chan struct{})
	both.Go(func() {
		defer close(gone)
		k.await(nil, func(f *field) bool { return f != victim })
		time.Sleep(after[ofServer])
		met = k.begun()
		faults[ofServer] = k.w.server.kill()
	})
	begun := false
	both.Go(func() {
		k.await(gone, func(f *field) bool { return f == victim })
		time.Sleep(after[ofDevice])
		begun = k.begun()[victim]
		faults[ofDevice] = syncs[victim].kill()
	})
	both.Wait()
	must(t, errors.Join(faults[:]...))
	felt := false
	for f, p := range syncs {
		if f == victim {
			continue
		}
		out, err := p.wait()
		must(t, err)
		felt = felt || met[f] && strings.Contains(out, "没有网")
	}
	k.count(ofServer, felt)
	k.count(ofDevice, begun && !syncs[victim].cmd.ProcessState.Exited()) // a signal ended it, not the end of its work
	sound(t, filepath.Join(k.w.data, "minqing.db"))
	sound(t, victim.file)
	k.w.start()
	for _, net := range k.nets {
		net.retarget(k.w.server.address)
	}
	k.proveVerdicts()
	for _, f := range k.fields {
		f.sync()
	}
}

// begun tells whose syncs have sent something.
func (k *killing) begun() map[*field]bool {
	out := map[*field]bool{}
	for f, net := range k.nets {
		out[f] = net.count(up) > 0
	}
	return out
}

// await waits until the sync of one of some devices has begun, or none can any more. What never begins shows in the count.
func (k *killing) await(gone chan struct{}, one func(*field) bool) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		for f, begun := range k.begun() {
			if begun && one(f) {
				return
			}
		}
		select {
		case <-gone:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// count notes whether a kill fell into a sync. Where syncs are over sooner than kills come, the next come sooner, and later where there is time.
func (k *killing) count(who int, hit bool) {
	if hit {
		k.hits[who]++
		k.span[who] = min(k.span[who]*9/8, longestSpan)
		return
	}
	k.span[who] = max(k.span[who]*3/4, time.Millisecond)
}

// write has each device write one visit by the program and rows by a statement. The victim may die at it.
func (k *killing) write(n int, victim *field) {
	t := k.w.t
	t.Helper()
	var all sync.WaitGroup
	dies := k.rng.IntN(2) == 0
	after := time.Duration(k.rng.IntN(60_000)) * time.Microsecond
	var faults [8]error
	for i, f := range k.fields {
		all.Go(func() {
			p := f.spawn("visit", "--household", house(i*ownHouses+n%ownHouses), "--met", fmt.Sprintf("第%d轮", n), "--text", "水沟堵了。", "--submit")
			if f == victim && dies {
				time.Sleep(after)
				faults[i] = p.kill()
				f.note(p.out.String())
				return
			}
			out, err := p.wait()
			f.note(out)
			if err != nil {
				faults[i] = err
				return
			}
			faults[i] = f.insert(n, i, 5)
		})
	}
	all.Wait()
	for _, err := range faults {
		must(t, err)
	}
}

// insert writes rows past the program, as a tool on a laptop does.
func (f *field) insert(n, device, rows int) error {
	var values, ids []string
	for i := range rows {
		id := fmt.Sprintf("019e0000-%04x-7%03x-8000-%012x", n, i, device) // that of no other row
		ids = append(ids, id)
		values = append(values, "('"+id+"')")
	}
	_, err := f.try("sql", "INSERT INTO matter (id, household, author, kind, title) SELECT v.column1, (SELECT id FROM household ORDER BY id LIMIT 1), "+
		"(SELECT value FROM mq_meta WHERE key = 'user'), 'difficulty', '自来水断续' FROM (VALUES "+strings.Join(values, ",")+") v")
	if err == nil {
		f.made = append(f.made, ids...)
	}
	return err
}

// proveVerdicts holds what devices were told to the server's history.
func (k *killing) proveVerdicts() {
	t := k.w.t
	t.Helper()
	known := map[string]bool{}
	for _, id := range query(t, filepath.Join(k.w.data, "minqing.db"), "SELECT identity FROM mq_change") {
		known[id] = true
	}
	k.verdicts = 0
	for _, f := range k.fields {
		for _, id := range query(t, f.file, "SELECT identity FROM mq_change WHERE verdict IS NOT NULL") {
			k.verdicts++
			if !known[id] {
				t.Fatalf("%s was given a verdict on %s, which the server does not know", f.login, id)
			}
		}
	}
}

// settle proves that all that was saved is on the server, accepted, once, and that both sides are equal.
func (k *killing) settle() {
	t := k.w.t
	t.Helper()
	db := filepath.Join(k.w.data, "minqing.db")
	for _, f := range k.fields {
		f.sync()
	}
	for _, f := range k.fields {
		f.sync() // nobody else's words are left to hear
		f.equal()
		device := query(t, f.file, "SELECT value FROM mq_meta WHERE key = 'device'")[0]
		numbers := map[string]bool{}
		for _, n := range query(t, db, "SELECT number FROM mq_name WHERE device = ?", device) {
			numbers[n] = true
		}
		for _, n := range f.saved {
			if !numbers[fmt.Sprint(n)] {
				t.Fatalf("%s: change %d was called saved and is nowhere", f.login, n)
			}
		}
		rows := map[string]bool{}
		for _, id := range query(t, db, "SELECT id FROM matter") {
			rows[id] = true
		}
		for _, id := range f.made {
			if !rows[id] {
				t.Fatalf("%s: row %s was committed and is not on the server", f.login, id)
			}
		}
		if left := query(t, f.file, "SELECT identity FROM mq_change WHERE state <> 'accepted'"); len(left) > 0 {
			t.Fatalf("%s: not accepted: %v", f.login, left)
		}
	}
	if n := query(t, db, "SELECT count(*) FROM device"); n[0] != fmt.Sprint(len(k.fields)) {
		t.Fatalf("%s devices on the server, want %d: a crash was taken for a copy", n[0], len(k.fields))
	}
}

func (k *killing) saved() (n int) {
	for _, f := range k.fields {
		n += len(f.saved)
	}
	return n
}

func (k *killing) rows() (n int) {
	for _, f := range k.fields {
		n += len(f.made)
	}
	return n
}
