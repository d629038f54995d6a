package console

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/engine"
	"minqing/server/store"
	"minqing/syncproto"
)

// settingsPage shows the settings that hold in a place, who set them, and what changed.
type settingsPage struct {
	frame
	Terms  []settingTerm // of the city alone
	Homes  []settingTerm // likewise
	Quotas []settingQuota
	Post   string
	Error  string
	For    string // the setting that Error is about
	Typed  string
	Log    []settingEvent
	Older  string // address of the record that has those which are not listed
}

// settingTerm is a number of days or of households.
type settingTerm struct {
	engine.Setting
	Label, Means string
	Bounds       string
	Who          string
	Since        time.Time // zero: never set
}

// settingQuota is how many visits a month a team owes here.
type settingQuota struct {
	Team, Label string
	Visits      int
	Own         bool // set for this very place
	Who         string
	Since       time.Time
}

type settingEvent struct {
	At             time.Time
	Who, What      string
	Before, Behind string
}

var settingsHandlers = map[string]handler{
	"GET /at/{place}/settings":  showSettings,
	"POST /at/{place}/settings": changeSetting,
}

var settingsWords = words{
	"nav.settings":         {ZH: "设置", EN: "Settings"},
	"setting.terms":        {ZH: "期限", EN: "Terms"},
	"setting.quotas":       {ZH: "每月走访次数", EN: "Visits a month"},
	"setting.quotas.t":     {ZH: "每户每月应走访几次，按队伍定。没有在这里定的，跟上一级；上面都没定的，用通常的次数。", EN: "How many visits a month each team owes a household. What is not set here follows the place above; what is set nowhere is as usual."},
	"setting.grace":        {ZH: "晚到期限", EN: "Late work counts"},
	"setting.grace.t":      {ZH: "户改派以后，之前写的在这些天里传上来还照样算数；过了要有人看过才能收。", EN: "After a household changed hands, what was written before counts when it comes within these days; later, somebody has to look at it."},
	"setting.lease":        {ZH: "脱机期限", EN: "A phone may stay away"},
	"setting.lease.t":      {ZH: "手机这些天没联系过服务器就锁上，联系上再打开，写的都在。", EN: "A phone that has not called for so long locks itself till it does; what was written stays."},
	"setting.horizon":      {ZH: "删除标记留多久", EN: "Marks of deletion are kept"},
	"setting.horizon.t":    {ZH: "比这还久没联系的手机，联系上时要逐格核对，不会丢东西，只是慢。", EN: "A phone that was away for longer is compared bucket by bucket: nothing is lost, it only takes longer."},
	"setting.homes":        {ZH: "每人联系几户", EN: "Households for each"},
	"setting.homes.t":      {ZH: "分派的时候，超过这个数就提醒；村干部包一个组的，不算超过。", EN: "Assignments beyond the number are pointed out; a village cadre who has all of one group is not beyond it."},
	"setting.homes.of":     {ZH: "每人几户，{0}", EN: "Households each, {0}"},
	"setting.homes.bounds": {ZH: "户（{0} 到 {1}）", EN: "households ({0} to {1})"},
	"setting.homes.plain":  {ZH: "{0} 户", EN: "{0} household|{0} households"},
	"setting.days":         {ZH: "天（{0} 到 {1}）", EN: "days ({0} to {1})"},
	"setting.times":        {ZH: "次", EN: "visits"},
	"setting.save":         {ZH: "保存", EN: "Save"},
	"setting.usual":        {ZH: "通常的，没有人改过", EN: "as usual; nobody changed it"},
	"setting.above":        {ZH: "跟上一级或通常的", EN: "follows the place above, or the usual"},
	"setting.by":           {ZH: "{0} 定的，{1}", EN: "set by {0}, {1}"},
	"setting.number":       {ZH: "要写一个整数。", EN: "Write a whole number."},
	"setting.saved":        {ZH: "{0}：改成 {1} 了。", EN: "{0}: now {1}."},
	"setting.log":          {ZH: "改过什么", EN: "What changed"},
	"setting.log.more":     {ZH: "这里是最近的 {0} 次；更早的在操作记录里。", EN: "These are the newest {0}; older ones are in the audit."},
	"setting.log.none":     {ZH: "还没有人改过。", EN: "Nobody has changed anything yet."},
	"setting.when":         {ZH: "什么时候", EN: "When"},
	"setting.who":          {ZH: "谁", EN: "Who"},
	"setting.what":         {ZH: "设置", EN: "Setting"},
	"setting.before":       {ZH: "原来", EN: "Before"},
	"setting.behind":       {ZH: "改成", EN: "Now"},
	"setting.quota.of":     {ZH: "走访次数，{0}", EN: "Visits, {0}"},
	"setting.server":       {ZH: "服务器", EN: "the server"},
	"setting.days.plain":   {ZH: "{0} 天", EN: "{0} day|{0} days"},
	"setting.times.plain":  {ZH: "{0} 次", EN: "{0} visit|{0} visits"},
}

