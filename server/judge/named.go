package judge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// Two rows may be one person or household though no value tells it: households of two codes, people of whom one has no ID number. Somebody who
// decides about both names them. What follows is an item like those that the judge finds, but for one thing: it hangs on his word, and not on what
// the two hold. So no value opens a second one beside it or closes it; it ends by a decision, or with one of the two, and is there again when that
// one comes back.

// naming is on whose word an item of twins was opened, and why. It lies beside those who stand in the item; a record of the chain names its hash,
// which nobody can guess words from once the salt is erased with them.
type naming struct {
	Item  string          `json:"item"` // that he opened; one opened again after an undo says the same
	Row   syncproto.RowID `json:"row"`
	Other syncproto.RowID `json:"other"`
	Salt  string          `json:"salt"`
	Saying
}

// wordNamed begins the word for a pair that somebody named; the id of the item and the hash of the naming follow.
const wordNamed = "named "

func (n *naming) word() string {
	sum := sha256.Sum256(mustJSON(n))
	return wordNamed + n.Item + " " + hex.EncodeToString(sum[:])
}

// namedIn reads out of a kind of record which item somebody opened by naming a pair.
func namedIn(kind string) (item string, ok bool) {
	rest, ok := strings.CutPrefix(kind, isDecided+wordNamed)
	item, _, _ = strings.Cut(rest, " ")
	return item, ok
}

// twinsBelow are the tables right beneath one whose twins tell that the rows above them are one.
func twinsBelow(b *schema.Book, t *schema.Table) (out []*schema.Table) {
	for _, below := range b.Tables() {
		if below.TwinAbove && below.Column(below.Parent).Ref == t.Name {
			out = append(out, below)
		}
	}
	return out
}

// namable tells whether two rows of a table can be one person or household.
func namable(b *schema.Book, t *schema.Table) bool {
	return t.Twin != "" && !t.TwinAbove || len(twinsBelow(b, t)) > 0
}

// NameTwins opens an item about two rows of which an administrator says that they are one, and why. Where one about the two is open already it gives
// that, and fresh is false. A row that lies where he is no administrator is answered like one that is not there.
func (j *Judge) NameTwins(ctx context.Context, user syncproto.UserID, a, b syncproto.RowID, why string) (item string, fresh bool, err error) {
	err = j.store.Write(ctx, func(tx *store.Tx) error {
		item, fresh = "", false
		if err := j.lockPair(tx, user, a, b); err != nil {
			return err
		}
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		one, other, err := d.pair(user, a, b)
		if err != nil {
			return err
		}
		open, err := d.openAbout(one, other)
		if err != nil {
			return err
		}
		if open != nil {
			item = open.ID
			return nil
		}
		it, err := d.nameTwins(user, one, other, why)
		if err != nil {
			return err
		}
		item, fresh = it.ID, true
		return d.flush(&push{by: Author{Server: true, User: user}})
	})
	return item, fresh, err
}

// MayName tells whether two rows can be named by somebody as one, in a transaction of the caller's: an error says why not. open is the item
// about the two that is open already.
func (j *Judge) MayName(tx *store.Tx, user syncproto.UserID, a, b syncproto.RowID) (open string, err error) {
	d, err := j.newDesk(tx)
	if err != nil {
		return "", err
	}
	one, other, err := d.pair(user, a, b)
	if err != nil {
		return "", err
	}
	it, err := d.openAbout(one, other)
	if it == nil || err != nil {
		return "", err
	}
	return it.ID, nil
}

// lockPair locks the streams in which two rows lie: of two who name one pair at once, the second finds the item of the first.
func (j *Judge) lockPair(tx *store.Tx, user syncproto.UserID, a, b syncproto.RowID) error {
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	one, other, err := d.pair(user, a, b)
	if err != nil {
		return err
	}
	return tx.LockStreams(d.streamsUnder(one, other)...)
}

// streamsUnder are the streams in which rows lie, and what lies with them; a row that is not there has none.
func (d *desk) streamsUnder(rows ...*row) (out []string) {
	for _, r := range rows {
		if r != nil {
			out = append(out, r.Stream, d.rootStream(r.Scope))
		}
	}
	return out
}

