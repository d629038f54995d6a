package console

import (
	"errors"
	"net/url"
	"strings"

	"minqing/schema"
	"minqing/server/console/conflict"
	"minqing/server/judge"
	"minqing/syncproto"
)

// refusedListPage lists what the server refused, or what came late and was taken.
type refusedListPage struct {
	frame
	List             *conflict.RefusedPage
	Late             bool
	Base, Stays, All string // addresses: of one, and of the two lists
	Lines            []refusedLine
	More             string
}

// refusedLine is one change of the list; Why is its reason in one line.
type refusedLine struct {
	*conflict.Refused
	Why string
}

// refusedPage is one change, whole.
type refusedPage struct {
	frame
	View           *conflict.Refused
	Why, Mend      string
	Here, List     string
	Next           string // address of the change behind it, or of the list
	Waits          string // address of the change that it waits for
	Error, Reason  string
	Can, Taken, No bool // a decision about late work is due; it was taken or let in, or returned
}

var refusedHandlers = map[string]handler{
	"GET /at/{place}/refused":        showRefusedList,
	"GET /at/{place}/refused/{row}":  showRefused,
	"POST /at/{place}/refused/{row}": decideRefused,
}

var refusedWords = words{
	"nav.refused":             {ZH: "未通过和晚到", EN: "Refused and late"},
	"refused.n":               {ZH: "{0} 条", EN: "{0} change|{0} changes"},
	"refused.lists":           {ZH: "看哪些", EN: "Which"},
	"refused.stays":           {ZH: "未通过", EN: "Refused"},
	"refused.came":            {ZH: "晚到，已收下", EN: "Late, and taken"},
	"refused.none":            {ZH: "没有未通过的改动", EN: "Nothing was refused"},
	"refused.none.t":          {ZH: "服务器没有接受的改动会出现在这里，写的一字不少。", EN: "Changes that the server did not take appear here, whole."},
	"refused.nolate":          {ZH: "没有晚到的改动", EN: "Nothing came late"},
	"refused.nolate.t":        {ZH: "户改派之前写的、改派以后才传上来的，会出现在这里。", EN: "What was written before a household was given to somebody else, and came after, appears here."},
	"refused.what":            {ZH: "谁家、什么", EN: "Whose, and what"},
	"refused.who":             {ZH: "谁写的", EN: "Author"},
	"refused.why":             {ZH: "为什么", EN: "Why"},
	"refused.when":            {ZH: "收到", EN: "Received"},
	"refused.rows":            {ZH: "等 {0} 条记录", EN: "and {0} rows in all|and {0} rows in all"},
	"refused.more":            {ZH: "下一页", EN: "Next page"},
	"refused.late":            {ZH: "写的时候还归他管，晚到了，照样算数", EN: "in the author's charge when written; it came late, and counts"},
	"refused.elsewhere":       {ZH: "别处的记录", EN: "rows of elsewhere"},
	"refused.hidden":          {ZH: "另有 {0} 条记录不在这里，没有列出。", EN: "{0} more row is not of this place and is left out.|{0} more rows are not of this place and are left out."},
	"refused.erased":          {ZH: "内容已依法抹除。", EN: "Its words were erased by law."},
	"refused.make":            {ZH: "新建", EN: "New"},
	"refused.delete":          {ZH: "删除这条记录", EN: "Delete this row"},
	"refused.reason":          {ZH: "为什么没有接受", EN: "Why it was not taken"},
	"refused.reason.late":     {ZH: "怎么收下的", EN: "How it was taken"},
	"refused.mend":            {ZH: "怎样就能收", EN: "What would make it acceptable"},
	"refused.mend.invalid":    {ZH: "内容要改对。已退给{0}，在手机上改好再传就行，写的都在。", EN: "Its words have to be put right. It went back to {0}, who mends it on the phone and sends it again; nothing is lost."},
	"refused.mend.state":      {ZH: "记录回到能改的状态以后，{0}可以在手机上重新提交；或者由有权限的人来改。", EN: "When the row is in a state that allows it, {0} can submit it again from the phone; or somebody who may makes the change."},
	"refused.mend.forbidden":  {ZH: "要有这项权限：{0}负责这一户或担任相应职务以后，可以在手机上重新提交。依法抹除的记录不能再写。", EN: "It takes the right: when {0} is in charge of the household or holds the role, it can be submitted again from the phone. A row erased by law stays so."},
	"refused.mend.waits":      {ZH: "等它依据的那一条到了，服务器自动重新处理，您不用做什么。", EN: "When what it builds on is there, the server judges it again by itself; nothing is for you to do."},
	"refused.mend.unknown":    {ZH: "服务器升级以后自动重新处理，您不用做什么。", EN: "It is judged again when the server was upgraded; nothing is for you to do."},
	"refused.mend.conflict":   {ZH: "内容已经补回，不用再收。", EN: "Its words are back already; there is nothing to take."},
	"refused.mend.late":       {ZH: "您看过、收下，就照他写的办，仍算{0}写的，并记下是您收的。", EN: "When you have looked and take it, it counts as {0} wrote it, in that name, with a record that you took it."},
	"refused.mend.over":       {ZH: "已经有人看过，没有收。{0}现在还负责的话，可以照着重新写一条。", EN: "Somebody has looked and did not take it. If it is still {0}'s charge, it can be written anew."},
	"refused.mend.other":      {ZH: "要由能定这一户的人来看。", EN: "Somebody who decides about this household has to look."},
	"refused.mended":          {ZH: "{0}已经改好重传，不用再管。", EN: "{0} has mended it; nothing is left to do."},
	"refused.waits":           {ZH: "看它等的那一条", EN: "See what it waits for"},
	"refused.take":            {ZH: "替他收下", EN: "Take it for the author"},
	"refused.letin":           {ZH: "替他收下", EN: "Let it in for the author"},
	"refused.letin.t":         {ZH: "您看过、收下，就照{0}写的办，记下是您替{0}收的；原文留着。", EN: "When you have looked and let it in, it counts as {0} wrote it, with a record that it was you who let it in; the words as they came are kept."},
	"refused.letin.mend":      {ZH: "把标出来的改对，就能替{0}收下；{0}的原文留着。", EN: "Put right what is marked, and you can let it in for {0}, whose own words are kept."},
	"refused.letin.done":      {ZH: "替{0}收下了；下次联网告诉他。", EN: "Let in for {0}, who hears of it at the next contact."},
	"refused.by.letin":        {ZH: "{0}看过，替{1}收下了。{1}的原文在下面。", EN: "{0} has looked and let it in for {1}, whose own words are below."},
	"refused.by.said":         {ZH: "说：“{0}”", EN: "Said: “{0}”"},
	"refused.saw":             {ZH: "他写的时候是", EN: "When it was written it was"},
	"refused.wrote":           {ZH: "照他写的", EN: "As written"},
	"refused.left":            {ZH: "照现在的", EN: "As it is now"},
	"refused.moved":           {ZH: "他写了以后，这一栏别人改过。", EN: "Somebody else has changed this since it was written."},
	"refused.masked":          {ZH: "号码遮着；要改就重写一遍，不写就照他写的", EN: "The number is masked; write it anew to change it, or leave it as written"},
	"refused.back":            {ZH: "已退回", EN: "Returned"},
	"refused.cannot":          {ZH: "您现在能不能收", EN: "Whether you can let it in"},
	"refused.say.to":          {ZH: "对他说一句", EN: "A word to the author"},
	"refused.return":          {ZH: "不收，退回给他", EN: "Return it to the author"},
	"refused.leave":           {ZH: "先放着，看下一条", EN: "Leave it: the next"},
	"refused.say":             {ZH: "先选收下还是退回。", EN: "Choose to take or to return it."},
	"refused.over":            {ZH: "这一条已经有人定了，或者不用定。", EN: "This has been decided already, or needs no decision."},
	"refused.done":            {ZH: "收下了，仍算{0}写的；下次联网告诉他。", EN: "Taken, in the name of {0}, who hears of it at the next contact."},
	"refused.still":           {ZH: "准了晚到，但内容还是过不了：{0}", EN: "The lateness is forgiven, but it cannot be taken yet: {0}"},
	"refused.returned":        {ZH: "没有收，退回给{0}了；写的都在，下次联网告诉他。", EN: "Returned to {0}, who hears of it at the next contact; what was written is kept."},
	"refused.by.taken":        {ZH: "{0}看过，收下了，仍算{1}写的。", EN: "{0} has looked and taken it, in the name of {1}."},
	"refused.by.refused":      {ZH: "{0}看过，没有收，退回给{1}了。", EN: "{0} has looked and returned it to {1}."},
	"refused.away":            {ZH: "收下过，后来撤回了，现在不算数；写的都在", EN: "taken once, and that was taken back: it does not count now; all that was written is kept"},
	"refused.waiting":         {ZH: "等着定", EN: "Waits for a decision"},
	"refused.reopened":        {ZH: "{0}撤回了先前的决定，又等着定。", EN: "{0} has taken the decision back; it waits for another."},
	"refused.undo.taken":      {ZH: "撤回收下", EN: "Take it back"},
	"refused.undo.returned":   {ZH: "撤回退回", EN: "Withdraw the return"},
	"refused.undone.taken":    {ZH: "撤回了，{0}写的现在不算数，又等着定；下次联网告诉他。", EN: "Taken back: what {0} wrote does not count now and waits for a decision; the author hears of it at the next contact."},
	"refused.undone.returned": {ZH: "撤回了，不退给{0}了，又等着定；下次联网告诉他。", EN: "Withdrawn: it is not returned to {0}, and waits for a decision again; the author hears of it at the next contact."},
	"refused.undone.letin":    {ZH: "撤回了，{0}写的现在不算数，还是未通过；下次联网告诉他。", EN: "Taken back: what {0} wrote does not count now, and is refused as before; the author hears of it at the next contact."},
	"refused.undone.back":     {ZH: "撤回了，不算退给{0}了。", EN: "Withdrawn: it is not returned to {0}."},
	"refused.whole":           {ZH: "写的全部内容", EN: "All that was written"},
	"refused.now":             {ZH: "绿色是他要加的，红色是现在有、他要去掉的。", EN: "Green is what it adds, red what is there now and it takes away."},
	"refused.author":          {ZH: "谁写的", EN: "Who wrote it"},
}

