package console

import (
	"net/url"
	"strings"

	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/store"
)

// cadresPage is what each cadre of a place did in a month, and what lags and why. It counts work that reached households; nobody is ranked,
// and how anybody uses the app or where he goes is not looked at.
type cadresPage struct {
	frame
	Form  string
	Month string
	Rows  []cadreRow
	First string
	More  string
}

type cadreRow struct {
	*branch.Cadre
	Visits, Matters, Open, Answers, Homes figure
	Waits                                 string // address of the open matters, the longest waiting first
	Lags                                  []lag
}

// lag is one reason why something waits for a cadre, with the rows that it is about.
type lag struct{ Text, Path, Icon string }

var cadresHandlers = map[string]handler{"GET /at/{place}/cadres": showCadres}

var cadresWords = words{
	"nav.cadres":      {ZH: "干部", EN: "Cadres"},
	"cadres.sub":      {ZH: "{0}，{1}", EN: "{0}, {1}"},
	"cadres.month":    {ZH: "月份", EN: "Month"},
	"cadres.go":       {ZH: "看这个月", EN: "Show"},
	"cadres.how":      {ZH: "按姓名排，不排名次。只数走访、事项和答复，不看用不用手机，也不看行踪。点数字看是哪些。", EN: "By name, in no order of merit. It counts visits, matters and answers; not the use of the phone, and nobody's whereabouts. A figure opens its rows."},
	"cadres.who":      {ZH: "干部", EN: "Cadre"},
	"cadres.homes":    {ZH: "联系户", EN: "Households"},
	"cadres.visits":   {ZH: "本月走访", EN: "Visits"},
	"cadres.matters":  {ZH: "本月记下", EN: "Matters"},
	"cadres.open":     {ZH: "没办完", EN: "Open"},
	"cadres.answers":  {ZH: "送到答复", EN: "Answers"},
	"cadres.wait":     {ZH: "最久等了", EN: "Longest wait"},
	"cadres.lags":     {ZH: "落下什么", EN: "What lags"},
	"cadres.none":     {ZH: "没有落下的", EN: "nothing lags"},
	"cadres.late":     {ZH: "{0} 户隔了 2 个月以上", EN: "{0} household over two months|{0} households over two months"},
	"cadres.due":      {ZH: "{0} 户本月还差", EN: "{0} household owed a visit|{0} households owed visits"},
	"cadres.returned": {ZH: "{0} 篇退回没交", EN: "{0} journal not back|{0} journals not back"},
	"cadres.still":    {ZH: "{0} 件没人接手", EN: "{0} matter not taken up|{0} matters not taken up"},
	"cadres.answer":   {ZH: "{0} 件等他送答复", EN: "{0} answer to bring|{0} answers to bring"},
	"cadres.overdue":  {ZH: "{0} 件逾期", EN: "{0} matter overdue|{0} matters overdue"},
	"cadres.empty":    {ZH: "还没有干部", EN: "No cadres yet"},
	"cadres.empty.t":  {ZH: "管理员给人设了包户干部的角色，或派了联系户，就列在这里。", EN: "People are listed here once the administrator gives them the role or households."},
	"cadres.more":     {ZH: "下一页", EN: "Next page"},
	"cadres.first":    {ZH: "回到开头", EN: "From the beginning"},
}

// cadresListed is how many cadres a part lists.
const cadresListed = 30

func showCadres(rq *request) error {
	q, l := rq.URL.Query(), rq.words
	month := rq.today()[:7]
	if aMonth.MatchString(q.Get("month")) {
		month = q.Get("month")
	}
	after := q.Get("after")
	if at, user, _ := strings.Cut(after, "."); !schema.ValidID(at) || !schema.ValidID(user) {
		after = ""
	}
	p := &cadresPage{frame: frame{Title: l.say("nav.cadres"), Nav: "cadres", Sub: l.say("cadres.sub", rq.place.Name, l.month(month))}, Form: rq.at("/cadres"), Month: month}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		list, err := branch.Cadres(tx, rq.place.ID, after, month, cadresListed, rq.now)
		if err != nil {
			return err
		}
		p.Rows, p.More, p.First = nil, "", ""
		for _, c := range list.Cadres {
			p.Rows = append(p.Rows, rq.cadreRow(c, month))
		}
		if list.After != "" {
			p.More = with(p.Form, url.Values{"month": {month}}, "after", list.After)
		}
		if after != "" {
			p.First = with(p.Form, url.Values{"month": {month}})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return rq.show("cadres", p)
}

func (rq *request) cadreRow(c *branch.Cadre, month string) cadreRow {
	to := func(path string, pairs ...string) string {
		return with(rq.at(path), url.Values{"cadre": {c.ID}}, pairs...)
	}
	r := cadreRow{Cadre: c, Visits: figure{c.Visits, to("/visits", "month", month)}, Matters: figure{c.Matters, to("/matters", "state", "all", "day", month)}, Open: figure{c.Open, to("/matters")},
		Answers: figure{c.Answers, with(rq.at("/matters"), url.Values{"state": {"all"}, "answered": {month}, "by": {c.ID}})}, Homes: figure{c.Homes, to("/coverage", "show", "overdue.unvisited.short.enough")}, Waits: to("/matters")}
	for _, x := range []struct {
		n               int
		key, icon, path string
	}{
		{c.Late, "cadres.late", "alert", to("/coverage", "show", "overdue")},
		{c.Due, "cadres.due", "clock", to("/coverage", "show", "unvisited.short")},
		{c.Returned, "cadres.returned", "back2", to("/visits", "state", "returned")},
		{c.ToAnswer, "cadres.answer", "answer", to("/matters", "state", "handled")},
		{c.Overdue, "cadres.overdue", "alert", to("/matters", "late", "1")},
		{c.Still, "cadres.still", "matter", to("/matters", "still", "1")},
	} {
		if x.n > 0 {
			r.Lags = append(r.Lags, lag{rq.words.say(x.key, x.n), x.path, x.icon})
		}
	}
	return r
}
