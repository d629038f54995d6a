package store

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// Version is one accepted edit of a row: one record of mq_history.
type Version struct {
	Stream    string
	Seq       int64
	Ord       int64 // position of the edit in its change, then of rows beneath it
	Identity  syncproto.Identity
	Table     string
	Row       syncproto.RowID
	Op        syncproto.Op
	Cells     []CellChange
	cellsText string // as stored
	Base      syncproto.Base
	baseText  string // as stored
	Decides   []string
	UndoOf    syncproto.Identity
	Roles     []schema.Role        // what the author was over the row, at capture
	Depends   []syncproto.Identity // the changes it builds on
	Label     syncproto.Label
	Author    syncproto.UserID
	Device    syncproto.DeviceID
	At        int64
	Corrected int64
	Received  int64
}

const versionColumns = `stream,seq,ord,identity,tbl,row_id,op,cells,base,decides,undo_of,roles,depends,epoch,rev,author,device,at,corrected,received`

// Versions reads history by a condition over mq_history (“row_id = ANY(?) ORDER BY row_id, seq, ord”).
func (tx *Tx) Versions(where string, args ...any) ([]*Version, error) {
	var out []*Version
	err := tx.Each(func(scan func(...any) error) error {
		var v Version
		var op, cells, base, decides, roles, depends string
		var rev int64
		if err := scan(&v.Stream, &v.Seq, &v.Ord, &v.Identity, &v.Table, &v.Row, &op, &cells, &base, &decides, &v.UndoOf, &roles, &depends,
			&v.Label.Epoch, &rev, &v.Author, &v.Device, &v.At, &v.Corrected, &v.Received); err != nil {
			return wrap("scan mq_history", err)
		}
		v.Op, v.Label.Rev, v.cellsText = syncproto.Op(op[0]), uint64(rev), cells
		out = append(out, &v)
		return v.decode(tx.Book(), cells, base, decides, roles, depends)
	}, "SELECT "+versionColumns+" FROM mq_history WHERE "+where, args...)
	return out, err
}

// VersionsOf reads what changes did, in the given order. History has no index by identity: it knows, as the change's own record does, when
// the change was received, and few others were in the same millisecond.
func (tx *Tx) VersionsOf(changes []string, order string) ([]*Version, error) {
	var received []int64
	err := tx.Each(func(scan func(...any) error) error {
		var at int64
		err := scan(&at)
		received = append(received, at)
		return err
	}, "SELECT DISTINCT received FROM mq_change WHERE identity = ANY(?)", changes)
	if err != nil || len(received) == 0 {
		return nil, err
	}
	return tx.Versions("received = ANY(?) AND identity = ANY(?) ORDER BY "+order, received, changes)
}

// StrayVersion finds, in a stream, a version that says otherwise than its change when that was received, so that VersionsOf does not see it:
// somebody put it in past the judge.
func (tx *Tx) StrayVersion(stream string) (id syncproto.Identity, found bool, err error) {
	found, err = tx.One(`SELECT identity FROM mq_history h WHERE stream = ? AND NOT EXISTS
		(SELECT 1 FROM mq_change c WHERE c.identity = h.identity AND c.received = h.received) LIMIT 1`, []any{stream}, &id)
	return id, found, err
}

func (v *Version) decode(book *schema.Book, cells, base, decides, roles, depends string) (err error) {
	if v.Cells, err = parseCells(book, v.Table, cells); err != nil {
		return fmt.Errorf("store: cells of %s: %w", v.Identity, err)
	}
	for _, part := range []struct {
		text string
		into any
	}{{base, &v.Base}, {decides, &v.Decides}, {roles, &v.Roles}, {depends, &v.Depends}} {
		if part.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return fmt.Errorf("store: history of %s: %w", v.Identity, err)
		}
	}
	return nil
}

// AddVersions appends to the history.
func (tx *Tx) AddVersions(versions []*Version) error {
	out := make([][]any, len(versions))
	for i, v := range versions {
		out[i] = []any{v.Stream, v.Seq, v.Ord, string(v.Identity), v.Table, string(v.Row), string(rune(v.Op)), v.CellsText(), v.BaseText(), listText(v.Decides),
			string(v.UndoOf), listText(v.Roles), listText(v.Depends), string(v.Label.Epoch), int64(v.Label.Rev), string(v.Author), string(v.Device), v.At, v.Corrected, v.Received}
	}
	return tx.insertMany("mq_history", versionColumns,
		"text,bigint,bigint,text,text,text,text,text,text,text,text,text,text,text,bigint,text,text,bigint,bigint,bigint", "", out)
}

