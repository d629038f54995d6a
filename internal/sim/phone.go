package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"minqing/internal/sim/oracle"
	"minqing/internal/simdisk"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/server/store"
	"minqing/syncproto"
)

// phone is one device: its disk, its clock, its owner, and the process that runs on it.
type phone struct {
	w    *world
	name string
	user string
	kind phoneKind
	disk *simdisk.Disk
	rand *entropy

	clock   wallClock
	rep     *replica.Replica
	sync    *syncer.Syncer
	link    *link // of the process that runs now
	boot    int   // counts processes
	syncing bool
	gone    bool // revoked and wiped, or thrown away
	dead    []func()

	forms  []form
	loose  bool // tools wrote to the file: it may seal changes by itself
	cuts   []*cut
	sure   bool // the file is known to be at the last of cuts
	based  bool // the file was at the first of cuts
	last   *answer
	sent   map[string]bool // ids that the server ever sent it
	labels map[syncproto.RowID]syncproto.Label
	forgot bool // a forget came with the last sync
	quiet  bool // its last sync sent nothing and got nothing
	anew   bool // its last sync made it another device
	// through are its changes that it knew to be accepted when a sync last went well: their rows have come, or never will.
	through map[syncproto.Identity]bool
	rotten  bool // something other than syncing may have made it differ from the server
	// twinned: its file was copied, or put back from a copy.
	twinned bool
	mine    []*made
	left    syncer.Escrowed // what it handed over when it was revoked
}

// form is one that was rendered and not yet saved.
type form struct {
	replica.Form
	boot int
}

// cut is what a checkpoint says the phone holds.
type cut struct {
	view  *oracle.View
	can   map[string]bool
	began map[string]bool // those of can that were granted from the first byte on: what is granted meanwhile comes with the next sync
	now   int64
	more  bool
}

const serverURL = "https://minqing.example"

// newPhone enrols a phone for somebody.
func (w *world) newPhone(c phoneCase, seed uint64) *phone {
	p := &phone{w: w, name: fmt.Sprintf("phone%d", len(w.phones)+1), user: c.User, kind: phoneKind{c.Version, c.Encrypted}, disk: simdisk.New(),
		rand: newEntropy(seed, 4), sent: map[string]bool{}, labels: map[syncproto.RowID]syncproto.Label{}}
	p.disk.Now = p.now
	p.disk.Restore(phonePath, template().phones[p.kind])
	w.phones = append(w.phones, p)
	p.open()
	p.enrol()
	return p
}

func (p *phone) now() int64 { return p.clock.read(p.w.now) }

func (p *phone) userID() syncproto.UserID { return syncproto.UserID(p.user) }

// enrol makes the file a device of its user.
func (p *phone) enrol() {
	w := p.w
	if w.server.failing { // amid a request: it dies of that before it could keep anything
		w.server.crash(p.link.d)
	}
	if !w.server.up {
		w.server.open()
	}
	code, _, err := w.server.eng.Auth.Invite(context.Background(), p.userID())
	w.must(err, "invite")
	d, _, err := syncer.Enrol(context.Background(), p.link, p.rand, syncer.Enrolment{Server: serverURL, Code: code, Label: p.name, Platform: "sim", Client: "sim"})
	w.must(err, "enrol "+p.name)
	w.must(p.rep.Enrol(context.Background(), d), "keep the enrolment of "+p.name)
	w.trace.note("%s is %s of %s, schema %d", p.name, d.ID, p.user, p.kind.version)
}

// open starts the process.
func (p *phone) open() {
	w := p.w
	p.boot++
	opt := phoneOptions(p.disk, p.kind, p.now, p.rand)
	running := fmt.Sprintf("%s.%d", p.name, p.boot)
	opt.Process, opt.Ended = running, func(process string) bool { return process != running }
	rep, err := replica.Open(context.Background(), opt)
	if err != nil {
		w.violate(iAckDurable, "%s does not open again: %v", p.name, err)
	}
	p.rep, p.syncing = rep, false
	p.link = &link{w: w, phone: p, boot: p.boot, d: newDice(uint64(w.now), 6)}
	p.sync = syncer.New(syncer.Options{Replica: p.rep, Transport: p.link, Rand: p.rand, Client: "sim", Revoked: p.wiped})
}

// wiped is what the phone does when it hears that it was revoked.
func (p *phone) wiped(ctx context.Context) error {
	if err := p.escrow(ctx); err != nil {
		return err
	}
	p.w.trace.note("%s is revoked and wiped", p.name)
	p.w.count[cRevoked]++
	p.retire()
	return nil
}

// retire takes a phone out of the history: what only it held is gone.
func (p *phone) retire() {
	p.gone = true
	for _, m := range p.mine {
		delete(m.holders, p)
	}
}