func showRefusedList(rq *request) error {
	q := rq.URL.Query()
	late := q.Get("list") == "late"
	list, err := rq.desk().ListRefused(rq.Context(), late, q.Get("after"))
	if err != nil {
		return err
	}
	p := &refusedListPage{frame: frame{Title: rq.words.say("nav.refused"), Nav: "refused", Sub: rq.words.say("refused.n", list.Total)}, List: list, Late: late,
		Base: rq.at("/refused/"), Stays: rq.at("/refused"), All: rq.at("/refused?list=late")}
	for _, r := range list.Lines {
		line := refusedLine{Refused: r, Why: rq.words.of(r.Message)}
		if !r.Refused {
			line.Why = rq.words.say("refused.late")
		}
		if r.Away {
			line.Why = rq.words.say("refused.away")
		}
		if r.What == "" {
			r.What = rq.words.say("refused.elsewhere")
			if r.Erased {
				r.What = rq.words.say("refused.erased")
			}
		}
		p.Lines = append(p.Lines, line)
	}
	if list.After != "" {
		more := url.Values{"after": {string(list.After)}}
		if late {
			more.Set("list", "late")
		}
		p.More = rq.at("/refused?") + more.Encode()
	}
	return rq.show("refused-list", p)
}

// refusedPage reads a change, and says what would make it acceptable.
func (rq *request) refusedPage() (*refusedPage, error) {
	v, err := rq.desk().OpenRefused(rq.Context(), rq.PathValue("row"))
	if err != nil {
		return nil, err
	}
	p := &refusedPage{frame: frame{Title: v.What, Nav: "refused", Back: rq.at("/refused")}, View: v, Why: rq.words.of(v.Message), List: rq.at("/refused"), Here: rq.at("/refused/" + string(v.ID)),
		Can: v.Item != "", Taken: v.Word == "taken" && (!v.Refused || v.LetIn), No: v.Word == "refused"}
	if p.Title == "" {
		p.Title = rq.words.say("nav.refused")
	}
	if v.Waits != "" {
		p.Waits = rq.at("/refused/" + string(v.Waits))
	}
	if !v.Refused {
		p.List = rq.at("/refused?list=late")
	}
	next, total, err := rq.desk().NextRefused(rq.Context(), !v.Refused, string(v.ID))
	if err != nil {
		return nil, err
	}
	if p.Sub, p.Next = rq.words.say("refused.n", total), p.List; next != "" {
		p.Next = rq.at("/refused/" + string(next))
	}
	if !v.Refused {
		p.Why, p.Back = rq.words.say("refused.late"), rq.at("/refused?list=late")
		if v.Away {
			p.Why = rq.words.say("refused.away")
		}
		return p, nil
	}
	key := "other"
	switch v.Code {
	case syncproto.CodeInvalid, syncproto.CodeState, syncproto.CodeForbidden, syncproto.CodeWaits, syncproto.CodeUnknown, syncproto.CodeConflict:
		key = string(v.Code)
	case syncproto.CodeLate:
		if key = "late"; p.No {
			key = "over"
		} else if !p.Can {
			key = "other"
		}
	}
	p.Mend = rq.words.say("refused.mend."+key, v.Author.Who)
	return p, nil
}

