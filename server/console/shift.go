package console

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/roster"
	"minqing/server/console/shift"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// movePage lays a place beneath another.
type movePage struct {
	frame
	Post    string
	To      string // typed
	Error   string
	Targets []register.Place
	Move    *shift.Move
	People  []sightView
	Changed bool // something changed since the preview that was agreed to
}

// removePage deletes a row, for a reason.
type removePage struct {
	frame
	Post, Name  string
	Why, WhyBad string // typed, and what is wrong with it
	Error       string
	Removal     *shift.Removal
	Hangs, Bars []string
	People      []sightView
	Changed     bool
}

// sightView is somebody who gains or loses sight.
type sightView struct {
	*shift.Person
	Which  string // by which role
	Labels []string
}

// shiftPage is what was done, and taking it back.
type shiftPage struct {
	frame
	Done  shiftLine
	Why   string
	Undo  string
	Go    string    // of a deletion that broke off: where it goes on
	Back  *movePage // of a move: what taking it back would do
	Error string
}

type shiftLine struct {
	Path, Text, By string
	At             time.Time
	Undone, Partly bool
}

// removing answers for the page that deletes a row. at is the address of rows before the id, below the place; back that of their list.
type removing struct{ at, back, nav string }

var (
	removePlace  = removing{"/tree/", "/tree", "tree"}
	removeUser   = removing{"/users/", "/users", "users"}
	removeHome   = removing{"/homes/", "/homes", "homes"}
	removePerson = removing{"/persons/", "/homes", "homes"}
)

var shiftHandlers = map[string]handler{
	"GET /at/{place}/tree/{row}/move":       showMove,
	"POST /at/{place}/tree/{row}/move":      doMove,
	"GET /at/{place}/tree/{row}/delete":     removePlace.show,
	"POST /at/{place}/tree/{row}/delete":    removePlace.do,
	"GET /at/{place}/users/{row}/delete":    removeUser.show,
	"POST /at/{place}/users/{row}/delete":   removeUser.do,
	"GET /at/{place}/homes/{row}/delete":    removeHome.show,
	"POST /at/{place}/homes/{row}/delete":   removeHome.do,
	"GET /at/{place}/persons/{row}/delete":  removePerson.show,
	"POST /at/{place}/persons/{row}/delete": removePerson.do,
	"GET /at/{place}/shifts/{row}":          showShift,
	"POST /at/{place}/shifts/{row}/undo":    undoShift,
}

