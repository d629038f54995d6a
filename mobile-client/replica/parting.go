package replica

import (
	"context"

	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// Parting is a content that went out of sight after it was sent: a file that this device cannot read, and the server takes again should it
// lose what it had.
type Parting struct {
	Row  syncproto.RowID
	File []byte
}

// partContents seals contents that are about to go out of sight and that no backup need hold yet. Without the server's key nothing is kept.
func (r *Replica) partContents() error {
	m := &meta{c: r.w}
	recipient, err := m.text("recipient")
	if err != nil || recipient == "" {
		return err
	}
	safe, err := m.num(metaSafe)
	if err != nil {
		return err
	}
	type leaving struct{ row, hash string }
	var all []leaving
	var l leaving
	err = r.w.each(`SELECT f.row, f.hash FROM mq_file f JOIN mq_content c ON c.hash = f.hash WHERE f.own = 1 AND f.sent = 1 AND f.mark >= ? AND c.here = c.bytes
		AND NOT `+r.w.holds("f.row")+` AND NOT EXISTS (SELECT 1 FROM mq_edit WHERE row = f.row AND (settled = 0 OR away = 0))`,
		[]any{safe}, []any{&l.row, &l.hash}, func() error {
			all = append(all, l)
			return nil
		})
	if err != nil {
		return err
	}
	for _, l := range all {
		var content, data []byte
		if err := r.w.each(`SELECT data FROM mq_chunk WHERE hash = ? ORDER BY at`, []any{l.hash}, []any{&data}, func() error {
			content = append(content, data...)
			return nil
		}); err != nil {
			return err
		}
		file, err := courier.PackContent(recipient, syncproto.RowID(l.row), content)
		if err != nil {
			return err
		}
		if err := r.w.exec(`INSERT INTO mq_parting (row, file, gen, mark) SELECT row, ?, gen, mark FROM mq_file WHERE row = ? ON CONFLICT (row) DO NOTHING`, file, l.row); err != nil {
			return err
		}
	}
	return nil
}

// Partings lists those that the server may have lost: it went back behind them.
func (r *Replica) Partings(ctx context.Context) (out []Parting, err error) {
	err = r.read(ctx, func(c *conn) error {
		var p Parting
		return c.each(`SELECT row, file FROM mq_parting WHERE gen < (SELECT coalesce(max(gen), 0) FROM mq_epoch) ORDER BY row`, nil, []any{&p.Row, &p.File}, func() error {
			out = append(out, Parting{p.Row, append([]byte(nil), p.File...)})
			return nil
		})
	})
	return out, err
}

// PartingSent notes that the server has taken one again.
func (r *Replica) PartingSent(ctx context.Context, row syncproto.RowID) error {
	return r.write(ctx, func() error {
		return r.w.exec(`UPDATE mq_parting SET gen = (SELECT coalesce(max(gen), 0) FROM mq_epoch), mark = (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'mq_change')
			WHERE row = ?`, string(row))
	})
}