// settingLabel is what people call a setting of the city; settingUnit names the words for its number.
func (rq *request) settingLabel(name string) string {
	if team, homes := strings.CutPrefix(name, "homes."); homes {
		return rq.words.say("setting.homes.of", rq.teamWord(team))
	}
	return rq.words.say("setting." + name)
}

func settingUnit(name string) string {
	if strings.HasPrefix(name, "homes.") {
		return "setting.homes.plain"
	}
	return "setting.days.plain"
}

// settingsListed bounds how many changes the page lists.
const settingsListed = 30

func showSettings(rq *request) error {
	p, err := rq.settingsPage()
	if err != nil {
		return err
	}
	return rq.show("settings", p)
}

// ofCity tells whether the place is the city itself.
func (rq *request) ofCity() bool { return len(rq.place.Above) == 1 }

func (rq *request) settingsPage() (*settingsPage, error) {
	p := &settingsPage{frame: frame{Title: rq.words.say("nav.settings"), Nav: "settings", Sub: rq.place.Name}, Post: rq.at("/settings")}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		p.Terms, p.Homes, p.Quotas, p.Log = nil, nil, nil, nil
		if rq.ofCity() {
			if err := rq.readTerms(tx, p); err != nil {
				return err
			}
		}
		return rq.readQuotas(tx, p)
	})
	slices.SortStableFunc(p.Log, func(a, b settingEvent) int { return b.At.Compare(a.At) })
	if len(p.Log) > settingsListed {
		p.Log, p.Older = p.Log[:settingsListed], rq.at("/audit")
	}
	return p, err
}

func (rq *request) nameOf(tx *store.Tx, id syncproto.UserID) (name string, err error) {
	if id == "" {
		return rq.words.say("setting.server"), nil
	}
	_, err = tx.One(`SELECT COALESCE(name, '') FROM "user" WHERE id = ?`, []any{string(id)}, &name)
	return name, err
}

func (rq *request) readTerms(tx *store.Tx, p *settingsPage) error {
	list, err := rq.app.opt.Engine.Settings(tx)
	if err != nil {
		return err
	}
	for _, s := range list {
		t := settingTerm{Setting: s, Label: rq.settingLabel(s.Name), Bounds: rq.words.say("setting.days", s.Least, s.Most)}
		if s.Homes == "" {
			t.Means = rq.words.say("setting." + s.Name + ".t")
		} else {
			t.Bounds = rq.words.say("setting.homes.bounds", s.Least, s.Most)
		}
		if s.At > 0 {
			if t.Who, err = rq.nameOf(tx, s.By); err != nil {
				return err
			}
			t.Since = time.UnixMilli(s.At).In(rq.app.zone)
		}
		if s.Homes == "" {
			p.Terms = append(p.Terms, t)
		} else {
			p.Homes = append(p.Homes, t)
		}
	}
	var records []store.Disclosure
	if err := tx.Each(func(scan func(...any) error) error {
		var d store.Disclosure
		err := scan(&d.User, &d.Value, &d.At)
		records = append(records, d)
		return err
	}, "SELECT user_id, value, at FROM mq_disclosure WHERE chain = ? ORDER BY pos DESC LIMIT ?", engine.ChainSettings, int64(settingsListed+1)); err != nil {
		return err
	}
	for _, d := range records {
		var c engine.SettingChange
		if err := json.Unmarshal([]byte(d.Value), &c); err != nil {
			return err
		}
		who, err := rq.nameOf(tx, d.User)
		if err != nil {
			return err
		}
		unit := settingUnit(c.Setting)
		p.Log = append(p.Log, settingEvent{At: time.UnixMilli(d.At).In(rq.app.zone), Who: who, What: rq.settingLabel(c.Setting), Before: rq.words.say(unit, c.From), Behind: rq.words.say(unit, c.To)})
	}
	return nil
}

