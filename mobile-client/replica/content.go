package replica

import (
	"context"
	"errors"

	"minqing/syncproto"
)

// Contents of attachments lie in the file itself, in pieces, by their hash: so they are written with their row or not at all, are
// encrypted with it, and go with its scope. mq_file says which rows this file has, or has had, the content of.

// Content is what the file knows of one row's content.
type Content struct {
	Row   syncproto.RowID
	Hash  string
	Bytes int64 // all of it
	Here  int64 // of those, from the first on, in this file
	Thumb bool
	Own   bool // made on this device: to be sent
	Sent  bool // the server has it on record
	Ready bool // the server has accepted the row: it may be sent
	Boxed bool // its scope was forgotten: it is kept only until it is sent
	Sending
}

// Sending is how far the sending of a content has got. The sender keeps it here, so that it goes on after a restart.
type Sending struct {
	Path  string // of the upload at the server, "" before there is one
	Done  int64  // bytes that the server said it has
	Tries int    // that failed, one after another
	Due   int64  // not before this time, by this device's clock; 0: at once
	Leave bool   // may go over a metered network
	Error string // what the last try failed of, for the person
}

// piece is how a content is cut: large enough to cost little, small enough to be written while it comes over a slow link.
const piece = 64 << 10

// KeepContent keeps the content of a row that this transaction creates; thumb may be nil.
func (tx *Tx) KeepContent(row syncproto.RowID, hash string, content, thumb []byte) error {
	if tx.draft(row) == nil {
		return invalid("KeepContent", "这一次保存里没有这条记录：%s。", "The row is not of this change: %s.", row)
	}
	if err := tx.c.store(hash, int64(len(content)), 0, content); err != nil {
		return err
	}
	if err := tx.c.exec(`UPDATE mq_content SET thumb = ? WHERE hash = ?`, thumb, hash); err != nil {
		return err
	}
	return tx.c.exec(`INSERT INTO mq_file (row, hash, own) VALUES (?, ?, 1)`, string(row), hash)
}

// store appends to what is here of a content. What is here already is left out.
func (c *conn) store(hash string, bytes, at int64, data []byte) error {
	if err := c.exec(`INSERT INTO mq_content (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING`, hash, bytes); err != nil {
		return err
	}
	var here int64
	if _, err := c.one(`SELECT here FROM mq_content WHERE hash = ?`, []any{hash}, &here); err != nil {
		return err
	}
	if at > here || at+int64(len(data)) > bytes {
		return invalid("content", "照片的内容接不上。", "%d bytes at %d do not go on from %d of %d.", len(data), at, here, bytes)
	}
	for data = data[min(here-at, int64(len(data))):]; len(data) > 0; {
		n := min(len(data), piece)
		if err := c.exec(`INSERT INTO mq_chunk (hash, at, data) VALUES (?, ?, ?)`, hash, here, data[:n]); err != nil {
			return err
		}
		here += int64(n)
		data = data[n:]
	}
	return c.exec(`UPDATE mq_content SET here = ? WHERE hash = ?`, here, hash)
}

// StoreContent appends to the content of a row that others made, as it comes. thumb is given with the last piece.
func (r *Replica) StoreContent(ctx context.Context, row syncproto.RowID, hash string, bytes, at int64, data, thumb []byte) error {
	return r.write(ctx, func() error {
		var held bool
		if _, err := r.w.one(`SELECT `+r.w.holds("?1"), []any{string(row)}, &held); err != nil {
			return err
		}
		if !held { // forgotten while it came
			return &syncproto.Error{Code: syncproto.CodeForbidden, Op: "replica.StoreContent", Message: syncproto.Both("这条记录已经不在本机。", "The row is no longer on this device.")}
		}
		if err := r.w.exec(`INSERT INTO mq_file (row, hash) VALUES (?, ?) ON CONFLICT DO NOTHING`, string(row), hash); err != nil {
			return err
		}
		if err := r.w.store(hash, bytes, at, data); err != nil || thumb == nil {
			return err
		}
		if err := r.w.exec(`UPDATE mq_content SET thumb = ? WHERE hash = ?`, thumb, hash); err != nil {
			return err
		}
		return r.trimContents()
	})
}

