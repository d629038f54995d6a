package audit

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Row is one household or person that is asked about.
type Row struct {
	ID, Home syncproto.RowID // Home is the household in which a person lives, and a household itself
	Table    string
	Dead     bool
	Merged   int // how many were merged into it
}

// row is what belongs to it.
type row struct {
	Row
	homes   []string         // the household, and those that were merged into it
	ids     []string         // itself, whoever was merged into it, and of a household all that lies in it
	left    map[string]int64 // what lay in the household, and until when
	streams []string         // in which it lies, and was born
	refused []store.Change   // changes naming one of the ids that were not taken, newest first: Identity, User, Stream and Received
	places  []string         // in which a household lies: an export of one has it
	since   int64            // when it came to be
}

// Home is a household of some code.
type Home struct {
	ID                   syncproto.RowID
	Head, Place, Address string
}

// mostAlike bounds the households of one code that are told apart.
const mostAlike = 20

// ByCode finds the living households of the place that have a code; more tells that there are others.
func (a *Ask) ByCode(tx *store.Tx, code string) (out []Home, more bool, err error) {
	c := condition{}
	c.and("h.code = ?", schema.NormalizeCode(code))
	if !a.scope.whole { // by the code, which few have; by place there are thousands
		c.and("(h.place || '') = ANY(?)", a.scope.places)
	}
	err = tx.Each(func(scan func(...any) error) error {
		var h Home
		err := scan(&h.ID, &h.Head, &h.Place, &h.Address)
		out = append(out, h)
		return err
	}, "SELECT h.id, COALESCE(h.head, ''), COALESCE(p.name, ''), COALESCE(h.address, '') FROM household h LEFT JOIN place p ON p.id = h.place WHERE "+c.where()+" ORDER BY h.id LIMIT ?", append(c.args, int64(mostAlike+1))...)
	if more = len(out) > mostAlike; more {
		out = out[:mostAlike]
	}
	return out, more, err
}

// Of settles the household or person that is asked about; ok is false when the place has none of that id. One that was merged is asked about as what it
// was merged into.
func (a *Ask) Of(tx *store.Tx, id string) (ok bool, err error) {
	if !schema.ValidID(id) {
		return false, nil
	}
	var at *store.Row
	for range mostMerged {
		above, err := tx.RowsAbove([]string{id})
		if err != nil {
			return false, err
		}
		within := a.scope.whole
		r := row{}
		at = nil
		for _, u := range above {
			within = within || slices.Contains(a.scope.places, string(u.ID))
			if t := tx.Book().Table(u.Table); t != nil && t.Place {
				r.places = append(r.places, string(u.ID))
			}
			if string(u.ID) == id {
				at = u
			}
		}
		if at == nil || !within || at.Table != "household" && at.Table != "resident" {
			return false, nil
		}
		r.ID, r.Home, r.Table, r.Dead = at.ID, syncproto.RowID(strings.TrimPrefix(at.Scope, ofHome)), at.Table, at.Dead > 0
		if a.row = &r; at.Alias == "" {
			break
		}
		id = string(at.Alias)
	}
	return true, a.row.read(tx, at)
}

// Row is what is asked about; nil for no household or person in particular.
func (a *Ask) Row() *Row {
	if a.row == nil {
		return nil
	}
	return &a.row.Row
}

// ofHome begins the scope of what lies in a household.
const ofHome = "household:"

// mostMerged bounds how often one is merged into another.
const mostMerged = 8

// read finds what belongs to the row.
func (r *row) read(tx *store.Tx, at *store.Row) (err error) {
	id, scopes := string(r.ID), []string{}
	if r.homes, err = twins(tx, []string{string(r.Home)}); err != nil {
		return err
	}
	for _, h := range r.homes {
		scopes = append(scopes, ofHome+h)
	}
	if r.Table == "household" {
		r.ids, r.Merged = slices.Clone(r.homes), len(r.homes)-1
		err = r.within(tx, scopes)
	} else if r.ids, err = twins(tx, []string{id}); err == nil {
		// Those who were merged along with their households have no item of their own.
		var along []*store.Row
		if along, err = tx.RowsWhere("scope = ANY(?) AND alias = ANY(?)", scopes, r.ids); err == nil {
			for _, x := range along {
				r.ids = append(r.ids, string(x.ID))
			}
		}
		slices.Sort(r.ids)
		r.ids = slices.Compact(r.ids)
		r.Merged, r.places = len(r.ids)-1, nil // which people are in an export of a place, it does not say
	}
	if err != nil {
		return err
	}
	if _, err := tx.One("SELECT received FROM mq_history WHERE row_id = ? ORDER BY received LIMIT 1", []any{id}, &r.since); err != nil {
		return err
	}
	return r.readRefused(tx, at)
}

