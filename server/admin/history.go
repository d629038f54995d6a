package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Entry is one accepted edit of a row, in words.
type Entry struct {
	When, Received time.Time // corrected; first receipt
	Who, Device    string
	Does           string
	Cells          []CellEntry
	Change         syncproto.Identity
	Label, Base    uint64 // revs
	Undoes         syncproto.Identity
	Decided        string // who decided it, of what the server did by itself, and on whose word
}

// CellEntry is what an edit did to one cell: what its author saw, what he wrote, and by which rule the cell merges.
type CellEntry struct{ Cell, From, To, Rule string }

var opWords = map[syncproto.Op]string{syncproto.OpCreate: "新建", syncproto.OpUpdate: "更改", syncproto.OpDelete: "删除"}

// History tells all that became of a row, oldest first. ID and phone numbers are masked unless whole is set; that is put on record first.
func (d *Desk) History(ctx context.Context, table, ref string, whole bool) (name string, out []Entry, err error) {
	read := d.E.Store.Read
	if whole {
		read = d.E.Store.Write
	}
	err = read(ctx, func(tx *store.Tx) error {
		by, err := d.admin(tx)
		if err != nil {
			return err
		}
		t, id, err := findRow(tx, table, ref)
		if err != nil {
			return err
		}
		if whole {
			stored, err := tx.Rows([]string{string(id)})
			if err != nil || len(stored) == 0 {
				return errors.Join(err, notFound("history", "没有这条记录。", "No such row.", ""))
			}
			if err := disclose(tx, by, shown{What: "history", Table: t.Name, Row: id, Stream: stored[0].Stream}); err != nil {
				return err
			}
		}
		if name, err = d.rowName(tx, t.Name, id); err != nil {
			return err
		}
		out, err = d.entries(tx, t, id, whole)
		return err
	})
	return name, out, err
}

