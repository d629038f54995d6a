package main

import (
	"fmt"
	"strings"

	"minqing/server/admin"
	"minqing/server/judge"
	"minqing/syncproto"
)

type inboxCmd struct {
	List    inboxListCmd    `cmd:"" help:"列出等人定的事。 List what a human must decide."`
	Show    inboxShowCmd    `cmd:"" help:"看一件：原来是什么，各人写了什么。 Show one: base and all values."`
	Resolve inboxResolveCmd `cmd:"" help:"定一件。 Decide one."`
	Undo    inboxUndoCmd    `cmd:"" help:"撤回一个决定。 Take a decision back."`
	Same    inboxSameCmd    `cmd:"" help:"指出两条是同一户、同一个人，再来定怎么合。 Say that two are one household or person, to be merged."`
}

type inboxSameCmd struct {
	Kind  string `arg:"" enum:"household,户,resident,人" help:"household 户，或 resident 人。 What they are."`
	One   string `arg:"" help:"户号，或编号。 A household's code, or an id."`
	Other string `arg:"" help:"另一个。 The other one."`
	Why   string `required:"" placeholder:"TEXT" help:"为什么说是同一个，会记下来。 Why; it goes on record."`
}

// Run opens an item about two that somebody says are one, or shows the one that is open.
func (c *inboxSameCmd) Run(r *room) error {
	id, fresh, err := r.desk().NamePair(r.ctx, c.Kind, c.One, c.Other, c.Why)
	if err != nil {
		return err
	}
	if fresh {
		r.say("已记下，等着定。", "On record, and to be decided.")
	} else {
		r.say("这两条已经在等着定了。", "These two wait for a decision already.")
	}
	it, err := r.desk().Item(r.ctx, id)
	if err != nil {
		return err
	}
	return r.showItem(it)
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
		if it.By == "" {
			r.say("  不用定了。", "Nobody need decide this any more.")
			return nil
		}
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
	if it.Word == judge.WordUndone {
		r.say("已撤回这个决定；这条还是未通过，和以前一样。", "The decision is taken back; the change is refused as before.")
		return nil
	}
	if it.Closed != 0 && it.Kind != syncproto.ItemTwin {
		r.say("已撤回这个决定，回到"+it.By+"先前定的。", "The decision is taken back; the one before it counts again.")
		return r.showItem(it)
	}
	r.say("已撤回这个决定。", "The decision is taken back.")
	if it.Word == judge.WordMoot {
		r.say("现在两条不一样，或者有一条不在了，不用定；以后又一样了会再问。", "The two differ now, or one is gone: nobody need decide. If they come to be alike, it is asked again.")
	}
	if it.Closed != 0 {
		return nil
	}
	r.say("这件事又等着定：", "It waits to be decided again:")
	return r.showItem(it)
}
