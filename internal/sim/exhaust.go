package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"minqing/internal/sim/oracle"
	"minqing/internal/simdisk"
	"minqing/internal/sqlitex"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// The exhaustive check of a small scope: two devices, an administrator, one row of two cells, every interleaving of a few steps over
// production code, each brought to its end and held to the oracle and the invariants.
//
// A step that would change nothing (a sync with nothing to carry, a decision with nothing open) makes a history that a shorter one is
// already, so it is not taken; all shorter lengths are run as well. The two devices are one user's and yet not alike: the second one's clock is
// slow, which counts where the later word shows. So no history stands for the one in which they change places; both are run.

// smallStep is one thing that can be done, where it changes something.
type smallStep struct {
	name string
	can  func(s *small) bool
	run  func(s *small)
}

// smallSteps is the alphabet, in the order in which histories are counted through.
var smallSteps = slices.Concat(stepsOf(0), stepsOf(1), []smallStep{
	{"the desk edits A", (*small).lives, (*small).deskEdits},
	{"the desk deletes", (*small).lives, func(s *small) { s.deskDelete(adminUser, smallRow) }},
	{"the desk decides", func(s *small) bool { return len(s.inbox(adminUser)) > 0 }, (*small).deskDecides},
	{"the desk undoes", func(s *small) bool { return s.newest() != nil }, (*small).deskUndoes},
})

func stepsOf(i int) []smallStep {
	return []smallStep{
		{fmt.Sprint(i+1, " edits A"), func(s *small) bool { return s.shown(i) }, func(s *small) { s.editCell(i, 0) }},
		{fmt.Sprint(i+1, " edits B"), func(s *small) bool { return s.shown(i) }, func(s *small) { s.editCell(i, 1) }},
		{fmt.Sprint(i+1, " syncs"), func(s *small) bool { return s.waits(i) || s.seen[i] != s.oracle.Mark() }, func(s *small) { s.syncs(i) }},
		{fmt.Sprint(i+1, " syncs, cut after the verdicts"), func(s *small) bool { return s.waits(i) }, func(s *small) { s.syncWith(s.phones[i], script{cutBefore: "columns"}) }},
	}
}

// smallRow is the one row; smallCells are its two cells, by the rules that they merge by.
var (
	smallRow   = aThing(0)
	smallCells = [][2]string{{"name", "newest"}, {"name", "state"}, {"total", "story"}}
)

// exhaustive runs every interleaving of up to Steps steps.
type exhaustive struct {
	Steps int
	Cells int       // which pair of cells, by index
	From  []int     // the history to begin with; nil: the first
	Only  bool      // that one only
	Echo  io.Writer // nil, or gets traces
	// Workers run at a time, each on a goroutine of its own; 0 is one for each processor.
	Workers int
	// Progress, unless nil, is told after each history, in the order of histories: all that come before it have been run. failure is empty, or
	// says what broke and the line that replays it.
	Progress func(path []int, run, failures int, failure string)
}

// exhausted is what came of it.
type exhausted struct {
	Run      int
	Failures []string // the first few, each with the line that replays it
	Failed   int
	Counters counters
}

// played is a history that was run, or is to be.
type played struct {
	path  []int
	count bool // it is one of those asked for, and not only on the way to them
	next  []int
	res   result
}