var shiftWords = words{
	"move.title":        {ZH: "把{0}移到别处", EN: "Move {0}"},
	"move.do":           {ZH: "移到别处", EN: "Move it"},
	"move.to":           {ZH: "移到哪里下面", EN: "Beneath which place"},
	"move.to.t":         {ZH: "名称或代码", EN: "its name or code"},
	"move.preview":      {ZH: "先看看会怎样", EN: "See what it would do"},
	"move.does":         {ZH: "把{2}从{3}移到{4}下面，连同下面 {1} 个地方、{0} 户。", EN: "Move {2} from {3} to {4}, with the {1} places and {0} household in it.|Move {2} from {3} to {4}, with the {1} places and {0} households in it."},
	"move.nobody":       {ZH: "没有谁因此多看到或少看到什么。", EN: "Nobody gains or loses sight of anything by it."},
	"move.quota":        {ZH: "没有在下面单独定的走访次数，以后跟新的上级。", EN: "Visits that no place below has set follow the new place above."},
	"sight.who":         {ZH: "谁", EN: "Who"},
	"sight.by":          {ZH: "凭什么", EN: "By which role"},
	"sight.desk":        {ZH: "在网页上看", EN: "at the consoles"},
	"sight.waits":       {ZH: "会少掉资料的手机上还有 {0} 条没交（手机自己说的）。交上来照样算数，一条不少。", EN: "{0} edit waits on the phones that lose something, as they last said; it counts when it comes.|{0} edits wait on the phones that lose something, as they last said; they count when they come."},
	"delete.title":      {ZH: "删除{0}", EN: "Delete {0}"},
	"delete.do":         {ZH: "删除", EN: "Delete"},
	"delete.why":        {ZH: "为什么删", EN: "Why"},
	"delete.why.t":      {ZH: "会记下来，至少两个字", EN: "goes on record; two characters at least"},
	"delete.say":        {ZH: "请写明为什么删，至少两个字。", EN: "Say why, in two characters at least."},
	"delete.hangs":      {ZH: "一起删掉的", EN: "What goes with it"},
	"delete.hangs.none": {ZH: "它下面没有别的。", EN: "Nothing else lies beneath it."},
	"delete.hangs.n":    {ZH: "{1} {0} 条", EN: "{1}: {0}"},
	"delete.phones":     {ZH: "谁的手机上有", EN: "Whose phones hold it"},
	"delete.waits":      {ZH: "这些手机上还有 {0} 条没交（手机自己说的）。其中写到它的，交上来等人在冲突处理里定。", EN: "{0} edit waits on these phones, as they last said. What is about it goes to the conflict desk when it comes.|{0} edits wait on these phones, as they last said. What is about it goes to the conflict desk when it comes."},
	"delete.mark":       {ZH: "历史都留着，可以撤回。", EN: "Its history stays, and it can be brought back."},
	"delete.not":        {ZH: "现在不能删", EN: "It cannot be deleted now"},
	"bar.places":        {ZH: "下面还有 {0} 个地方，先移走或者删掉。", EN: "{0} place lies beneath it; move or delete it first.|{0} places lie beneath it; move or delete them first."},
	"bar.homes":         {ZH: "里面还有 {0} 户，先改到别的组。", EN: "{0} household lies in it; move it first.|{0} households lie in it; move them first."},
	"bar.people":        {ZH: "还有 {0} 个人所属这里，先改他们的所属。", EN: "{0} user is at home here; change that first.|{0} users are at home here; change that first."},
	"bar.roles":         {ZH: "还有 {0} 个角色管着这里，先改角色。", EN: "{0} role is over it; change that first.|{0} roles are over it; change them first."},
	"bar.city":          {ZH: "整个市不能删。", EN: "The city itself cannot be deleted."},
	"bar.self":          {ZH: "请到上一级的页面去删。", EN: "Delete it from the page of the place above."},
	"bar.work":          {ZH: "他写过 {0} 条，不能删，只能停用；写的都要留着。", EN: "He wrote {0} change: the account can only be ended, and what he wrote stays.|He wrote {0} changes: the account can only be ended, and what he wrote stays."},
	"bar.phones":        {ZH: "他登记过 {0} 部手机，不能删，只能停用。", EN: "He enrolled {0} phone: the account can only be ended.|He enrolled {0} phones: the account can only be ended."},
	"bar.contacts":      {ZH: "他联系过 {0} 户，不能删，只能停用。", EN: "He was given {0} household: the account can only be ended.|He was given {0} households: the account can only be ended."},
	"bar.signedin":      {ZH: "他登录过网页，不能删，只能停用。", EN: "He has signed in: the account can only be ended."},
	"bar.above":         {ZH: "他还有别处的角色，要由管得到那里的人来删。", EN: "He holds a role beyond your reach; somebody in charge there deletes it."},
	"bar.many":          {ZH: "它下面超过 {0} 条，一次最多删这么多。先把里面的人一个一个删掉，再来删它；也可以不删，改清楚就行。", EN: "More than {0} rows lie beneath it, which is the most that can be deleted at once. Delete the people in it one by one first, then come back; or keep it and put it right."},
	"shift.was.move":    {ZH: "{0}从{1}移到{2}", EN: "{0} from {1} to {2}"},
	"shift.was.delete":  {ZH: "删除{0}", EN: "{0} deleted"},
	"shift.partly":      {ZH: "只删了一部分", EN: "only part of it"},
	"shift.partly.t":    {ZH: "断在半路：删掉的在记录里，剩下的没有动。可以接着删，也可以把删掉的撤回。", EN: "It broke off: what was deleted is on record, what is left was not touched. Go on, or take back what was deleted."},
	"shift.go":          {ZH: "接着删", EN: "Go on"},
	"delete.pieces":     {ZH: "一共 {0} 条，分 {1} 次删，中间断了可以接着删，也可以撤回。", EN: "{0} rows, deleted in {1} parts; if it breaks off, it can be gone on with or taken back."},
	"shift.last":        {ZH: "最近移动和删除的", EN: "Moved and deleted lately"},
	"shift.why":         {ZH: "理由", EN: "Why"},
	"shift.moved":       {ZH: "移好了，手机下次联网就会变。", EN: "Moved; the phones follow at their next contact."},
	"shift.deleted":     {ZH: "删除了。", EN: "Deleted."},
	"shift.took":        {ZH: "撤回了。", EN: "Taken back."},
	"shift.undo":        {ZH: "撤回会怎样", EN: "What taking it back would do"},
	"shift.undo.delete": {ZH: "删掉的都回来，和没删过一样。这期间别人写到它的，在冲突处理里定。", EN: "All that was deleted comes back as if it had never gone. What others wrote about it meanwhile is decided on the conflict desk."},
}

// sights puts people into words.
func (rq *request) sights(e *shift.Effect) (out []sightView) {
	for _, p := range e.People {
		v := sightView{Person: p}
		if p.Role != "" {
			v.Which = schema.RoleLabel(schema.Role(p.Role)).In(schema.Lang(rq.words)) + " " + p.Over
		}
		for _, d := range p.Phones {
			if d.Label == "" {
				d.Label = rq.words.say("device.nolabel")
			}
			v.Labels = append(v.Labels, d.Label)
		}
		out = append(out, v)
	}
	return out
}

