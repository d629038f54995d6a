package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

// leafContent is what the chain says of a change for ever. It is made from mq_change and mq_history alone, so that an altered record
// there shows; what may change later (the verdict as it now stands, names, mends) is not in it.
type leafContent struct {
	Kind      string             `json:"kind"`
	Identity  syncproto.Identity `json:"identity"`
	Device    syncproto.DeviceID `json:"device"`
	Number    uint64             `json:"number"`
	User      syncproto.UserID   `json:"user"`
	Body      string             `json:"body"` // SHA-256 of the change as received
	At        int64              `json:"at"`
	Corrected int64              `json:"corrected"`
	Received  int64              `json:"received"`
	Versions  []leafVersion      `json:"versions,omitempty"`
	Reason    *leafSaying        `json:"reason,omitempty"` // of a record that tells why something was decided so
}

type leafVersion struct {
	Stream string               `json:"stream"`
	Seq    int64                `json:"seq"`
	Ord    int64                `json:"ord"`
	Table  string               `json:"table"`
	Row    syncproto.RowID      `json:"row"`
	Op     string               `json:"op"`
	Cells  string               `json:"cells"`
	Base   syncproto.Base       `json:"base"`
	Label  syncproto.Label      `json:"label"`
	Undo   syncproto.Identity   `json:"undo,omitempty"`
	More   []string             `json:"more,omitempty"` // cells decided
	Roles  []string             `json:"roles,omitempty"`
	Deps   []syncproto.Identity `json:"depends,omitempty"`
}

// Leaf is the canonical text of a record of the chain: what its leaf is the salted hash of. Whoever plants history past the judge (the bench) must
// hash the same.
func Leaf(kind string, c *store.Change, versions []*store.Version) ([]byte, error) {
	return leaf(kind, c, versions, nil)
}

func leaf(kind string, c *store.Change, versions []*store.Version, reason *leafSaying) ([]byte, error) {
	sum := sha256.Sum256(c.Body)
	l := leafContent{Kind: kind, Identity: c.Identity, Device: c.First.Device, Number: c.First.Number, User: c.User, Body: hex.EncodeToString(sum[:]),
		At: c.At, Corrected: c.Corrected, Received: c.Received, Reason: reason}
	for _, v := range versions {
		lv := leafVersion{Stream: v.Stream, Seq: v.Seq, Ord: v.Ord, Table: v.Table, Row: v.Row, Op: string(rune(v.Op)), Cells: v.CellsText(), Base: v.Base,
			Label: v.Label, Undo: v.UndoOf, More: v.Decides, Deps: v.Depends}
		for _, r := range v.Roles {
			lv.Roles = append(lv.Roles, string(r))
		}
		l.Versions = append(l.Versions, lv)
	}
	return json.Marshal(l)
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
	var versions []*store.Version
	if tellsHistory(kind) {
		versions = d.versions[d.began:]
	}
	content, err := leaf(kind, &rec.Change, versions, reason)
	if err != nil {
		return err
	}
	var salt [16]byte
	if err := d.tx.Random(salt[:]); err != nil {
		return err
	}
	st := d.tx.Stream(stream)
	r := store.ChainRecord{Stream: stream, Pos: st.Pos + 1, Kind: kind, Identity: rec.Identity, Salt: hex.EncodeToString(salt[:]), At: d.tx.Now()}
	if r.Leaf, err = syncproto.ChainLeaf(r.Salt, content); err != nil {
		return err
	}
	if r.Head, err = syncproto.ChainNext(st.Head, uint64(r.Pos), r.Leaf); err != nil {
		return err
	}
	st.Pos, st.Head = r.Pos, r.Head
	d.tx.SetStream(st)
	d.chain = append(d.chain, r)
	return nil
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
