package main

import (
	"fmt"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/syncproto"
)

type inboxCmd struct {
	List    inboxListCmd    `cmd:"" help:"列出等人定的事。 List what a human must decide."`
	Show    inboxShowCmd    `cmd:"" help:"看一件：原来是什么，各人写了什么。 Show one: base and all values."`
	Resolve inboxResolveCmd `cmd:"" help:"定一件。 Decide one."`
	Undo    inboxUndoCmd    `cmd:"" help:"撤回一个决定。 Take a decision back."`
}

type inboxListCmd struct {
	Plain  bool `help:"只印编号。 Print ids alone."`
	Closed bool `help:"列已经定了的。 List those decided."`
}

// Run lists items.
func (c *inboxListCmd) Run(r *room) error {
	items, err := r.desk().Inbox(r.ctx, c.Closed)
	if err != nil {
		return err
	}
	for _, it := range items {
		line := it.ID
		if !c.Plain {
			line = strings.Join([]string{it.ID, it.What, strings.Join(it.Cells, "、"), it.Why}, "  ")
		}
		if _, err := fmt.Fprintln(r.out, line); err != nil {
			return err
		}
	}
	if !c.Plain && len(items) == 0 {
		r.say("没有等人定的事。", "Nothing waits for a decision.")
	}
	return nil
}

type inboxShowCmd struct {
	ID string `arg:"" help:"编号，写开头几位也行。 Its id, or the beginning."`
}

// Run shows an item.
func (c *inboxShowCmd) Run(r *room) error {
	it, err := r.desk().Item(r.ctx, c.ID)
	if err != nil {
		return err
	}
	return r.showItem(it)
}

func (r *room) showItem(it *admin.ItemView) error {
	r.say("待定 "+it.ID, "")
	r.say("  "+it.What+"："+strings.Join(it.Cells, "、"), "")
	r.say("  为什么要人定 why："+it.Why, "")
	for i, name := range it.Cells {
		r.say("  大家动手前 base： "+name+" = "+it.Shows[i], "")
	}
	for i, s := range it.Sides {
		line := fmt.Sprintf("  %d. ", i+1)
		if s.Who != "" {
			line += s.Who + " " + s.When.Format("01-02 15:04") + " 写：" + s.Says
		} else {
			line += s.Says
		}
		if s.Outcome != "" {
			line += "  → " + s.Outcome
		}
		r.say(line, "")
	}
	if it.Closed != 0 {
		r.say("  已由"+it.By+"定了。", "Decided.")
		return nil
	}
	switch it.Kind {
	case syncproto.ItemTwin:
		r.say("  合并：minqing inbox resolve "+it.ID+" --keep N（留第 N 个）；确是两个：--distinct", "Merge with --keep N; two of them: --distinct.")
	case syncproto.ItemLate:
		r.say("  收下：minqing inbox resolve "+it.ID+" --keep 1；不收：--refuse", "Take it with --keep 1, or --refuse.")
	default:
		r.say("  取第 N 个：minqing inbox resolve "+it.ID+" --keep N；另写：--write 栏=内容", "Take one with --keep N, or write with --write COLUMN=TEXT.")
	}
	return nil
}

type inboxResolveCmd struct {
	ID       string            `arg:"" help:"编号。 Its id."`
	Keep     int               `placeholder:"N" help:"取第几个。 Which to take."`
	Write    map[string]string `placeholder:"COLUMN=TEXT" mapsep:"none" help:"另写一个。 Write another."`
	Distinct bool              `help:"确是两个，不合并。 They are two."`
	Refuse   bool              `help:"迟到的改动不收。 Leave late work refused."`
}

