package store

import (
	"minqing/syncproto"
)

// Testimony is a row of others as a device held it before this database went back behind it.
type Testimony struct {
	Row     syncproto.RowID
	Table   string
	Label   syncproto.Label
	Device  syncproto.DeviceID
	User    syncproto.UserID
	At      int64 // when it came
	Content []byte
	Closed  int64            // server time, 0: open
	By      syncproto.UserID // who accepted or dismissed it
	Outcome string
}

// The outcomes of a testimony.
const (
	TestimonyAccepted  = "accepted"
	TestimonyDismissed = "dismissed"
)

// SaveTestimony keeps testimonies. What was erased by law is not taken, and what is known already stays as it is.
func (tx *Tx) SaveTestimony(list []Testimony) error {
	var ids []string
	for _, t := range list {
		ids = append(ids, string(t.Row))
	}
	erased, err := tx.Erased(ids)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, t := range list {
		if !erased[t.Row] {
			rows = append(rows, []any{string(t.Row), t.Table, string(t.Label.Epoch), int64(t.Label.Rev), string(t.Device), string(t.User), tx.now, string(t.Content), int64(0), "", ""})
		}
	}
	return tx.insertMany("mq_testimony", "row_id,tbl,epoch,rev,device,user_id,at,content,closed_ms,closed_by,outcome",
		"text,text,text,bigint,text,text,bigint,text,bigint,text,text", "ON CONFLICT (row_id, epoch, rev, device) DO NOTHING", rows)
}

// CountTestimony counts what a device ever testified to.
func (tx *Tx) CountTestimony(device syncproto.DeviceID) (n int, err error) {
	_, err = tx.One("SELECT COUNT(*) FROM mq_testimony WHERE device = ?", []any{string(device)}, &n)
	return n, err
}

// Testimonies reads testimonies that are open, by row, those of the newest version of a row first.
func (tx *Tx) Testimonies() ([]Testimony, error) {
	var out []Testimony
	err := tx.Each(func(scan func(...any) error) error {
		var t Testimony
		var rev int64
		var content string
		err := scan(&t.Row, &t.Table, &t.Label.Epoch, &rev, &t.Device, &t.User, &t.At, &content, &t.Closed, &t.By, &t.Outcome)
		t.Label.Rev, t.Content = uint64(rev), []byte(content)
		out = append(out, t)
		return err
	}, `SELECT row_id, tbl, epoch, rev, device, user_id, at, content, closed_ms, closed_by, outcome FROM mq_testimony WHERE closed_ms = 0
		ORDER BY row_id, rev DESC, at DESC, device`)
	return out, err
}

// CloseTestimony closes all that was testified to a row.
func (tx *Tx) CloseTestimony(row syncproto.RowID, by syncproto.UserID, outcome string) error {
	return tx.Exec("UPDATE mq_testimony SET closed_ms = ?, closed_by = ?, outcome = ? WHERE row_id = ? AND closed_ms = 0", tx.now, string(by), outcome, string(row))
}

// Retaken are the rows that testimony brought back, with the labels under which they had been seen.
func (tx *Tx) Retaken() (map[syncproto.RowID][]syncproto.Label, error) {
	out := map[syncproto.RowID][]syncproto.Label{}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.RowID
		var l syncproto.Label
		var rev int64
		err := scan(&id, &l.Epoch, &rev)
		l.Rev = uint64(rev)
		out[id] = append(out[id], l)
		return err
	}, "SELECT row_id, epoch, MAX(rev) FROM mq_testimony WHERE outcome = ? GROUP BY row_id, epoch", TestimonyAccepted)
	return out, err
}

// metaWentBack is when this database began anew from a backup, as Unix ms.
const metaWentBack = "went_back"

// NoteWentBack notes that this database began anew from a backup at that time, unless that is known.
func (tx *Tx) NoteWentBack(at int64) error {
	known, err := tx.metaInt(metaWentBack)
	if err != nil || known != 0 {
		return err
	}
	return tx.SetMeta(metaWentBack, formatInt(at))
}

// WentBack is when this database last began anew from a backup, 0 when it never did.
func (tx *Tx) WentBack() (int64, error) {
	at, err := tx.metaInt(metaWentBack)
	return int64(at), err
}

// BeginAnew notes that this database was just filled from a backup: whatever was noted in it of an earlier one is past.
func (tx *Tx) BeginAnew() error { return tx.SetMeta(metaWentBack, formatInt(tx.now)) }