// crash cuts the power; the phone starts again at once.
func (p *phone) crash(d *dice) {
	w := p.w
	w.count[cCrashes]++
	w.trace.note("%s crashes", p.name)
	p.disk.Crash(d.Rand)
	p.disk.Heal()
	rep := p.rep
	p.dead = append(p.dead, func() { _ = rep.Close() }) // what a dead process says does not matter
	p.sure = false
	p.open()
	p.survived()
}

// survived holds the file after a crash to what its user was told.
func (p *phone) survived() {
	have := p.entries()
	for _, m := range p.mine {
		if m.holders[p] && have[m.id] == nil {
			p.w.violate(iAckDurable, "%s told its user that change %s is safe, and a crash lost it", p.name, m.id)
		}
	}
	p.checkAfterCrash()
}

// entries are the changes that the file holds.
func (p *phone) entries() map[syncproto.Identity]*replica.Entry {
	all, err := p.rep.Entries(context.Background())
	p.w.must(err, "entries of "+p.name)
	out := map[syncproto.Identity]*replica.Entry{}
	for i := range all {
		out[all[i].Identity] = &all[i]
	}
	return out
}

// letGo closes everything that ever ran.
func (p *phone) letGo() {
	if p.rep != nil {
		_ = p.rep.Close() // the history is over
	}
	p.bury()
}

func (p *phone) bury() {
	for _, f := range p.dead {
		f()
	}
	p.dead = nil
}

// session syncs once. It gives the error of the sync, which bad weather excuses.
func (p *phone) session(d *dice, rough bool) error {
	w := p.w
	if p.syncing || p.gone {
		return nil
	}
	w.count[cSyncs]++
	boot, l := p.boot, p.link
	l.d, l.rough, l.nested, l.failed = d, rough, rough, false
	p.syncing = true
	p.last, p.forgot, p.quiet, p.anew = nil, false, false, false
	rep, err := p.sync.Sync(context.Background())
	if w.broken == nil && p.boot == boot && codeOf(err) == syncproto.CodeAuth && p.stranger() {
		l.rough = false // whoever asks for another code does so where there is a network
		p.enrol()
		l.rough, p.anew = rough, true
		rep, err = p.sync.Sync(context.Background())
	}
	if w.broken != nil {
		panic(w.broken)
	}
	p.rotten = p.rotten || rep.Forked || rep.Copied // a process that was killed over it has written that down
	if p.boot != boot {
		return errDead
	}
	p.syncing = false
	w.trace.note("%s synced: rounds %d pushed %d rows %d waiting %d copied %v forked %v: %v", p.name, rep.Rounds, rep.Pushed, rep.Rows, rep.Waiting,
		rep.Copied, rep.Forked, codeOf(err))
	if p.gone {
		return nil
	}
	p.quiet = err == nil && rep.Rounds == 1 && rep.Pushed+rep.Rows+rep.Waiting+rep.Repaired+rep.Testified+rep.Differs+len(rep.Told) == 0 && !rep.Forgot && !rep.Copied && !rep.Forked
	if rep.Forgot {
		w.count[cForgets]++
		p.forgot = true
	}
	w.count[cRepairs] += rep.Repaired
	p.repaired(rep, err)
	if rep.Copied {
		w.count[cCopies]++
		p.anew = true
	}
	if rep.Forked {
		w.count[cForks]++
	}
	p.collect()
	p.took(err == nil)
	if err != nil {
		p.checkAfterCrash()
	}
	if err != nil && !excused(err) && !(l.failed && codeOf(err) == syncproto.CodeInternal) {
		w.violate(iSound, "%s cannot sync: %v", p.name, err)
	}
	return err
}

// stranger tells that the server went back to before it knew the device (it took a new id when its file was copied): its owner asks for
// another code, as the phone tells him to.
func (p *phone) stranger() bool {
	if !p.w.server.up {
		return false
	}
	d, err := p.rep.Device(context.Background())
	p.w.must(err, "read the device of "+p.name)
	known := true
	p.w.must(p.w.server.eng.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
		_, known, err = tx.Device(d.ID)
		return err
	}), "read a device")
	return !known
}

func codeOf(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return "error"
	}
	return ""
}

// excused tells whether bad luck explains an error of a sync.
func excused(err error) bool {
	switch codeOf(err) {
	case syncproto.CodeUnavailable, syncproto.CodeBusy:
		return true
	case syncproto.CodeCopied, syncproto.CodeAuth, syncproto.CodeRevoked:
		return true
	}
	return errors.Is(err, errLink) || errors.Is(err, errDead)
}