// twins are rows and all that were merged into them.
func twins(tx *store.Tx, ids []string) ([]string, error) {
	out := ids
	for range mostMerged {
		var others []string
		if err := tx.Each(func(scan func(...any) error) error {
			var one, other string
			err := scan(&one, &other)
			others = append(others, one, other)
			return err
		}, "SELECT row_id, other FROM mq_item WHERE kind = 'twin' AND row_id = ANY(?) UNION SELECT row_id, other FROM mq_item WHERE kind = 'twin' AND other = ANY(?)", ids, ids); err != nil {
			return nil, err
		}
		merged, err := tx.RowsWhere("id = ANY(?) AND alias = ANY(?)", others, ids)
		if err != nil {
			return nil, err
		}
		ids = nil
		for _, m := range merged {
			if !slices.Contains(out, string(m.ID)) {
				ids = append(ids, string(m.ID))
			}
		}
		if len(ids) == 0 {
			break
		}
		out = append(slices.Clone(out), ids...)
	}
	return out, nil
}

// within adds what lies in a household, dead rows too, and what lay in it before somebody took it into another.
func (r *row) within(tx *store.Tx, scopes []string) error {
	in := map[string]bool{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		in[id], r.ids = true, append(r.ids, id)
		return err
	}, "SELECT id FROM mq_row WHERE scope = ANY(?)", scopes); err != nil {
		return err
	}
	r.left = map[string]int64{}
	return tx.Each(func(scan func(...any) error) error {
		var id string
		var until int64
		err := scan(&id, &until)
		if !in[id] {
			r.left[id] = until
		}
		return err
	}, "SELECT l.id, MAX(h.received) FROM mq_left l CROSS JOIN mq_history h WHERE l.scope = ANY(?) AND h.stream = l.stream AND h.seq = l.seq GROUP BY l.id", scopes)
}

// anID finds the ids in what a change says.
var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// readRefused finds the changes that were not taken and name the row, or one that lies in it: they are in no history. They are few (of a stream; by
// stream it would walk all of its changes).
func (r *row) readRefused(tx *store.Tx, at *store.Row) error {
	now, err := register.StreamOf(tx, string(r.Home))
	if err != nil {
		return err
	}
	r.streams = []string{at.Stream, now}
	mine := map[string]bool{}
	for _, id := range r.ids {
		mine[id] = true
	}
	return tx.Each(func(scan func(...any) error) error {
		var c store.Change
		if err := scan(&c.Identity, &c.User, &c.Stream, &c.Received, &c.Body); err != nil {
			return err
		}
		if slices.ContainsFunc(anID.FindAll(c.Body, -1), func(id []byte) bool { return mine[string(id)] }) {
			c.Body = nil
			r.refused = append(r.refused, c)
		}
		return nil
	}, "SELECT identity, user_id, stream, received, body FROM mq_change WHERE status = 'refused' AND (stream || '') = ANY(?) ORDER BY received DESC, identity DESC", r.streams)
}

