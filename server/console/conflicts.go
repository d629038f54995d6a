package console

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/server/console/conflict"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// conflictsPage is the list of what a human must decide.
type conflictsPage struct {
	frame
	List *conflict.Page
	Base string // address of the list
	More string
}

// conflictPage is one item, with a way to decide it chosen.
type conflictPage struct {
	frame
	unmasking
	View    *conflict.View
	Choices []conflict.Choice
	Choice  *conflict.Choice
	Alike   []conflict.Line
	More    bool // there are others alike, or may be
	Next    []conflict.Line
	List    string // address of the list
	Here    string
	Basis   string
	Error   string
	Typed   url.Values
	Yours   []string // what he wrote who came too late to decide
}

var conflictHandlers = map[string]handler{
	"GET /at/{place}/conflicts":               showConflicts,
	"GET /at/{place}/conflicts/{row}":         showConflict,
	"POST /at/{place}/conflicts/{row}":        decideConflict,
	"POST /at/{place}/conflicts/{row}/undo":   undoConflict,
	"POST /at/{place}/conflicts/{row}/unmask": unmaskConflict,
}

var conflictWords = words{
	"nav.conflicts":         {ZH: "冲突处理", EN: "Conflict desk"},
	"conflict.n":            {ZH: "{0} 件等着定", EN: "{0} waits|{0} wait"},
	"conflict.none":         {ZH: "没有要定的事", EN: "Nothing to decide"},
	"conflict.none.t":       {ZH: "两个人写得不一样、没有规则能定的，会出现在这里。", EN: "What two people wrote differently, and no rule decides, appears here."},
	"conflict.what":         {ZH: "哪一户、哪一栏", EN: "Whose, and what"},
	"conflict.stake":        {ZH: "要定什么", EN: "What is at stake"},
	"conflict.waits":        {ZH: "等了", EN: "Waiting"},
	"conflict.more":         {ZH: "下一页", EN: "Next page"},
	"conflict.base":         {ZH: "原", EN: "was"},
	"conflict.base.t":       {ZH: "两人动笔前看到的，现在还显示着它", EN: "what both had seen; it shows meanwhile"},
	"conflict.blank":        {ZH: "（空）", EN: "(empty)"},
	"conflict.written":      {ZH: "写于", EN: "Written"},
	"conflict.received":     {ZH: "收到", EN: "Received"},
	"conflict.phone":        {ZH: "手机", EN: "Phone"},
	"conflict.clock":        {ZH: "时钟", EN: "Clock"},
	"conflict.trusted":      {ZH: "可信，差 {0} 秒", EN: "trusted, {0} s off"},
	"conflict.fast":         {ZH: "快 {0}，已校正", EN: "{0} fast, corrected"},
	"conflict.slow":         {ZH: "慢 {0}，已校正", EN: "{0} slow, corrected"},
	"conflict.result":       {ZH: "定下来是", EN: "It comes to"},
	"conflict.who":          {ZH: "谁", EN: "Who"},
	"conflict.sees":         {ZH: "手机上会看到", EN: "will see on the phone"},
	"conflict.alike":        {ZH: "同样的还有 {0} 件（同样的人、同一栏），一并这样定", EN: "{0} more of the same people about the same cell: decide it alike|{0} more of the same people about the same cell: decide them alike"},
	"conflict.alike.most":   {ZH: "同样的至少还有 {0} 件（同样的人、同一栏），这 {0} 件一并这样定", EN: "at least {0} more of the same people about the same cell: decide that one alike|at least {0} more of the same people about the same cell: decide these {0} alike"},
	"conflict.alike.not":    {ZH: "同样的还有别的件。另写的只定这一件，别的请一件一件看。", EN: "There are others alike. What is written anew decides this one alone; look at the others one by one."},
	"conflict.alike.third":  {ZH: "另写的不能一并用到别的件上，还没有定。您写的都在下面；再按一次，只定这一件。", EN: "What is written anew cannot decide others alike, and nothing was decided yet. All that you wrote is below; press once more to decide this one alone."},
	"conflict.done.left":    {ZH: "{1}。有 {0} 件没有一并定：已有人定了，或放不下两边的话", EN: "{1}. {0} was left: somebody has decided it, or it cannot hold the words of both|{1}. {0} were left: somebody has decided them, or they cannot hold the words of both"},
	"conflict.around":       {ZH: "这条记录", EN: "The row around"},
	"conflict.differ":       {ZH: "哪里不一样", EN: "What differs"},
	"conflict.differ.none":  {ZH: "两条写的完全一样。", EN: "Both hold the same."},
	"conflict.same":         {ZH: "一样的 {0} 项", EN: "{0} that is the same|{0} that are the same"},
	"conflict.asked":        {ZH: "正在处理", EN: "in question"},
	"conflict.hidden":       {ZH: "“{0}”写的不一样，不同的几位遮着，这里看不出来。", EN: "What was written for “{0}” differs where it is masked, which does not show here."},
	"conflict.before":       {ZH: "前后经过", EN: "What happened"},
	"conflict.made":         {ZH: "新建", EN: "made it"},
	"conflict.deleted":      {ZH: "删除", EN: "deleted it"},
	"conflict.next":         {ZH: "接下来", EN: "Next"},
	"conflict.say":          {ZH: "先选一种定法。", EN: "Choose a way to decide first."},
	"conflict.write":        {ZH: "“{0}”没写对，请再看看。", EN: "Look at “{0}” again."},
	"conflict.done":         {ZH: "刚才：{0}，{1}", EN: "Just now: {0}, {1}"},
	"conflict.done.many":    {ZH: "刚才：{0} 等 {1} 件，{2}", EN: "Just now: {0} and others, {1} in all: {2}"},
	"conflict.still":        {ZH: "{0}：又有新的写法到了，还要再定。", EN: "{0}: other words have come meanwhile; it waits on."},
	"conflict.undone":       {ZH: "撤回了，回到定之前显示的样子，这件事又等着定；各人写的都在历史里。", EN: "Taken back: what showed before shows again, and it waits to be decided; all that was written is in the history."},
	"conflict.undone.to":    {ZH: "撤回了，回到{0}先前定的。", EN: "Taken back: what {0} decided before counts again."},
	"conflict.undone.apart": {ZH: "撤回了，又等着定是不是同一个。", EN: "Taken back: whether they are one waits to be decided again."},
	"conflict.undone.moot":  {ZH: "撤回了。现在两条不一样，或者有一条不在了，不用定；以后又一样了会再问。", EN: "Taken back. The two differ now, or one is gone, so nobody need decide; if they come to be alike, it is asked again."},
	"conflict.undone.twin":  {ZH: "撤回了，合并前的两条都回来了。", EN: "Taken back: the two are there again as before the merge."},
	"conflict.undone.left":  {ZH: "{1} 有 {0} 件没有撤：后来又有人改过。", EN: "{1} {0} was left: somebody has changed it since.|{1} {0} were left: somebody has changed them since."},
	"conflict.reopened":     {ZH: "{0}撤回了先前的决定，这件事又等着定。", EN: "{0} has taken the decision back; this waits to be decided again."},
	"conflict.ended":        {ZH: "这件事不用定了。", EN: "Nobody need decide this any more."},
	"conflict.closed":       {ZH: "{0}已经定了这件事。", EN: "{0} has decided this."},
	"conflict.meanwhile":    {ZH: "您看的时候别人定了，您的决定没有生效。请先看看定的是什么；要改，再定一次，或者撤回。", EN: "Somebody decided while you looked; your decision did not take effect. See what it came to; to change it, decide once more or take it back."},
	"conflict.opened":       {ZH: "您看的时候别人撤回了决定，这件事又等着定；您的还没有生效。还要这样定，再按一次。", EN: "Somebody took the decision back while you looked, and it is open again; yours did not take effect. To decide so all the same, press once more."},
	"conflict.yours":        {ZH: "您刚才写的", EN: "What you wrote"},
	"conflict.why":          {ZH: "理由（可不写，和决定记在一起）", EN: "Why (optional, kept with the decision)"},
	"conflict.because":      {ZH: "理由：{0}", EN: "Because: {0}"},
	"conflict.because.of":   {ZH: "后来{0}又定了一次，理由：{1}", EN: "Later {0} decided once more, because: {1}"},
	"conflict.because.by":   {ZH: "{0}的理由：{1}", EN: "{0}, because: {1}"},
	"conflict.because.back": {ZH: "（{0}的理由：{1}，那个决定撤回了）", EN: "({0}, because: {1}; that decision was taken back)"},
	"conflict.took":         {ZH: "撤回", EN: "took back"},
	"conflict.back":         {ZH: "撤回这个决定", EN: "Take this decision back"},
	"conflict.back.to":      {ZH: "撤回，回到{0}先前定的", EN: "Take it back, to what {0} decided before"},
	"conflict.again":        {ZH: "再定一次", EN: "Decide it once more"},
	"conflict.kept":         {ZH: "采用了", EN: "taken"},
	"conflict.outvoted":     {ZH: "没有采用", EN: "not taken"},
	"conflict.third":        {ZH: "另写了", EN: "something else was written"},
}

