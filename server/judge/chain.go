package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

// Leaf is the canonical text of a record of the chain: what its leaf is the salted hash of, and what the chain says of a change for ever. It is
// made from mq_change and mq_history alone, so that an altered record there shows; what may change later (the verdict as it now stands, names,
// mends) is not in it. Whoever plants history past the judge (the bench) must hash the same. It is the JSON that encoding/json makes of the
// structs in the test beside it, byte for byte.
func Leaf(kind string, c *store.Change, versions []*store.Version) ([]byte, error) {
	return leaf(kind, c, versions, nil)
}

// leaf is Leaf, for a record that tells why something was decided so with the reason.
func leaf(kind string, c *store.Change, versions []*store.Version, reason *leafSaying) ([]byte, error) {
	sum := sha256.Sum256(c.Body)
	size := 512
	for _, v := range versions {
		size += 512 + len(v.CellsText())*5/4
	}
	b := store.AppendText(append(make([]byte, 0, size), `{"kind":`...), kind)
	b = store.AppendText(append(b, `,"identity":`...), string(c.Identity))
	b = store.AppendText(append(b, `,"device":`...), string(c.First.Device))
	b = strconv.AppendUint(append(b, `,"number":`...), c.First.Number, 10)
	b = store.AppendText(append(b, `,"user":`...), string(c.User))
	b = hex.AppendEncode(append(b, `,"body":"`...), sum[:]) // SHA-256 of the change as received
	b = strconv.AppendInt(append(b, `","at":`...), c.At, 10)
	b = strconv.AppendInt(append(b, `,"corrected":`...), c.Corrected, 10)
	b = strconv.AppendInt(append(b, `,"received":`...), c.Received, 10)
	for i, v := range versions {
		if i == 0 {
			b = append(b, `,"versions":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendLeafVersion(b, v)
	}
	if len(versions) > 0 {
		b = append(b, ']')
	}
	if reason != nil {
		text, err := json.Marshal(reason)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"reason":`...), text...)
	}
	return append(b, '}'), nil
}

func appendLeafVersion(b []byte, v *store.Version) []byte {
	b = store.AppendText(append(b, `{"stream":`...), v.Stream)
	b = strconv.AppendInt(append(b, `,"seq":`...), v.Seq, 10)
	b = strconv.AppendInt(append(b, `,"ord":`...), v.Ord, 10)
	b = store.AppendText(append(b, `,"table":`...), v.Table)
	b = store.AppendText(append(b, `,"row":`...), string(v.Row))
	b = store.AppendText(append(b, `,"op":`...), string(rune(v.Op)))
	b = store.AppendText(append(b, `,"cells":`...), v.CellsText())
	b = append(append(b, `,"base":`...), v.BaseText()...)
	b = store.AppendText(append(b, `,"label":{"Epoch":`...), string(v.Label.Epoch))
	b = append(strconv.AppendUint(append(b, `,"Rev":`...), v.Label.Rev, 10), '}')
	if v.UndoOf != "" {
		b = store.AppendText(append(b, `,"undo":`...), string(v.UndoOf))
	}
	if len(v.Decides) > 0 {
		b = store.AppendTexts(append(b, `,"more":`...), v.Decides)
	}
	if len(v.Roles) > 0 {
		b = store.AppendTexts(append(b, `,"roles":`...), v.Roles)
	}
	if len(v.Depends) > 0 {
		b = store.AppendTexts(append(b, `,"depends":`...), v.Depends)
	}
	return append(b, '}')
}

// record appends to the chain of the stream of the change's first row.
func (d *desk) record(h *hearing, kind string) error {
	stream, err := d.chainStream(h)
	if err != nil {
		return err
	}
	if h.rec.Stream == "" {
		h.rec.Stream = stream
	}
	return d.append(stream, kind, h.rec)
}

// tellsHistory tells the kinds of record that speak for what a change did to rows: those of its acceptance.
func tellsHistory(kind string) bool {
	switch kind {
	case string(syncproto.Applied), string(syncproto.Merged), string(syncproto.Conflicted), kindResolved:
		return true
	}
	return false
}

// kindResolved is the kind of record of a change that decides an inbox item.
const kindResolved = "resolved"

func (d *desk) append(stream, kind string, rec *record) error {
	return d.appendReason(stream, kind, rec, nil)
}

