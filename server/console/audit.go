package console

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console/audit"
	"minqing/server/console/conflict"
	"minqing/server/store"
	"minqing/syncproto"
)

// auditPage lists who saw, changed, exported and unmasked what.
type auditPage struct {
	frame
	Tabs           []auditTab
	Kind           audit.Kind
	Who, From, To  string // as typed
	Home, Row      string // a household's code as typed, or the id of a household or person
	About          *auditAbout
	Alike          []placeLink // households of that code to choose from
	AlikeMore      bool
	Rows           []auditRow
	More, First    string
	Find           string // where the form goes
	Export, Verify string
	Filtered       bool
	City           bool
	Error, Wrong   string // what to mend, and in which field
	Proof          *auditProof
}

type auditTab struct {
	Kind  audit.Kind
	Icon  string
	Label string
	Path  string
	On    bool
}

type auditRow struct {
	At         time.Time
	Who, Login string
	What       string
	Where      string
	How        string
	Chip, Icon string // of a change that did not just apply
	State      string
}

// auditProof is what verifying the chains has found.
type auditProof struct {
	Sound                       bool
	Streams, Records, Disclosed int
	Broken                      []string
	Took                        time.Duration
}

var auditHandlers = map[string]handler{
	"GET /at/{place}/audit":         showAudit,
	"POST /at/{place}/audit/verify": verifyAudit,
	"POST /at/{place}/audit/export": exportAudit,
}

