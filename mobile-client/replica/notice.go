package replica

import (
	"context"

	"minqing/syncproto"
)

// NoticeKind is why the author is told something.
type NoticeKind string

// The kinds of notice.
const (
	NoticeRefused    NoticeKind = "refused"    // a change was refused: its words left the row
	NoticeOutvoted   NoticeKind = "outvoted"   // another value shows, by a merge rule or by somebody's decision
	NoticeOpen       NoticeKind = "open"       // somebody must decide about a cell
	NoticeDecided    NoticeKind = "decided"    // the author's value was chosen
	NoticeUnreadable NoticeKind = "unreadable" // a value that another program wrote could not be kept: Text has it
	NoticeTriggers   NoticeKind = "triggers"   // capture triggers were missing and were put back: what was written meanwhile may be lost
	NoticeBoxed      NoticeKind = "boxed"      // a change touches a scope that was forgotten: it waits in the hand-over box
	NoticeRepaired   NoticeKind = "repaired"   // a bucket differed from the server's and was repaired
	NoticeCopied     NoticeKind = "copied"     // the file was found to be a copy and took a new device id
	NoticeFork       NoticeKind = "fork"       // the server was restored from a backup: everything was offered again
)

// Notice is something the author is to be told.
type Notice struct {
	Ord      int64
	At       int64 // wall clock, Unix ms
	Kind     NoticeKind
	Identity syncproto.Identity // of the change concerned, if any
	Table    string
	Row      syncproto.RowID
	Cell     string
	Text     string
	Seen     bool
}

func (r *Replica) notice(n Notice) error {
	return r.w.exec(`INSERT INTO mq_notice (at, kind, identity, tbl, row, cell, text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		r.opt.Now(), string(n.Kind), string(n.Identity), n.Table, string(n.Row), n.Cell, n.Text)
}

// Notices lists what the author was told, oldest first; only what he has not seen, unless all is set.
func (r *Replica) Notices(ctx context.Context, all bool) (out []Notice, err error) {
	err = r.read(ctx, func(c *conn) error {
		var n Notice
		return c.each(`SELECT ord, at, kind, identity, tbl, row, cell, text, seen FROM mq_notice WHERE seen = 0 OR ? ORDER BY ord`, []any{all},
			[]any{&n.Ord, &n.At, &n.Kind, &n.Identity, &n.Table, &n.Row, &n.Cell, &n.Text, &n.Seen}, func() error {
				out = append(out, n)
				return nil
			})
	})
	return out, err
}

// Seen marks notices up to one as seen.
func (r *Replica) Seen(ctx context.Context, ord int64) error {
	return r.write(ctx, func() error { return r.w.exec(`UPDATE mq_notice SET seen = 1 WHERE ord <= ?`, ord) })
}
