package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/syncproto"
)

type lostCmd struct {
	List    lostListCmd    `cmd:"" default:"1" help:"列出还没回来的：没联系过的手机，别人手机里见过的记录。 List what is missing: silent devices, and rows that others saw."`
	Accept  lostAcceptCmd  `cmd:"" help:"按别人手机里见过的补回来。 Bring rows back as others saw them."`
	Dismiss lostDismissCmd `cmd:"" help:"不补了。 Put them aside."`
}

type lostListCmd struct {
	Plain bool `help:"只印记录编号。 Print the rows' ids alone."`
}

// Run lists what a restore took away.
func (c *lostListCmd) Run(r *room) error {
	lost, err := r.desk().Lost(r.ctx)
	if err != nil {
		return err
	}
	if c.Plain {
		for _, x := range lost.Rows {
			if _, err := fmt.Fprintln(r.out, x.ID); err != nil {
				return err
			}
		}
		return nil
	}
	if lost.Since.IsZero() {
		r.say("这里没有从备份恢复过，什么也没丢。", "This database was never restored; nothing is lost.")
		return nil
	}
	r.say("数据在 "+lost.Since.Format(time.DateTime)+" 从备份恢复过。", "The data was restored from a backup.")
	if len(lost.Silent) > 0 {
		r.say(fmt.Sprintf("%d 台手机从那以后没有联系过；备份之后交过、又只有它们有的，要等它们同步才回来：", len(lost.Silent)),
			fmt.Sprintf("%d devices have not been heard of since; what they alone hold comes back when they sync:", len(lost.Silent)))
		for _, d := range lost.Silent {
			r.say("  "+deviceLine(d), "")
		}
	}
	if len(lost.Rows) > 0 {
		r.say(fmt.Sprintf("%d 条记录别人的手机里见过，写的人的手机还没带回来：", len(lost.Rows)), fmt.Sprintf("%d rows were seen by others, and their authors' devices have not brought them back:", len(lost.Rows)))
		for _, x := range lost.Rows {
			r.lostRow(x)
		}
		r.say("写的人的手机还在，就等它同步；手机没了，就按见过的补：minqing lost accept --all", "Wait for the author's device if it lives; else bring them back with minqing lost accept --all.")
	}
	if len(lost.Silent)+len(lost.Rows) == 0 {
		r.say("都回来了。", "Everything has come back.")
	}
	return nil
}

func (r *room) lostRow(x admin.LostRow) {
	r.say(fmt.Sprintf("  %s  %s  见过的 seen by：%s", x.ID, x.What, strings.Join(x.Who, "、")), "")
	for _, c := range x.Cells {
		r.say(fmt.Sprintf("      %s：现在 now %s，见过 seen %s", c.Cell, c.Now, c.Told), "")
	}
	if n := len(x.Missing); n > 0 {
		r.say("      没回来的是第 "+ranges(x.Missing)+" 次改动 missing changes", "")
	}
}

// ranges writes ascending numbers short: 3–7、9.
func ranges(list []uint64) string {
	var parts []string
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n] == list[n-1]+1 {
			n++
		}
		if n == 1 {
			parts = append(parts, fmt.Sprint(list[0]))
		} else {
			parts = append(parts, fmt.Sprintf("%d–%d", list[0], list[n-1]))
		}
		list = list[n:]
	}
	return strings.Join(parts, "、")
}

type lostAcceptCmd struct {
	IDs []string `arg:"" optional:"" help:"记录编号，写开头几位也行。 Ids of rows, or their beginnings."`
	All bool     `help:"全部。 All of them."`
}

// Run brings rows back as others saw them.
func (c *lostAcceptCmd) Run(r *room) error {
	if err := someOrAll(c.IDs, c.All); err != nil {
		return err
	}
	done, err := r.desk().Retake(r.ctx, c.IDs)
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("补回 %d 条。", done.Accepted), fmt.Sprintf("%d brought back.", done.Accepted))
	for i, x := range done.Left {
		why := schema.ReadBoth(done.Why[i])
		r.say("  没补成："+x.What+"："+why.ZH, "Not this one: "+why.EN)
	}
	return nil
}

type lostDismissCmd struct {
	IDs []string `arg:"" optional:"" help:"记录编号，写开头几位也行。 Ids of rows, or their beginnings."`
	All bool     `help:"全部。 All of them."`
}

// Run puts testimony aside.
func (c *lostDismissCmd) Run(r *room) error {
	if err := someOrAll(c.IDs, c.All); err != nil {
		return err
	}
	n, err := r.desk().Dismiss(r.ctx, c.IDs)
	if err != nil {
		return err
	}
	r.say(fmt.Sprintf("%d 条不再提。", n), fmt.Sprintf("%d put aside.", n))
	return nil
}

func someOrAll(ids []string, all bool) error {
	if all == (len(ids) > 0) || slices.Contains(ids, "") {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "lost", Message: syncproto.Both("写明是哪几条，或者写 --all。", "Name the rows, or say --all."), Hint: syncproto.Both("用 minqing lost list 看看。", "See minqing lost list.")}
	}
	return nil
}