// SpoilContent lets go of a content that came and is not what its row declares.
func (r *Replica) SpoilContent(ctx context.Context, hash string) error {
	return r.write(ctx, func() error { return r.w.emptyContent(hash) })
}

func (c *conn) emptyContent(hash string) error {
	if err := c.exec(`DELETE FROM mq_chunk WHERE hash = ?`, hash); err != nil {
		return err
	}
	return c.exec(`UPDATE mq_content SET here = 0 WHERE hash = ?`, hash)
}

// ReadContent reads up to most bytes of what is here of a content, from one place on.
func (r *Replica) ReadContent(ctx context.Context, hash string, from int64, most int) (out []byte, err error) {
	err = r.read(ctx, func(c *conn) error {
		out = make([]byte, 0, most)
		var at int64
		var data []byte
		return c.each(`SELECT at, data FROM mq_chunk WHERE hash = ? AND at + length(data) > ? AND at < ? ORDER BY at`,
			[]any{hash, from, from + int64(most)}, []any{&at, &data}, func() error {
				data = data[max(0, from-at):]
				out = append(out, data[:min(len(data), most-len(out))]...)
				return nil
			})
	})
	return out, err
}

// Thumb is the small picture of a row's content, nil when there is none here.
func (r *Replica) Thumb(ctx context.Context, row syncproto.RowID) (out []byte, err error) {
	err = r.read(ctx, func(c *conn) error {
		_, err := c.one(`SELECT c.thumb FROM mq_file f JOIN mq_content c ON c.hash = f.hash WHERE f.row = ?`, []any{string(row)}, &out)
		return err
	})
	return out, err
}

// contentsQuery lists contents, rows in order. A content sent before the server went back behind it counts as unsent: it is offered again,
// like changes are.
func (c *conn) contentsQuery() string {
	return `SELECT f.row, f.hash, c.bytes, c.here, c.thumb IS NOT NULL, f.own,
	f.sent AND (c.here < c.bytes OR f.gen >= (SELECT coalesce(max(gen), 0) FROM mq_epoch)),
	NOT EXISTS (SELECT 1 FROM mq_edit e JOIN mq_change x ON x.ord = e.change WHERE e.row = f.row AND x.state <> 'accepted'),
	NOT ` + c.holds("f.row") + ` AND (EXISTS (SELECT 1 FROM mq_edit WHERE row = f.row AND away = 1)
		OR NOT EXISTS (SELECT 1 FROM mq_edit WHERE row = f.row)),
	f.path, f.done, f.tries, f.due, f.leave, f.error FROM mq_file f JOIN mq_content c ON c.hash = f.hash`
}

// Contents lists what the file knows of contents; of one row when row is not "".
func (r *Replica) Contents(ctx context.Context, row syncproto.RowID) (out []Content, err error) {
	err = r.read(ctx, func(c *conn) error {
		var f Content
		return c.each(c.contentsQuery()+` WHERE ?1 = '' OR f.row = ?1 ORDER BY f.row`, []any{string(row)},
			[]any{&f.Row, &f.Hash, &f.Bytes, &f.Here, &f.Thumb, &f.Own, &f.Sent, &f.Ready, &f.Boxed, &f.Path, &f.Done, &f.Tries, &f.Due, &f.Leave, &f.Error}, func() error {
				out = append(out, f)
				return nil
			})
	})
	return out, err
}

// NoteSending keeps how far the sending of a row's content has got.
func (r *Replica) NoteSending(ctx context.Context, row syncproto.RowID, s Sending) error {
	return r.write(ctx, func() error {
		return r.w.exec(`UPDATE mq_file SET path = ?, done = ?, tries = ?, due = ?, leave = ?, error = ? WHERE row = ?`, s.Path, s.Done, s.Tries, s.Due, s.Leave, s.Error, string(row))
	})
}