// Run runs them, side by side, and tells of them in order: that of lists of steps, the shorter first. Which histories there are is known only
// as they run (a step that would change nothing is not taken), so the first of those known is what a worker takes up next.
func (x exhaustive) Run() exhausted {
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	out := exhausted{Counters: counters{}}
	g := newGround(smallCells[x.Cells])
	var (
		mu      sync.Mutex
		changed = sync.NewCond(&mu)
		waiting = [][]int{{}}     // in order
		running = map[int][]int{} // by worker
		done    []*played         // in order, and told of when nothing before them is to come
		all     sync.WaitGroup
	)
	tell := func() {
		first := waiting[:min(1, len(waiting))]
		for _, path := range running {
			first = append(slices.Clone(first), path)
		}
		for len(done) > 0 && !slices.ContainsFunc(first, func(path []int) bool { return slices.Compare(path, done[0].path) < 0 }) {
			x.count(&out, done[0])
			done = done[1:]
		}
	}
	workers := x.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	for worker := range workers {
		all.Go(func() {
			at := &place{g: g}
			defer at.leave()
			mu.Lock()
			defer mu.Unlock()
			for {
				for len(waiting) == 0 && len(running) > 0 {
					changed.Wait()
				}
				if len(waiting) == 0 {
					return
				}
				path := waiting[0]
				waiting, running[worker] = waiting[1:], path
				mu.Unlock()
				h := x.play(at, path)
				mu.Lock()
				delete(running, worker)
				for _, step := range h.next {
					waiting = inserted(waiting, append(slices.Clone(path), step), slices.Compare)
				}
				done = inserted(done, h, func(a, b *played) int { return slices.Compare(a.path, b.path) })
				tell()
				changed.Broadcast()
			}
		})
	}
	all.Wait()
	return out
}

// inserted is a sorted list with one thing more.
func inserted[T any](list []T, x T, compare func(a, b T) int) []T {
	at, _ := slices.BinarySearchFunc(list, x, compare)
	return slices.Insert(list, at, x)
}

// play runs one history, and tells which of those that go on from it are to be run.
func (x exhaustive) play(at *place, path []int) *played {
	before := len(path) < len(x.From) && slices.Equal(path, x.From[:len(path)])
	res, live := at.play(path, x.Echo)
	h := &played{path: path, count: !before && len(path) > 0, res: res}
	if len(path) == x.Steps || x.Only && len(path) == len(x.From) || res.Broken != nil {
		return h
	}
	for _, step := range live {
		if before && (step < x.From[len(path)] || x.Only && step > x.From[len(path)]) {
			continue
		}
		h.next = append(h.next, step)
	}
	return h
}

func (x exhaustive) count(out *exhausted, h *played) {
	if !h.count {
		return
	}
	out.Run++
	out.Counters.Add(h.res.Counters)
	failure := ""
	if h.res.Broken != nil {
		out.Failed++
		if len(out.Failures) < mostFailures {
			failure = fmt.Sprintf("minqing-sim -exhaust %d -cells %d -from %s -only\n  %s\n  %v\n%s", len(h.path), x.Cells, formatPath(h.path), spell(h.path),
				h.res.Broken, h.res.Stack)
			out.Failures = append(out.Failures, failure)
		}
	}
	if x.Progress != nil {
		x.Progress(h.path, out.Run, out.Failed, failure)
	}
}

// mostFailures bounds what is told: one mistake breaks many histories.
const mostFailures = 20

// formatPath writes a history as parsePath reads it.
func formatPath(path []int) string {
	var parts []string
	for _, i := range path {
		parts = append(parts, strconv.Itoa(i))
	}
	return strings.Join(parts, ",")
}

// parsePath reads a list of steps like “0,2,4”.
func parsePath(list string) (path []int, err error) {
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		i, err := strconv.Atoi(part)
		if err != nil || i < 0 || i >= len(smallSteps) {
			return nil, fmt.Errorf("sim: %q is no list of steps below %d, like 0,2,4", list, len(smallSteps))
		}
		path = append(path, i)
	}
	return path, nil
}

func spell(path []int) string {
	var parts []string
	for _, i := range path {
		parts = append(parts, smallSteps[i].name)
	}
	return strings.Join(parts, "; ")
}

// ground is what every small history begins with: the disks, and what the simulator knows, after two devices were enrolled and filled.
type ground struct {
	cells  [2]string
	world  *world
	server simdisk.Image
	phones []simdisk.Image
}

