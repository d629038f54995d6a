// Package audit answers who saw, changed, exported and unmasked what.
//
// It promises: what is asked of a place holds what happened in it: changes of its streams, what its people were shown, and what anybody was shown
// of it: at the consoles, by a row or by a list of a place above it too; on phones, by a sync or a photo; by a contact card. What is asked of
// one household or person holds what names it: changes of whatever lies in it, refused ones too, and what anybody was shown of it. Every list is read
// from an index, newest first, from behind a key: the last part costs what the first does. It reads the records that the chains hold, and
// adds nothing to them; which chains those are it tells, so that whoever verifies a place verifies all that it lists.
package audit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Kind is a kind of record.
type Kind string

// The kinds.
const (
	All      Kind = "all" // in one list
	Changed  Kind = "changed"
	Seen     Kind = "seen"
	Pages    Kind = "pages" // Seen, at the consoles
	Exported Kind = "exported"
	Unmasked Kind = "unmasked"
	Settings Kind = "settings"
)

// Kinds are all of them.
var Kinds = []Kind{All, Changed, Seen, Pages, Exported, Unmasked, Settings}

// Ask is what is asked for.
type Ask struct {
	Kind     Kind
	From, To int64    // Unix ms: From inclusive, To exclusive; 0 for no bound
	Users    []string // only of these; nil for everybody
	After    string   // a key, "" for the newest
	scope    *scope
	row      *row // nil for no household or person in particular
}

// scope is a place with all that lies below it.
type scope struct {
	whole   bool // the city: nothing lies outside
	places  []string
	streams []string // of those places that have one
	above   []string // places above it that have one
}

// In settles the place that is asked about; whole tells that it is the city, in which everything lies.
func (a *Ask) In(tx *store.Tx, place string, whole bool) error {
	if whole {
		a.scope = &scope{whole: true}
		return nil
	}
	s := &scope{}
	var err error
	if s.places, err = tx.PlacesBeneath(place); err != nil {
		return err
	}
	if err := tx.Each(func(scan func(...any) error) error {
		var id, level string
		err := scan(&id, &level)
		if schema.HasStream(level) {
			s.streams = append(s.streams, id)
		}
		return err
	}, "SELECT id, COALESCE(level, '') FROM place WHERE id = ANY(?)", s.places); err != nil {
		return err
	}
	if len(s.streams) == 0 { // a group: what is of it lies in its village's
		s.streams = append(s.streams, place)
	}
	a.scope = s
	return tx.Each(func(scan func(...any) error) error {
		var id, level string
		err := scan(&id, &level)
		if schema.HasStream(level) {
			s.above = append(s.above, id)
		}
		return err
	}, "SELECT p.id, COALESCE(p.level, '') FROM mq_above a JOIN place p ON p.id = a.above WHERE a.place = ? AND a.above <> a.place ORDER BY p.id", place)
}

// PlaceNames are what places of the scope, and those above it, are called; what lies outside has no name.
func (a *Ask) PlaceNames(tx *store.Tx, ids []string) (map[string]string, error) {
	if !a.scope.whole {
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			return !slices.Contains(a.scope.places, id) && !slices.Contains(a.scope.above, id)
		})
	}
	out := map[string]string{}
	return out, tx.Each(func(scan func(...any) error) error {
		var id, name string
		err := scan(&id, &name)
		out[id] = name
		return err
	}, "SELECT id, COALESCE(name, '') FROM place WHERE id = ANY(?)", ids)
}

// Streams are those of the place, for whoever verifies them.
func (a *Ask) Streams() []string { return a.scope.streams }

// Find finds people by login or name: those of the place, and of all others those of whom it lists something, of whatever kind and day: who is above
// it, helped out here, or has moved since. Of the rest nobody learns that they are there.
func (a *Ask) Find(tx *store.Tx, who string) ([]string, error) {
	called := func(and string, args ...any) (ids []string, err error) {
		err = tx.Each(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}, `SELECT u.id FROM "user" u WHERE (u.login = ? OR u.name = ?) AND `+and+` ORDER BY u.id LIMIT 50`, append([]any{strings.ToLower(who), who}, args...)...)
		return ids, err
	}
	if a.scope.whole {
		return called("1 = 1")
	}
	ids, err := called("u.place = ANY(?)", a.scope.places)
	if err != nil {
		return nil, err
	}
	// Each is looked for among the records of that one person, by their index: a village has more of them.
	others, err := called(`NOT (COALESCE(u.place, '') = ANY(?)) AND (EXISTS (SELECT 1 FROM mq_change c WHERE c.user_id = u.id AND (c.stream || '') = ANY(?))
		OR EXISTS (SELECT 1 FROM mq_disclosure d WHERE d.user_id = u.id AND ((d.stream || '') = ANY(?) OR (d.stream || '') = ANY(?) AND `+ofBelow+`
			OR device <> '' AND EXISTS (SELECT 1 FROM mq_disclosed_in i WHERE i.stream = ANY(?) AND i.at = d.at AND i.chain = d.chain AND i.pos = d.pos))))`,
		a.scope.places, a.scope.streams, a.scope.streams, a.scope.above, a.scope.streams)
	return append(ids, others...), err
}

