package admin

import (
	"context"
	"errors"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

// leastNaming and mostNaming bound why somebody says that two are one.
const leastNaming, mostNaming = 2, 400

// NameTwins says that two rows are one person or household, and why: an item about the two, to be decided like one that the judge found. Where there
// is one already, that is it, and fresh is false.
func (d *Desk) NameTwins(ctx context.Context, a, b syncproto.RowID, why string) (item string, fresh bool, err error) {
	why = strings.TrimSpace(why)
	if n := len([]rune(why)); n < leastNaming || n > mostNaming {
		return "", false, wrong("name twins", "请写明为什么说是同一个，至少两个字，最多四百个字。", "Say why they are one, in two characters at least and four hundred at most.", "")
	}
	by, err := d.actorNow(ctx)
	if err != nil {
		return "", false, err
	}
	return d.E.Judge.NameTwins(ctx, by, a, b, why)
}

// NamePair is NameTwins by what people call the rows: households by their codes, others by their ids. One that is not there and one that does not lie
// where the one who acts may decide are answered alike.
func (d *Desk) NamePair(ctx context.Context, table, one, other, why string) (item string, fresh bool, err error) {
	var ids []syncproto.RowID
	err = d.E.Store.Read(ctx, func(tx *store.Tx) error {
		ids = nil
		for _, ref := range []string{one, other} {
			_, id, err := findRow(tx, table, ref)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	if err == nil {
		item, fresh, err = d.NameTwins(ctx, ids[0], ids[1], why)
	}
	var e *syncproto.Error
	if errors.As(err, &e) && e.Code == syncproto.CodeNotFound {
		return "", false, notFound("name twins", "没有这样的两条。", "There are no two such rows.", syncproto.Both("户写户号，人写编号；请核对。", "Give the codes of households, the ids of people."))
	}
	return item, fresh, err
}
