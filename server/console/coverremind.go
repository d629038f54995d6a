package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// coverRemind is the form under the table by which contacts are reminded of households that wait for them.
type coverRemind struct {
	Post, Show, Group, Cadre, After string
	Text, Error                     string
	N                               int // households of the whole table that wait for somebody; 0 where they are not counted
	All                             bool
	Wide                            bool   // the place is too large for one go: all are reminded of part by part
	From                            string // where the next part begins
	SoFar                           int    // households whose contacts were reminded in the parts before
}

var remindWords = words{
	"remind.title":     {ZH: "提醒联系人", EN: "Remind the contacts"},
	"remind.tick":      {ZH: "提醒{0}家的联系人", EN: "Remind the contacts of {0}"},
	"remind.text":      {ZH: "提醒的话", EN: "What to say"},
	"remind.text.t":    {ZH: "会到联系人手机的今天里，去过就没了", EN: "it appears under Today on the contacts' phones until they have been there"},
	"remind.all":       {ZH: "表里 {0} 户等人去的，都提醒", EN: "Remind of {0} household of the table that waits|Remind of all {0} households of the table that wait"},
	"remind.do":        {ZH: "提醒", EN: "Remind"},
	"remind.was":       {ZH: "{0} {1}提醒过{2}", EN: "{0} reminded {2} {1}"},
	"remind.say":       {ZH: "请写一句提醒的话。", EN: "Write what to say."},
	"remind.none":      {ZH: "请先勾选要提醒的户。", EN: "Tick the households first."},
	"remind.nobody":    {ZH: "这些户没有人联系，或者都去过了，不用提醒。", EN: "Nobody contacts these households, or all were visited: there is nobody to remind."},
	"remind.many":      {ZH: "一次最多勾选 {0} 户，请分几次，或者选“都提醒”。", EN: "At most {0} households can be ticked at once; do it in parts, or remind of all."},
	"remind.wide":      {ZH: "表里等人去的都提醒，大约 {0} 户；一次提醒 {1} 户，接着按就往下走", EN: "Remind of all households of the table that wait, about {0}; {1} at a time, press again for the next"},
	"remind.wide.none": {ZH: "表里等人去的都提醒；一次提醒 {0} 户，接着按就往下走", EN: "Remind of all households of the table that wait; {0} at a time, press again for the next"},
	"remind.far":       {ZH: "已提醒 {0} 户的联系人，后面还有。停在这里也行，提醒过的都算数。", EN: "The contacts of {0} household are reminded, and there are more. You may stop here; what was sent stays.|The contacts of {0} households are reminded, and there are more. You may stop here; what was sent stays."},
	"remind.on":        {ZH: "接着提醒", EN: "Remind of the next"},
	"remind.twice":     {ZH: "{0} {1}已经提醒过{2}，一天只提醒一次，请明天再说。您写的还在。", EN: "{0} has reminded {2} already ({1}); once a day is enough, please wait until tomorrow. What you wrote is kept."},
	"remind.done":      {ZH: "提醒了 {0} 户的联系人，手机一同步就看到", EN: "The contacts of {0} household are reminded; their phones show it with the next sync|The contacts of {0} households are reminded; their phones show it with the next sync"},
	"remind.done.some": {ZH: "提醒了 {0} 户的联系人；另外 {1} 户一天内提醒过，没有再发", EN: "The contacts of {0} household are reminded; {1} had been within a day|The contacts of {0} households are reminded; {1} had been within a day"},
}

// mostReminded is how many households are reminded of in one transaction, so that phones are not kept waiting; remindEvery how long a reminder of
// a household stays the only one to somebody. Of a place too large for one picture a request reminds of a quarter as many as that holds, or looks
// through partsAtOnce parts of its table: the page goes on from there.
const (
	mostReminded = 500
	partsAtOnce  = 8
	remindEvery  = 24 * time.Hour
)

func (a *App) remindedAtOnce() int { return max(1, a.picture()/4) }

