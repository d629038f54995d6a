package console

import (
	"net/url"
	"strings"

	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/store"
)

// visitsPage is the visits of a place, by month, cadre and what became of their journals: what the queue of the review no longer has.
type visitsPage struct {
	frame
	Form   string
	Tabs   []facetLink // the states of journals
	Cadres []pick
	Month  string
	Hidden url.Values
	Rows   []visitRow
	First  string
	More   string
}

type visitRow struct {
	*branch.VisitLine
	Did   string
	State string
	Icon  string
	Tone  string
	Path  string
}

var visitsHandlers = map[string]handler{"GET /at/{place}/visits": showVisits}

var visitsWords = words{
	"nav.visits":           {ZH: "走访记录", EN: "Visits"},
	"visits.states":        {ZH: "日志到了哪一步", EN: "What became of the journals"},
	"visits.all":           {ZH: "全部", EN: "All"},
	"visits.is.none":       {ZH: "没写日志", EN: "No journal"},
	"visits.cadre":         {ZH: "谁去的", EN: "Visited by"},
	"visits.month":         {ZH: "月份", EN: "Month"},
	"visits.day":           {ZH: "走访日期", EN: "Day"},
	"visits.home":          {ZH: "哪一户", EN: "Household"},
	"visits.did":           {ZH: "做了", EN: "Did"},
	"visits.journal":       {ZH: "日志", EN: "Journal"},
	"visits.read":          {ZH: "看日志", EN: "Read"},
	"visits.none":          {ZH: "没有这样的走访", EN: "No such visits"},
	"visits.none.t":        {ZH: "换一个条件看看。", EN: "Try other conditions."},
	"visits.none.continue": {ZH: "这一段里没有，可以往前接着找。", EN: "None among these; go on looking further back."},
	"visits.first":         {ZH: "回到开头", EN: "From the beginning"},
	"visits.more":          {ZH: "更早的", EN: "Earlier"},
}

// visitTones are the colours and icons of journals' states.
var visitTones = map[string][2]string{branch.StateSubmitted: {"sent", "cloud"}, branch.StateReturned: {"act", "back2"}, "accepted": {"read", "check2"}, "draft": {"local", "edit"}, branch.StateNone: {"local", "x"}}

func showVisits(rq *request) error {
	q, l, lang := rq.URL.Query(), rq.words, schema.Lang(rq.words)
	p := &visitsPage{frame: frame{Title: l.say("nav.visits"), Sub: rq.place.Name, Nav: "review", Back: rq.at("/review")}, Form: rq.at("/visits")}
	ask, kept := branch.VisitAsk{Within: rq.place.ID}, url.Values{}
	flow := rq.app.opt.Engine.Book.Table("journal").FlowColumn()
	if s := q.Get("state"); s == branch.StateNone || flow.Option(s) != nil {
		ask.State = s
		kept.Set("state", s)
	}
	if aMonth.MatchString(q.Get("month")) {
		ask.Month = q.Get("month")
		kept.Set("month", ask.Month)
	}
	if schema.ValidID(q.Get("cadre")) {
		ask.Cadre = q.Get("cadre")
		kept.Set("cadre", ask.Cadre)
	}
	after := q.Get("after")
	if _, id, ok := strings.Cut(after, "."); !ok || !schema.ValidID(id) {
		after = ""
	}
	say := func(state string) string {
		if state == branch.StateNone {
			return l.say("visits.is.none")
		}
		return flow.Show(schema.Text(state), lang, nil)
	}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		list, err := branch.Visits(tx, ask, after, mattersListed, rq.now)
		if err != nil {
			return err
		}
		p.Rows, p.More, p.First = nil, "", ""
		for _, v := range list.Lines {
			r := visitRow{VisitLine: v, State: say(v.State), Tone: visitTones[v.State][0], Icon: visitTones[v.State][1]}
			var did []string
			for _, t := range rq.tasks(v.Tasks) {
				if t.Done {
					did = append(did, t.Label)
				}
			}
			if r.Did = schema.Lang(rq.words).Join(did); v.Journal != "" && v.State != "draft" {
				r.Path = rq.at("/review/" + v.Journal)
			}
			p.Rows = append(p.Rows, r)
		}
		if list.After != "" {
			p.More = with(p.Form, kept, "after", list.After)
		}
		if after != "" {
			p.First = with(p.Form, kept)
		}
		p.Cadres, err = rq.cadreChoices(tx, ask.Cadre)
		return err
	})
	if err != nil {
		return err
	}
	p.Tabs = []facetLink{{Label: l.say("visits.all"), Path: with(p.Form, kept, "state", ""), On: ask.State == ""}}
	for _, s := range []string{branch.StateSubmitted, branch.StateReturned, "accepted", "draft", branch.StateNone} {
		p.Tabs = append(p.Tabs, facetLink{Label: say(s), Path: with(p.Form, kept, "state", s), On: ask.State == s})
	}
	p.Month, p.Hidden = ask.Month, without(kept, "cadre", "month")
	return rq.show("visits", p)
}