func newGround(cells [2]string) *ground {
	g := &ground{cells: cells, world: newWorld(&history{}, nil)}
	w := g.world
	w.calm = true
	w.server = &server{w: w, disk: simdisk.New(), blank: true, keys: template().keys, rand: newEntropy(0, 20), known: map[syncproto.Identity]bool{}}
	w.server.open()
	for _, r := range castRows() {
		// One village with its administrator, one cadre, one household, one thing.
		if slices.Contains([]string{city, townships[0], villages[0], groups[0], adminUser, fixedID(0x70), cadres[0], fixedID(0x74), households[0], fixedID(0x80), fixedID(0x90)}, r.id) {
			w.tick(1000)
			w.submit("", r.creation(w.book))
			w.born(r.table, syncproto.RowID(r.id))
			for _, c := range r.cells {
				for _, word := range canaries.FindAllString(fmt.Sprint(c), -1) {
					w.tokens[word] = &token{row: syncproto.RowID(r.id)}
				}
			}
		}
	}
	s := &stage{world: w, d: newDice(0, 21)}
	for range 2 {
		s.phone(ann)
	}
	if cells[1] == "state" {
		s.deskEdit(adminUser, smallRow, "state", "doing")
	}
	s.sync(w.phones...)
	w.server.settle()
	for _, p := range w.phones {
		w.must(p.rep.Close(), "close "+p.name)
		w.must(rewritten(p.disk), "write the file of "+p.name+" anew")
		g.phones = append(g.phones, p.disk.Clone(phonePath, false))
	}
	w.server.stop()
	g.server = w.server.disk.Clone(serverPath, false)
	return g
}

// rewritten writes a phone's file anew, as forgetting does: where that happens in a history, all stays where it is here.
func rewritten(d *simdisk.Disk) error {
	db, err := sqlitex.Open(sqlitex.Options{Path: phonePath, FS: d.VFS(), MustExist: true, Readers: 1})
	if err != nil {
		return err
	}
	_, err = db.Write.Exec("VACUUM")
	return errors.Join(err, db.Close())
}

// small is one such history.
type small struct {
	*stage
	cells [2]string
	step  int
	seen  [2]int // what the server held when a phone last synced
}

// place is where one worker plays: the disks, which keep their connections from one history to the next. Every history begins from the same
// images; what another one left in a connection is the schema as SQLite parsed it and statements as it compiled them.
type place struct {
	g     *ground
	disks []*simdisk.Disk // the server's, then the phones'
}

// ready puts the images back beneath what was kept; a disk where that cannot be begins anew.
func (at *place) ready() {
	if at.disks == nil {
		at.disks = make([]*simdisk.Disk, 1+len(at.g.phones))
	}
	for i, d := range at.disks {
		switch {
		case d == nil:
		case d.Rewind():
			continue
		default:
			d.Discard()
		}
		at.disks[i] = at.g.disk(i)
	}
}

// disk is one that keeps its connections: that of the server, or of a phone.
func (g *ground) disk(i int) *simdisk.Disk {
	d, path, img := simdisk.New(), serverPath, g.server
	if i > 0 {
		path, img = phonePath, g.phones[i-1]
		d.Now = g.world.phones[i-1].now // SQLite is to ask for the time there; whose clock that is, each history says
	}
	g.world.must(d.Keep(path, img), "keep a disk")
	return d
}

// leave lets go of what was kept.
func (at *place) leave() {
	for _, d := range at.disks {
		d.Discard()
	}
	at.disks = nil
}

// begin makes the world anew.
func (at *place) begin(echo io.Writer) *small {
	at.ready()
	g, of := at.g, at.g.world
	w := newWorld(&history{Seed: 1}, echo)
	w.calm, w.brief, w.now, w.oracle = true, true, of.now+hour, of.oracle.Fork()
	w.rows, w.known, w.lay, w.tokens = slices.Clone(of.rows), maps.Clone(of.known), map[syncproto.RowID]map[string]bool{}, maps.Clone(of.tokens)
	w.server = &server{w: w, disk: at.disks[0], keys: of.server.keys, rand: newEntropy(1, 22), known: maps.Clone(of.server.known), newest: of.server.newest}
	s := &small{stage: &stage{world: w, d: newDice(1, 23)}, cells: g.cells}
	return s
}

// wake starts server and phones.
func (at *place) wake(s *small) {
	w := s.world
	w.server.open()
	w.lookAround()
	for i, o := range at.g.world.phones {
		p := &phone{w: w, name: o.name, user: o.user, kind: o.kind, disk: at.disks[1+i], rand: newEntropy(uint64(i), 24), sent: maps.Clone(o.sent),
			labels: maps.Clone(o.labels), cuts: slices.Clone(o.cuts), sure: o.sure}
		p.disk.Now = p.now
		w.phones = append(w.phones, p)
		p.open()
		s.seen[i] = w.oracle.Mark()
	}
	w.phones[1].clock.offset = -2 * hour // it went wrong since the last sync
}

