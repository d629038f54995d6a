package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex"
	"minqing/schema"
	"minqing/syncproto"
)

// doTool lets a program of somebody's own write to a plain file, while the phone's program may run.
func (w *world) doTool(d *dice) {
	p := w.anyPhone(d)
	if p == nil || p.kind.encrypted {
		return
	}
	var statements []string
	var args [][]any
	add := func(q string, a ...any) { statements, args = append(statements, q), append(args, a) }
	for range 1 + d.IntN(3) {
		f, ok := p.formOf(d, "thing", "thing", "note")
		switch n := d.IntN(8); {
		case !ok:
		case n == 0:
			add("DELETE FROM "+f.Table+" WHERE id = ?", string(f.Row))
		case f.Table != "thing":
		case n == 1:
			id := string(w.deskID(d))
			add("INSERT INTO thing (id, household, name, total) VALUES (?, ?, ?, ?)", id, f.Values["household"].Str(), w.word(syncproto.RowID(id), p.userID(), p), d.IntN(9))
		case n == 2:
			add("UPDATE thing SET grade = ? WHERE id = ?", pick(d, []string{"a", "b", "zz"}), string(f.Row))
		case n == 3:
			add("UPDATE thing SET total = coalesce(total, 0) + ?, high = ? WHERE id = ?", 1+d.IntN(4), d.IntN(40), string(f.Row))
		case n == 4:
			add("UPDATE thing SET state = ? WHERE id = ?", pick(d, []string{"doing", "closed", "dropped"}), string(f.Row))
		default:
			add("UPDATE thing SET newest = ?, name = ? WHERE id = ?", w.word(f.Row, p.userID(), p), w.word(f.Row, p.userID(), p), string(f.Row))
		}
	}
	if len(statements) == 0 {
		return
	}
	db, err := sqlitex.Open(sqlitex.Options{Path: phonePath, FS: p.disk.VFS(), MustExist: true, Readers: 1})
	w.must(err, "a tool opens the file of "+p.name)
	defer db.Close()
	tx, err := db.Write.Begin()
	w.must(err, "a tool begins")
	for i, q := range statements {
		_, err = tx.Exec(q, args[i]...)
		w.must(err, "a tool writes to "+p.name)
	}
	w.must(tx.Commit(), "a tool commits")
	p.loose = true
	w.count[cOutside]++
	w.trace.note("%s: a tool runs %s", p.name, strings.Join(statements, "; "))
	if d.chance(2) {
		_, err := p.rep.SealForeign(context.Background())
		w.must(err, "seal on "+p.name)
		p.collect()
	}
}

func (w *world) doKill(d *dice) {
	if p := w.anyPhone(d); p != nil && !p.syncing {
		p.crash(d)
	}
}

// doCopy puts a copy of a phone's file on another machine; both go on.
func (w *world) doCopy(d *dice) {
	if p := w.anyPhone(d); p != nil && !p.syncing && len(w.phones) <= 7 {
		w.copyOf(p, d.Uint64())
	}
}

func (w *world) copyOf(p *phone, seed uint64) *phone {
	c := &phone{w: w, name: fmt.Sprintf("phone%d", len(w.phones)+1), user: p.user, kind: p.kind, disk: simdisk.New(), rand: newEntropy(seed, 4),
		sent: maps.Clone(p.sent), labels: maps.Clone(p.labels), cuts: slices.Clone(p.cuts), sure: p.sure, based: p.based, loose: p.loose, rotten: p.rotten, twinned: true, mine: slices.Clone(p.mine)}
	p.twinned, c.disk.Now = true, c.now
	c.disk.Restore(phonePath, p.disk.Clone(phonePath, false))
	for _, m := range c.mine {
		if m.holders[p] {
			m.holders[c] = true
		}
	}
	w.phones = append(w.phones, c)
	w.trace.note("%s is a copy of %s", c.name, p.name)
	c.open()
	return c
}

// image is a copy of a phone's file that is only kept.
type image struct {
	phone  *phone
	kind   phoneKind
	files  simdisk.Image
	mine   []*made
	held   map[*made]bool
	labels map[syncproto.RowID]syncproto.Label
	cuts   []*cut
	sure   bool
	based  bool
	loose  bool
	rotten bool
}

func (w *world) doImage(d *dice) {
	if p := w.anyPhone(d); p != nil && !p.syncing {
		w.images = append(w.images, imageOf(p))
	}
}

func imageOf(p *phone) image {
	im := image{phone: p, kind: p.kind, files: p.disk.Clone(phonePath, false), mine: slices.Clone(p.mine), held: map[*made]bool{}, labels: maps.Clone(p.labels),
		cuts: slices.Clone(p.cuts), sure: p.sure, based: p.based, loose: p.loose, rotten: p.rotten}
	for _, m := range p.mine {
		im.held[m] = m.holders[p]
	}
	return im
}

// doOldCopy puts an old copy of a phone's file back: what was made since then on this phone alone is gone, by its owner's own hand.
func (w *world) doOldCopy(d *dice) {
	var fit []image
	for _, im := range w.images {
		if !im.phone.gone && !im.phone.syncing {
			fit = append(fit, im)
		}
	}
	if len(fit) == 0 {
		return
	}
	w.putBack(pick(d, fit))
}

