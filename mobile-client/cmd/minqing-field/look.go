package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// record is a row as it shows, by column.
type record struct {
	replica.Record
	get func(column string) schema.Value
}

// shown lists the rows of a table that show.
func (a *app) shown(r *replica.Replica, table string) ([]record, error) {
	t := r.Book().Table(table)
	at := map[string]int{}
	for i := range t.Columns {
		at[t.Columns[i].Name] = i
	}
	var out []record
	err := r.Records(a.ctx, table, func(rec replica.Record) error {
		if rec.Shown != nil {
			out = append(out, record{rec, func(column string) schema.Value { return rec.Shown[at[column]] }})
		}
		return nil
	})
	return out, err
}

// find finds a row of a table by its id or, for households, by its code; the error names near ones.
func (a *app) find(r *replica.Replica, table, what string) (syncproto.RowID, error) {
	if schema.ValidID(what) {
		return syncproto.RowID(what), nil
	}
	if r.Book().Table(table) == nil {
		return "", &syncproto.Error{Code: syncproto.CodeNotFound, Op: "find " + table, Message: syncproto.Both(fmt.Sprintf("没有表 %s。", table), fmt.Sprintf("There is no table %s.", table)),
			Hint: syncproto.Both("表见 docs/SCHEMA.md，如 household、resident、matter。", "docs/SCHEMA.md tells the tables.")}
	}
	if table != "household" {
		return "", &syncproto.Error{Code: syncproto.CodeInvalid, Op: "find " + what, Message: syncproto.Both("这里要写行的编号。", "An id is wanted here."),
			Hint: syncproto.Both("用 sql 查编号。", "Look it up with sql.")}
	}
	rows, err := a.shown(r, "household")
	if err != nil {
		return "", err
	}
	var codes []string
	for _, h := range rows {
		if h.get("code").Str() == what {
			return h.Row, nil
		}
		codes = append(codes, h.get("code").Str())
	}
	slices.Sort(codes) // rows come by id, which tells a reader nothing
	return "", &syncproto.Error{Code: syncproto.CodeNotFound, Op: "find " + what, Message: syncproto.Both(fmt.Sprintf("本机没有户号 %s。", what), fmt.Sprintf("No household %s on this device.", what)),
		Hint: syncproto.Both("本机有："+strings.Join(codes, "、")+"。", "On this device: "+strings.Join(codes, ", ")+".")}
}

type statusCmd struct{}

func (statusCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		n, err := a.waiting(r)
		if err != nil {
			return err
		}
		if n == 0 {
			a.say("都已上传。", "All is on the server.")
		} else {
			a.say("%d 条未上传，都在本机，有网会自动上传。", "%d changes are on this device only; they go up by themselves.", n)
		}
		if err := a.photosWaiting(r); err != nil {
			return err
		}
		refused, err := a.refusals(r)
		if err != nil {
			return err
		}
		if len(refused) > 0 {
			a.say("%d 条未通过，要您看一下（refused）。", "%d changes were refused and want a look (refused).", len(refused))
		}
		notices, err := r.Notices(a.ctx, false)
		if err != nil {
			return err
		}
		told, _, err := a.fatesNow(r)
		for _, x := range notices {
			fmt.Fprintln(a.out, "  "+a.noticed(r, x, told))
		}
		return err
	})
}

type householdsCmd struct {
	Search string `arg:"" optional:"" help:"姓名、住址、户号里的字 / part of name, address or code"`
}

func (c *householdsCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		rows, err := a.shown(r, "household")
		if err != nil {
			return err
		}
		visits, err := a.shown(r, "visit")
		if err != nil {
			return err
		}
		last := map[string]string{}
		for _, v := range visits {
			h := v.get("household").Str()
			last[h] = max(last[h], v.get("day").Str())
		}
		slices.SortFunc(rows, func(x, y record) int { return cmp.Compare(x.get("code").Str(), y.get("code").Str()) })
		for _, h := range rows {
			line := strings.Join([]string{h.get("code").Str(), h.get("head").Str(), h.get("address").Str()}, "  ")
			if !strings.Contains(line, c.Search) {
				continue
			}
			if day := last[string(h.Row)]; day != "" {
				a.say("%s  上次走访 %s", "%s  last visit %s", line, day)
			} else {
				a.say("%s  还没走访", "%s  not visited yet", line)
			}
		}
		return nil
	})
}

// today is the date in the city.
func today() string { return day(nowMS()) }