// coverReminders puts a part of the table into words, with what its contacts were reminded of, and offers to remind them.
func (rq *request) coverReminders(tx *store.Tx, p *coveragePage, ask coverAsk, part []*branch.Home, at *branch.Home, q url.Values) error {
	if _, err := branch.Reminders(tx, part, rq.now); err != nil {
		return err
	}
	rq.coverRows(p, part, at)
	some := false
	for i := range p.Rows {
		r := &p.Rows[i]
		r.Waits, r.Ticked = len(r.Late(ask.cadre)) > 0, slices.Contains(q["home"], string(r.ID))
		some = some || r.Waits
		if x := r.Home.Reminded; x != nil {
			r.Reminded = rq.words.say("remind.was", x.By, rq.words.moment(x.At, rq.now), x.To)
		}
	}
	if p.Remind = nil; some || rq.Method == http.MethodPost {
		p.Remind = rq.coverRemind(ask, q)
	}
	return nil
}

// coverRemind is the form as the address or what was posted fills it in; nil for whoever may not remind.
func (rq *request) coverRemind(ask coverAsk, q url.Values) *coverRemind {
	if !rq.may("POST /at/{place}/coverage/remind") {
		return nil
	}
	far, err := strconv.Atoi(q.Get("far"))
	if err != nil || far < 0 {
		far = 0
	}
	return &coverRemind{From: q.Get("from"), SoFar: far, Post: rq.at("/coverage/remind"), Show: ask.words(), Group: ask.group, Cadre: ask.cadre, After: q.Get("after"), Text: q.Get("text"), All: q.Get("all") == "1"}
}

// reminded is what became of a wish to remind.
type reminded struct {
	homes, waits int // reminded of; passed over, as somebody had within a day
	last         *branch.Reminder
	next         string // where the next part begins, "" at the end
}

func (r *reminded) add(more reminded) {
	r.homes, r.waits, r.next = r.homes+more.homes, r.waits+more.waits, more.next
	if more.last != nil {
		r.last = more.last
	}
}

// remindCoverage reminds the contacts of the households that were ticked, or of all that the table lists and that wait.
func remindCoverage(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	ask := rq.coverAsk(f)
	again := func(text string) error {
		p, err := rq.coveragePage(f)
		if err != nil {
			return err
		}
		p.Remind.Error = text
		return rq.again("coverage", p)
	}
	text, err := rq.app.opt.Engine.Book.Table("reminder").Column("text").Normalize(f.Get("text"))
	if err != nil {
		return again(rq.words.of(schema.Words(err)))
	}
	if text.IsNull() {
		return again(rq.words.say("remind.say"))
	}
	if f.Get("all") != "1" && len(f["home"]) > mostReminded {
		return again(rq.words.say("remind.many", mostReminded))
	}
	homes, wide, err := rq.toRemind(f, ask)
	if err != nil {
		return err
	}
	var done reminded
	if wide {
		done, err = rq.remindParts(ask, f.Get("from"), text)
	} else {
		done, err = rq.remindList(homes, ask.cadre, text)
	}
	if err != nil {
		text, ok := rq.sentence(err)
		if !ok {
			return err
		}
		return again(text)
	}
	if far, err := strconv.Atoi(f.Get("far")); err == nil && far > 0 {
		done.homes += far
	}
	switch {
	case len(homes) == 0 && !wide:
		return again(rq.words.say("remind.none"))
	case done.next != "":
		f.Set("from", done.next)
		f.Set("far", strconv.Itoa(done.homes))
		p, err := rq.coveragePage(f)
		if err != nil {
			return err
		}
		return rq.show("coverage", p)
	case done.homes == 0 && done.last != nil:
		return again(rq.words.say("remind.twice", done.last.By, rq.words.moment(done.last.At, rq.now), done.last.To))
	case done.homes == 0:
		return again(rq.words.say("remind.nobody"))
	case done.waits > 0:
		rq.toast("remind.done.some", done.homes, done.waits)
	default:
		rq.toast("remind.done", done.homes)
	}
	return rq.see(rq.at("/coverage" + ask.query("after", f.Get("after"))))
}