// condition gathers what a query asks for.
type condition struct {
	parts []string
	args  []any
}

func (c *condition) and(part string, args ...any) {
	c.parts, c.args = append(c.parts, part), append(c.args, args...)
}

// bound adds the days, on the column that holds the time.
func (a *Ask) bound(c *condition, column string) {
	if a.From > 0 {
		c.and(column+" >= ?", a.From)
	}
	if a.To > 0 {
		c.and(column+" < ?", a.To)
	}
}

// Changes reads a part of the changes, without their verdicts; next is the key of the part behind it, "" at the end.
func (a *Ask) Changes(tx *store.Tx, limit int) (found []*store.Change, next string, err error) {
	var c condition
	const newest = " ORDER BY received DESC, identity DESC"
	if a.row != nil {
		of, err := a.changed(tx, limit)
		if err != nil {
			return nil, "", err
		}
		found, err = changes(tx, "identity = ANY(?)"+newest, of)
		return cutChanges(found, limit, err)
	}
	a.bound(&c, "received")
	if at, rest, ok := cut(a.After); ok {
		c.and("(received, identity) < (?, ?)", at, rest)
	}
	switch {
	case len(a.Users) == 1:
		c.and("user_id = ?", a.Users[0])
	case a.Users != nil:
		c.and("user_id = ANY(?)", a.Users)
	}
	// Which they are is found first: those that came within one millisecond are sorted, and their contents need not be carried along for that.
	which, most := "mq_change WHERE "+c.where(), int64(limit+1)
	args := c.args
	switch s := a.scope; {
	case s.whole:
	case len(s.streams) <= keysAtOnce && a.Users == nil: // by time, a place where little happens would be looked for among all that happened elsewhere
		which, args = tx.OfEach(s.streams, "SELECT received, identity FROM mq_change WHERE "+c.where()+" AND stream = {key}"+newest+" LIMIT ?", append(c.args, most)...)
	default: // by time, whatever else there is an index for
		which, args = which+" AND (stream || '') = ANY(?)", append(args, s.streams)
	}
	found, err = changes(tx, "identity IN (SELECT identity FROM "+which+newest+" LIMIT ?)"+newest, append(args, most)...)
	return cutChanges(found, limit, err)
}

// cutChanges cuts off what was read beyond a part, and tells by what key that begins.
func cutChanges(found []*store.Change, limit int, err error) ([]*store.Change, string, error) {
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	return found[:limit], changeKey(found[limit-1]), nil
}

func changeKey(c *store.Change) string { return fmt.Sprintf("%d.%s", c.Received, c.Identity) }

func shownKey(s *Shown) string { return fmt.Sprintf("%d.%d.%s", s.At, s.Pos, s.Chain) }

// changes reads of changes what a list tells: not their verdicts, which are as long as their contents.
func changes(tx *store.Tx, where string, args ...any) (out []*store.Change, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		c := &store.Change{}
		var number, late int64
		err := scan(&c.Identity, &c.First.Device, &number, &c.User, &c.Status, &late, &c.Body, &c.Received, &c.Stream)
		c.First.Number, c.Late = uint64(number), late != 0
		out = append(out, c)
		return err
	}, "SELECT identity, device, number, user_id, status, late, body, received, stream FROM mq_change WHERE "+where, args...)
	return out, err
}

// where is everything that is asked for.
func (c *condition) where() string {
	if len(c.parts) == 0 {
		return "1 = 1"
	}
	return strings.Join(c.parts, " AND ")
}

// cut takes a key apart.
func cut(key string) (at int64, rest string, ok bool) {
	head, rest, ok := strings.Cut(key, ".")
	at, err := strconv.ParseInt(head, 10, 64)
	return at, rest, ok && err == nil
}

// cutPos takes the end of a key of what was shown apart.
func cutPos(rest string) (pos int64, chain string) {
	head, chain, _ := strings.Cut(rest, ".")
	pos, err := strconv.ParseInt(head, 10, 64)
	if err != nil {
		pos = 0
	}
	return pos, chain
}

