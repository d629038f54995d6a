package pages

import (
	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// choosePage chooses the household that a matter is about.
type choosePage struct {
	frame
	Query  string
	Groups []roundGroup
	Rest   int
}

// withdrawPage asks before a matter is taken back: that cannot be undone.
type withdrawPage struct {
	frame
	ID   syncproto.RowID
	What string
}

var matterMoreWords = words{
	"matter.choose":     {ZH: "哪一户的事", EN: "Whose matter"},
	"matter.choose.n":   {ZH: "还有 {0} 户，写个名字找", EN: "{0} more; type a name"},
	"matter.none":       {ZH: "没找到，换个字试试。", EN: "Nobody found; try another word."},
	"matter.withdraw":   {ZH: "撤回这件事", EN: "Withdraw this matter"},
	"matter.withdraw.t": {ZH: "记错了、不用办了，才撤回。撤回以后不能再恢复；写的都留着，大家都看得到是您撤回的。", EN: "For what was recorded by mistake or needs no doing. It cannot be had back afterwards; what was written stays, and everybody sees that you withdrew it."},
	"matter.withdraw.y": {ZH: "撤回", EN: "Withdraw"},
	"matter.withdrawn":  {ZH: "撤回了。已存在本机，有网自动上传。", EN: "Withdrawn. Saved on this phone; it goes up by itself."},
	"matter.withdraw.n": {ZH: "这件事已经有人在办，不能撤回了", EN: "This matter is being dealt with and cannot be withdrawn"},
	"matter.withdraw.h": {ZH: "有变化，请告诉支部书记。", EN: "Tell the branch secretary what has changed."},
}

// chosen is how many households the chooser shows at once.
const chosen = 60

func chooseHome(rq *request) error {
	me, err := rq.me()
	if err != nil {
		return err
	}
	p := &choosePage{frame: frame{Title: rq.words.say("matter.choose"), Back: mattersPath, Shut: true}, Query: rq.FormValue("q")}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err := field.Homes(v, me, rq.today(), p.Query, 0, chosen)
		if err != nil {
			return err
		}
		for _, h := range list.Lines {
			if n := len(p.Groups); n == 0 || p.Groups[n-1].Name != h.Group {
				p.Groups = append(p.Groups, roundGroup{Name: h.Group})
			}
			g := &p.Groups[len(p.Groups)-1]
			g.Homes = append(g.Homes, choice{Value: householdPath(h.ID) + "/matter", Label: rq.words.home(h.Home)})
		}
		p.Rest = list.Found - len(list.Lines)
		return nil
	}); err != nil {
		return err
	}
	return rq.show("choose", p)
}

// mayWithdraw tells whether the user can take a matter back: its author, while nobody has taken it up (the flow of the schema).
func (rq *request) mayWithdraw(r field.Record) bool {
	me, err := rq.me()
	return err == nil && r.Author == me && r.State != "withdrawn" && rq.replica.Book().Table("matter").FlowColumn().Flow.MayMove([]schema.Role{schema.RoleCadre}, r.State, "withdrawn")
}

func (rq *request) withdrawable() (r field.Record, err error) {
	id, err := rq.id("id")
	if err != nil {
		return r, err
	}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		var ok bool
		if r, _, ok, err = field.OneMatter(v, id); err == nil && !ok {
			err = errNotFound
		}
		return err
	}); err != nil {
		return r, err
	}
	if !rq.mayWithdraw(r) {
		err = &syncproto.Error{Code: syncproto.CodeAuth, Op: "withdraw", Message: matterMoreWords["matter.withdraw.n"].Both(),
			Hint: matterMoreWords["matter.withdraw.h"].Both()}
	}
	return r, err
}

func askWithdraw(rq *request) error {
	r, err := rq.withdrawable()
	if err != nil {
		return err
	}
	return rq.show("withdraw", &withdrawPage{frame: frame{Title: rq.words.say("matter.withdraw"), Sub: rq.words.home(r.Home), Back: matterPath(r.ID), Shut: true, Form: true}, ID: r.ID, What: r.What})
}

func withdrawMatter(rq *request) error {
	r, err := rq.withdrawable()
	if err != nil {
		return err
	}
	if _, err := rq.replica.Write(rq.Context(), func(tx *replica.Tx) error {
		f, err := tx.Form("matter", r.ID)
		if err != nil {
			return err
		}
		return tx.Update(f, map[string]schema.Value{"state": schema.Text("withdrawn")})
	}); err != nil {
		return err
	}
	rq.toast("matter.withdrawn")
	return rq.see(matterPath(r.ID))
}
