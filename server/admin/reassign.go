package admin

import (
	"cmp"
	"slices"
	"time"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Reassignment hands households from one user to another; without From they are given, without To taken.
type Reassignment struct {
	Households []syncproto.RowID
	From, To   syncproto.UserID
	Team       string // of what is given; of what is taken, "" for every team
	Since      string // first day of the new, "" today; the old ends the day before
}

// Reassigned is what became of it: the changes that did it, and the assignments that were made and ended by them.
type Reassigned struct {
	Changes     []syncproto.Identity
	Made, Ended []syncproto.RowID
	Cards       int // contact cards that were made
}

// Reassign does some inside a transaction of the caller's: all of it or none. A household whose contacts change and that has no contact card
// gets one; a card that hangs at a door stays, as its page shows who contacts the household now.
func (d *Desk) Reassign(tx *store.Tx, by syncproto.UserID, list ...Reassignment) (*Reassigned, error) {
	out := &Reassigned{}
	var ending, beginning []judge.Draft
	codes := map[string]string{}
	for _, a := range list {
		if a.From != "" {
			last := ""
			if day, err := time.Parse(time.DateOnly, a.Since); err == nil && a.Since > d.today(tx) {
				last = day.AddDate(0, 0, -1).Format(time.DateOnly)
			}
			taken, ids, err := d.taking(tx, a.Households, a.From, a.Team, last)
			if err != nil {
				return nil, err
			}
			ending, out.Ended = append(ending, taken...), append(out.Ended, ids...)
		}
		if a.To != "" {
			given, ids, err := d.giving(tx, a.Households, a.To, a.Team, a.Since)
			if err != nil {
				return nil, err
			}
			beginning, out.Made = append(beginning, given...), append(out.Made, ids...)
			for _, h := range a.Households {
				codes[string(h)] = ""
			}
		}
	}
	if len(ending)+len(beginning) == 0 {
		return out, nil
	}
	changes, err := d.submitAll(tx, by, append(ending, beginning...))
	out.Changes = changes
	if err != nil || len(codes) == 0 {
		return out, err
	}
	cards, made, err := d.cardsFor(tx, codes, false)
	if err == nil && len(cards) > 0 {
		_, err = d.submitAll(tx, by, cards)
	}
	out.Cards = len(made)
	return out, err
}

// submitAll submits changes and gives their identities; one refused is an error, so that none stands.
func (d *Desk) submitAll(tx *store.Tx, by syncproto.UserID, drafts []judge.Draft) ([]syncproto.Identity, error) {
	out, err := d.E.Judge.SubmitIn(tx, by, drafts...)
	if err != nil {
		return nil, err
	}
	var ids []syncproto.Identity
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return nil, &syncproto.Error{Code: v.Code, Op: "submit", Message: v.Message}
		}
		ids = append(ids, v.Identity)
	}
	return ids, nil
}

// giving makes the changes that assign households to a user; those that are his already, in that team, are left as they are.
func (d *Desk) giving(tx *store.Tx, households []syncproto.RowID, to syncproto.UserID, team, since string) (drafts []judge.Draft, made []syncproto.RowID, err error) {
	if since == "" {
		since = d.today(tx)
	}
	running, err := d.running(tx, households)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range households {
		if slices.ContainsFunc(running[h], func(r runningOne) bool { return r.user == to && r.team == team }) {
			continue
		}
		id, e, err := create(tx, "assignment", pair{"household", string(h)}, pair{"user", string(to)}, pair{"team", team}, pair{"since", since})
		if err != nil {
			return nil, nil, err
		}
		drafts, made = append(drafts, judge.Draft{Edits: []syncproto.Edit{e}}), append(made, id)
	}
	return drafts, made, nil
}

// taking makes the changes that end the assignments of households to a user, in a team or in all, with a day; "" ends them at once.
func (d *Desk) taking(tx *store.Tx, households []syncproto.RowID, from syncproto.UserID, team, last string) (drafts []judge.Draft, ended []syncproto.RowID, err error) {
	last = cmp.Or(last, d.yesterday(tx))
	running, err := d.running(tx, households)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range households {
		for _, r := range running[h] {
			if r.user != from || (team != "" && r.team != team) {
				continue
			}
			e, err := set(tx, "assignment", r.id, "until", last)
			if err != nil {
				return nil, nil, err
			}
			drafts, ended = append(drafts, judge.Draft{Edits: []syncproto.Edit{e}}), append(ended, r.id)
		}
	}
	return drafts, ended, nil
}