var auditWords = words{
	"nav.audit":          {ZH: "操作记录", EN: "Audit"},
	"nav.running":        {ZH: "运行", EN: "Running it"},
	"audit.kinds":        {ZH: "看哪一类", EN: "Which records"},
	"audit.everything":   {ZH: "全部", EN: "All"},
	"audit.changed":      {ZH: "改动", EN: "Changed"},
	"audit.seen":         {ZH: "看过", EN: "Seen"},
	"audit.pages":        {ZH: "网页上看过", EN: "Seen at the consoles"},
	"audit.exported":     {ZH: "导出", EN: "Exported"},
	"audit.unmasked":     {ZH: "看过完整号码", EN: "Unmasked"},
	"audit.settings":     {ZH: "设置", EN: "Settings"},
	"audit.set.homes":    {ZH: "{0}：{1} 户改成 {2} 户", EN: "{0}: {1} households, now {2}"},
	"audit.set":          {ZH: "{0}：{1} 天改成 {2} 天", EN: "{0}: {1} days, now {2}"},
	"audit.time":         {ZH: "时间", EN: "When"},
	"audit.who":          {ZH: "谁", EN: "Who"},
	"audit.what":         {ZH: "做了什么", EN: "What"},
	"audit.where":        {ZH: "哪里", EN: "Where"},
	"audit.how":          {ZH: "用什么", EN: "By"},
	"audit.status":       {ZH: "结果", EN: "Outcome"},
	"audit.login":        {ZH: "登录名", EN: "Login"},
	"audit.id":           {ZH: "编号", EN: "Number"},
	"audit.mark":         {ZH: "谁在什么时候导出的", EN: "Exported by, and when"},
	"audit.whose":        {ZH: "谁（姓名或登录名）", EN: "Who (name or login)"},
	"audit.from":         {ZH: "从哪天", EN: "From"},
	"audit.to":           {ZH: "到哪天", EN: "To"},
	"audit.find":         {ZH: "查", EN: "Look"},
	"audit.all":          {ZH: "不限", EN: "Everything"},
	"audit.none":         {ZH: "没有这样的记录", EN: "No such record"},
	"audit.none.t":       {ZH: "换一类，或者放宽日期和姓名再查。", EN: "Try another kind, or wider days and names."},
	"audit.empty.t":      {ZH: "有人改动、查看或导出以后，会记在这里，删不掉。", EN: "What people change, see or take away is recorded here, for good."},
	"audit.nobody":       {ZH: "这里没有叫“{0}”的人。", EN: "Nobody here is called “{0}”."},
	"audit.day":          {ZH: "日期写成 2026-11-23 这样。", EN: "Write days like 2026-11-23."},
	"audit.more":         {ZH: "下一页", EN: "Next page"},
	"audit.first":        {ZH: "回到开头", EN: "From the beginning"},
	"audit.verify":       {ZH: "核对记录链", EN: "Verify the chains"},
	"audit.sound":        {ZH: "核对过了：{1} 条记录链、{0} 条改动记录、{2} 条查看记录，一条没有动过。用了 {3} 秒。", EN: "Verified: {0} record of {1} chains and {2} of what was shown; none was altered. It took {3} s.|Verified: {0} records of {1} chains and {2} of what was shown; none was altered. It took {3} s."},
	"audit.broken":       {ZH: "有记录被动过。下面是每条链上头一处；请马上告诉管服务器的人，不要再改动数据库。", EN: "Records were altered. Below is the first place of each chain; tell who runs the server at once, and change nothing more in the database."},
	"audit.broken.at":    {ZH: "{0}，第 {1} 条", EN: "{0}, record {1}"},
	"audit.web":          {ZH: "网页", EN: "the consoles"},
	"audit.server":       {ZH: "服务器", EN: "the server"},
	"audit.is.merged":    {ZH: "已合并", EN: "merged"},
	"audit.is.refused":   {ZH: "未通过", EN: "refused"},
	"audit.is.conflict":  {ZH: "等决定", EN: "waits"},
	"audit.is.late":      {ZH: "晚到", EN: "late"},
	"audit.made":         {ZH: "新建 {0}", EN: "Made {0}"},
	"audit.by":           {ZH: "（{0}）", EN: " ({0})"},
	"audit.by.and":       {ZH: "，", EN: ", "},
	"audit.by.taken":     {ZH: "{0}收下", EN: "taken by {0}"},
	"audit.by.refused":   {ZH: "{0}退回", EN: "returned by {0}"},
	"audit.by.undone":    {ZH: "{0}撤回", EN: "taken back by {0}"},
	"audit.by.merged":    {ZH: "{0}合并", EN: "merged by {0}"},
	"audit.by.named":     {ZH: "{0}指出和另一条是同一个", EN: "the same as another, says {0}"},
	"audit.by.distinct":  {ZH: "{0}认定是两个", EN: "two, says {0}"},
	"audit.by.retaken":   {ZH: "{0}补回", EN: "brought back by {0}"},
	"audit.undo":         {ZH: "撤回先前的", EN: "takes back what was done before"},
	"audit.behalf":       {ZH: "（未通过的，替{0}收下）", EN: " (refused, let in for {0})"},
	"audit.deleted":      {ZH: "删除 {0}", EN: "Deleted {0}"},
	"audit.wrote":        {ZH: "改 {0}：{1}", EN: "Changed {0}: {1}"},
	"audit.wrote.of":     {ZH: "改 {0}", EN: "Changed {0}"},
	"audit.rows":         {ZH: "等 {0} 条", EN: "and {0} rows in all|and {0} rows in all"},
	"audit.hidden":       {ZH: "别处的记录", EN: "rows of elsewhere"},
	"audit.erased":       {ZH: "内容已依法抹除", EN: "its words were erased by law"},
	"audit.sync":         {ZH: "手机同步：改过的 {0} 条", EN: "phone sync: {0} changed row|phone sync: {0} changed rows"},
	"audit.fill":         {ZH: "手机同步：新收到 {0} 组资料", EN: "phone sync: {0} bucket filled|phone sync: {0} buckets filled"},
	"audit.export":       {ZH: "导出“{0}”", EN: "exported “{0}”"},
	"audit.export.sent":  {ZH: "导出“{1}”，送出 {0} 条", EN: "{0} row of “{1}” left in the export|{0} rows of “{1}” left in the export"},
	"audit.export.n":     {ZH: "导出“{1}” {0} 条", EN: "exported {0} row of “{1}”|exported {0} rows of “{1}”"},
	"audit.history":      {ZH: "看了{0}的经过", EN: "saw the history of {0}"},
	"audit.photo":        {ZH: "看了照片", EN: "saw a photo"},
	"audit.deleted.of":   {ZH: "删除{0}，共 {1} 条", EN: "deleted {0}, {1} rows in all"},
	"audit.link":         {ZH: "给{0}出了登录链接", EN: "made a sign-in link for {0}"},
	"audit.link.forget":  {ZH: "给{0}出了登录链接，动态码可以重设", EN: "made a sign-in link for {0}, by which the second step can be set anew"},
	"audit.card":         {ZH: "打开了{0}的联系卡页", EN: "opened the page of the contact card of {0}"},
	"audit.holder":       {ZH: "持卡人", EN: "whoever holds the card"},
	"audit.k.all":        {ZH: "改动、查看、导出都在，按时间排。", EN: "What was changed, seen and exported, by time."},
	"audit.k.changed":    {ZH: "每次改动一条，未通过的也在。", EN: "One for each change, those that were not taken too."},
	"audit.k.seen":       {ZH: "手机每次同步一条；网页上同一页一小时记一次；群众打开联系卡也记，只记时间，不记是谁。", EN: "One for each sync of a phone, one an hour for the same page of the consoles; that a resident opened a contact card is noted too, when but not by whom."},
	"audit.k.pages":      {ZH: "同一页一小时记一次；群众打开联系卡也记，只记时间，不记是谁。只有数字、没有人名的页不记。", EN: "One an hour for the same page; that a resident opened a contact card is noted too, when but not by whom. Pages of figures that name nobody are not noted."},
	"audit.k.exported":   {ZH: "带走的每个文件一条，动手前就记下。", EN: "One for each file taken away, noted before it goes."},
	"audit.k.unmasked":   {ZH: "身份证号或电话完整显示过的，每次一条，带着理由。", EN: "One for each time an ID number or telephone was shown in full, with the reason."},
	"audit.k.settings":   {ZH: "谁把哪项设置从多少改成了多少。", EN: "Who set what from how much to how much."},
	"audit.k.above":      {ZH: "上级的人看过本地的也在这里。核对也包括他们的整条记录链。", EN: "What people from above saw of this place is here too, and verifying covers the whole of their chains."},
	"audit.page":         {ZH: "看了{0}", EN: "saw {0}"},
	"audit.page.in":      {ZH: "看了{0}，在“{1}”里", EN: "saw {0}, under “{1}”"},
	"audit.page.change":  {ZH: "看了“{0}”里的一条", EN: "saw one of “{0}”"},
	"audit.page.list":    {ZH: "看了“{0}”的名单", EN: "saw the list “{0}”"},
	"audit.whole":        {ZH: "，号码完整显示", EN: ", numbers in full"},
	"audit.why":          {ZH: "，理由：{0}", EN: ", because: {0}"},
	"audit.t.audit":      {ZH: "操作记录", EN: "Audit"},
	"audit.t.coverage":   {ZH: "联系覆盖", EN: "Coverage"},
	"audit.t.persons":    {ZH: "户和人", EN: "Homes and people"},
	"audit.t.shifts":     {ZH: "移动和删除", EN: "Moves and deletions"},
	"audit.t.register":   {ZH: "花名册", EN: "Register"},
	"audit.export.upto":  {ZH: "一次最多 10 万条，要更早的请缩短日期", EN: "at most 100,000 records at once; narrow the days for older ones"},
	"audit.cut":          {ZH: "后面的没有写完，请重新导出。", EN: "The rest is missing; export it again."},
	"audit.chain.cards":  {ZH: "{0}的联系卡打开记录", EN: "contact cards opened in {0}"},
	"audit.chain.shown":  {ZH: "查看记录 {0}", EN: "what {0} was shown"},
	"audit.chain.stream": {ZH: "{0}的改动记录", EN: "changes of {0}"},
}