// changed finds which changes of the row there are behind the key: what a household has is little, so all that it has is looked through.
func (a *Ask) changed(tx *store.Tx, limit int) (out []string, err error) {
	type found struct {
		received int64
		identity string
	}
	var all []found
	var c condition
	a.bound(&c, "received")
	at, rest, behind := cut(a.After)
	if behind {
		c.and("(received, identity) < (?, ?)", at, rest)
	}
	if a.Users != nil {
		c.and("(author || '') = ANY(?)", a.Users)
	}
	if !a.scope.whole {
		c.and("(stream || '') = ANY(?)", a.scope.streams)
	}
	of := func(rows []string) condition {
		one := condition{slices.Clone(c.parts), slices.Clone(c.args)}
		one.and("row_id = ANY(?)", rows)
		return one
	}
	now := of(a.row.ids)
	if err := tx.Each(func(scan func(...any) error) error {
		var f found
		err := scan(&f.received, &f.identity)
		all = append(all, f)
		return err
	}, "SELECT DISTINCT received, identity FROM mq_history WHERE "+now.where()+" ORDER BY received DESC, identity DESC LIMIT ?", append(now.args, int64(limit+1))...); err != nil {
		return nil, err
	}
	if len(a.row.left) > 0 {
		once := of(slices.Collect(maps.Keys(a.row.left)))
		if err := tx.Each(func(scan func(...any) error) error {
			var id string
			var f found
			err := scan(&id, &f.received, &f.identity)
			if f.received <= a.row.left[id] {
				all = append(all, f)
			}
			return err
		}, "SELECT row_id, received, identity FROM mq_history WHERE "+once.where(), once.args...); err != nil {
			return nil, err
		}
	}
	for _, r := range a.row.refused {
		f := found{r.Received, string(r.Identity)}
		switch {
		case a.From > 0 && f.received < a.From || a.To > 0 && f.received >= a.To:
		case behind && (f.received > at || f.received == at && f.identity >= rest):
		case a.Users != nil && !slices.Contains(a.Users, string(r.User)):
		case !a.scope.whole && !slices.Contains(a.scope.streams, r.Stream):
		default:
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(x, y found) int {
		return cmp.Or(cmp.Compare(y.received, x.received), cmp.Compare(y.identity, x.identity))
	})
	for _, f := range slices.Compact(all) {
		if len(out) <= limit {
			out = append(out, f.identity)
		}
	}
	return out, nil
}

// named reads a part of the records that name the row, or one that lies in it, or of an export the place in which the household lies.
func (a *Ask) named(tx *store.Tx, kind condition, limit int) (out []Shown, err error) {
	ids := slices.Clone(a.row.ids)
	for _, c := range a.row.refused {
		ids = append(ids, string(c.Identity))
	}
	if !a.scope.whole {
		people, err := a.people(tx)
		if err != nil {
			return nil, err
		}
		kind.and(`((d.stream || '') = ANY(?) OR (d.stream || '') = ANY(?) AND `+ofBelow+` OR (d.user_id || '') = ANY(?)
			OR EXISTS (SELECT 1 FROM mq_disclosed_in i WHERE i.stream = ANY(?) AND i.at = d.at AND i.chain = d.chain AND i.pos = d.pos))`, a.scope.streams, a.scope.above, people, a.scope.streams)
	}
	if a.Users != nil {
		kind.and("(d.user_id || '') = ANY(?)", a.Users)
	}
	read := func(names []string, since, until int64, only string) error {
		var c condition
		c.and("named = ANY(?)", names)
		a.within(&c)
		if since > 0 {
			c.and("at >= ?", since)
		}
		if until > 0 {
			c.and("at <= ?", until)
		}
		// Mostly the part is among the newest of them; only where nearly all are left out, all are looked at.
		const order = " ORDER BY {o}at DESC, {o}chain DESC, {o}pos DESC LIMIT ?"
		var more []Shown
		for _, most := range []int{8 * (limit + 1), 1 << 40} {
			args := slices.Concat(c.args, []any{int64(most)}, kind.args, []any{int64(limit + 1)})
			more, err = shown(tx, "(SELECT DISTINCT at, chain, pos FROM mq_disclosed_of WHERE "+c.where()+strings.ReplaceAll(order, "{o}", "")+") o CROSS JOIN mq_disclosure d WHERE d.chain = o.chain AND d.pos = o.pos AND "+
				kind.where()+only+strings.ReplaceAll(order, "{o}", "o."), args...)
			if err != nil || len(more) > limit || len(kind.parts) == 0 && only == "" {
				break
			}
		}
		out = append(out, more...)
		return err
	}
	if err := read(ids, 0, 0, ""); err != nil {
		return nil, err
	}
	for id, until := range a.row.left {
		if err := read([]string{id}, 0, until, ""); err != nil {
			return nil, err
		}
	}
	if a.row.Table != "household" {
		return out, nil
	}
	// A sync of many households names their streams, and says in its words which they were.
	var streams []string
	for _, s := range a.row.streams {
		streams = append(streams, store.NamesMany(s))
	}
	for _, home := range a.row.homes {
		if err := read(streams, 0, 0, " AND value LIKE '%\""+ofHome+home+"%'"); err != nil {
			return nil, err
		}
	}
	return out, read(a.row.places, a.row.since, 0, ` AND value LIKE '{"what":"export"%' AND value NOT LIKE '%"table":"numbers"%'`)
}

// Entry is a line of the one list that holds everything: a change, or what somebody was shown.
type Entry struct {
	Change *store.Change
	Shown  *Shown
}

// All reads a part of everything there is, newest first. Of one moment the changes come before what was shown; the key is that of the last entry, and
// tells by its form which it was.
func (a *Ask) All(tx *store.Tx, limit int) (out []Entry, next string, err error) {
	changes, shown := *a, *a
	changes.Kind, shown.Kind = Changed, Seen
	if at, rest, ok := cut(a.After); ok && strings.Contains(rest, ".") {
		changes.After = fmt.Sprintf("%d.", at)
	} else if ok {
		shown.After = fmt.Sprintf("%d.0.", at+1)
	}
	had, _, err := changes.Changes(tx, limit+1)
	if err != nil {
		return nil, "", err
	}
	saw, _, err := shown.Shown(tx, limit+1)
	if err != nil {
		return nil, "", err
	}
	for len(out) <= limit && len(had)+len(saw) > 0 {
		if len(saw) == 0 || len(had) > 0 && had[0].Received >= saw[0].At {
			out, had = append(out, Entry{Change: had[0]}), had[1:]
		} else {
			out, saw = append(out, Entry{Shown: &saw[0]}), saw[1:]
		}
	}
	if len(out) > limit {
		out = out[:limit]
		if last := out[limit-1]; last.Change != nil {
			next = changeKey(last.Change)
		} else {
			next = shownKey(last.Shown)
		}
	}
	return out, next, nil
}