// Shown is one record of what somebody was shown or took away.
type Shown struct {
	store.Disclosure
	What    string          `json:"what"`
	Page    string          `json:"page"`
	Change  string          `json:"change"`
	Stream  string          `json:"stream"`
	Table   string          `json:"table"`
	Row     syncproto.RowID `json:"row"`
	Within  string          `json:"within"`
	Rows    int             `json:"rows"`
	Sent    bool            `json:"sent"`
	Whole   bool            `json:"whole"`
	Forget  bool            `json:"forget"`
	Why     string          `json:"why"`
	Setting string          `json:"setting"`
	From    int             `json:"from"`
	To      int             `json:"to"`
	File    syncproto.RowID `json:"file"`
	Fill    []string        `json:"fill"`
	Streams []string        `json:"streams"`
	Changes []string        `json:"changed"`
}

// Where are the places of what was shown.
func (s *Shown) Where() []string {
	switch {
	case s.Within != "":
		return []string{s.Within}
	case s.Stream != "":
		return []string{s.Stream}
	}
	return s.Streams
}

// fewPeople is up to how many people are asked for one by one; of more, the time of the record leads.
const fewPeople = 60

// of is what records of a kind have in common.
func (k Kind) of() (c condition) {
	switch k {
	case Pages:
		c.and(`device = '' AND (value LIKE '{"what":"page"%' OR value LIKE '{"what":"list"%' OR value LIKE '{"what":"card"%' OR value LIKE '{"file"%')`)
	case Exported:
		c.and(`device = '' AND value LIKE '%"what":"export"%'`)
	case Settings:
		c.and(`device = '' AND value LIKE '%"what":"setting"%'`)
	case Unmasked: // by the words of its index; a link that lets a second step be set anew said “whole” of that for a while
		c.and(`device = '' AND (value LIKE '%"whole":true%' OR value LIKE '%"what":"unmask%') AND value NOT LIKE '{"what":"link"%'`)
	}
	return c
}

// Shown reads a part of what was shown; next is the key of the part behind it.
func (a *Ask) Shown(tx *store.Tx, limit int) (found []Shown, next string, err error) {
	if a.row != nil {
		found, err = a.named(tx, a.Kind.of(), limit)
		return cutShown(found, limit, err)
	}
	c := a.Kind.of()
	a.within(&c)
	users := a.Users
	if !a.scope.whole {
		if users, err = a.people(tx); err != nil {
			return nil, "", err
		}
		if a.Users != nil { // of those of places above only what they were shown of this one
			users = slices.DeleteFunc(users, func(u string) bool { return !slices.Contains(a.Users, u) })
		}
	}
	found, err = a.newest(tx, a.parts(c, users), limit)
	return cutShown(found, limit, err)
}

// cutShown puts what several ranges gave into one order, each record once, and cuts off what was read beyond a part.
func cutShown(found []Shown, limit int, err error) ([]Shown, string, error) {
	found = sorted(found)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	return found[:limit], shownKey(&found[limit-1]), nil
}

// sorted puts records into their order, the newest first, each once.
func sorted(found []Shown) []Shown {
	slices.SortFunc(found, func(x, y Shown) int {
		return cmp.Or(cmp.Compare(y.At, x.At), cmp.Compare(y.Chain, x.Chain), cmp.Compare(y.Pos, x.Pos))
	})
	return slices.CompactFunc(found, func(x, y Shown) bool { return x.Chain == y.Chain && x.Pos == y.Pos })
}

// ofBelow is what was shown or taken away of a place that holds what lies below it too.
const ofBelow = `device = '' AND (value LIKE '{"what":"list"%' OR value LIKE '{"what":"export"%')`

// part is one range of an index of records, or where there are keys one for each of them.
type part struct {
	from string
	condition
	column string
	keys   []string
}

// severalStreams holds the records about several streams, by each of them.
const severalStreams = "mq_disclosed_in i"