func (d *desk) appendReason(stream, kind string, rec *record, reason *leafSaying) error {
	var salt [16]byte
	if err := d.tx.Random(salt[:]); err != nil {
		return err
	}
	st := d.tx.Stream(stream)
	if _, begun := d.heads[stream]; !begun {
		d.heads[stream] = st.Head
	}
	st.Pos++
	d.tx.SetStream(st)
	l := &link{about: &rec.Change, reason: reason,
		ChainRecord: store.ChainRecord{Stream: stream, Pos: st.Pos, Kind: kind, Identity: rec.Identity, Salt: hex.EncodeToString(salt[:]), At: d.tx.Now()}}
	if tellsHistory(kind) {
		l.versions = d.versions[d.began:]
	}
	d.chain = append(d.chain, l)
	return nil
}

// link is a record of the chain, and what it is the hash of.
type link struct {
	store.ChainRecord
	about    *store.Change
	versions []*store.Version
	reason   *leafSaying
}

// hashChain gives the new records of the chains their hashes. It asks nothing of the database, and changes nothing but those and the heads.
func (d *desk) hashChain() error {
	for _, l := range d.chain {
		content, err := leaf(l.Kind, l.about, l.versions, l.reason)
		if err != nil {
			return err
		}
		if l.Leaf, err = syncproto.ChainLeaf(l.Salt, content); err != nil {
			return err
		}
		if l.Head, err = syncproto.ChainNext(d.heads[l.Stream], uint64(l.Pos), l.Leaf); err != nil {
			return err
		}
		d.heads[l.Stream] = l.Head
	}
	return nil
}

// flushChain writes the records that were hashed, and moves the streams' heads to them.
func (d *desk) flushChain() error {
	records := make([]store.ChainRecord, len(d.chain))
	for i, l := range d.chain {
		records[i] = l.ChainRecord
	}
	for stream, head := range d.heads {
		st := d.tx.Stream(stream)
		st.Head = head
		d.tx.SetStream(st)
	}
	return d.tx.AddChain(records)
}

// recordDecision appends that somebody decided about late work or twins: a decision that is no edit of a row; or why he decided so. Who and how
// is part of what is hashed, and so is the reason.
func (d *desk) recordDecision(stream string, user syncproto.UserID, word string, about syncproto.Identity, reason *leafSaying) error {
	if err := d.loadRecords([]syncproto.Identity{about}); err != nil {
		return err
	}
	rec := d.records[about]
	if rec == nil {
		return fmt.Errorf("judge: the change %s is gone", about)
	}
	return d.appendReason(stream, "decided "+word+" by "+string(user), rec, reason)
}

// wordRetaken is the word for a row brought back as a device says it was, and which.
const wordRetaken = "retaken from "

// ReadDecision reads a kind of record that tells of a decision: who decided, the word for it, and on whose word, if it was that of a device.
func ReadDecision(kind string) (word string, from syncproto.DeviceID, by syncproto.UserID) {
	text, user, _ := strings.Cut(strings.TrimPrefix(kind, "decided "), " by ")
	if strings.HasPrefix(text, wordReasoned) {
		return strings.TrimSpace(wordReasoned), "", syncproto.UserID(user)
	}
	if strings.HasPrefix(text, wordNamed) {
		return strings.TrimSpace(wordNamed), "", syncproto.UserID(user)
	}
	if device, retaken := strings.CutPrefix(text, wordRetaken); retaken {
		return "retaken", syncproto.DeviceID(device), syncproto.UserID(user)
	}
	return text, "", syncproto.UserID(user)
}

// noStream is where the chain records refusals of users who have no place yet.
const noStream = "-"

// chainStream is the stream that records a change: that of its first row, else its author's own.
func (d *desk) chainStream(h *hearing) (string, error) {
	for _, e := range h.edits {
		if e.row != nil && e.row.Stream != "" && (h.rec.Status != syncproto.Refused || d.rows[e.row.ID] == e.row) {
			return e.row.Stream, nil
		}
	}
	id := syncproto.RowID(h.rec.User)
	if err := d.need(id); err != nil {
		return "", err
	}
	if r := d.rows[id]; r != nil {
		return r.Stream, nil
	}
	return noStream, d.tx.LockStreams(noStream)
}