// pair loads two rows that may be named as one, the one of the lesser id first.
func (d *desk) pair(user syncproto.UserID, a, b syncproto.RowID) (one, other *row, err error) {
	ids := []syncproto.RowID{a, b}
	slices.Sort(ids)
	if err := d.loadRows(ids); err != nil {
		return nil, nil, err
	}
	rights, err := d.rightsOf(user)
	if err != nil {
		return nil, nil, err
	}
	no := func(code syncproto.Code, message, hint string) error {
		return &syncproto.Error{Code: code, Op: "name twins", Message: message, Hint: hint}
	}
	for _, id := range ids {
		if r := d.rows[id]; r == nil || !d.actsOn(rights, r, administers) {
			return nil, nil, no(syncproto.CodeNotFound, syncproto.Both("没有这条记录。", "No such row."), "")
		}
	}
	one, other = d.rows[ids[0]], d.rows[ids[1]]
	switch {
	case one == other:
		return nil, nil, no(syncproto.CodeInvalid, syncproto.Both("两边选的是同一条。", "Both are the same row."), syncproto.Both("请选另外一条。", "Choose another one."))
	case one.Table != other.Table:
		return nil, nil, no(syncproto.CodeInvalid, syncproto.Both("一边是"+one.table.Label.ZH+"，一边是"+other.table.Label.ZH+"，不会是同一个。", "A "+strings.ToLower(one.table.Label.EN)+" and a "+strings.ToLower(other.table.Label.EN)+" are never one."),
			syncproto.Both("户只能和户合，人只能和人合。", "A household merges with a household, a person with a person."))
	case !namable(d.book, one.table):
		return nil, nil, no(syncproto.CodeInvalid, syncproto.Both("这种记录不能合并。", "Rows of this kind are not merged."), syncproto.Both("能合并的是户和人。", "Households and people are."))
	}
	for _, r := range []*row{one, other} {
		switch {
		case r.Dead != 0 && r.Alias != "":
			return nil, nil, no(syncproto.CodeState, syncproto.Both("其中一条已经合并到别的里面了。", "One of the two was merged into another already."), syncproto.Both("请选它合到的那一条。", "Choose the one that it was merged into."))
		case r.Dead != 0:
			return nil, nil, no(syncproto.CodeState, syncproto.Both("其中一条已经删除了。", "One of the two was deleted."), syncproto.Both("要合并，请先把它恢复。", "Bring it back first."))
		}
	}
	return one, other, nil
}

// administers tells the role that names twins: whoever may delete a household and makes its people another's.
func administers(r schema.Role) bool { return r == schema.RoleAdmin }

// actsOn tells whether somebody of given rights sees a row, and has one of some roles over the place where it lies.
func (d *desk) actsOn(rights *entitle.Rights, r *row, among func(schema.Role) bool) bool {
	above := d.placesAbove(r, d.row)
	return rights.Sees(d.book, r.Scope, d.tx.Now(), above) && slices.ContainsFunc(rights.Roles(d.tx.Now(), above), among)
}

// nameTwins opens the item of a pair that somebody named, and puts it on record.
func (d *desk) nameTwins(user syncproto.UserID, a, b *row, why string) (*store.Item, error) {
	if err := d.need(a.ID, b.ID); err != nil {
		return nil, err
	}
	var salt [16]byte
	if err := d.tx.Random(salt[:]); err != nil {
		return nil, err
	}
	id, err := d.tx.NewID()
	if err != nil {
		return nil, err
	}
	of := makers(a)
	if len(of) == 0 {
		return nil, fmt.Errorf("judge: nobody made the row %s", a.ID)
	}
	n := &naming{Item: id, Row: a.ID, Other: b.ID, Salt: hex.EncodeToString(salt[:]), Saying: Saying{Change: of[0], User: user, At: d.tx.Now(), Text: why}}
	return d.addTwin(id, a, b, n), d.recordDecision(a.Stream, user, n.word(), of[0], nil)
}

// otherOf is the other of the two rows of an item.
func otherOf(it *store.Item, id syncproto.RowID) syncproto.RowID {
	if it.Row == id {
		return it.Other
	}
	return it.Row
}

