package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The server and a device are killed at random moments while several devices write and sync. Nothing that a device called saved is
// lost, nothing that the server gave a verdict for is, both databases are sound as the crash left them, the next sync completes, and
// in the end every device equals the server.
func TestFaultsKill(t *testing.T) {
	const devices = 3
	rounds := full(40, 500)
	w := mustTown(t, devices*ownHouses)
	var fields []*field
	for i := range devices {
		login := fmt.Sprintf("cadre%d", i)
		w.cadre(login, i*ownHouses)
		fields = append(fields, w.enrol(login))
	}
	k := &killing{w: w, fields: fields, rng: rand.New(rand.NewPCG(7, 7))}
	for i := range rounds {
		k.round(i)
		if i%20 == 19 {
			k.settle()
		}
	}
	k.settle()
	w.stop()
	sound(t, filepath.Join(w.data, "minqing.db"))
	for _, f := range fields {
		sound(t, f.file)
	}
	t.Logf("kills server=%d device=%d in_sync_server=%d in_sync_device=%d saved=%d rows=%d verdicts=%d", rounds, rounds, k.serverHit, k.deviceHit, k.saved(), k.rows(),
		k.verdicts)
	if k.serverHit < rounds/4 || k.deviceHit < rounds/4 {
		t.Errorf("of %d kills each, only %d of the server and %d of devices fell into a sync", rounds, k.serverHit, k.deviceHit)
	}
}

// killing is a run of kills.
type killing struct {
	w         *town
	fields    []*field
	rng       *rand.Rand
	serverHit int // kills of the server that some device's sync felt
	deviceHit int // kills of a device before its sync had ended
	verdicts  int
}

// round lets every device write, kills one of them at it or at its sync, and the server during the syncs.
func (k *killing) round(n int) {
	t := k.w.t
	t.Helper()
	victim := k.fields[k.rng.IntN(len(k.fields))]
	k.write(n, victim)
	syncs := map[*field]*process{}
	for _, f := range k.fields {
		syncs[f] = f.spawn("sync")
	}
	// Both kills fall somewhere into the syncs, in either order.
	type kill struct {
		after time.Duration
		do    func() error
	}
	kills := []kill{{k.moment(k.serverHit, n), k.w.server.kill}, {k.moment(k.deviceHit, n), syncs[victim].kill}}
	slices.SortFunc(kills, func(a, b kill) int { return int(a.after - b.after) })
	slept := time.Duration(0)
	for _, one := range kills {
		time.Sleep(one.after - slept)
		slept = one.after
		must(t, one.do())
	}
	felt := false
	for f, p := range syncs {
		if f == victim {
			if !p.cmd.ProcessState.Success() {
				k.deviceHit++
			}
			continue
		}
		out, err := p.wait()
		must(t, err)
		felt = felt || strings.Contains(out, "没有网")
	}
	if felt {
		k.serverHit++
	}
	sound(t, filepath.Join(k.w.data, "minqing.db"))
	sound(t, victim.file)
	k.w.start()
	k.proveVerdicts()
	for _, f := range k.fields {
		f.sync()
	}
}

// moment is when a kill comes. A sync of a few changes takes some 30 to 150 ms; where it is over sooner, so that fewer than a third of the kills
// in the rounds before fell into one, the next comes before any can be.
func (k *killing) moment(hits, rounds int) time.Duration {
	most := 130_000
	if 3*hits < rounds {
		most = 2_000
	}
	return time.Duration(k.rng.IntN(most)) * time.Microsecond
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