// Run decides an item.
func (c *inboxResolveCmd) Run(r *room) error {
	it, err := r.desk().Resolve(r.ctx, c.ID, admin.Choice{Keep: c.Keep, Write: c.Write, Distinct: c.Distinct, Refuse: c.Refuse})
	if err != nil {
		return err
	}
	if it.Closed == 0 {
		r.say("已记下您的决定；这期间又有人写了，还要再定一次。", "Your decision is on record; somebody wrote meanwhile, so it is still open.")
		return r.showItem(it)
	}
	r.say(fmt.Sprintf("已定：%s %s。写的人下次同步会知道结果。", it.What, strings.Join(it.Cells, "、")), "Decided; the authors hear of it at their next sync.")
	for i, s := range it.Sides {
		if s.Outcome != "" {
			r.say(fmt.Sprintf("  %d. %s：%s", i+1, s.Who, s.Outcome), "")
		}
	}
	return nil
}

type inboxUndoCmd struct {
	ID string `arg:"" help:"编号。 Its id."`
}

// Run takes a decision back.
func (c *inboxUndoCmd) Run(r *room) error {
	it, err := r.desk().UndoDecision(r.ctx, c.ID)
	if err != nil {
		return err
	}
	return r.takenBack(it)
}

// takenBack says how an item stands when a decision about it was taken back.
func (r *room) takenBack(it *admin.ItemView) error {
	if it.Closed != 0 && it.Kind != syncproto.ItemTwin {
		r.say("已撤回这个决定，回到"+it.By+"先前定的。", "The decision is taken back; the one before it counts again.")
		return r.showItem(it)
	}
	r.say("已撤回这个决定。", "The decision is taken back.")
	if it.Closed != 0 {
		return nil
	}
	r.say("这件事又等着定：", "It waits to be decided again:")
	return r.showItem(it)
}

type refusedCmd struct {
	List refusedListCmd `cmd:"" help:"列出没有生效的改动。 List changes that did not take effect."`
	Show refusedShowCmd `cmd:"" help:"看一条的全部内容和原因。 Show one whole, with the reason."`
	Undo refusedUndoCmd `cmd:"" help:"撤回收下或退回迟到改动的决定。 Take back that late work was taken or returned."`
}

type refusedUndoCmd struct {
	ID string `arg:"" help:"改动的编号，写开头几位也行。 Id of the change, or the beginning."`
}

// Run takes a decision about late work back.
func (c *refusedUndoCmd) Run(r *room) error {
	it, err := r.desk().UndoLate(r.ctx, c.ID)
	if err != nil {
		return err
	}
	return r.takenBack(it)
}

type refusedListCmd struct {
	Limit int `default:"100" help:"最多几条。 At most so many."`
}

// Run lists refused changes.
func (c *refusedListCmd) Run(r *room) error {
	list, err := r.desk().RefusedChanges(r.ctx, c.Limit)
	if err != nil {
		return err
	}
	for _, x := range list {
		if _, err := fmt.Fprintf(r.out, "%s  %s  %s  %s  %s\n", x.ID, x.When.Format(time.DateTime), x.Who, strings.Join(x.Rows, "；"), schema.OneLine(x.Why)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		r.say("没有被退的改动。", "Nothing was refused.")
	}
	return nil
}

type refusedShowCmd struct {
	ID string `arg:"" help:"编号，写开头几位也行。 Its id, or the beginning."`
}

// Run shows a refused change.
func (c *refusedShowCmd) Run(r *room) error {
	x, err := r.desk().Refused(r.ctx, c.ID)
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("%s  %s  %s 写，%s 收到", x.ID, x.Who, x.When.Format(time.DateTime), x.Received.Format(time.DateTime)), "")
	for _, row := range x.Rows {
		r.say("  "+row, "")
	}
	for _, cell := range x.Cells {
		r.say("    "+cell.Cell+"："+cell.To, "")
	}
	why := schema.ReadBoth(x.Why)
	r.say(fmt.Sprintf("  没有生效（%s）：%s", x.Code, why.ZH), why.EN)
	if x.Waits != "" {
		r.say("  等着 waits for "+string(x.Waits), "")
	}
	if x.Mended != "" {
		r.say("  已由 "+string(x.Mended)+" 改正 mended", "")
	}
	return nil
}
