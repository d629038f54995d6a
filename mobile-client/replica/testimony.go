package replica

import (
	"context"

	"minqing/schema"
	"minqing/syncproto"
)

// After a fork the file may hold rows of others that the server lacks, or holds older: what a secretary wrote yesterday, say. Before the
// server's rows take their place they are kept as testimony, go up with the next request, and are dropped when its checkpoint came. The
// time for it begins with the fork and ends with the first checkpoint after which every bucket is the server's.

// metaWitness names the epoch behind which rows that go backwards are testimony.
const metaWitness = "witness"

// witness keeps a row as it is held when what comes does not go on from it. next is nil when the server has no such row.
func (a *apply) witness(t *schema.Table, id syncproto.RowID, st stand, next []schema.Value, label syncproto.Label) error {
	if !a.witnessing || !st.held || st.rev == 0 {
		return nil
	}
	b, err := a.buckets.at(st.bucket)
	if err != nil {
		return err
	}
	var epoch string
	var gen int64
	if _, err := a.c.one(`SELECT name, gen FROM mq_epoch WHERE id = ?`, []any{st.epoch}, &epoch, &gen); err != nil {
		return err
	}
	if next != nil {
		_, after, err := a.c.epochOf(label.Epoch)
		if err != nil {
			return err
		}
		if string(label.Epoch) == epoch && label.Rev == st.rev || label.Rev > st.rev && after <= gen {
			return nil // the same row, or one that went on from it
		}
	}
	if same(st.acked, next) {
		return nil
	}
	told := syncproto.Testimony{Label: syncproto.Label{Epoch: syncproto.EpochID(epoch), Rev: st.rev},
		Edit: syncproto.Edit{Table: t.Name, Row: id, Op: syncproto.OpCreate, Cells: wholeRow(a.r.book, t, st.acked)}}
	if err := told.Seal(); err != nil {
		return err
	}
	return a.c.exec(`INSERT INTO mq_testimony (row, scope, epoch, rev, content) VALUES (?, ?, ?, ?, ?) ON CONFLICT (row) DO UPDATE
		SET scope = excluded.scope, epoch = excluded.epoch, rev = excluded.rev, content = excluded.content WHERE excluded.rev > rev`,
		string(id), b.state.ID.Scope, epoch, st.rev, string(told.Content))
}

// wholeRow are the cells that would make a row with these values.
func wholeRow(book *schema.Book, t *schema.Table, values []schema.Value) []syncproto.CellEdit {
	var out []syncproto.CellEdit
	for _, cell := range book.Cells(t.Name) {
		v := cell.Join(getter(t, values))
		e := syncproto.CellEdit{Cell: cell.Name}
		switch {
		case v.IsNull():
			continue
		case cell.Rule == schema.RuleSum:
			e.Delta = v.Num()
		case cell.Rule == schema.RuleSet:
			e.Add = v.Elements()
		default:
			e.Value = v
		}
		out = append(out, e)
	}
	return out
}

// Testimony gives rows of others to offer with the next request, up to a number and a size, and how many stay behind.
func (s *Session) Testimony(ctx context.Context, most, bytes int) (out []*syncproto.Testimony, waiting int, err error) {
	var rows []string
	err = s.r.read(ctx, func(c *conn) error {
		var row, content string
		var t syncproto.Testimony
		return c.each(`SELECT row, epoch, rev, content FROM mq_testimony ORDER BY row`, nil, []any{&row, &t.Label.Epoch, &t.Label.Rev, &content}, func() error {
			if bytes -= len(content); len(out) >= most || bytes < 0 && len(out) > 0 {
				waiting++
				return nil
			}
			one := t
			one.Content = []byte(content)
			out, rows = append(out, &one), append(rows, row)
			return nil
		})
	})
	if most > 0 {
		s.testified = rows
	}
	return out, waiting, err
}

// heard drops the testimony of a request whose checkpoint came: the server keeps it now. The file keeps no page of how those rows were: they may
// tell of others that the server does not show any more.
func (s *Session) heard() error {
	if len(s.testified) == 0 {
		return nil
	}
	if err := (&meta{c: s.r.w}).set("scrub", scrubDue); err != nil {
		return err
	}
	for _, row := range s.testified {
		if err := s.r.w.exec(`DELETE FROM mq_testimony WHERE row = ?`, row); err != nil {
			return err
		}
	}
	s.testified = nil
	return nil
}
