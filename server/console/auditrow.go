package console

import (
	"net/url"

	"minqing/server/console/audit"
	"minqing/server/store"
	"minqing/syncproto"
)

// auditAbout is the household or person that the records are about.
type auditAbout struct {
	Name, Code string
	Person     bool
	Merged     int
	Open       string // its page, "" when it is no more
	Home       string // of a person: what there is about the whole household
	Clear      string // the same without it
}

var auditRowWords = words{
	"audit.code":            {ZH: "哪一户（户号）", EN: "Household (code)"},
	"audit.code.none":       {ZH: "这里没有户号是“{0}”的户。", EN: "No household here has the code “{0}”."},
	"audit.code.alike":      {ZH: "户号是“{1}”的有 {0} 户，选一户：", EN: "{0} household has the code “{1}”; choose one:|{0} households have the code “{1}”; choose one:"},
	"audit.code.alike.more": {ZH: "户号是“{0}”的户太多，只列了一部分；请到它所在的村里查。", EN: "Too many households have the code “{0}”, and only some are listed; look in the village where it lies."},
	"audit.row.none":        {ZH: "这里没有这一户、这个人，或者已经不在这里。", EN: "There is no such household or person here, or it is here no more."},
	"audit.about":           {ZH: "只看：{0}", EN: "Only: {0}"},
	"audit.about.merged":    {ZH: "含并进来的 {0} 条", EN: "with {0} that was merged into it|with {0} that were merged into it"},
	"audit.about.open":      {ZH: "打开", EN: "Open"},
	"audit.about.clear":     {ZH: "去掉这一项", EN: "Not only this"},
	"audit.about.home":      {ZH: "看整户的", EN: "Of the whole household"},
	"audit.about.home.t":    {ZH: "这一户和户里的人、走访、事项：谁改过，谁打开过，哪部手机收到过，谁看过完整号码。含这一户的整村、整镇导出也在；整页名单按地方记，不在这里。", EN: "The household with its people, visits and matters: who changed or opened them, which phones received them, who saw numbers in full. Exports of a whole place that holds it are here too; lists are noted by place, and are not."},
	"audit.about.person.t":  {ZH: "只有这个人自己的：谁改过，谁打开过，谁看过完整号码。手机按整户收，整户的另看。", EN: "This person's own: who changed or opened it, who saw numbers in full. Phones receive whole households; see there."},
	"home.audit":            {ZH: "谁看过、改过这一户", EN: "Who saw or changed this household"},
	"person.audit":          {ZH: "谁看过、改过这个人", EN: "Who saw or changed this person"},
}

// auditLabel is what a kind is called.
func auditLabel(k audit.Kind) string {
	if k == audit.All {
		return "audit.everything" // “audit.all” is what takes a filter away
	}
	return "audit." + string(k)
}

// auditOf is the address of everything there is about a household or person.
func (rq *request) auditOf(id syncproto.RowID) string {
	return rq.at("/audit") + auditQuery(url.Values{"row": {string(id)}}, audit.All, "")
}

// auditRow settles which household or person is asked about: what was typed goes before where a link led.
func (rq *request) auditRow(tx *store.Tx, a *audit.Ask, code, id string) (bad amiss, err error) {
	if code != "" {
		homes, more, err := a.ByCode(tx, code)
		switch {
		case err != nil:
			return bad, err
		case len(homes) == 0:
			return amiss{say: rq.words.say("audit.code.none", code), field: "home"}, nil
		case more:
			return amiss{say: rq.words.say("audit.code.alike.more", code), field: "home", alike: homes, more: true}, nil
		case len(homes) > 1:
			return amiss{say: rq.words.say("audit.code.alike", len(homes), code), field: "home", alike: homes}, nil
		}
		id = string(homes[0].ID)
	}
	if id == "" {
		return bad, nil
	}
	if ok, err := a.Of(tx, id); err != nil || ok {
		return bad, err
	}
	return amiss{say: rq.words.say("audit.row.none"), field: "home"}, nil
}

// auditAlike leads to each of the households that have the code that was typed.
func (rq *request) auditAlike(q url.Values, kind audit.Kind, homes []audit.Home) (out []placeLink) {
	for _, h := range homes {
		one := without(q, "home", "row")
		one.Set("row", string(h.ID))
		out = append(out, placeLink{Name: rq.words.say("home.title", h.Head) + " " + h.Place + " " + h.Address, Path: rq.at("/audit") + auditQuery(one, kind, "")})
	}
	return out
}

// auditAbout says whom the records are about.
func (rq *request) auditAbout(tx *store.Tx, a *audit.Ask, q url.Values) (*auditAbout, error) {
	row := a.Row()
	if row == nil {
		return nil, nil
	}
	names, err := rq.desk().NameRows(tx, map[syncproto.RowID]string{row.ID: row.Table})
	if err != nil {
		return nil, err
	}
	about := &auditAbout{Name: names[row.ID], Person: row.Table == "resident", Merged: row.Merged, Clear: rq.at("/audit") + auditQuery(without(q, "home", "row"), a.Kind, "")}
	if about.Name == "" {
		about.Name = rq.auditTable(row.Table)
	}
	if _, err := tx.One("SELECT COALESCE(code, '') FROM household WHERE id = ?", []any{string(row.Home)}, &about.Code); err != nil {
		return nil, err
	}
	page := "/homes/"
	if about.Person {
		page, about.Home = "/persons/", rq.auditOf(row.Home)
	}
	if !row.Dead {
		about.Open = rq.at(page + string(row.ID))
	}
	return about, nil
}

// auditAll reads a part of everything there is, in words.
func (rq *request) auditAll(tx *store.Tx, a *audit.Ask, limit int, people *auditNames, named bool) (out []auditRow, next string, err error) {
	entries, next, err := a.All(tx, limit)
	if err != nil {
		return nil, "", err
	}
	var changes []*store.Change
	var shown []audit.Shown
	for _, e := range entries {
		if e.Change != nil {
			changes = append(changes, e.Change)
		} else {
			shown = append(shown, *e.Shown)
		}
	}
	changed, err := rq.auditChanges(tx, a, changes, people, named)
	if err != nil {
		return nil, "", err
	}
	saw, err := rq.auditShown(tx, a, shown, people)
	if err != nil {
		return nil, "", err
	}
	for _, e := range entries {
		if e.Change != nil {
			out, changed = append(out, changed[0]), changed[1:]
		} else {
			out, saw = append(out, saw[0]), saw[1:]
		}
	}
	return out, next, nil
}