// toRemind are the households that are meant; wide tells that they are all of a place which is gone through part by part.
func (rq *request) toRemind(f url.Values, ask coverAsk) (homes []*branch.Home, wide bool, err error) {
	err = rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		if f.Get("all") == "1" {
			c, err := rq.readCoverage(tx, ask)
			if err != nil {
				return err
			}
			wide = c.TooMany
			homes = slices.DeleteFunc(c.List(ask.standings(), ask.group), func(h *branch.Home) bool { return len(h.Late(ask.cadre)) == 0 })
			return nil
		}
		ids := slices.DeleteFunc(slices.Clone(f["home"]), func(id string) bool { return !schema.ValidID(id) })
		if homes = nil; len(ids) == 0 {
			return nil
		}
		homes, err = branch.HomesAmong(tx, rq.place.ID, ids, rq.today())
		return err
	})
	return homes, wide, err
}

// remindList reminds of households some at a time. Breaking off loses nothing: whoever was reminded is passed over when it is done once more.
func (rq *request) remindList(homes []*branch.Home, only string, text schema.Value) (all reminded, err error) {
	for part := range slices.Chunk(homes, mostReminded) {
		var done reminded
		if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
			done, err = rq.remind(tx, part, only, text)
			return err
		}); err != nil {
			return all, err
		}
		all.add(done)
	}
	return all, nil
}

// remindParts goes through the table of a large place from a key on.
func (rq *request) remindParts(ask coverAsk, from string, text schema.Value) (all reminded, err error) {
	most := rq.app.remindedAtOnce()
	for range partsAtOnce {
		var list []*branch.Home
		if err := rq.readPart(func(tx *store.Tx) (err error) {
			list, from, err = branch.CoverPart(tx, rq.place.ID, ask.standings(), from, rq.today(), min(most, mostReminded))
			return err
		}); err != nil {
			return all, err
		}
		done, err := rq.remindList(list, ask.cadre, text)
		if err != nil {
			return all, err
		}
		if all.add(done); from == "" || all.homes >= most {
			break
		}
	}
	all.next = from
	return all, nil
}

// remind writes the reminders of households, each by a change of its own. Two who remind at once are told apart by the streams' locks.
func (rq *request) remind(tx *store.Tx, homes []*branch.Home, only string, text schema.Value) (done reminded, err error) {
	var ids, streams []string
	for _, h := range homes {
		ids = append(ids, string(h.ID))
	}
	rows, err := tx.Rows(ids)
	if err != nil {
		return done, err
	}
	for _, r := range rows {
		streams = append(streams, r.Stream)
	}
	if err := tx.LockStreams(streams...); err != nil {
		return done, err
	}
	recent, err := branch.Reminders(tx, homes, rq.now.Add(-remindEvery))
	if err != nil {
		return done, err
	}
	var drafts []judge.Draft
	for _, h := range homes {
		var edits []syncproto.Edit
		for _, user := range h.Late(only) {
			if x := recent[[2]string{string(h.ID), user}]; x != nil {
				done.last = x
				continue
			}
			id, err := tx.NewID()
			if err != nil {
				return done, err
			}
			e := syncproto.Edit{Table: "reminder", Row: syncproto.RowID(id), Op: syncproto.OpCreate}
			for _, c := range [][2]string{{"household", string(h.ID)}, {"author", string(rq.user())}, {"user", user}, {"day", rq.today()}} {
				e.Cells = append(e.Cells, syncproto.CellEdit{Cell: c[0], Value: schema.Text(c[1])})
			}
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: "text", Value: text})
			edits = append(edits, e)
		}
		switch {
		case len(edits) > 0:
			done.homes++
			drafts = append(drafts, judge.Draft{Edits: edits})
		case len(h.Late(only)) > 0:
			done.waits++
		}
	}
	if len(drafts) == 0 {
		return done, nil
	}
	return done, submitted(rq.app.opt.Engine.Judge.SubmitIn(tx, rq.user(), drafts...))
}