// collect notes changes that the file sealed by itself, out of what tools wrote; one that the file of its twin sealed as well may have been
// taken in the same sync.
func (p *phone) collect() {
	if !p.loose {
		return
	}
	all, err := p.rep.Entries(context.Background())
	p.w.must(err, "entries of "+p.name)
	for i := range all {
		if !all[i].Outside {
			continue
		}
		switch m := p.w.made[all[i].Identity]; {
		case m == nil && all[i].State == replica.Pending:
			p.w.keepMade(p, all[i].Change)
		case m != nil && !slices.Contains(p.mine, m): // its twin sealed the same before it
			m.holders[p] = true
			p.mine = append(p.mine, m)
		}
	}
}

// keepMade notes a change that the file says is safe.
func (w *world) keepMade(p *phone, c *syncproto.Change) *made {
	m := &made{Change: c, id: c.Identity(), user: p.userID(), holders: map[*phone]bool{p: true}}
	for _, o := range p.mine {
		if o.First == m.First && o.id != m.id {
			w.violate(iIdempotence, "%s seals two changes under one name, %v: either could be taken for the other come again", p.name, m.First)
		}
	}
	w.made[m.id] = m
	p.mine = append(p.mine, m)
	for _, e := range c.Edits {
		if e.Op == syncproto.OpCreate {
			w.born(e.Table, e.Row)
		}
	}
	if p.kind.version < w.book.Version {
		w.count[cOldEdits]++
	}
	w.trace.note("%s made %s %s", p.name, m.id[:8], describe(c))
	return m
}

// describe tells a change in one line.
func describe(c *syncproto.Change) string {
	s := ""
	for _, e := range c.Edits {
		s += fmt.Sprintf("[%c %s %s", e.Op, e.Table, short(string(e.Row)))
		for _, cell := range e.Cells {
			switch {
			case cell.Raw != nil:
				s += fmt.Sprintf(" %s=%s", cell.Cell, cell.Raw)
			case len(cell.Add)+len(cell.Del) > 0:
				s += fmt.Sprintf(" %s+%v-%v", cell.Cell, cell.Add, cell.Del)
			case cell.Delta != 0:
				s += fmt.Sprintf(" %s%+d", cell.Cell, cell.Delta)
			default:
				s += fmt.Sprintf(" %s=%s", cell.Cell, cell.Value)
			}
		}
		if len(e.Decides) > 0 {
			s += fmt.Sprint(" decides ", e.Decides)
		}
		if e.UndoOf != "" {
			s += " undoes " + string(e.UndoOf[:8])
		}
		s += fmt.Sprintf(" over %s:%d", short(string(e.Base.Epoch)), e.Base.Rev)
		for _, o := range e.Base.Over {
			s += " " + string(o[:8])
		}
		if len(e.Base.Open) > 0 {
			s += fmt.Sprintf(" open %d", len(e.Base.Open))
		}
		s += "]"
	}
	if c.Mends != "" {
		s += " mends " + string(c.Mends[:8])
	}
	return s
}

func short(s string) string {
	if len(s) > 6 {
		return s[len(s)-6:]
	}
	return s
}

// arrived notes a change that reached the server: it must be one that somebody made.
func (w *world) arrived(p *phone, c *syncproto.Change) {
	id := c.Identity()
	if w.made[id] == nil {
		p.collect()
	}
	m := w.made[id]
	if m == nil {
		for i := range c.Edits {
			if c.Edits[i].Op == syncproto.OpDelete {
				w.violate(iForgetting, "%s sends a deletion that nobody made: %s", p.name, describe(c))
			}
		}
		w.violate(iNoPhantom, "%s sends change %s that nobody made: %s %s", p.name, id, describe(c), c.Content)
	}
}

// tally counts what became of a change.
func (w *world) tally(c *oracle.Change) {
	switch c.Status {
	case syncproto.Refused:
		w.count[cRefusals]++
		if c.Code == syncproto.CodeWaits {
			w.count[cWaits]++
		}
		if c.Code == syncproto.CodeLate {
			w.count[cOverdue]++
		}
	case syncproto.Merged:
		w.count[cMerges]++
	case syncproto.Conflicted:
		w.count[cConflicts]++
	}
	if c.Late {
		w.count[cLates]++
	}
	if c.Status == syncproto.Refused {
		return
	}
	for _, e := range c.Edits {
		t := w.book.Table(e.Table)
		if e.Op == syncproto.OpDelete {
			w.count[cDeletes]++
		}
		for i := range e.Cells {
			if e.Op == syncproto.OpUpdate && t != nil && e.Cells[i].Cell == t.Parent {
				w.count[cMoves]++
			}
		}
	}
	if m := w.oracle.Change(c.Mends); m != nil && m.MendedBy == c.ID {
		w.count[cMends]++
	}
}
