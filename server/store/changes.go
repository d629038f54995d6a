package store

import (
	"cmp"
	"maps"
	"slices"

	"minqing/syncproto"
)

// Change is one record of mq_change: a change as received, and what became of it.
type Change struct {
	Identity  syncproto.Identity
	First     syncproto.Name // the name it was first received under
	User      syncproto.UserID
	Status    syncproto.Status
	Code      syncproto.Code
	Late      bool
	Body      []byte // the change, whole, as judge wrote it
	At        int64  // wall clock of the device at capture, Unix ms
	Corrected int64  // fixed at first receipt
	Received  int64
	Captured  int64  // server time of the cursor it was captured under; 0: none
	Verdict   []byte // as it now stands, as judge wrote it
	Mends     syncproto.Identity
	MendedBy  syncproto.Identity
	Stream    string // where its record of the chain lies
}

const changeColumns = `identity, device, number, user_id, status, code, late, body, at, corrected, received, captured, verdict, mends, mended_by, stream`

// Changes reads changes by a condition over mq_change (“status = ? ORDER BY received”).
func (tx *Tx) Changes(where string, args ...any) ([]*Change, error) {
	var out []*Change
	err := tx.Each(func(scan func(...any) error) error {
		var c Change
		var number, late int64
		var verdict string
		if err := scan(&c.Identity, &c.First.Device, &number, &c.User, &c.Status, &c.Code, &late, &c.Body, &c.At, &c.Corrected, &c.Received,
			&c.Captured, &verdict, &c.Mends, &c.MendedBy, &c.Stream); err != nil {
			return wrap("scan mq_change", err)
		}
		c.First.Number, c.Late, c.Verdict = uint64(number), late != 0, []byte(verdict)
		out = append(out, &c)
		return nil
	}, "SELECT "+changeColumns+" FROM mq_change WHERE "+where, args...)
	return out, err
}

// SaveChanges writes changes whole.
func (tx *Tx) SaveChanges(changes []*Change) error { return tx.writeChanges(tx.insertMany, changes) }

// AddChanges is SaveChanges for changes that are not there yet.
func (tx *Tx) AddChanges(changes []*Change) error { return tx.writeChanges(tx.insertNew, changes) }

func (tx *Tx) writeChanges(insert inserter, changes []*Change) error {
	out := make([][]any, len(changes))
	for i, c := range changes {
		var late int64
		if c.Late {
			late = 1
		}
		body := c.Body
		if body == nil { // SQLite gives an emptied one back as nothing, and would take that for NULL
			body = []byte{}
		}
		out[i] = []any{string(c.Identity), string(c.First.Device), int64(c.First.Number), string(c.User), string(c.Status), string(c.Code), late, body,
			c.At, c.Corrected, c.Received, c.Captured, string(c.Verdict), string(c.Mends), string(c.MendedBy), c.Stream}
	}
	return insert("mq_change", "identity,device,number,user_id,status,code,late,body,at,corrected,received,captured,verdict,mends,mended_by,stream",
		"text,text,bigint,text,text,text,bigint,bytea,bigint,bigint,bigint,bigint,text,text,text,text",
		`ON CONFLICT (identity) DO UPDATE SET status = excluded.status, code = excluded.code, late = excluded.late, verdict = excluded.verdict,
		mends = excluded.mends, mended_by = excluded.mended_by, body = excluded.body, stream = excluded.stream`, out)
}

// Named is one name of a change; VSeq counts, for its device, the verdict it has to hear of.
type Named struct {
	Name     syncproto.Name
	Identity syncproto.Identity
	VSeq     int64
	First    bool // the change's record has it as its first name; said when it is saved, not when it is read
}

// names reads names by a query for the columns of selectNames.
func (tx *Tx) names(query string, args ...any) ([]Named, error) {
	var out []Named
	err := tx.Each(func(scan func(...any) error) error {
		var n Named
		var number int64
		if err := scan(&n.Name.Device, &number, &n.Identity, &n.VSeq); err != nil {
			return wrap("scan mq_name", err)
		}
		n.Name.Number = uint64(number)
		out = append(out, n)
		return nil
	}, query, args...)
	return out, err
}

const selectNames = "SELECT device, number, identity, vseq FROM mq_name WHERE "

// NamesOf lists every name of the given changes.
func (tx *Tx) NamesOf(ids []string) ([]Named, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.names(selectNames+`identity = ANY(?) AND renamed = 1 UNION ALL
		SELECT n.device, n.number, n.identity, n.vseq FROM mq_change c JOIN mq_name n ON n.device = c.device AND n.number = c.number
		WHERE c.identity = ANY(?) AND n.identity = c.identity AND n.renamed = 0 ORDER BY 1, 2`, ids, ids)
}

// NamesBetween lists the names a device has used, from a number up to another.
func (tx *Tx) NamesBetween(device syncproto.DeviceID, from, to uint64) ([]Named, error) {
	return tx.names(selectNames+"device = ? AND number >= ? AND number <= ? ORDER BY number", string(device), int64(from), int64(to))
}