// listText is a list as the history keeps it: "" for none.
func listText[T ~string](list []T) string {
	if len(list) == 0 {
		return ""
	}
	return string(AppendTexts(nil, list))
}

// RowLabel is a label of a version beside the one in its history record.
type RowLabel struct {
	Row      syncproto.RowID
	Identity syncproto.Identity
	Label    syncproto.Label
}

// LabelsOf reads the further labels of rows' versions.
func (tx *Tx) LabelsOf(rows []string) ([]RowLabel, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var out []RowLabel
	err := tx.Each(func(scan func(...any) error) error {
		var l RowLabel
		var rev int64
		if err := scan(&l.Row, &l.Identity, &l.Label.Epoch, &rev); err != nil {
			return err
		}
		l.Label.Rev = uint64(rev)
		out = append(out, l)
		return nil
	}, "SELECT row_id, identity, epoch, rev FROM mq_label WHERE row_id = ANY(?) ORDER BY row_id, identity, epoch", rows)
	return out, err
}

// SaveLabels adds labels learnt from devices.
func (tx *Tx) SaveLabels(labels []RowLabel) error {
	out := make([][]any, len(labels))
	for i, l := range labels {
		out[i] = []any{string(l.Row), string(l.Identity), string(l.Label.Epoch), int64(l.Label.Rev)}
	}
	return tx.insertMany("mq_label", "row_id,identity,epoch,rev", "text,text,text,bigint", "ON CONFLICT DO NOTHING", out)
}

// ChainRecord is one record of the chain of a stream.
type ChainRecord struct {
	Stream   string
	Pos      int64
	Kind     string
	Identity syncproto.Identity
	Salt     string // hex; "" after lawful erasure
	Leaf     string // hex
	Head     string // hex: of the head before, and this leaf
	At       int64
}

// AddChain appends records.
func (tx *Tx) AddChain(records []ChainRecord) error {
	out := make([][]any, len(records))
	for i, r := range records {
		out[i] = []any{r.Stream, r.Pos, r.Kind, string(r.Identity), r.Salt, r.Leaf, r.Head, r.At}
	}
	return tx.insertMany("mq_chain", "stream,pos,kind,identity,salt,leaf,head,at", "text,bigint,text,text,text,text,text,bigint", "", out)
}

// Decisions reads what the chain says of who decided about changes without editing a row himself, by change, oldest first.
func (tx *Tx) Decisions(ids []string) (map[syncproto.Identity][]string, error) {
	out := map[syncproto.Identity][]string{}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.Identity
		var kind string
		err := scan(&id, &kind)
		out[id] = append(out[id], kind)
		return err
	}, "SELECT identity, kind FROM mq_chain WHERE identity = ANY(?) AND kind >= 'decided ' AND kind < 'decided!' ORDER BY at, stream, pos", ids)
	return out, err
}

// OnBehalf tells, of changes by which somebody let in what another had written and what was refused, whose words they are.
func (tx *Tx) OnBehalf(ids []string) (map[syncproto.Identity]syncproto.UserID, error) {
	out := map[syncproto.Identity]syncproto.UserID{}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.Identity
		var user syncproto.UserID
		err := scan(&id, &user)
		out[id] = user
		return err
	}, `SELECT c.identity, r.user_id FROM mq_change c JOIN mq_change r ON r.identity = c.mends
		WHERE c.identity = ANY(?) AND c.mends <> '' AND r.mended_by = c.identity AND r.user_id <> c.user_id`, ids)
	return out, err
}

// Chain pages through the chain of a stream, oldest record first.
func (tx *Tx) Chain(stream string, after int64, limit int) ([]ChainRecord, error) {
	var out []ChainRecord
	err := tx.Each(func(scan func(...any) error) error {
		r := ChainRecord{Stream: stream}
		if err := scan(&r.Pos, &r.Kind, &r.Identity, &r.Salt, &r.Leaf, &r.Head, &r.At); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	}, "SELECT pos, kind, identity, salt, leaf, head, at FROM mq_chain WHERE stream = ? AND pos > ? ORDER BY pos LIMIT ?", stream, after, int64(limit))
	return out, err
}

// HasHead tells whether the chain of a stream has, at a position, the head that begins so (seals carry the beginning only): what it
// lacks, a fork has swallowed.
func (tx *Tx) HasHead(stream string, pos int64, head string) (bool, error) {
	var have string
	found, err := tx.One("SELECT head FROM mq_chain WHERE stream = ? AND pos = ?", []any{stream, pos}, &have)
	return found && head != "" && strings.HasPrefix(have, head), err
}