func (rq *request) desk() *conflict.Desk {
	e := rq.app.opt.Engine
	return &conflict.Desk{Judge: e.Judge, Store: e.Store, User: rq.user(), Place: rq.place.ID, Whole: rq.ofCity(), Zone: rq.app.zone, Lang: schema.Lang(rq.words)}
}

func showConflicts(rq *request) error {
	list, err := rq.desk().List(store.Keyed(rq.Context()), rq.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	p := &conflictsPage{frame: frame{Title: rq.words.say("nav.conflicts"), Nav: "conflicts", Sub: rq.words.say("conflict.n", list.Total)}, List: list, Base: rq.at("/conflicts/")}
	if list.After != "" {
		p.More = rq.at("/conflicts?") + url.Values{"after": {list.After}}.Encode()
	}
	return rq.show("conflicts", p)
}

// conflictPage reads an item and what goes with it; whole tells that what is masked stands whole.
func (rq *request) conflictPage(whole bool) (*conflictPage, error) {
	d := rq.desk()
	d.Bare = whole
	v, err := d.Open(rq.Context(), rq.PathValue("row"))
	if err != nil {
		return nil, err
	}
	p := &conflictPage{frame: frame{Title: v.What, Nav: "conflicts", Back: rq.at("/conflicts")}, View: v, List: rq.at("/conflicts/"), Here: rq.at("/conflicts/" + v.ID), Typed: url.Values{}}
	if p.Whole = whole; v.Masked {
		p.Unmask = p.Here + "/unmask"
	}
	basis, err := json.Marshal(v.Base)
	if err != nil {
		return nil, err
	}
	p.Basis = string(basis)
	if v.Closed && v.Kind != syncproto.ItemCell {
		return p, nil
	}
	var others []conflict.Seen
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		others, err = d.Others(tx, v)
		return err
	}); err != nil {
		return nil, err
	}
	p.Choices = d.Choices(rq.app.opt.Engine.Book, v, others)
	if p.Alike, p.More, err = d.Alike(rq.Context(), v); err != nil {
		return nil, err
	}
	p.Next, err = d.Next(rq.Context(), v.ID, 3)
	return p, err
}