// openAbout finds the open item about two rows, or about rows beneath them that tell that they are one; nil when there is none.
func (d *desk) openAbout(a, b *row) (*store.Item, error) {
	items, err := d.twinItems(a)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if it.Closed == 0 && otherOf(it, a.ID) == b.ID {
			return it, nil
		}
	}
	below, err := d.tellers(a)
	if err != nil {
		return nil, err
	}
	for _, c := range below {
		if items, err = d.twinItems(c); err != nil {
			return nil, err
		}
		for _, it := range items {
			other := otherOf(it, c.ID)
			if err := d.loadRows([]syncproto.RowID{other}); err != nil {
				return nil, err
			}
			if r := d.rows[other]; it.Closed == 0 && r != nil && r.Parent == b.ID {
				return it, nil
			}
		}
	}
	return nil, nil
}

// tellers are the rows right beneath one whose values may tell that it and another are one: of a person, his ID number.
func (d *desk) tellers(r *row) (out []*row, err error) {
	of := twinsBelow(d.book, r.table)
	if len(of) == 0 {
		return nil, nil
	}
	stored, err := d.tx.Children([]string{string(r.ID)})
	if err != nil {
		return nil, err
	}
	var ids []syncproto.RowID
	for _, c := range stored {
		if slices.ContainsFunc(of, func(t *schema.Table) bool { return t.Name == c.Table }) {
			ids = append(ids, c.ID)
		}
	}
	if err := errors.Join(d.loadRows(ids), d.loadValues(ids)); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if c := d.rows[id]; c != nil && c.Dead == 0 && c.Parent == r.ID {
			out = append(out, c)
		}
	}
	return out, nil
}

// namedAbove tells whether somebody is asked already about what lies above two rows.
func (d *desk) namedAbove(a, b *row) (bool, error) {
	if !a.table.TwinAbove || a.Parent == b.Parent {
		return false, nil
	}
	if err := d.loadRows([]syncproto.RowID{a.Parent}); err != nil || d.rows[a.Parent] == nil {
		return false, err
	}
	items, err := d.twinItems(d.rows[a.Parent])
	return slices.ContainsFunc(items, func(it *store.Item) bool { return it.Closed == 0 && otherOf(it, a.Parent) == b.Parent }), err
}

// sortNamed closes the items of a row that somebody named when it goes, and opens them again when it comes back. Whatever beneath tells the same
// by its value was left to such an item: once it is closed, wanted hears of it.
func (d *desk) sortNamed(r *row, wanted func(*row)) error {
	if !r.wasThere || (r.was.Dead == 0) == (r.Dead == 0) || !namable(d.book, r.table) {
		return nil
	}
	items, err := d.twinItems(r)
	if err != nil {
		return err
	}
	if r.Dead == 0 {
		return d.nameAgain(r, items)
	}
	for _, it := range items {
		s, err := readSides(it)
		if err != nil {
			return err
		}
		if s.Named == nil || it.Closed != 0 {
			continue
		}
		if err := d.moot(it); err != nil {
			return err
		}
		for _, id := range []syncproto.RowID{it.Row, it.Other} {
			if d.rows[id] == nil {
				continue
			}
			below, err := d.tellers(d.rows[id])
			if err != nil {
				return err
			}
			for _, c := range below {
				wanted(c)
			}
		}
	}
	return nil
}

// nameAgain opens items about a row that came back, as they were when it went: of each pair the latest tells.
func (d *desk) nameAgain(r *row, items []*store.Item) error {
	last := map[syncproto.RowID]*store.Item{}
	for _, it := range items {
		other := otherOf(it, r.ID)
		if was := last[other]; was == nil || was.Closed != 0 && (it.Closed == 0 || it.Closed >= was.Closed) {
			last[other] = it
		}
	}
	for _, it := range items { // in their order
		other := otherOf(it, r.ID)
		s, err := readSides(it)
		if err != nil {
			return err
		}
		if last[other] != it || it.Closed == 0 || s.Named == nil || wordOf(it) == WordDistinct {
			continue
		}
		if err := errors.Join(d.loadRows([]syncproto.RowID{other}), d.loadValues([]syncproto.RowID{other})); err != nil {
			return err
		}
		pair := []*row{r, d.rows[other]}
		if pair[1] == nil || pair[1].Dead != 0 {
			continue
		}
		slices.SortFunc(pair, func(a, b *row) int { return compareText(a.ID, b.ID) })
		open, err := d.openAbout(pair[0], pair[1])
		if err != nil {
			return err
		}
		if open != nil {
			continue
		}
		id, err := d.tx.NewID()
		if err != nil {
			return err
		}
		d.addTwin(id, pair[0], pair[1], s.Named)
	}
	return nil
}
