package pages

import (
	"net/url"
	"strconv"
	"strings"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
)

// householdsPage is 联系户: all households, by place, and what a query finds of them.
type householdsPage struct {
	frame
	Query  string
	All    int
	Found  int
	Groups []householdGroup
	Next   string // the address of what follows, "" at the end
	Rest   int
}

type householdGroup struct {
	Name string
	Rows []householdRow
}

type householdRow struct {
	field.Line
	Name, Icon, Text, Class string
}

var householdsRoutes = []route{{pattern: "GET " + householdsPath, do: showHouseholds}}

var householdsWords = words{
	"homes.search":      {ZH: "搜姓名、住址、电话、标签", EN: "Name, address, phone, tag"},
	"homes.clear":       {ZH: "清空", EN: "Clear"},
	"homes.go":          {ZH: "搜", EN: "Search"},
	"homes.found":       {ZH: "{0} 户中找到 {1} 户", EN: "{1} of {0} homes"},
	"homes.none":        {ZH: "没有找到“{0}”", EN: "Nothing found for “{0}”"},
	"homes.none.text":   {ZH: "可以搜姓名、住址、电话、标签，也可以只打拼音首字母。只查得到您联系的 {0} 户。", EN: "Search names, addresses, phones, tags or pinyin initials. Only the {0} homes on this phone are looked through."},
	"homes.all":         {ZH: "清空，看全部 {0} 户", EN: "Clear and see all {0}"},
	"homes.more":        {ZH: "后面还有 {0} 户", EN: "{0} more"},
	"homes.did":         {ZH: "本月去过，上次 {0}", EN: "Visited this month, last {0}"},
	"homes.last":        {ZH: "上次走访 {0}", EN: "Last visit {0}"},
	"homes.never":       {ZH: "还没有走访过", EN: "Not visited yet"},
	"homes.elsewhere":   {ZH: "没有写明小组", EN: "No group"},
	"homes.placeholder": {ZH: "姓名、住址、电话、标签、拼音", EN: "Name, address, phone, tag"},
}

// pageOfHomes is how many households one page lists: some screens full; a search finds what lies deeper faster than a thumb.
const pageOfHomes = 60

// maxQuery bounds what somebody types to search, in bytes.
const maxQuery = 200

func showHouseholds(rq *request) error {
	me, err := rq.me()
	if err != nil {
		return err
	}
	q := strings.TrimSpace(rq.FormValue("q"))
	if len(q) > maxQuery {
		q = strings.ToValidUTF8(q[:maxQuery], "")
	}
	from, err := strconv.Atoi(rq.FormValue("from"))
	if err != nil || from < 0 {
		from = 0
	}
	if err := rq.replica.Reindex(rq.Context()); err != nil {
		return err
	}
	var list *field.List
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		list, err = field.Homes(v, me, rq.today(), q, from, pageOfHomes)
		return err
	}); err != nil {
		return err
	}
	p := &householdsPage{frame: frame{Title: rq.words.say("tab.households"), Tab: "households"}, Query: q, All: list.All, Found: list.Found}
	for i, l := range list.Lines {
		if i == 0 || p.Groups[len(p.Groups)-1].Name != l.Group {
			p.Groups = append(p.Groups, householdGroup{Name: l.Group})
		}
		g := &p.Groups[len(p.Groups)-1]
		g.Rows = append(g.Rows, rq.householdRow(l))
	}
	if shown := from + len(list.Lines); shown < list.Found {
		p.Rest = list.Found - shown
		next := url.Values{"from": {strconv.Itoa(shown)}}
		if q != "" {
			next.Set("q", q)
		}
		p.Next = householdsPath + "?" + next.Encode()
	}
	return rq.show("households", p)
}

func (rq *request) householdRow(l field.Line) householdRow {
	r := householdRow{Line: l, Name: rq.words.home(l.Home), Icon: "clock"}
	date := rq.words.date(l.Last, rq.now)
	switch {
	case l.Last == "":
		r.Text = rq.words.say("homes.never")
	case l.Lack > 0 && l.Did > 0:
		r.Text = rq.words.say("why.lack", l.Lack, date)
	case l.Lack > 0:
		r.Text = rq.words.say("why.not", date)
	case l.Did > 0:
		r.Icon, r.Class, r.Text = "check", "c-read", rq.words.say("homes.did", date)
	default:
		r.Text = rq.words.say("homes.last", date)
	}
	return r
}