// auditListed is how many records a page lists, auditPlaces how many places of one it names.
const auditListed, auditPlaces = 50, 3

// auditIcons are those of the kinds.
var auditIcons = map[audit.Kind]string{audit.All: "list", audit.Changed: "edit", audit.Seen: "eye", audit.Pages: "board", audit.Exported: "download", audit.Unmasked: "lock", audit.Settings: "gear"}

// amiss is what keeps a question from being answered: the sentence that says what to mend, the field that it is about, and households to choose from.
type amiss struct {
	say, field string
	alike      []audit.Home
	more       bool
}

// auditAsk reads what the address asks.
func (rq *request) auditAsk(tx *store.Tx, q url.Values) (a *audit.Ask, bad amiss, err error) {
	a = &audit.Ask{Kind: audit.Changed, After: q.Get("after")}
	for _, k := range audit.Kinds {
		if q.Get("kind") == string(k) {
			a.Kind = k
		}
	}
	if err := a.In(tx, rq.place.ID, rq.ofCity()); err != nil {
		return nil, bad, err
	}
	for i, name := range []string{"from", "to"} {
		if q.Get(name) == "" {
			continue
		}
		day, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(q.Get(name)), rq.app.zone)
		if err != nil {
			return a, amiss{say: rq.words.say("audit.day"), field: name}, nil //nolint:nilerr // the sentence tells whoever typed it
		}
		if i == 0 {
			a.From = day.UnixMilli()
		} else {
			a.To = day.AddDate(0, 0, 1).UnixMilli()
		}
	}
	if who := strings.TrimSpace(q.Get("who")); who != "" {
		if a.Users, err = a.Find(tx, who); err != nil {
			return a, bad, err
		} else if len(a.Users) == 0 {
			return a, amiss{say: rq.words.say("audit.nobody", who), field: "who"}, nil
		}
	}
	bad, err = rq.auditRow(tx, a, strings.TrimSpace(q.Get("home")), q.Get("row"))
	return a, bad, err
}