// Disclosure is one record of what was shown to whom.
type Disclosure struct {
	Chain  string
	Pos    int64
	Device syncproto.DeviceID
	User   syncproto.UserID
	Salt   string
	Value  string // JSON: what was shown
	Leaf   string
	Head   string
	At     int64
	Stream string // in which what was shown lies, as the value says
}

// StreamsShown are the streams that the value of a disclosure names: one, or the several of a sync that showed rows of more than one.
func StreamsShown(value string) (one string, several []string, err error) {
	var named struct {
		Stream  string   `json:"stream"`
		Streams []string `json:"streams"`
	}
	if err := json.Unmarshal([]byte(value), &named); err != nil {
		return "", nil, fmt.Errorf("store: what was disclosed: %w", err)
	}
	return named.Stream, named.Streams, nil
}

// Disclose appends what was shown to the chain of a device, or of a user at the console (device is then ""). Value is JSON; the streams that it
// names find it.
func (tx *Tx) Disclose(chain string, device syncproto.DeviceID, user syncproto.UserID, value []byte) error {
	last, err := tx.lastDisclosure(chain)
	if err != nil {
		return err
	}
	var salt [16]byte
	if err := tx.Random(salt[:]); err != nil {
		return err
	}
	d := Disclosure{Chain: chain, Pos: last.Pos + 1, Device: device, User: user, Salt: hex.EncodeToString(salt[:]), Value: string(value), At: tx.now}
	if d.Leaf, err = syncproto.ChainLeaf(d.Salt, value); err != nil {
		return err
	}
	if d.Head, err = syncproto.ChainNext(last.Head, uint64(d.Pos), d.Leaf); err != nil {
		return err
	}
	var several []string
	if d.Stream, several, err = StreamsShown(d.Value); err != nil {
		return err
	}
	if len(several) > 0 {
		in := make([][]any, len(several))
		for i, stream := range several {
			in[i] = []any{stream, d.At, d.Chain, d.Pos}
		}
		if err := tx.insertMany("mq_disclosed_in", "stream,at,chain,pos", "text,bigint,text,bigint", "ON CONFLICT DO NOTHING", in); err != nil {
			return err
		}
	}
	return tx.Exec("INSERT INTO mq_disclosure (chain, pos, device, user_id, salt, value, leaf, head, at, stream) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		d.Chain, d.Pos, string(d.Device), string(d.User), d.Salt, d.Value, d.Leaf, d.Head, d.At, d.Stream)
}

// lastDisclosure is the newest record of a chain, locked till the commit; zero when there is none.
func (tx *Tx) lastDisclosure(chain string) (Disclosure, error) {
	if tx.s.dialect == postgresDialect && tx.write {
		// There may be no row to lock yet, so the lock is on the name.
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtext(?))", "mq_disclosure "+chain); err != nil {
			return Disclosure{}, err
		}
	}
	d := Disclosure{Chain: chain}
	_, err := tx.One("SELECT pos, device, user_id, salt, value, leaf, head, at FROM mq_disclosure WHERE chain = ? ORDER BY pos DESC LIMIT 1",
		[]any{chain}, &d.Pos, &d.Device, &d.User, &d.Salt, &d.Value, &d.Leaf, &d.Head, &d.At)
	return d, err
}

// FoundIn counts the streams among those that a record names by which it is found.
func (tx *Tx) FoundIn(d *Disclosure, streams []string) (n int64, err error) {
	_, err = tx.One("SELECT COUNT(*) FROM mq_disclosed_in WHERE stream = ANY(?) AND at = ? AND chain = ? AND pos = ?", []any{streams, d.At, d.Chain, d.Pos}, &n)
	return n, err
}

// Disclosures pages through a chain, oldest record first.
func (tx *Tx) Disclosures(chain string, after int64, limit int) ([]Disclosure, error) {
	var out []Disclosure
	err := tx.Each(func(scan func(...any) error) error {
		d := Disclosure{Chain: chain}
		if err := scan(&d.Pos, &d.Device, &d.User, &d.Salt, &d.Value, &d.Leaf, &d.Head, &d.At, &d.Stream); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	}, "SELECT pos, device, user_id, salt, value, leaf, head, at, stream FROM mq_disclosure WHERE chain = ? AND pos > ? ORDER BY pos LIMIT ?", chain, after, int64(limit))
	return out, err
}
