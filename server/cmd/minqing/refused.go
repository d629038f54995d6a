package main

import (
	"fmt"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
)

type refusedCmd struct {
	List   refusedListCmd   `cmd:"" help:"列出没有生效的改动。 List changes that did not take effect."`
	Show   refusedShowCmd   `cmd:"" help:"看一条的全部内容和原因。 Show one whole, with the reason."`
	Accept refusedAcceptCmd `cmd:"" help:"替写的人收下一条。 Let one in on its author's behalf."`
	Undo   refusedUndoCmd   `cmd:"" help:"撤回收下或退回的决定。 Take back that one was let in, taken or returned."`
	Return refusedReturnCmd `cmd:"" help:"退回给写的人，带上一句话。 Return one to its author, with words."`
}

type refusedUndoCmd struct {
	ID string `arg:"" help:"改动的编号，写开头几位也行。 Id of the change, or the beginning."`
}

// Run takes a decision about a refused change, or late work, back.
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
		r.say("  已由 "+string(x.Mended)+" 改正或收下 mended or let in", "")
		return nil
	}
	return r.showWays(x)
}

// showWays says what can be done about a refused change.
func (r *room) showWays(x *admin.RefusedChange) error {
	w, err := r.desk().Weigh(r.ctx, x.ID)
	if err != nil {
		return err
	}
	id := string(x.ID[:min(12, len(x.ID))])
	switch {
	case w.No == nil:
		r.say("  替他收下：minqing refused accept "+id, "Let it in with minqing refused accept.")
	case w.Mending:
		r.say("  改对了能替他收下：minqing refused accept "+id+" --write 栏=内容", "Mend it and let it in with --write COLUMN=TEXT.")
	default:
		r.say("  现在收不了："+schema.ReadBoth(w.No.Message).ZH+schema.ReadBoth(w.No.Hint).ZH, schema.ReadBoth(w.No.Message).EN+" "+schema.ReadBoth(w.No.Hint).EN)
	}
	if w.Return == nil {
		r.say("  退回给他：minqing refused return "+id+" --why 一句话", "Return it with minqing refused return.")
	}
	return nil
}

type refusedAcceptCmd struct {
	ID    string            `arg:"" help:"编号，写开头几位也行。 Its id, or the beginning."`
	Write map[string]string `placeholder:"COLUMN=TEXT" mapsep:"none" help:"这一栏改成。 Write this column otherwise."`
	Leave []string          `placeholder:"COLUMN" help:"这一栏照现在的。 Leave this column as it shows."`
	Why   string            `help:"说一句为什么，会记下来。 Why; it goes on record."`
}

// Run lets a refused change in.
func (c *refusedAcceptCmd) Run(r *room) error {
	x, err := r.desk().LetIn(r.ctx, c.ID, admin.Letting{Write: c.Write, Leave: c.Leave, Why: c.Why})
	if err != nil {
		return err
	}
	r.say("替"+x.Who+"收下了："+strings.Join(x.Rows, "；")+"。下次同步告诉他。", "Let in; its author hears of it at the next sync.")
	return nil
}

type refusedReturnCmd struct {
	ID  string `arg:"" help:"编号，写开头几位也行。 Its id, or the beginning."`
	Why string `help:"对他说的话。 What is said to the author."`
}

// Run returns a refused change.
func (c *refusedReturnCmd) Run(r *room) error {
	x, err := r.desk().Return(r.ctx, c.ID, c.Why)
	if err != nil {
		return err
	}
	r.say("退回给"+x.Who+"了；写的都在，下次同步告诉他。", "Returned; what was written is kept, and its author hears of it at the next sync.")
	return nil
}