// auditQuery is the end of an address that asks the same, of another kind or from another place on.
func auditQuery(q url.Values, kind audit.Kind, after string) string {
	out := url.Values{"kind": {string(kind)}}
	for _, name := range []string{"who", "from", "to", "home", "row"} {
		if v := strings.TrimSpace(q.Get(name)); v != "" {
			out.Set(name, v)
		}
	}
	if after != "" {
		out.Set("after", after)
	}
	return "?" + out.Encode()
}

func showAudit(rq *request) error {
	p, err := rq.auditPage(rq.URL.Query())
	if err != nil {
		return err
	}
	if p.Error != "" {
		return rq.again("audit", p)
	}
	return rq.show("audit", p)
}

func (rq *request) auditPage(q url.Values) (*auditPage, error) {
	p := &auditPage{frame: frame{Title: rq.words.say("nav.audit"), Nav: "audit", Sub: rq.place.Name}, Who: q.Get("who"), From: q.Get("from"), To: q.Get("to"), Home: q.Get("home"), Row: q.Get("row"),
		Find: rq.at("/audit"), Export: rq.at("/audit/export"), Verify: rq.at("/audit/verify")}
	p.Filtered, p.City = p.Who+p.From+p.To+p.Home+p.Row != "", rq.ofCity()
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		a, bad, err := rq.auditAsk(tx, q)
		if err != nil {
			return err
		}
		p.Error, p.Wrong, p.Kind, p.Rows, p.More, p.First, p.Tabs = bad.say, bad.field, a.Kind, nil, "", "", nil
		for _, k := range audit.Kinds {
			p.Tabs = append(p.Tabs, auditTab{Kind: k, Icon: auditIcons[k], Label: rq.words.say(auditLabel(k)), Path: rq.at("/audit") + auditQuery(q, k, ""), On: k == a.Kind})
		}
		if p.Alike, p.AlikeMore = rq.auditAlike(q, a.Kind, bad.alike), bad.more; bad.say != "" {
			return nil
		}
		if p.About, err = rq.auditAbout(tx, a, q); err != nil {
			return err
		}
		if a.After != "" {
			p.First = rq.at("/audit") + auditQuery(q, a.Kind, "")
		}
		var next string
		if p.Rows, next, err = rq.auditRows(tx, a, auditListed, newAuditNames(), true); next != "" {
			p.More = rq.at("/audit") + auditQuery(q, a.Kind, next)
		}
		return err
	})
	return p, err
}

// auditRows reads a part of what is asked for, in words: rows by name when they are to be looked at, else by table, which costs less. people
// remembers who was named in the parts before.
func (rq *request) auditRows(tx *store.Tx, a *audit.Ask, limit int, people *auditNames, named bool) (rows []auditRow, next string, err error) {
	switch a.Kind {
	case audit.All:
		return rq.auditAll(tx, a, limit, people, named)
	case audit.Changed:
		changes, next, err := a.Changes(tx, limit)
		if err != nil {
			return nil, "", err
		}
		rows, err = rq.auditChanges(tx, a, changes, people, named)
		return rows, next, err
	}
	shown, next, err := a.Shown(tx, limit)
	if err != nil {
		return nil, "", err
	}
	rows, err = rq.auditShown(tx, a, shown, people)
	return rows, next, err
}