// choose takes a way to decide; whoever asks to see what is masked keeps it.
func (p *conflictPage) choose(key string) {
	for i := range p.Choices {
		if p.Choices[i].Key == key {
			if p.Choice = &p.Choices[i]; p.Unmask != "" {
				p.Unmask = p.Here + "/unmask?" + url.Values{"pick": {key}}.Encode()
			}
		}
	}
}

func showConflict(rq *request) error {
	p, err := rq.conflictPage(false)
	if err != nil {
		return err
	}
	p.choose(rq.URL.Query().Get("pick"))
	return rq.show("conflict", p)
}

// unmaskConflict shows an item with what is masked in it whole, once and in this answer: both rows of two that look like one.
func unmaskConflict(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	v, err := rq.desk().Open(rq.Context(), rq.PathValue("row"))
	if err != nil {
		return err
	}
	var others []*store.Row
	if v.Other != "" {
		if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
			others, err = tx.Rows([]string{string(v.Other)})
			return err
		}); err != nil {
			return err
		}
	}
	why, ok, err := rq.unmask(f, others...)
	if err != nil {
		return err
	}
	p, err := rq.conflictPage(ok)
	if err != nil {
		return err
	}
	p.choose(rq.URL.Query().Get("pick"))
	if rq.asked(&p.unmasking, why, ok); !ok {
		return rq.again("conflict", p)
	}
	return rq.show("conflict", p)
}