// NewVerdicts lists the names of a device whose verdict changed after a vseq, oldest change first. A vseq that is on no name is of a
// server that went back, or of a verdict that changed again: then all are listed that ever changed.
func (tx *Tx) NewVerdicts(device syncproto.DeviceID, after int64) ([]Named, error) {
	if after > 0 {
		found, err := tx.One("SELECT 1 FROM mq_name WHERE device = ? AND vseq = ? AND vseq > 0", []any{string(device), after}, new(int))
		if err != nil {
			return nil, err
		}
		if !found {
			after = 0
		}
	}
	return tx.names(selectNames+"device = ? AND vseq > 0 AND vseq > ? ORDER BY vseq, number", string(device), after)
}

// SaveNames writes names. An existing one keeps its change: a number never gets another.
func (tx *Tx) SaveNames(names []Named) error { return tx.writeNames(tx.insertMany, names) }

// AddNames is SaveNames for names that are not there yet.
func (tx *Tx) AddNames(names []Named) error { return tx.writeNames(tx.insertNew, names) }

func (tx *Tx) writeNames(insert inserter, names []Named) error {
	slices.SortFunc(names, func(a, b Named) int {
		return cmp.Or(cmp.Compare(a.Name.Device, b.Name.Device), cmp.Compare(a.Name.Number, b.Name.Number))
	})
	out := make([][]any, len(names))
	for i, n := range names {
		renamed := int64(1)
		if n.First {
			renamed = 0
		}
		out[i] = []any{string(n.Name.Device), int64(n.Name.Number), string(n.Identity), n.VSeq, renamed}
	}
	return insert("mq_name", "device,number,identity,vseq,renamed", "text,bigint,text,bigint,bigint",
		"ON CONFLICT (device, number) DO UPDATE SET vseq = excluded.vseq", out)
}

// NextVSeqs counts up the devices' verdict counters, ascending, and gives the new values. They keep up with the time, so that a
// restored server gives none that a device has from the time that was lost. Devices that are unknown are left out.
func (tx *Tx) NextVSeqs(devices map[syncproto.DeviceID]bool) (map[syncproto.DeviceID]int64, error) {
	ids := make([]string, 0, len(devices))
	for id := range devices {
		ids = append(ids, string(id))
	}
	slices.Sort(ids)
	out := map[syncproto.DeviceID]int64{}
	if len(ids) == 0 {
		return out, nil
	}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.DeviceID
		var vseq int64
		if err := scan(&id, &vseq); err != nil {
			return err
		}
		out[id] = max(vseq+1, tx.now)
		return nil
	}, "SELECT id, vseq FROM mq_device WHERE id = ANY(?) ORDER BY id FOR UPDATE", ids)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(out)) {
		if err := tx.Exec("UPDATE mq_device SET vseq = ? WHERE id = ?", out[id], string(id)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Wait says that a refused change waits for another change, or for a row.
type Wait struct {
	Identity, On syncproto.Identity
	Row          syncproto.RowID
}

// Waits reads waits by a condition (“on_identity = ANY(?)”).
func (tx *Tx) Waits(where string, args ...any) ([]Wait, error) {
	var out []Wait
	err := tx.Each(func(scan func(...any) error) error {
		var w Wait
		if err := scan(&w.Identity, &w.On, &w.Row); err != nil {
			return err
		}
		out = append(out, w)
		return nil
	}, "SELECT identity, on_identity, on_row FROM mq_wait WHERE "+where, args...)
	return out, err
}

// AnyWaits tells whether any change waits for anything. In most cities, most of the time, none does, and every push would look for each of
// its changes and rows among them.
func (tx *Tx) AnyWaits() (bool, error) { return tx.One("SELECT 1 FROM mq_wait LIMIT 1", nil, new(int)) }

// SaveWaits writes waits.
func (tx *Tx) SaveWaits(waits []Wait) error {
	out := make([][]any, len(waits))
	for i, w := range waits {
		out[i] = []any{string(w.Identity), string(w.On), string(w.Row)}
	}
	return tx.insertMany("mq_wait", "identity,on_identity,on_row", "text,text,text", "ON CONFLICT DO NOTHING", out)
}

// DropWaits removes the waits of changes.
func (tx *Tx) DropWaits(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return tx.Exec("DELETE FROM mq_wait WHERE identity = ANY(?)", ids)
}

// Unmade lists, for rows that are not there, the refused changes that would have made them.
func (tx *Tx) Unmade(rows []string) (map[syncproto.RowID][]syncproto.Identity, error) {
	out := map[syncproto.RowID][]syncproto.Identity{}
	if len(rows) == 0 {
		return out, nil
	}
	err := tx.Each(func(scan func(...any) error) error {
		var row syncproto.RowID
		var id syncproto.Identity
		err := scan(&row, &id)
		out[row] = append(out[row], id)
		return err
	}, "SELECT row_id, identity FROM mq_unmade WHERE row_id = ANY(?) ORDER BY row_id, identity", rows)
	return out, err
}

// SaveUnmade notes the rows that a refused change would have made; none forgets them.
func (tx *Tx) SaveUnmade(id syncproto.Identity, rows []syncproto.RowID) error {
	if len(rows) == 0 {
		return tx.Exec("DELETE FROM mq_unmade WHERE identity = ?", string(id))
	}
	out := make([][]any, len(rows))
	for i, r := range rows {
		out[i] = []any{string(r), string(id)}
	}
	return tx.insertMany("mq_unmade", "row_id,identity", "text,text", "ON CONFLICT DO NOTHING", out)
}
