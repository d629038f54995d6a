package judge

import (
	"fmt"

	"minqing/server/store"
	"minqing/syncproto"
)

// Of two rows that look like one somebody may say that they are two. Then nobody is asked about them any more, until that is taken back.

func (j *Judge) decideDistinct(tx *store.Tx, user syncproto.UserID, it *store.Item) (*Outcome, error) {
	s, err := readSides(it)
	if err != nil || len(s.Heads) == 0 {
		return nil, fmt.Errorf("judge: twin item %s names nobody: %w", it.ID, err)
	}
	was, err := readClosing(it)
	if err != nil {
		return nil, err
	}
	it.Outcome = mustJSON(closing{Word: WordDistinct, Said: was.Said})
	return &Outcome{}, j.finishTwin(tx, user, it, WordDistinct, s.Heads[0])
}

// undoDistinct takes back that somebody said of two rows that they are two. The item is open again if the two are there and still asked about, by
// what they hold or by whoever named them. Else nobody need decide, and they are asked about once more when they come to be alike, or come back.
func (d *desk) undoDistinct(user syncproto.UserID, it *store.Item, c *closing) error {
	if err := d.j.lockTwins(d.tx, it); err != nil {
		return err
	}
	d, err := d.j.newDesk(d.tx)
	if err != nil {
		return err
	}
	d.addItem(it)
	s, err := readSides(it)
	if err != nil || len(s.Heads) == 0 {
		return fmt.Errorf("judge: twin item %s names nobody: %w", it.ID, err)
	}
	asks, err := d.asksAgain(it, s.Named != nil)
	if err != nil {
		return err
	}
	if s.Back = (&back{By: user, At: d.tx.Now()}); asks {
		it.Closed, it.By, it.Outcome, it.Scope = 0, "", outcomeOf(c.Said), d.rows[it.Row].Scope
		d.changedItems(it)
	} else if err := d.moot(it); err != nil {
		return err
	}
	it.Heads = mustJSON(s)
	if err := d.recordDecision(it.Stream, user, WordUndone, s.Heads[0], nil); err != nil {
		return err
	}
	return d.flush(&push{by: Author{Server: true, User: user}})
}

// lockTwins locks the streams of an item of twins and of its rows, so that what the two hold stays as it is read.
func (j *Judge) lockTwins(tx *store.Tx, it *store.Item) error {
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	if err := d.loadRows([]syncproto.RowID{it.Row, it.Other}); err != nil {
		return err
	}
	return tx.LockStreams(append(d.streamsUnder(d.rows[it.Row], d.rows[it.Other]), it.Stream)...)
}

// asksAgain tells whether two rows of whom somebody said that they are two are asked about without that. Where they are asked about already, or were
// said to be two once more, it is an error that says so.
func (d *desk) asksAgain(it *store.Item, named bool) (bool, error) {
	if both, err := d.bothLive(it); err != nil || !both {
		return false, err
	}
	a, b := d.rows[it.Row], d.rows[it.Other]
	if err := d.loadValues([]syncproto.RowID{it.Row, it.Other}); err != nil {
		return false, err
	}
	open, err := d.openAbout(a, b)
	if err != nil {
		return false, err
	}
	above, err := d.namedAbove(a, b)
	if err != nil {
		return false, err
	}
	if open != nil || above {
		return false, cannotUndo(it.ID, "这两条已经又有一件待定的事了，请到那一件里定。", "The two are asked about already in another item: decide that one.")
	}
	known, err := d.twinItems(a)
	if err != nil {
		return false, err
	}
	for _, o := range known {
		if o != it && otherOf(o, a.ID) == b.ID && wordOf(o) == WordDistinct && o.Closed > it.Closed {
			return false, cannotUndo(it.ID, "后来又有人认定这是两个，请先撤回后来的那个决定。", "Somebody said once more that they are two: take that decision back first.")
		}
	}
	return named || !a.get(a.table.Twin).IsNull() && a.get(a.table.Twin) == b.get(b.table.Twin), nil
}

// bothLive tells whether the two rows of an item are there.
func (d *desk) bothLive(it *store.Item) (bool, error) {
	err := d.loadRows([]syncproto.RowID{it.Row, it.Other})
	a, b := d.rows[it.Row], d.rows[it.Other]
	return a != nil && b != nil && a.Dead == 0 && b.Dead == 0, err
}