// decideConflict decides an item, and those alike when that was asked for, each by a decision of its own.
func decideConflict(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.conflictPage(false)
	if err != nil {
		return err
	}
	p.Typed = f
	p.choose(f.Get("pick"))
	if p.View.Closed && f.Get("again") != "1" { // who was shown it open did not mean to decide it once more
		return rq.overtaken(f)
	}
	if !p.View.Closed && f.Get("again") == "1" { // nor did who was shown it decided mean to decide what is open again
		p.Error = rq.words.say("conflict.opened")
		return rq.again("conflict", p)
	}
	if p.Choice == nil {
		p.Error = rq.words.say("conflict.say")
		return rq.again("conflict", p)
	}
	if p.Choice.Key == "third" && f.Get("alike") == "1" { // a page that was open since before the choice can still carry the tick
		p.Error = rq.words.say("conflict.alike.third")
		return rq.again("conflict", p)
	}
	why := reason(f)
	typed, bad := map[string]schema.Value{}, ""
	if p.View.Kind != syncproto.ItemTwin {
		typed, bad = rq.third(p.Choice, f)
	}
	var base syncproto.Base
	if bad == "" && json.Unmarshal([]byte(f.Get("base")), &base) != nil {
		bad = rq.words.say("conflict.say")
	}
	if bad != "" {
		p.Error = bad
		return rq.again("conflict", p)
	}
	decision, ok := p.View.Decision(p.Choice.Key, base, rq.app.opt.Engine.Book, typed)
	if !ok {
		p.Error = rq.words.say("conflict.say")
		return rq.again("conflict", p)
	}
	decision.Why = why
	if p.View.Kind == syncproto.ItemTwin {
		decision.Values = p.View.TakenOver(p.Choice.Key, func(cell string) string { return f.Get("write." + cell) })
	}
	if p.View.Closed {
		err = rq.decideAgain(p, decision)
	} else {
		_, err = rq.app.opt.Engine.Judge.Resolve(rq.Context(), rq.user(), p.View.ID, decision)
	}
	if err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		now, err := rq.desk().Open(rq.Context(), p.View.ID)
		if err != nil {
			return err
		}
		if now.Closed && !p.View.Closed { // somebody decided between his page and his word
			return rq.overtaken(f)
		}
		p.Error = text
		return rq.again("conflict", p)
	}
	done, left := []string{p.View.ID}, 0
	if f.Get("alike") == "1" {
		more, err := rq.decideAlike(p, why)
		if err != nil {
			return err
		}
		done, left = append(done, more...), len(p.Alike)-len(more)
	}
	return rq.decided(p, done, left)
}

// overtaken is the page of an item that somebody else decided meanwhile: who, what, and beside it what was written in vain.
func (rq *request) overtaken(f url.Values) error {
	p, err := rq.conflictPage(false)
	if err != nil {
		return err
	}
	p.Typed, p.Error = f, rq.words.say("conflict.meanwhile")
	p.choose(f.Get("pick"))
	for name, values := range f {
		if strings.HasPrefix(name, "write.") && p.View.Kind != syncproto.ItemTwin && f.Get("pick") == "third" && strings.TrimSpace(values[0]) != "" {
			p.Yours = append(p.Yours, strings.TrimSpace(values[0]))
		}
	}
	slices.Sort(p.Yours)
	if why := reason(f); why != "" {
		p.Yours = append(p.Yours, why)
	}
	return rq.again("conflict", p)
}

// reason reads why something is decided so.
func reason(f url.Values) string {
	const most = 400
	why := strings.TrimSpace(f.Get("why"))
	if r := []rune(why); len(r) > most {
		why = string(r[:most])
	}
	return why
}

// decideAgain writes what was chosen for an item that is closed, by a change like any other.
func (rq *request) decideAgain(p *conflictPage, decision judge.Decision) error {
	edit, ok := p.View.Again(decision)
	if !ok {
		return &syncproto.Error{Code: syncproto.CodeConflict, Op: "console: decide again", Message: syncproto.Both("这件事已经有人处理了。", "Somebody has decided this already.")}
	}
	return submitted(rq.app.opt.Engine.Judge.Reconsider(rq.Context(), rq.user(), p.View.ID, p.Typed.Get("last"), edit, decision.Why))
}

// third reads what was typed for a third; bad is the sentence that says what to mend.
func (rq *request) third(c *conflict.Choice, f url.Values) (typed map[string]schema.Value, bad string) {
	typed = map[string]schema.Value{}
	for _, x := range c.Fields {
		v, err := rq.app.opt.Engine.Book.Table(c.Table).Column(x.Name).Normalize(f.Get("write." + x.Name))
		if err != nil {
			return nil, rq.words.say("conflict.write", x.Label)
		}
		typed[x.Name] = v
	}
	return typed, ""
}