// parts are what is asked for together: what people of the place were shown, and what anybody was shown of it. Of places above it a list, but no row:
// that is of elsewhere.
func (a *Ask) parts(c condition, users []string) (out []part) {
	with := func(column string, keys []string, cond string, args ...any) {
		one := condition{slices.Clone(c.parts), slices.Clone(c.args)}
		one.and(cond, args...)
		out = append(out, part{"mq_disclosure", one, column, keys})
	}
	switch {
	case users == nil:
		return []part{{from: "mq_disclosure", condition: c}}
	case len(users) > fewPeople:
		with("", nil, "(user_id || '') = ANY(?)", users)
	default:
		with("user_id", users, "1 = 1")
	}
	if a.scope.whole {
		return out
	}
	if a.Users != nil {
		c = condition{slices.Clone(c.parts), slices.Clone(c.args)}
		c.and("(user_id || '') = ANY(?)", a.Users)
	}
	with("stream", a.scope.streams, "stream <> '' AND device = ''") // each by an index of its own
	with("stream", a.scope.above, "stream <> '' AND "+ofBelow)
	if a.Kind != Seen {
		return out
	}
	with("stream", a.scope.streams, "stream <> '' AND device <> ''")
	in := condition{} // the syncs that showed rows of it beside those of others
	a.within(&in)
	if a.Users != nil {
		in.and("EXISTS (SELECT 1 FROM mq_disclosure d WHERE d.chain = i.chain AND d.pos = i.pos AND d.user_id = ANY(?))", a.Users)
	}
	return append(out, part{severalStreams, in, "stream", a.scope.streams})
}

// within adds the days, and that a record lies behind the key.
func (a *Ask) within(c *condition) {
	a.bound(c, "at")
	if at, rest, ok := cut(a.After); ok {
		pos, chain := cutPos(rest)
		c.and("(at, chain, pos) < (?, ?, ?)", at, chain, pos)
	}
}

// people are those of the place.
func (a *Ask) people(tx *store.Tx) ([]string, error) {
	out := []string{}
	err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		out = append(out, id)
		return err
	}, `SELECT id FROM "user" WHERE place = ANY(?)`, a.scope.places)
	return out, err
}

// Chains are those that hold a record of what is listed of the place; nil for the whole city.
func (a *Ask) Chains(tx *store.Tx) (out []string, err error) {
	if a.scope.whole {
		return nil, nil
	}
	users, err := a.people(tx)
	if err != nil {
		return nil, err
	}
	out = []string{}
	return out, tx.Each(func(scan func(...any) error) error {
		var chain string
		err := scan(&chain)
		out = append(out, chain)
		return err
	}, `SELECT chain FROM mq_disclosure WHERE user_id = ANY(?) UNION SELECT chain FROM mq_disclosure WHERE stream = ANY(?) AND stream <> '' AND device = ''
		UNION SELECT chain FROM mq_disclosure WHERE stream = ANY(?) AND stream <> '' AND device <> ''
		UNION SELECT chain FROM mq_disclosure WHERE stream = ANY(?) AND stream <> '' AND `+ofBelow+` UNION SELECT chain FROM mq_disclosed_in WHERE stream = ANY(?) ORDER BY 1`,
		users, a.scope.streams, a.scope.streams, a.scope.above, a.scope.streams)
}

// keysAtOnce bounds the keys that one statement asks for.
const keysAtOnce = 100

// newest reads the newest records of several parts: for each key no more than a list needs, and none older than the last that is in the list already.
func (a *Ask) newest(tx *store.Tx, parts []part, limit int) (found []Shown, err error) {
	floor := int64(0)
	read := func(p *part, keys []string) error {
		const order = " ORDER BY at DESC, chain DESC, pos DESC LIMIT ?"
		query, args := "SELECT at, chain, pos FROM "+p.from+" WHERE "+p.where()+" AND at >= ?", append(slices.Clone(p.args), floor)
		if keys != nil {
			query, args = tx.OfEach(keys, query+" AND "+p.column+" = {key}"+order, append(args, int64(limit+1))...)
			query = "SELECT DISTINCT at, chain, pos FROM " + query
		}
		more, err := shown(tx, "("+query+order+") k CROSS JOIN mq_disclosure d WHERE d.chain = k.chain AND d.pos = k.pos", append(args, int64(limit+1))...)
		if p.from == severalStreams { // which streams those are, the record says
			more = slices.DeleteFunc(more, func(s Shown) bool {
				return !slices.ContainsFunc(s.Streams, func(in string) bool { return slices.Contains(a.scope.streams, in) })
			})
		}
		if found = sorted(append(found, more...)); len(found) > limit {
			found = found[:limit+1]
			floor = found[limit].At
		}
		return err
	}
	for i := range parts {
		p := &parts[i]
		if p.column == "" {
			err = read(p, nil)
		}
		for keys := range slices.Chunk(p.keys, keysAtOnce) {
			err = errors.Join(err, read(p, keys))
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func shown(tx *store.Tx, from string, args ...any) (out []Shown, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		var s Shown
		if err := scan(&s.Chain, &s.Pos, &s.Device, &s.User, &s.Value, &s.At); err != nil {
			return err
		}
		out = append(out, s)
		return json.Unmarshal([]byte(s.Value), &out[len(out)-1])
	}, "SELECT d.chain, d.pos, d.device, d.user_id, d.value, d.at FROM "+from, args...)
	return out, err
}
