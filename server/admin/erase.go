package admin

import (
	"context"

	"minqing/server/store"
	"minqing/syncproto"
)

// Erased tells what an erasure took away.
type Erased struct {
	Name    string
	Rows    int // rows, the one named and all beneath it
	Changes int // changes whose words were taken out of the archive
}

// Erase takes a row, everything beneath it and the duplicates that were merged into it away for ever, as the law lets a person ask (see
// judge.Erase). Backups made before still hold it.
func (d *Desk) Erase(ctx context.Context, table, ref, reason string) (*Erased, error) {
	if reason == "" {
		return nil, wrong("erase", "没有写理由。", "No reason is given.", syncproto.Both("用 --reason 写明依据和申请人。", "Give the ground and who asked with --reason."))
	}
	out := &Erased{}
	var by syncproto.UserID
	var row syncproto.RowID
	err := d.E.Store.Read(ctx, func(tx *store.Tx) error {
		var err error
		if by, err = d.admin(tx); err != nil {
			return err
		}
		t, id, err := findRow(tx, table, ref)
		if err != nil {
			return err
		}
		if t.Directory {
			return wrong("erase", "地方和用户不能抹除。", "Places and users are not erased.", syncproto.Both("停用用户请用 minqing user end。", "End an account with minqing user end."))
		}
		row = id
		out.Name, err = d.rowName(tx, t.Name, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	done, err := d.E.Judge.Erase(ctx, by, row, reason)
	if err != nil {
		return nil, err
	}
	out.Rows, out.Changes = len(done.Rows), done.Changes
	if d.E.Files == nil {
		return out, nil
	}
	_, err = d.E.Files.Sweep(ctx) // contents go with the words
	return out, err
}