func (d *Desk) entries(tx *store.Tx, t *schema.Table, id syncproto.RowID, whole bool) ([]Entry, error) {
	versions, err := tx.Versions("row_id = ? ORDER BY seq, ord", string(id))
	if err != nil {
		return nil, err
	}
	var users, devices []string
	for _, v := range versions {
		users, devices = append(users, string(v.Author)), append(devices, string(v.Device))
	}
	names, err := userNames(tx, users)
	if err != nil {
		return nil, err
	}
	labels, err := rowsOf(tx, "device", devices...)
	if err != nil {
		return nil, err
	}
	decided, err := d.decisions(tx, versions)
	if err != nil {
		return nil, err
	}
	behalf, err := onBehalf(tx, versions)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, v := range versions {
		e := Entry{Decided: decided[v.Identity] + behalf[v.Identity], When: d.instant(v.Corrected), Received: d.instant(v.Received), Who: names[v.Author], Device: "服务器", Does: opWords[v.Op], Change: v.Identity,
			Label: v.Label.Rev, Base: v.Base.Rev, Undoes: v.UndoOf}
		if r, ok := labels[syncproto.RowID(v.Device)]; ok {
			e.Device = orBlank(r.text("label"))
		}
		for i := range v.Cells {
			if c := tx.Book().Cell(t.Name, v.Cells[i].Cell); c != nil {
				e.Cells = append(e.Cells, CellEntry{cellLabel(c), d.showCell(c, v.Cells[i].From, whole), d.editWords(c, &v.Cells[i].CellEdit, whole), string(c.Rule)})
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// onBehalf says of what somebody let in that was refused, for whom he did.
func onBehalf(tx *store.Tx, versions []*store.Version) (map[syncproto.Identity]string, error) {
	var ids, users []string
	for _, v := range versions {
		ids = append(ids, string(v.Identity))
	}
	whose, err := tx.OnBehalf(ids)
	if err != nil || len(whose) == 0 {
		return nil, err
	}
	for _, user := range whose {
		users = append(users, string(user))
	}
	names, err := userNames(tx, users)
	out := map[syncproto.Identity]string{}
	for id, user := range whose {
		out[id] = "未通过的，替" + names[user] + "收下"
	}
	return out, err
}

var decisionWords = map[string]string{"retaken": "补回", "undone": "撤回", "taken": "收下", "merged": "合并", "distinct": "分开"}

// decisions says of what the server did by itself who decided it, and on whose word.
func (d *Desk) decisions(tx *store.Tx, versions []*store.Version) (map[syncproto.Identity]string, error) {
	var ids, users, devices []string
	for _, v := range versions {
		if v.Author == "" {
			ids = append(ids, string(v.Identity))
		}
	}
	told, err := tx.Decisions(ids)
	if err != nil || len(told) == 0 {
		return nil, err
	}
	for _, kinds := range told {
		for _, kind := range kinds {
			_, from, by := judge.ReadDecision(kind)
			users, devices = append(users, string(by)), append(devices, string(from))
		}
	}
	known, err := tx.Devices("id = ANY(?)", devices)
	if err != nil {
		return nil, err
	}
	owner := map[syncproto.DeviceID]syncproto.UserID{}
	for _, dev := range known {
		owner[dev.ID], users = dev.User, append(users, string(dev.User))
	}
	names, err := userNames(tx, users)
	if err != nil {
		return nil, err
	}
	out := map[syncproto.Identity]string{}
	for id, kinds := range told {
		var parts []string
		for _, kind := range kinds {
			word, from, by := judge.ReadDecision(kind)
			if decisionWords[word] == "" { // why it was decided so stands at the conflict desk
				continue
			}
			said := names[by] + "决定" + decisionWords[word]
			if from != "" {
				said += "，照" + names[owner[from]] + "手机里见过的"
			}
			parts = append(parts, said)
		}
		if len(parts) > 0 {
			out[id] = strings.Join(parts, "；")
		}
	}
	return out, nil
}

// RefusedChange is a change that did not take effect, in words.
type RefusedChange struct {
	ID       syncproto.Identity
	Who      string
	When     time.Time // corrected
	Received time.Time
	Code     syncproto.Code
	Why      string
	Waits    syncproto.Identity // what it waits for
	Mended   syncproto.Identity // the mend that stands in for it
	Rows     []string
	Cells    []CellEntry
	edits    []syncproto.Edit
}

// RefusedChanges lists changes that were refused and are not mended, newest first.
func (d *Desk) RefusedChanges(ctx context.Context, limit int) ([]RefusedChange, error) {
	return d.refused(ctx, "status = 'refused' AND mended_by = '' ORDER BY received DESC, identity LIMIT ?", int64(limit))
}

// Refused shows one change that was refused, whole; its id may be cut short as far as it is clear.
func (d *Desk) Refused(ctx context.Context, id string) (*RefusedChange, error) {
	found, err := d.refused(ctx, "status = 'refused' AND identity >= ? AND identity < ? ORDER BY identity LIMIT 2", id, id+"~")
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || id == "" {
		return nil, noSingleRefused()
	}
	return &found[0], nil
}

func noSingleRefused() error {
	return notFound("refused", "没有唯一的一条这样开头。", "No single one begins with that.", syncproto.Both("用 minqing refused list 看看。", "See minqing refused list."))
}

func (d *Desk) refused(ctx context.Context, where string, args ...any) ([]RefusedChange, error) {
	var out []RefusedChange
	err := d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		changes, err := tx.Changes(where, args...)
		if err != nil {
			return err
		}
		var users []string
		for _, c := range changes {
			users = append(users, string(c.User))
		}
		names, err := userNames(tx, users)
		if err != nil {
			return err
		}
		out = nil
		for _, c := range changes {
			r := RefusedChange{ID: c.Identity, Who: names[c.User], When: d.instant(c.Corrected), Received: d.instant(c.Received), Code: c.Code, Mended: c.MendedBy}
			if err := d.readRefused(tx, &r, c); err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}