func (w *world) putBack(im image) {
	p := im.phone
	w.must(p.rep.Close(), "close "+p.name)
	p.disk.Restore(phonePath, im.files)
	for _, m := range p.mine {
		delete(m.holders, p)
	}
	p.mine, p.kind, p.labels, p.cuts, p.sure, p.based = slices.Clone(im.mine), im.kind, maps.Clone(im.labels), slices.Clone(im.cuts), im.sure, im.based
	p.loose, p.rotten, p.twinned, p.forms, p.through = im.loose, im.rotten, true, nil, nil
	for _, m := range p.mine {
		if im.held[m] {
			m.holders[p] = true
		}
	}
	w.trace.note("%s goes back to an old copy", p.name)
	p.open()
}

func (w *world) doClock(d *dice) {
	p := w.anyPhone(d)
	was := newDice(d.Uint64(), 8)
	if p == nil || !w.history.Clocks {
		return
	}
	w.trace.note("%s: the clock is %s", p.name, p.clock.skew(was, w.now))
}

// doUpdate gives a phone the newest program.
func (w *world) doUpdate(d *dice) {
	p := w.anyPhone(d)
	if p == nil || p.syncing || p.kind.version == w.book.Version {
		return
	}
	p.update()
}

func (p *phone) update() {
	p.w.must(p.rep.Close(), "close "+p.name)
	p.kind.version++
	p.rotten = true // it lacks what the older program did not know
	p.sure = false
	p.open()
	p.w.trace.note("%s is updated to schema %d", p.name, p.kind.version)
}

func (w *world) doNewPhone(d *dice) {
	if len(w.phones) > 6 {
		return
	}
	users := append(slices.Clone(cadres), secretaries...)
	w.newPhone(phoneCase{User: pick(d, users), Version: 1 + d.IntN(w.book.Version), Encrypted: d.chance(3)}, d.Uint64())
}

// backup is a copy of the server's database, and what was true as it was made.
type backup struct {
	files  simdisk.Image
	mark   int
	known  map[syncproto.Identity]bool
	newest int64
	phones int
}

func (w *world) doBackup(*dice) {
	if !w.server.up {
		w.server.open()
	}
	w.server.settle()
	w.keep = &backup{files: w.server.disk.Clone(serverPath, false), mark: w.oracle.Mark(), known: maps.Clone(w.server.known), newest: w.server.newest, phones: len(w.phones)}
}

// doRestore puts the server back to the backup: everything since is gone there.
func (w *world) doRestore(*dice) {
	k := w.keep
	if k == nil {
		return
	}
	if k.phones < len(w.phones) {
		w.count[cStrangers]++
	}
	s := w.server
	s.settle()
	s.stop()
	s.disk.Restore(serverPath, k.files)
	w.oracle.Restore(k.mark)
	s.known, s.newest = maps.Clone(k.known), k.newest
	w.count[cRestores]++
	w.trace.note("the server goes back to its backup")
	s.open()
}

func (w *world) doRestart(*dice) {
	if w.server.up && w.depth == 0 {
		w.server.stop()
		w.server.open()
	}
}

func (w *world) doPowerCut(d *dice) {
	if w.server.up {
		w.server.settle()
		w.server.crash(d)
		w.server.open()
	}
}

// doDays lets days or months pass.
func (w *world) doDays(d *dice) {
	w.tick(pick(d, []int64{1, 1, 3, 10, 33, 70}) * day)
}

// doGhost lets a request that the network held back come through after all.
func (w *world) doGhost(*dice) {
	if len(w.ghosts) == 0 {
		return
	}
	g := w.ghosts[0]
	w.ghosts = w.ghosts[1:]
	w.count[cGhosts]++
	w.repeat(g)
}

// doRot damages what a phone holds of the server's, as a failing memory or a mistake in the program would: the sums follow it.
func (w *world) doRot(d *dice) {
	p := w.anyPhone(d)
	if p == nil || p.kind.encrypted || p.syncing || !p.sure {
		return
	}
	f, ok := p.formOf(d, "thing", "household")
	if !ok || len(f.Base.Over) > 0 {
		return
	}
	column := map[string]string{"thing": "name", "household": "head"}[f.Table]
	w.rot(p, "UPDATE "+schema.Quote(f.Table)+" SET "+column+" = 'rot' WHERE id = '"+string(f.Row)+"'")
}

// rot damages the rows of a plain file by a statement.
func (w *world) rot(p *phone, statement string) {
	db, err := sqlitex.Open(sqlitex.Options{Path: phonePath, FS: p.disk.VFS(), MustExist: true, Readers: 1})
	w.must(err, "open the file of "+p.name)
	for _, q := range []string{"DELETE FROM mq_guard", statement, "INSERT INTO mq_guard VALUES (1)"} {
		_, err := db.Write.Exec(q)
		w.must(err, "rot")
	}
	states, err := p.rep.Digests(context.Background())
	w.must(err, "digests")
	for _, s := range states {
		sums := []byte{}
		for _, x := range s.Digests {
			sums = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(sums, x.Hi), x.Lo)
		}
		_, err := db.Write.Exec(`UPDATE mq_bucket SET rows = ?1, digests = ?2 WHERE place = unhex(hex(substr(?3, 1, instr(?3, ':'))) || substr(?3, instr(?3, ':') + 1), '-') AND period = ?4`,
			s.Rows, sums, s.ID.Scope, s.ID.Period)
		w.must(err, "rot")
	}
	_, err = db.Write.Exec("UPDATE mq_meta SET value = ? WHERE key = 'root'", syncproto.DigestRoot(states).String())
	w.must(err, "rot")
	w.must(db.Close(), "close")
	p.sure = false
	p.rotten = true
	w.trace.note("%s rots: %s", p.name, statement)
}
