package replica

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// What the server said of a row stands in mq_held under six bytes of its id: whole ids were half of all bookkeeping. Two rows of one file may
// have the same six, by chance (in one of five hundred files of a million rows) or because somebody makes his ids so. Of them the first to
// come has the short key, and every later one its whole id. So a whole key is surely a row's own; a short one is, when the file has acknowledged
// values of the row too, in its table or in mq_under: of a row that is the device's own alone mq_under says that it has none, once it is sealed.

// shortKey is the length of a short key: the last three bytes of the time in the id, so that rows made together lie together, and the last
// three of its randomness.
const shortKey = 6

// key is the id of a row as bytes.
func key(id syncproto.RowID) ([]byte, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(string(id), "-", ""))
	if err != nil || len(raw) != 16 {
		return nil, invalid("row", "记录编号不对：%s。", "Not the id of a row: %s.", id)
	}
	return raw, nil
}

// short is the short key of a row.
func short(k []byte) (s [shortKey]byte) {
	copy(s[:3], k[3:6])
	copy(s[3:], k[13:])
	return s
}

// mostKnown bounds what a session remembers of the short keys that it filled a file with: some 5 MB.
const mostKnown = 1 << 18

// shortOf says the same in SQL of a column with ids.
func shortOf(id string) string {
	return "unhex(substr(" + id + ", 7, 2) || substr(" + id + ", 10, 4) || substr(" + id + ", -6))"
}

// mark is what mq_held has under a key of a row.
type mark struct {
	key    []byte
	bucket int64
	epoch  int64
	rev    uint64
}

func (m *mark) found() bool { return m.key != nil }

// whole tells that it is surely the row's own.
func (m *mark) whole() bool { return len(m.key) > shortKey }

// mark looks for a row; where it finds a short key alone, that may be another's.
func (c *conn) mark(k []byte) (m mark, err error) {
	s := short(k)
	_, err = c.one(`SELECT id, bucket, epoch, rev FROM mq_held WHERE id = ? UNION ALL SELECT id, bucket, epoch, rev FROM mq_held WHERE id = ? LIMIT 1`,
		[]any{k, s[:]}, &m.key, &m.bucket, &m.epoch, &m.rev)
	return m, err
}

// stand is how a row stands before something comes of it.
type stand struct {
	mark  // its key is that under which the row is to be held, where it is not
	held  bool
	acked []schema.Value // where it is held
}

func (a *apply) stand(t *schema.Table, id syncproto.RowID, k []byte) (st stand, err error) {
	s := short(k)
	if a.known != nil && !a.known[s] {
		a.known[s] = true
		st.key = s[:]
		return st, nil
	}
	if err := a.batch.settled(s); err != nil {
		return st, err
	}
	if st.mark, err = a.c.mark(k); err != nil || !st.found() {
		st.key = s[:]
		return st, err
	}
	if st.acked, err = a.acked(t, id); err != nil {
		return st, err
	}
	st.held = st.acked != nil
	switch {
	case st.held:
	case st.whole():
		err = broken("apply", "the row %s of %s is held and not there", id, t.Name)
	default: // the short key is another's
		st.mark = mark{key: k}
	}
	return st, err
}

// look is stand by the id.
func (a *apply) look(t *schema.Table, id syncproto.RowID) (stand, error) {
	k, err := key(id)
	if err != nil {
		return stand{}, err
	}
	return a.stand(t, id, k)
}

// holds is an SQL condition: the row of that id, a column named with its table, is held.
func (c *conn) holds(id string) string {
	return c.text(nil, "holds "+id, 0, func() string {
		var there []string
		for _, t := range c.book.Tables() {
			there = append(there, "EXISTS (SELECT 1 FROM "+schema.Quote(t.Name)+" WHERE id = "+id+")")
		}
		return "(EXISTS (SELECT 1 FROM mq_held WHERE id = unhex(" + id + ", '-')) OR EXISTS (SELECT 1 FROM mq_held WHERE id = " + shortOf(id) +
			") AND coalesce((SELECT vals IS NOT NULL FROM mq_under WHERE row = " + id + "), " + strings.Join(there, " OR ") + "))"
	})
}

// ref names a row.
type ref struct {
	t  *schema.Table
	id syncproto.RowID
}

// listed is a row that is held, as rowsOf lists it: of its mark the key and the bucket.
type listed struct {
	ref
	mark
}

// rowsOf lists the rows of buckets, and gives the marks of which no row is found. Nothing leads from a bucket to its rows, or from a short key
// to an id: it takes one pass over mq_held and one over the ids of every table, which indexes would save at twice the price of all that is kept
// of a row.
func (c *conn) rowsOf(ords []int64, f func(listed) error) (left []mark, err error) {
	marks, err := c.keysOf(ords)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	seen := map[string]bool{}
	take := func(t *schema.Table, id syncproto.RowID) error {
		if !schema.ValidID(string(id)) { // another program put it in while nobody looked
			return nil
		}
		k, err := key(id)
		if err != nil {
			return err
		}
		ord, ok := marks[string(k)]
		if !ok {
			s := short(k)
			k = s[:]
			ord, ok = marks[string(k)]
		}
		if !ok || ord == elsewhere {
			return nil
		}
		seen[string(k)] = true
		return f(listed{ref{t, id}, mark{key: k, bucket: ord}})
	}
	var id syncproto.RowID
	var tbl string
	var vals bool
	under := map[syncproto.RowID]*schema.Table{} // nil: without acknowledged values
	if err := c.each(`SELECT row, tbl, vals IS NOT NULL FROM mq_under`, nil, []any{&id, &tbl, &vals}, func() error {
		under[id] = nil
		if vals {
			under[id] = c.book.Table(tbl)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for _, id := range sortedRows(under) {
		if t := under[id]; t != nil {
			if err := take(t, id); err != nil {
				return nil, err
			}
		}
	}
	for _, t := range c.book.Tables() {
		if err := c.each("SELECT id FROM "+schema.Quote(t.Name), nil, []any{&id}, func() error {
			if _, hidden := under[id]; hidden {
				return nil
			}
			return take(t, id)
		}); err != nil {
			return nil, err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(marks)) {
		if marks[k] != elsewhere && !seen[k] {
			left = append(left, mark{key: []byte(k), bucket: marks[k]})
		}
	}
	return left, nil
}

// elsewhere stands for the bucket of a whole key outside those that are asked for: the short key that its row has too is then another's.
const elsewhere = -1

// keysOf lists the keys under which rows of buckets are held, and all whole ones.
func (c *conn) keysOf(ords []int64) (marks map[string]int64, err error) {
	list, err := json.Marshal(ords)
	if err != nil {
		return nil, wrap("rows", err)
	}
	marks = map[string]int64{}
	var m mark
	var wanted bool
	err = c.each(`SELECT id, bucket, bucket IN (SELECT value FROM json_each(?1)) AS wanted FROM mq_held WHERE wanted OR length(id) > ?2`,
		[]any{string(list), shortKey}, []any{&m.key, &m.bucket, &wanted}, func() error {
			if !wanted {
				m.bucket = elsewhere
			}
			marks[string(m.key)] = m.bucket
			return nil
		})
	return marks, err
}