func showRefused(rq *request) error {
	p, err := rq.refusedPage()
	if err != nil {
		return err
	}
	return rq.show("refused", p)
}

// decideRefused lets in what was refused, in its author's name or on his behalf, or returns it to him: all by the judge, recorded as that of whoever
// is signed in.
func decideRefused(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.refusedPage()
	if err != nil {
		return err
	}
	if q := rq.URL.Query(); q.Has("last") { // the way back that the sentence about it offers
		return rq.undoRefused(p, q.Get("last"))
	}
	if f.Get("do") == "undo" {
		return rq.undoRefused(p, f.Get("last"))
	}
	p.Reason = reason(f)
	how, sound := p.View.Letting(rq.app.opt.Engine.Book, schema.Lang(rq.words), f)
	how.Why = p.Reason
	do, can := f.Get("do"), p.View.Can
	switch {
	case !can.Return && !can.Take && !can.Mend:
		p.Error = rq.words.say("refused.over")
	case do != "take" && do != "return":
		p.Error = rq.words.say("refused.say")
	case do == "return" && !can.Return, do == "take" && !can.Take && !can.Mend:
		p.Error = rq.words.say("refused.over")
		if do == "take" && can.No != "" {
			p.Error = can.No
		}
	case do == "take" && !sound:
		p.Error = rq.words.say("edit.look")
	}
	if p.Error != "" {
		return rq.again("refused", p)
	}
	out, err := rq.settleRefused(p.View, do, how)
	if err != nil {
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Message == "" || e.Code == syncproto.CodeInternal {
			return err
		}
		if now, err := rq.refusedPage(); err == nil { // as it stands by now, with what was typed
			now.View.Letting(rq.app.opt.Engine.Book, schema.Lang(rq.words), f)
			now.Reason, p = p.Reason, now
		}
		p.Error = strings.TrimSpace(rq.words.of(e.Message) + " " + rq.words.of(e.Hint))
		return rq.again("refused", p)
	}
	said := "refused.letin.done"
	switch {
	case do == "return":
		said = "refused.returned"
	case p.View.Item == "":
	case out.Verdicts[0].Status == syncproto.Refused:
		rq.toast("refused.still", rq.words.of(out.Verdicts[0].Message))
		return rq.see(p.Here)
	default:
		said = "refused.done"
	}
	now, err := rq.desk().OpenRefused(rq.Context(), string(p.View.ID))
	if err != nil {
		return err
	}
	rq.said(toast{Text: rq.words.say(said, p.View.Author.Who), Undo: p.Here + "?" + url.Values{"last": {now.Last}}.Encode()})
	return rq.see(p.Next)
}