// auditState says of a change what became of it, unless it just applied.
func (rq *request) auditState(r *auditRow, c *store.Change) {
	switch {
	case c.Status == syncproto.Refused:
		r.Chip, r.Icon, r.State = "stop", "stop", rq.words.say("audit.is.refused")
	case c.Status == syncproto.Conflicted:
		r.Chip, r.Icon, r.State = "act", "split", rq.words.say("audit.is.conflict")
	case c.Late:
		r.Chip, r.Icon, r.State = "sent", "clock", rq.words.say("audit.is.late")
	case c.Status == syncproto.Merged:
		r.Chip, r.Icon, r.State = "sent", "merge", rq.words.say("audit.is.merged")
	}
}

func (rq *request) auditChanges(tx *store.Tx, a *audit.Ask, changes []*store.Change, people *auditNames, named bool) ([]auditRow, error) {
	if err := people.read(tx, changes, nil); err != nil {
		return nil, err
	}
	var told []conflict.Told
	if named {
		var err error
		if told, err = rq.desk().TellChanges(tx, changes); err != nil {
			return nil, err
		}
	}
	var streams []string
	for _, c := range changes {
		streams = append(streams, c.Stream)
	}
	slices.Sort(streams)
	streams = slices.Compact(streams)
	places, err := a.PlaceNames(tx, streams)
	if err != nil {
		return nil, err
	}
	decided, err := rq.auditDecided(tx, changes, people)
	if err != nil {
		return nil, err
	}
	behalf, err := rq.auditBehalf(tx, changes, people)
	if err != nil {
		return nil, err
	}
	out := make([]auditRow, 0, len(changes))
	for i, c := range changes {
		r := auditRow{At: time.UnixMilli(c.Received).In(rq.app.zone), Where: places[c.Stream]}
		rq.auditState(&r, c)
		r.sign(rq, people, c.User, c.First.Device)
		if named {
			r.What = rq.auditTold(&told[i])
		} else {
			r.What = rq.auditTables(c)
		}
		r.What += decided[c.Identity]
		if whose := behalf[c.Identity]; whose != "" {
			r.What += rq.words.say("audit.behalf", people.name[whose])
		}
		out = append(out, r)
	}
	return out, nil
}

