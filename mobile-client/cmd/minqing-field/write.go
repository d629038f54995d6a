package main

import (
	"fmt"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// values collects what a command sets, leaving out what was not given.
type values map[string]schema.Value

func (v values) text(column, s string) values {
	if s != "" {
		v[column] = schema.Text(s)
	}
	return v
}

// saved says that a change is safe, and how it is named.
func (a *app) saved(ch *syncproto.Change, err error) error {
	if err != nil {
		return err
	}
	if ch == nil {
		a.say("和原来一样，没有要存的。", "Nothing differs; nothing was saved.")
		return nil
	}
	a.say("已存在本机（第 %d 条），有网自动上传。", "Saved on this device (change %d); it goes up by itself.", ch.Name.Number)
	return nil
}

type visitCmd struct {
	Household string   `required:"" help:"户号 / household code"`
	Day       string   `help:"日期，默认今天 / the day, today by default"`
	Met       string   `help:"见到了谁 / who was met"`
	Task      []string `help:"policy 送政策、listen 听民声、relieve 解民忧 / tasks done"`
	Text      string   `help:"听到的、看到的 / what was heard"`
	Next      string   `help:"约好下次哪天来 / the promised return"`
	Photo     []string `type:"existingfile" placeholder:"FILE" help:"照片，可以几张 / photos"`
	Submit    bool     `help:"日志一并提交 / submit the journal at once"`
}

func (c *visitCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		household, err := a.find(r, "household", c.Household)
		if err != nil {
			return err
		}
		me, err := r.Device(a.ctx)
		if err != nil {
			return err
		}
		if c.Day == "" {
			c.Day = today()
		}
		taken, err := a.prepare(c.Photo)
		if err != nil {
			return err
		}
		return a.saved(r.Write(a.ctx, func(tx *replica.Tx) error {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			v := values{"household": schema.Text(string(household)), "author": schema.Text(string(me.User)), "tasks": schema.Set(c.Task...)}
			v.text("day", c.Day).text("met", c.Met).text("next_day", c.Next)
			if err := tx.Create("visit", id, v); err != nil {
				return err
			}
			if err := attach(tx, id, me, taken); err != nil || c.Text == "" {
				return err
			}
			return c.journal(tx, id, me)
		}))
	})
}

func (c *visitCmd) journal(tx *replica.Tx, visit syncproto.RowID, me replica.Device) error {
	id, err := tx.NewID()
	if err != nil {
		return err
	}
	v := values{"visit": schema.Text(string(visit)), "author": schema.Text(string(me.User)), "text": schema.Text(c.Text)}
	if c.Submit {
		v["state"] = schema.Text("submitted")
	}
	return tx.Create("journal", id, v)
}

type matterCmd struct {
	Household string `required:"" help:"户号 / household code"`
	Kind      string `required:"" help:"opinion、request、difficulty、hot、dispute"`
	Title     string `required:"" help:"标题，至多 40 字 / at most 40 characters"`
	Detail    string `help:"详情 / details"`
	RaisedBy  string `help:"谁反映的 / who raised it"`
	Urgency   int64  `help:"紧急程度 0 到 3 / urgency 0 to 3"`
}

func (c *matterCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		household, err := a.find(r, "household", c.Household)
		if err != nil {
			return err
		}
		me, err := r.Device(a.ctx)
		if err != nil {
			return err
		}
		return a.saved(r.Write(a.ctx, func(tx *replica.Tx) error {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			v := values{"household": schema.Text(string(household)), "author": schema.Text(string(me.User)), "urgency": schema.Int(c.Urgency)}
			v.text("kind", c.Kind).text("title", c.Title).text("detail", c.Detail).text("raised_by", c.RaisedBy)
			return tx.Create("matter", id, v)
		}))
	})
}

type editCmd struct {
	Table string   `arg:"" help:"表，如 household / the table"`
	Row   string   `arg:"" help:"户号或编号 / household code or row id"`
	Set   []string `arg:"" help:"列=值；标签 列+=值、列-=值；计数 列+=数 / column=value, tags column+=value, counts column+=number"`
}

func (c *editCmd) Run(a *app) error {
	return a.with(func(r *replica.Replica) error {
		id, err := a.find(r, c.Table, c.Row)
		if err != nil {
			return err
		}
		f, err := r.Form(a.ctx, c.Table, id)
		if err != nil {
			return err
		}
		v, err := parseSets(r.Book(), c.Table, f, c.Set)
		if err != nil {
			return err
		}
		return a.saved(r.Write(a.ctx, func(tx *replica.Tx) error { return tx.Update(f, v) }))
	})
}

// parseSets reads column=value words over what a form shows.
func parseSets(book *schema.Book, table string, f replica.Form, words []string) (values, error) {
	out := values{}
	for _, w := range words {
		name, text, ok := strings.Cut(w, "=")
		op := strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz0123456789_")
		name = strings.TrimSuffix(name, op)
		col := book.Table(table).Column(name)
		if !ok || col == nil || (op != "" && op != "+" && op != "-") {
			return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "edit " + w, Message: syncproto.Both(fmt.Sprintf("看不懂“%s”。", w), fmt.Sprintf("Cannot read “%s”.", w)),
				Hint: syncproto.Both("写成 列=值；列名见 docs/SCHEMA.md。", "Write column=value; docs/SCHEMA.md names the columns.")}
		}
		old, set := out[name]
		if !set {
			old = f.Values[name]
		}
		v, err := col.Normalize(text)
		if err != nil {
			return nil, err
		}
		out[name] = combine(old, v, op)
	}
	return out, nil
}

// combine applies += and -= to what shows.
func combine(old, v schema.Value, op string) schema.Value {
	switch {
	case op == "":
		return v
	case v.Kind() == schema.KindInt && op == "+":
		return schema.Int(old.Num() + v.Num())
	case v.Kind() == schema.KindInt:
		return schema.Int(old.Num() - v.Num())
	case op == "+":
		return schema.Set(append(old.Elements(), v.Elements()...)...)
	default:
		return schema.Set(slices.DeleteFunc(old.Elements(), func(e string) bool { return slices.Contains(v.Elements(), e) })...)
	}
}