// ContentSent notes that the server has a content on record. What was kept for that alone goes.
func (r *Replica) ContentSent(ctx context.Context, row syncproto.RowID) error {
	return r.settleContent(ctx, `UPDATE mq_file SET sent = 1, gen = (SELECT coalesce(max(gen), 0) FROM mq_epoch),
		mark = (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'mq_change'), path = '', done = 0, tries = 0, due = 0, error = '' WHERE row = ?`, row)
}

// DropContent lets go of a content that nobody wants any more: the server says that its row is gone, or the person does.
func (r *Replica) DropContent(ctx context.Context, row syncproto.RowID) error {
	return r.settleContent(ctx, `DELETE FROM mq_file WHERE row = ?`, row)
}

func (r *Replica) settleContent(ctx context.Context, query string, row syncproto.RowID) error {
	err := r.write(ctx, func() error {
		if err := r.w.exec(query, string(row)); err != nil {
			return err
		}
		gone, err := r.sweepContents()
		if err == nil && gone {
			err = (&meta{c: r.w}).set("scrub", scrubDue)
		}
		return errors.Join(err, r.trimContents())
	})
	if err != nil {
		return err
	}
	return r.locked(ctx, r.scrub)
}

// sweepContents lets go of contents whose rows are no longer here: sent ones, those of others, those whose author withdrew them, and those
// whose row was deleted in his sight. One that is not sent stays when its row went out of sight, or may yet be offered again.
func (r *Replica) sweepContents() (gone bool, err error) {
	if err := r.partContents(); err != nil {
		return false, err
	}
	rows, err := r.w.count(`DELETE FROM mq_file WHERE NOT ` + r.w.holds("mq_file.row") + ` AND (own = 0
		OR EXISTS (SELECT 1 FROM mq_edit e JOIN mq_change c ON c.ord = e.change WHERE e.row = mq_file.row AND c.state = 'withdrawn')
		OR EXISTS (SELECT 1 FROM mq_edit WHERE row = mq_file.row) AND NOT EXISTS (SELECT 1 FROM mq_edit e JOIN mq_change c ON c.ord = e.change
			WHERE e.row = mq_file.row AND (e.away = 1 OR e.settled = 0 OR c.state <> 'accepted'))
		OR sent = 1 AND NOT EXISTS (SELECT 1 FROM mq_edit WHERE row = mq_file.row AND settled = 0))`)
	if err != nil {
		return false, err
	}
	n, err := r.w.count(`DELETE FROM mq_chunk WHERE hash NOT IN (SELECT hash FROM mq_file)`)
	if err != nil {
		return false, err
	}
	m, err := r.w.count(`DELETE FROM mq_content WHERE hash NOT IN (SELECT hash FROM mq_file)`)
	return rows+n+m > 0, err
}

// keptContents bounds the contents that could be fetched again: phones are small. Their thumbnails stay.
const keptContents = 64 << 20

// metaSafe is the newest change that the server's backups are known to reach past.
const metaSafe = "safe"

// trimContents lets go of contents that could be fetched again, those of the oldest rows first, until what is here is little enough. An own
// one can be once the server's backups reach past a change that was made after it was sent: then it is in them.
func (r *Replica) trimContents() error {
	var total int64
	if _, err := r.w.one(`SELECT coalesce(sum(here), 0) FROM mq_content`, nil, &total); err != nil || total <= keptContents {
		return err
	}
	safe, err := (&meta{c: r.w}).num(metaSafe)
	if err != nil {
		return err
	}
	var hashes []string
	var sizes []int64
	var hash string
	var size int64
	if err := r.w.each(`SELECT c.hash, c.here FROM mq_content c JOIN mq_file f ON f.hash = c.hash WHERE c.here > 0 GROUP BY c.hash
		HAVING min(f.own = 0 OR f.sent = 1 AND f.mark < ?) = 1 ORDER BY max(f.row)`, []any{safe}, []any{&hash, &size}, func() error {
		hashes, sizes = append(hashes, hash), append(sizes, size)
		return nil
	}); err != nil {
		return err
	}
	for i := 0; i < len(hashes) && total > keptContents; i++ {
		if err := r.w.emptyContent(hashes[i]); err != nil {
			return err
		}
		total -= sizes[i]
	}
	return nil
}