// auditBehalf tells of changes by which somebody let in what was refused, whose words they are. A change that mends another says so in its content.
func (rq *request) auditBehalf(tx *store.Tx, changes []*store.Change, people *auditNames) (map[syncproto.Identity]syncproto.UserID, error) {
	var ids []string
	for _, c := range changes {
		if bytes.Contains(c.Body, []byte(`,"mends":"`)) {
			ids = append(ids, string(c.Identity))
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	behalf, err := tx.OnBehalf(ids)
	if err != nil {
		return nil, err
	}
	var whose []*store.Change
	for _, user := range behalf {
		whose = append(whose, &store.Change{User: user})
	}
	return behalf, people.read(tx, whose, nil)
}

// auditTold says what a change did, by the first of its rows.
func (rq *request) auditTold(t *conflict.Told) string {
	switch {
	case t.Erased:
		return rq.words.say("audit.erased")
	case t.What == "":
		return rq.words.say("audit.hidden")
	}
	key := "audit.wrote"
	switch t.Op {
	case syncproto.OpCreate:
		key = "audit.made"
	case syncproto.OpDelete:
		key = "audit.deleted"
	}
	what := rq.words.say(key, t.What, schema.Lang(rq.words).Join(t.Cells))
	if t.Rows > 1 {
		what += " " + rq.words.say("audit.rows", t.Rows)
	}
	return what
}

// auditTables says what a change did by its table alone, as its content says: a file of 100,000 of them must not take each apart. Quotes within
// what people wrote are escaped there, so that the marks looked for are the content's own.
func (rq *request) auditTables(c *store.Change) string {
	if len(c.Body) == 0 {
		return rq.words.say("audit.erased")
	}
	const table, op = `"table":"`, `"op":"`
	after := func(mark string) string {
		_, rest, _ := bytes.Cut(c.Body, []byte(mark))
		word, _, _ := bytes.Cut(rest, []byte{'"'})
		return string(word)
	}
	name := rq.auditTable(after(table))
	key := map[string]string{"create": "audit.made", "delete": "audit.deleted"}[after(op)]
	if key == "" {
		key = "audit.wrote.of"
	}
	what := rq.words.say(key, name)
	if n := bytes.Count(c.Body, []byte(table)); n > 1 {
		what += " " + rq.words.say("audit.rows", n)
	}
	return what
}

func (rq *request) auditShown(tx *store.Tx, a *audit.Ask, shown []audit.Shown, people *auditNames) ([]auditRow, error) {
	if err := people.read(tx, nil, shown); err != nil {
		return nil, err
	}
	tables := map[syncproto.RowID]string{}
	for i := range shown {
		if shown[i].Row != "" {
			tables[shown[i].Row] = shown[i].Table
		}
	}
	names, err := rq.desk().NameRows(tx, tables)
	if err != nil {
		return nil, err
	}
	var within []string
	for i := range shown {
		within = append(within, shown[i].Where()...)
	}
	slices.Sort(within)
	places, err := a.PlaceNames(tx, slices.Compact(within))
	if err != nil {
		return nil, err
	}
	out := make([]auditRow, 0, len(shown))
	for i := range shown {
		s := &shown[i]
		var where []string
		for _, id := range s.Where() {
			if name := places[id]; name != "" && len(where) < auditPlaces {
				where = append(where, name)
			} else if name != "" {
				where = append(where, "…")
				break
			}
		}
		r := auditRow{At: time.UnixMilli(s.At).In(rq.app.zone), Where: schema.Lang(rq.words).Join(where), What: rq.auditWhat(s, names)}
		r.sign(rq, people, s.User, s.Device)
		if s.What == "card" {
			r.Who = rq.words.say("audit.holder")
		}
		out = append(out, r)
	}
	return out, nil
}

// auditWhat says what was shown.
func (rq *request) auditWhat(s *audit.Shown, names map[syncproto.RowID]string) (what string) {
	l := rq.words
	of := names[s.Row]
	if of == "" {
		of = rq.auditTable(s.Table)
	}
	switch {
	case s.File != "":
		what = l.say("audit.photo")
	case s.Device != "" && len(s.Fill) > 0:
		what = l.say("audit.fill", len(s.Fill))
	case s.Device != "":
		what = l.say("audit.sync", s.Rows)
	case s.Sent:
		what = l.say("audit.export.sent", s.Rows, rq.auditTable(s.Table))
	case s.What == "export" && s.Rows > 0:
		what = l.say("audit.export.n", s.Rows, rq.auditTable(s.Table))
	case s.What == "export":
		what = l.say("audit.export", rq.auditTable(s.Table))
	case s.What == "history":
		what = l.say("audit.history", of)
	case s.What == "setting":
		key := "audit.set"
		if settingUnit(s.Setting) == "setting.homes.plain" {
			key = "audit.set.homes"
		}
		return l.say(key, rq.settingLabel(s.Setting), fmt.Sprint(s.From), fmt.Sprint(s.To))
	case s.What == "list":
		return l.say("audit.page.list", rq.auditTable(s.Page))
	case s.What == "page" && s.Change != "":
		return l.say("audit.page.change", rq.auditTable(s.Page))
	case s.What == "page":
		return l.say("audit.page.in", of, rq.auditTable(s.Page))
	case s.What == "delete":
		what = l.say("audit.deleted.of", of, s.Rows)
	case s.What == "link" && (s.Forget || s.Whole):
		return l.say("audit.link.forget", of)
	case s.What == "link":
		return l.say("audit.link", of)
	case s.What == "card":
		return l.say("audit.card", of)
	default:
		what = l.say("audit.page", of)
	}
	if s.Whole {
		what += l.say("audit.whole")
	}
	if s.Why != "" {
		what += l.say("audit.why", s.Why)
	}
	return what
}

// auditTable is what people call what was shown: a table, or a page.
func (rq *request) auditTable(name string) string {
	if t := rq.app.opt.Engine.Book.Table(name); t != nil {
		return t.Label.In(schema.Lang(rq.words))
	}
	for _, key := range []string{"audit.t." + name, "nav." + name} {
		if _, ok := catalogue[key]; ok {
			return rq.words.say(key)
		}
	}
	return name
}