// play runs one history; live are the steps that could follow.
func (at *place) play(path []int, echo io.Writer) (res result, live []int) {
	s := at.begin(echo)
	w := s.world
	defer func() {
		if p := recover(); p != nil {
			if w.broken == nil {
				w.broken = &violation{iSound, fmt.Sprintf("panic: %v", p)}
			}
			res.Stack = string(debug.Stack())
		}
		res.Hash, res.Counters, res.Broken = w.trace.sum(), w.count, w.broken
		if w.broken != nil { // the power goes, so nothing of it can be kept
			w.end()
			at.leave()
			return
		}
		w.letGo()
	}()
	at.wake(s)
	for i, step := range path {
		s.step = i + 1
		w.tick(1000)
		w.trace.note("step %d: %s", s.step, smallSteps[step].name)
		smallSteps[step].run(s)
	}
	w.server.settle()
	for i := range smallSteps {
		if smallSteps[i].can(s) {
			live = append(live, i)
		}
	}
	w.settle()
	return res, live
}

// value is what a step writes into a cell that shows something now.
func (s *small) value(column string, shown schema.Value) any {
	switch s.book.CellOf("thing", column).Rule {
	case schema.RuleSum:
		return int(shown.Num()) + s.step
	case schema.RuleFlow:
		return map[string]string{"doing": "closed", "closed": "doing", "open": "doing", "dropped": "doing"}[shown.Str()]
	case schema.RuleText:
		return shown.Str() + fmt.Sprintf("%d。", s.step)
	}
	return fmt.Sprint("by step ", s.step)
}

// shown tells whether a phone shows the row.
func (s *small) shown(i int) bool {
	p := s.phones[i]
	_, err := p.rep.Form(context.Background(), smallRow.table, smallRow.id)
	if err != nil && codeOf(err) != syncproto.CodeNotFound {
		s.must(err, "render a form on "+p.name)
	}
	return err == nil
}

func (s *small) editCell(i, cell int) {
	p, column := s.phones[i], s.cells[cell]
	f := s.form(p, smallRow)
	p.save(f, pairs([]any{column, s.value(column, f.Values[column])})) // what the phone knows to be forbidden it does not save
}

// waits tells whether a phone has something to push.
func (s *small) waits(i int) bool {
	p := s.phones[i]
	list, err := p.rep.Entries(context.Background(), replica.Pending)
	s.must(err, "entries of "+p.name)
	return len(list) > 0
}

func (s *small) syncs(i int) {
	s.sync(s.phones[i])
	s.seen[i] = s.oracle.Mark()
}

func (s *small) lives() bool { return !s.oracle.View().Rows[smallRow.id].Dead }

func (s *small) deskEdits() {
	shown := s.shownAt(s.oracle.View().Rows[smallRow.id])(s.cells[0])
	s.deskEdit(adminUser, smallRow, s.cells[0], s.value(s.cells[0], shown))
}

// deskDecides takes the first words of the first item; a row deleted beside an edit it lets live.
func (s *small) deskDecides() {
	it := s.inbox(adminUser)[0]
	d := judge.Decision{Base: it.Base, Keep: true}
	if it.Kind != syncproto.ItemDelete {
		d.Pick = it.Sides[0].Change
	}
	s.decide(it, d)
}

// newest is the last change of the row that took effect, its creation apart.
func (s *small) newest() *oracle.Change {
	var last *oracle.Change
	for _, c := range s.oracle.Changes() {
		if c.Status != syncproto.Refused && c.Edits[0].Row == smallRow.id && c.Edits[0].Op != syncproto.OpCreate {
			last = c
		}
	}
	return last
}

func (s *small) deskUndoes() {
	s.desk("undo", func(j *judge.Judge) error {
		_, err := j.Undo(context.Background(), syncproto.UserID(adminUser), s.newest().ID)
		return err // of something that shows nowhere any more there is nothing to undo
	})
}