// readQuotas reads what each team owes here, and who said so.
func (rq *request) readQuotas(tx *store.Tx, p *settingsPage) error {
	t := rq.app.opt.Engine.Book.Table("team_quota")
	type set struct {
		id     string
		visits int64
	}
	own := map[string]set{}
	above := map[string]map[string]int64{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id, place, team string
		var visits int64
		if err := scan(&id, &place, &team, &visits); err != nil {
			return err
		}
		if place == rq.place.ID {
			own[team] = set{id, visits}
		} else {
			if above[team] == nil {
				above[team] = map[string]int64{}
			}
			above[team][place] = visits
		}
		return nil
	}, "SELECT id, place, COALESCE(team, ''), visits FROM team_quota WHERE visits IS NOT NULL AND place = ANY(?) ORDER BY id", rq.place.Above); err != nil {
		return err
	}
	for _, o := range t.Column("team").Options {
		q := settingQuota{Team: o.Value, Label: o.Label.In(schema.Lang(rq.words)), Visits: schema.UsualVisits(o.Value)}
		for _, place := range rq.place.Above[1:] {
			if n, ok := above[o.Value][place]; ok {
				q.Visits = int(n)
				break
			}
		}
		if mine, ok := own[o.Value]; ok {
			q.Own, q.Visits = true, int(mine.visits)
			if err := rq.readQuota(tx, p, &q, mine.id); err != nil {
				return err
			}
		}
		p.Quotas = append(p.Quotas, q)
	}
	return nil
}

func (rq *request) readQuota(tx *store.Tx, p *settingsPage, q *settingQuota, id string) error {
	versions, err := tx.Versions("row_id = ? ORDER BY seq DESC, ord DESC LIMIT ?", id, int64(settingsListed+1))
	if err != nil {
		return err
	}
	for _, v := range versions {
		who, err := rq.nameOf(tx, v.Author)
		if err != nil {
			return err
		}
		at := time.UnixMilli(v.Received).In(rq.app.zone)
		if q.Who == "" {
			q.Who, q.Since = who, at
		}
		e := settingEvent{At: at, Who: who, What: rq.words.say("setting.quota.of", q.Label)}
		for _, c := range v.Cells {
			if c.Cell != "visits" {
				continue
			}
			if e.Behind = rq.words.say("setting.times.plain", int(c.Value.Num())); !c.From.IsNull() {
				e.Before = rq.words.say("setting.times.plain", int(c.From.Num()))
			}
		}
		p.Log = append(p.Log, e)
	}
	return nil
}

// changeSetting changes one: a term by the engine, which records it, a quota as any row is changed.
func changeSetting(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	name, team, typed := f.Get("term"), f.Get("team"), strings.TrimSpace(f.Get("value"))
	n, bad := strconv.Atoi(typed)
	var label, said string
	switch {
	case bad != nil:
		err = &syncproto.Error{Code: syncproto.CodeInvalid, Op: "console: settings", Message: syncproto.Both(settingsWords["setting.number"].ZH, settingsWords["setting.number"].EN)}
	case name != "" && !rq.ofCity():
		return errNotFound
	case name != "":
		label, said = rq.settingLabel(name), rq.words.say(settingUnit(name), n)
		err = rq.app.opt.Engine.Set(rq.Context(), rq.user(), name, n)
	default:
		o := rq.app.opt.Engine.Book.Table("team_quota").Column("team").Option(team)
		if o == nil {
			return errNotFound
		}
		label, said = rq.words.say("setting.quota.of", o.Label.In(schema.Lang(rq.words))), rq.words.say("setting.times.plain", n)
		err = (&admin.Desk{E: rq.app.opt.Engine, As: rq.session.User.Login}).SetQuota(rq.Context(), rq.place.ID, team, n)
	}
	if err == nil {
		rq.toast("setting.saved", label, said)
		return rq.see(rq.at("/settings"))
	}
	text, mine := rq.sentence(err)
	if !mine {
		return err
	}
	p, err := rq.settingsPage()
	if err != nil {
		return err
	}
	p.Error, p.For, p.Typed = text, name+team, typed
	return rq.again("settings", p)
}