// moveListed is how many places to go to are offered.
const moveListed = 200

// movePage reads where the place may go, and if so asked what going there would do.
func (rq *request) movePage(to string, preview bool) (*movePage, error) {
	at := rq.at("/tree/" + string(rq.row.ID))
	p := &movePage{frame: frame{Nav: "tree", Back: at}, Post: at + "/move", To: to}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		name := ""
		if _, err := tx.One("SELECT COALESCE(name, '') FROM place WHERE id = ?", []any{string(rq.row.ID)}, &name); err != nil {
			return err
		}
		p.Title = rq.words.say("move.title", name)
		var err error
		if p.Targets, err = shift.Targets(tx, rq.place.ID, string(rq.row.ID), moveListed); err != nil || !preview {
			return err
		}
		m, err := shift.PreviewMove(tx, rq.place.ID, string(rq.row.ID), to)
		return rq.moved(p, m, err)
	})
	return p, err
}

// moved puts a move, or what is wrong with it, on its page.
func (rq *request) moved(p *movePage, m *shift.Move, err error) error {
	p.Move, p.People, p.Error = nil, nil, ""
	var bad *shift.Problem
	if errors.As(err, &bad) {
		p.Error = bad.Text.In(schema.Lang(rq.words))
		return nil
	}
	if err == nil {
		p.Move, p.People, p.To = m, rq.sights(&m.Effect), cmp.Or(m.To.Code, m.To.Name)
	}
	return err
}

func showMove(rq *request) error {
	to := strings.TrimSpace(rq.URL.Query().Get("to"))
	p, err := rq.movePage(to, to != "")
	if err != nil {
		return err
	}
	return rq.show("move", p)
}

func doMove(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	to, shown, id := strings.TrimSpace(f.Get("to")), f.Get("shown"), ""
	if f.Get("do") == "go" && shown != "" {
		var bad *shift.Problem
		err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
			id, _, err = shift.DoMove(tx, rq.app.opt.Engine.Judge, rq.user(), rq.place.ID, string(rq.row.ID), to, shown)
			return err
		})
		if text, known := rq.sentence(err); err != nil && known {
			p, err := rq.movePage(to, true)
			if err != nil {
				return err
			}
			p.Error = text
			return rq.again("move", p)
		}
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		if id != "" {
			rq.toast("shift.moved")
			return rq.see(rq.at("/shifts/" + id))
		}
	}
	p, err := rq.movePage(to, true)
	if err != nil {
		return err
	}
	if p.Changed = shown != "" && p.Move != nil; p.Changed || p.Move == nil {
		return rq.again("move", p)
	}
	return rq.show("move", p)
}

// rowName is what people call the row that the address names.
func (rq *request) rowName(tx *store.Tx) (name string, err error) {
	column := map[string]string{"place": "name", "user": "name", "household": "head", "resident": "name"}[rq.row.Table]
	other := map[string]string{"place": "code", "user": "login", "household": "code", "resident": "name"}[rq.row.Table]
	_, err = tx.One("SELECT COALESCE("+column+", "+other+", '') FROM "+schema.Quote(rq.row.Table)+" WHERE id = ?", []any{string(rq.row.ID)}, &name)
	if rq.row.Table == "household" {
		name = rq.words.say("home.title", name)
	}
	return name, err
}

// page reads what deleting the row of the address would do.
func (r removing) page(rq *request) (*removePage, error) {
	at := rq.at(r.at + string(rq.row.ID))
	p := &removePage{frame: frame{Nav: r.nav, Back: at}, Post: at + "/delete"}
	return p, rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		if p.Name, err = rq.rowName(tx); err != nil {
			return err
		}
		p.Title = rq.words.say("delete.title", p.Name)
		if p.Removal, err = shift.PreviewRemoval(tx, rq.row.Table, rq.row.ID); err != nil {
			return err
		}
		bars, err := rq.bars(tx, p.Removal)
		p.People, p.Hangs, p.Bars = rq.sights(&p.Removal.Effect), nil, nil
		for _, h := range p.Removal.Hangs {
			p.Hangs = append(p.Hangs, rq.words.say("delete.hangs.n", h.N, rq.app.opt.Engine.Book.Table(h.Table).Label.In(schema.Lang(rq.words))))
		}
		for _, b := range bars {
			p.Bars = append(p.Bars, rq.words.say("bar."+b.What, int(b.N)))
		}
		return err
	})
}