// settleRefused has the judge decide: late work by its item, which also waits where it was taken once and that was taken back.
func (rq *request) settleRefused(v *conflict.Refused, do string, how judge.Letting) (out *judge.Outcome, err error) {
	j := rq.app.opt.Engine.Judge
	switch {
	case v.Item != "":
		return j.Resolve(rq.Context(), rq.user(), v.Item, judge.Decision{Keep: do == "take", Why: how.Why})
	case do == "return":
		return nil, j.Return(rq.Context(), rq.user(), v.ID, how.Why)
	}
	return j.LetIn(rq.Context(), rq.user(), v.ID, how)
}

// undoRefused takes back that late work was taken, or anything let in, or returned: what it wrote goes, or it is asked for no more on its author's
// phone; late work waits for a decision again, and what else was refused is refused as before.
func (rq *request) undoRefused(p *refusedPage, last string) error {
	if p.View.Decided == "" {
		p.Error = rq.words.say("refused.over")
		return rq.again("refused", p)
	}
	if _, err := rq.app.opt.Engine.Judge.UndoDecision(rq.Context(), rq.user(), p.View.Decided, last); err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		p.Error = text
		return rq.again("refused", p)
	}
	late := !p.View.Refused || p.View.Code == syncproto.CodeLate
	switch {
	case p.Taken && late:
		rq.toast("refused.undone.taken", p.View.Author.Who)
	case p.Taken:
		rq.toast("refused.undone.letin", p.View.Author.Who)
	case late:
		rq.toast("refused.undone.returned", p.View.Author.Who)
	default:
		rq.toast("refused.undone.back", p.View.Author.Who)
	}
	return rq.see(p.Here)
}