// decideAlike takes in each alike item the words of the same person, or of both. One that somebody decided meanwhile, or that cannot hold the
// words of both, is left alone.
func (rq *request) decideAlike(p *conflictPage, why string) (done []string, err error) {
	user, ofOne := p.View.UserOf(p.Choice.Key)
	for _, l := range p.Alike {
		v, err := rq.desk().Open(rq.Context(), l.ID)
		if err != nil {
			return done, err
		}
		key := p.Choice.Key
		if ofOne {
			key = v.SideOf(user)
		}
		decision, ok := v.Decision(key, v.Base, rq.app.opt.Engine.Book, nil)
		if !ok || v.Closed {
			continue
		}
		decision.Why = why
		if _, err := rq.app.opt.Engine.Judge.Resolve(rq.Context(), rq.user(), l.ID, decision); err != nil {
			if _, mine := rq.sentence(err); mine {
				continue
			}
			return done, err
		}
		done = append(done, l.ID)
	}
	return done, nil
}

// decided tells what was decided, with a way back, and how many of those alike were left; it opens the next item.
func (rq *request) decided(p *conflictPage, done []string, left int) error {
	v, err := rq.desk().Open(rq.Context(), p.View.ID)
	if err != nil {
		return err
	}
	next := rq.at("/conflicts")
	for _, l := range p.Next {
		if len(done) == 1 {
			next = p.List + l.ID
			break
		}
	}
	if !v.Closed {
		rq.toast("conflict.still", v.What)
		return rq.see(p.Here)
	}
	back := url.Values{"last": {v.Last}}
	t := toast{Text: rq.words.say("conflict.done", v.What, p.Choice.Label)}
	if len(done) > 1 {
		t.Text = rq.words.say("conflict.done.many", v.What, len(done), p.Choice.Label)
		back.Set("also", strings.Join(done[1:], ","))
		back.Set("till", strconv.FormatInt(rq.app.opt.Engine.Store.Now(), 36))
	}
	if v.Last != "" {
		t.Undo = p.Here + "/undo?" + back.Encode()
	}
	if left > 0 {
		t.Text = rq.words.say("conflict.done.left", left, t.Text)
	}
	rq.said(t)
	return rq.see(next)
}

// undoConflict takes decisions back: that of the item, and those that went with it, unless somebody has changed them since.
func undoConflict(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	id, last := rq.PathValue("row"), f.Get("last")
	if q := rq.URL.Query(); q.Has("last") {
		last = q.Get("last")
	}
	it, err := rq.app.opt.Engine.Judge.UndoDecision(rq.Context(), rq.user(), id, last)
	if err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		p, err := rq.conflictPage(false)
		if err != nil {
			return err
		}
		p.Error = text
		return rq.again("conflict", p)
	}
	said := rq.words.say("conflict.undone")
	switch {
	case it.Kind == syncproto.ItemTwin && it.Closed == 0:
		said = rq.words.say("conflict.undone.apart")
	case it.Word == judge.WordMoot:
		said = rq.words.say("conflict.undone.moot")
	case it.Kind == syncproto.ItemTwin:
		said = rq.words.say("conflict.undone.twin")
	case it.Closed != 0:
		v, err := rq.desk().Open(rq.Context(), id)
		if err != nil {
			return err
		}
		said = rq.words.say("conflict.undone.to", v.By)
	}
	left, err := rq.undoAlike()
	if err != nil {
		return err
	}
	if left > 0 {
		said = rq.words.say("conflict.undone.left", left, said)
	}
	rq.said(toast{Text: said})
	return rq.see(rq.at("/conflicts/" + id))
}

// undoAlike takes back what was decided along with an item, and counts what was left: each must be decided as he decided it then.
func (rq *request) undoAlike() (left int, err error) {
	q := rq.URL.Query()
	till, _ := strconv.ParseInt(q.Get("till"), 36, 64)
	if q.Get("also") == "" {
		return 0, nil
	}
	for id := range strings.SplitSeq(q.Get("also"), ",") {
		it, err := rq.app.opt.Engine.Judge.ItemByID(rq.Context(), rq.user(), id) // each must be one that he decides
		if err != nil {
			return 0, err
		}
		if it.By != rq.user() || it.Closed > till || it.Last == "" {
			left++
			continue
		}
		if _, err := rq.app.opt.Engine.Judge.UndoDecision(rq.Context(), rq.user(), id, it.Last); err != nil {
			if _, mine := rq.sentence(err); !mine {
				return 0, err
			}
			left++
		}
	}
	return left, nil
}