// bars are what speaks against deleting a row, for the caller.
func (rq *request) bars(tx *store.Tx, r *shift.Removal) ([]shift.Bar, error) {
	out := slices.Clone(r.Bars)
	switch {
	case r.Table == "place" && string(r.Row) == rq.place.ID:
		out = append(out, shift.Bar{What: "self", N: 1})
	case r.Table == "user":
		a := &roster.Account{ID: syncproto.UserID(r.Row)}
		if err := roster.Accounts(tx, []*roster.Account{a}, rq.today()); err != nil {
			return nil, err
		}
		above, err := rq.beyond(tx, a)
		if err != nil {
			return nil, err
		}
		if above {
			out = append(out, shift.Bar{What: "above", N: 1})
		}
	}
	return out, nil
}

func (r removing) show(rq *request) error {
	p, err := r.page(rq)
	if err != nil {
		return err
	}
	return rq.show("remove", p)
}

// do deletes what was shown; the reason is wanted, and kept when something else is to be mended.
func (r removing) do(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := r.page(rq)
	if err != nil {
		return err
	}
	p.Why = strings.TrimSpace(f.Get("why"))
	if n := len([]rune(p.Why)); n < leastWhy || n > 200 {
		p.WhyBad = rq.words.say("delete.say")
		return rq.again("remove", p)
	}
	if len(p.Bars) > 0 {
		return rq.again("remove", p)
	}
	e, why := rq.app.opt.Engine, p.Why
	id, whole, err := shift.Remove(rq.Context(), e.Store, e.Judge, shift.Order{By: rq.user(), Root: rq.place.ID, Table: rq.row.Table, Row: rq.row.ID, Name: p.Name, Why: why,
		Shown: f.Get("shown")}, shift.AtOnce)
	if err != nil || !whole { // what is left of it, or all
		text, known := rq.sentence(err)
		if err != nil && !known {
			return err
		}
		if p, err = r.page(rq); err != nil {
			return err
		}
		p.Why, p.Error, p.Changed = why, text, text == ""
		return rq.again("remove", p)
	}
	rq.said(toast{Text: rq.words.say("shift.deleted"), Undo: rq.at("/shifts/" + id + "/undo")})
	return rq.see(rq.at(r.back))
}

func (rq *request) shiftLine(d *shift.Done) shiftLine {
	l := shiftLine{Path: rq.at("/shifts/" + d.ID), By: d.ByName, At: time.UnixMilli(d.At).In(rq.app.zone), Undone: d.Undone(), Partly: d.Partly(), Text: rq.words.say("shift.was.delete", d.Name)}
	if d.Moved() {
		l.Text = rq.words.say("shift.was.move", d.Name, d.From, d.To)
	}
	return l
}

// lastShifts lists what was moved and deleted here lately.
func (rq *request) lastShifts(tx *store.Tx) (out []shiftLine, err error) {
	list, err := shift.Last(tx, rq.place.ID)
	for _, d := range list {
		out = append(out, rq.shiftLine(d))
	}
	return out, err
}

func (rq *request) oneShift(tx *store.Tx) (*shift.Done, error) {
	d, err := shift.Read(tx, rq.place.ID, rq.PathValue("row"))
	if err == nil && d == nil {
		err = errNotFound
	}
	return d, err
}

func (rq *request) shiftPage() (*shiftPage, error) {
	p := &shiftPage{frame: frame{Nav: "tree", Back: rq.at("/tree")}}
	return p, rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		d, err := rq.oneShift(tx)
		if err != nil {
			return err
		}
		p.Done, p.Why, p.Back = rq.shiftLine(d), d.Why, nil
		p.Title = p.Done.Text
		if d.Undone() {
			return nil
		}
		p.Undo = p.Done.Path + "/undo"
		if at := map[string]removing{"place": removePlace, "user": removeUser, "household": removeHome, "resident": removePerson}[d.Table].at; d.Partly() && at != "" {
			p.Go = rq.at(at + string(d.Row) + "/delete")
		}
		if d.Moved() {
			p.Back = &movePage{}
			m, err := shift.PreviewMove(tx, rq.place.ID, string(d.Row), d.FromID)
			return rq.moved(p.Back, m, err)
		}
		return nil
	})
}

func showShift(rq *request) error {
	p, err := rq.shiftPage()
	if err != nil {
		return err
	}
	return rq.show("shift", p)
}

func undoShift(rq *request) error {
	if _, err := rq.form(); err != nil {
		return err
	}
	found, err := shift.Undo(rq.Context(), rq.app.opt.Engine.Store, rq.app.opt.Engine.Judge, rq.user(), rq.place.ID, rq.PathValue("row"))
	if err == nil && !found {
		err = errNotFound
	}
	if err != nil {
		text, known := rq.sentence(err)
		if !known {
			return err
		}
		p, err := rq.shiftPage()
		if err != nil {
			return err
		}
		p.Error = text
		return rq.again("shift", p)
	}
	rq.toast("shift.took")
	return rq.see(rq.at("/shifts/" + rq.PathValue("row")))
}
