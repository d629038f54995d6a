package console

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// assignPage chooses households and who is to contact them, and shows what that would do.
type assignPage struct {
	frame
	Large   bool // too many households: Below are the places to choose from
	Below   []placeLink
	Post    string
	Order   assign.Order
	Err     map[string]string
	Ground  *assign.Ground
	Groups  []groupPick
	Teams   []choice
	People  []assignPerson
	Plan    *planView
	Changed bool // something changed since the preview that was agreed to
	Last    []doneLine
}

type groupPick struct {
	assign.Group
	On bool
}

type choice struct{ Value, Label string }

type assignPerson struct {
	assign.Contact
	Text string // how many households, by team
}

// planView is a preview in words.
type planView struct {
	*assign.Plan
	Text   string
	People []personView
	Cards  bool
}

type personView struct {
	*assign.Person
	Phones []phoneView
	Count  string // what he has then, of how many
}

type phoneView struct {
	assign.Phone
	Contact time.Time
}

type doneLine struct {
	Path, Text, By string
	At             time.Time
	Undone         bool
}

var assignHandlers = map[string]handler{
	"GET /at/{place}/assign":             showAssign,
	"POST /at/{place}/assign":            doAssign,
	"GET /at/{place}/assign/{row}":       showAssigned,
	"POST /at/{place}/assign/{row}/undo": undoAssigned,
	"GET /at/{place}/assign/{row}/cards": printAssigned,
}

var assignWords = words{
	"nav.assign":         {ZH: "分派", EN: "Assignments"},
	"assign.sub":         {ZH: "{0} 户，{1} 户没有人联系", EN: "{0} household, {1} without anybody|{0} households, {1} without anybody"},
	"assign.way":         {ZH: "做什么", EN: "What to do"},
	"assign.way.give":    {ZH: "派给他", EN: "Give"},
	"assign.way.take":    {ZH: "收回", EN: "Take back"},
	"assign.way.move":    {ZH: "换人", EN: "Hand over"},
	"assign.from":        {ZH: "从谁那里（登录名）", EN: "From whom (login)"},
	"assign.from.t":      {ZH: "收回和换人时填", EN: "for taking back and handing over"},
	"assign.to":          {ZH: "给谁（登录名）", EN: "To whom (login)"},
	"assign.to.t":        {ZH: "派给和换人时填", EN: "for giving and handing over"},
	"assign.team":        {ZH: "队伍", EN: "Team"},
	"assign.team.any":    {ZH: "不论（收回时）", EN: "any (taking back)"},
	"assign.since":       {ZH: "从哪天起", EN: "From what day"},
	"assign.since.t":     {ZH: "不填就是今天", EN: "today when left empty"},
	"assign.how":         {ZH: "哪些户", EN: "Which households"},
	"assign.how.all":     {ZH: "他在这里的所有户", EN: "All that he has here"},
	"assign.how.groups":  {ZH: "按组、按楼栋", EN: "By group or building"},
	"assign.how.list":    {ZH: "按户号", EN: "By code"},
	"assign.how.nobody":  {ZH: "这个队没人联系的，按户号往下", EN: "The next that nobody of the team has, by code"},
	"assign.how.near":    {ZH: "户号离得最近的，队里没人联系的", EN: "Those nearest by code that nobody of the team has"},
	"assign.pick.groups": {ZH: "选组", EN: "Choose groups"},
	"assign.pick.list":   {ZH: "贴户号，或者选表格", EN: "Paste codes, or choose a file"},
	"assign.group":       {ZH: "{0}（{1} 户，{2} 户没人）", EN: "{0} ({1}, {2} without anybody)"},
	"assign.codes":       {ZH: "户号，一行一个，逗号空格隔开也行", EN: "Codes, one a line; commas and blanks will do"},
	"assign.file":        {ZH: "或者选一个有户号一栏的表格（.xlsx、CSV）", EN: "or a workbook or CSV with a column of codes"},
	"assign.n":           {ZH: "几户", EN: "How many"},
	"assign.near":        {ZH: "离哪一户（户号）", EN: "Nearest to which (code)"},
	"assign.preview":     {ZH: "看看会怎样", EN: "See what it would do"},
	"assign.preview.t":   {ZH: "先看，不动。", EN: "Nothing is done yet."},
	"assign.title":       {ZH: "会怎样", EN: "What it would do"},
	"assign.does.give":   {ZH: "把 {0} 户派给{1}（{3}），从{4}起。", EN: "Give {0} household to {1} ({3}), from {4}.|Give {0} households to {1} ({3}), from {4}."},
	"assign.does.take":   {ZH: "收回{2}的 {0} 户（{3}），从{4}起。", EN: "Take {0} household back from {2} ({3}), from {4}.|Take {0} households back from {2} ({3}), from {4}."},
	"assign.does.list":   {ZH: "按表格派 {0} 户。", EN: "Assign {0} household by the file.|Assign {0} households by the file."},
	"assign.does.move":   {ZH: "把{2}的 {0} 户换给{1}（{3}），从{4}起。", EN: "Hand {0} household of {2} over to {1} ({3}), from {4}.|Hand {0} households of {2} over to {1} ({3}), from {4}."},
	"assign.left":        {ZH: "另有 {0} 户本来就是他的，不动。", EN: "{0} more is his already.|{0} more are his already."},
	"assign.who":         {ZH: "谁", EN: "Who"},
	"assign.phone":       {ZH: "手机", EN: "Phone"},
	"assign.gains":       {ZH: "多出", EN: "Gains"},
	"assign.loses":       {ZH: "退出", EN: "Loses"},
	"assign.sum":         {ZH: "{0} 户 {1} 条", EN: "{0} household, {1} rows|{0} households, {1} rows"},
	"assign.unsent":      {ZH: "还没交的", EN: "Unsent"},
	"assign.nophone":     {ZH: "没有手机", EN: "no phone"},
	"assign.then":        {ZH: "这个队共", EN: "In the team then"},
	"assign.then.n":      {ZH: "{0} 户", EN: "{0} household|{0} households"},
	"assign.then.over":   {ZH: "{0} 户，超过 {1} 户", EN: "{0} household, over {1}|{0} households, over {1}"},
	"assign.waits":       {ZH: "要退出的手机上还有 {0} 条没交（手机自己说的）。交上来照样算数，一条不少。", EN: "{0} edit waits on phones that lose something (as they last said). It still counts when it comes; nothing is lost.|{0} edits wait on phones that lose something (as they last said). They still count when they come; nothing is lost."},
	"assign.nobody":      {ZH: "{0} 户会没有人联系：", EN: "{0} household is left to nobody:|{0} households are left to nobody:"},
	"assign.nobody.more": {ZH: "等", EN: "and more"},
	"assign.over":        {ZH: "{0}会有 {1} 户，规定是 {2} 户。", EN: "{0} would have {1} households; the number is {2}."},
	"assign.cards":       {ZH: "没有联系卡的户会自动发卡，做完可以一起打印。", EN: "Households without a contact card get one; print them all afterwards."},
	"assign.do":          {ZH: "就这样做", EN: "Do it"},
	"assign.changed":     {ZH: "您看的时候情况变了，还没有动。下面是现在会怎样，请再看一遍。", EN: "Things changed while you looked, and nothing was done. This is what it would do now; look again."},
	"assign.people":      {ZH: "这里的联系人", EN: "Contacts here"},
	"assign.people.none": {ZH: "这里还没有能联系户的人。", EN: "Nobody here could contact a household yet."},
	"assign.people.more": {ZH: "另有 {0} 人", EN: "{0} more"},
	"assign.homes.team":  {ZH: "{0} {1} 户", EN: "{0}: {1}"},
	"assign.last":        {ZH: "最近做过的", EN: "Done lately"},
	"assign.was.give":    {ZH: "派给{1} {0} 户", EN: "{0} household to {1}|{0} households to {1}"},
	"assign.was.take":    {ZH: "收回{2} {0} 户", EN: "{0} household back from {2}|{0} households back from {2}"},
	"assign.was.move":    {ZH: "{2}的 {0} 户换给{1}", EN: "{0} household from {2} to {1}|{0} households from {2} to {1}"},
	"assign.was.list":    {ZH: "按表格派 {0} 户", EN: "{0} household by a file|{0} households by a file"},
	"assign.undone":      {ZH: "撤回了", EN: "taken back"},
	"assign.stands":      {ZH: "已做好", EN: "done"},
	"assign.by":          {ZH: "谁做的", EN: "Done by"},
	"assign.issued":      {ZH: "新发联系卡", EN: "Cards issued"},
	"assign.issued.n":    {ZH: "{0} 张", EN: "{0}"},
	"assign.print":       {ZH: "打印这些户的联系卡", EN: "Print the contact cards"},
	"assign.again":       {ZH: "再派", EN: "Assign more"},
	"assign.undo":        {ZH: "撤回会怎样", EN: "What taking it back would do"},
	"assign.undo.t":      {ZH: "派出的收回来，收回的还回去，和没做过一样。新发的联系卡留着。", EN: "What was given is taken back and what was taken is returned, as if it had not been done. Contact cards stay."},
	"assign.undo.later":  {ZH: "其中 {0} 条后来有人又改过，撤回以后要在冲突处理里定。", EN: "{0} of them was changed since; taken back, it waits on the conflict desk.|{0} of them were changed since; taken back, they wait on the conflict desk."},
	"assign.undo.do":     {ZH: "撤回", EN: "Take it back"},
	"assign.said":        {ZH: "做好了，手机下次联网就会变。", EN: "Done; the phones follow at their next contact."},
	"assign.took":        {ZH: "撤回了，手机下次联网就会变。", EN: "Taken back; the phones follow at their next contact."},
	"assign.large":       {ZH: "选一个地方来派", EN: "Choose a place to assign in"},
	"assign.large.t":     {ZH: "{0}有 {1} 户以上，请到下面的地方去派。", EN: "{0} has more than {1} households; choose a place below."},
	"assign.nofile":      {ZH: "表格里没有找到户号这一栏。", EN: "The file has no column of codes."},
	"assign.noneyet":     {ZH: "还没有户", EN: "No households yet"},
	"assign.noneyet.t":   {ZH: "先导入花名册，再来分派。", EN: "Import the register first."},
	"cards.title":        {ZH: "联系卡", EN: "Contact cards"},
	"cards.sub":          {ZH: "A6，一张 A4 纸四张", EN: "A6, four on an A4 page"},
	"cards.home":         {ZH: "{0}家", EN: "{0}'s home"},
	"cards.heading":      {ZH: "民情联系卡", EN: "Contact card"},
	"cards.qr":           {ZH: "这一户的二维码", EN: "The household's QR code"},
	"cards.scan":         {ZH: "扫一扫：找谁、反映的事办到哪一步", EN: "Scan: whom to call, and what became of what you raised"},
	"cards.nobody":       {ZH: "请找村里", EN: "Ask the village"},
	"cards.none":         {ZH: "没有要打印的卡", EN: "No cards to print"},
	"cards.none.t":       {ZH: "这些户还没有联系卡。", EN: "These households have no contact card yet."},
	"cards.print":        {ZH: "用浏览器的打印（Ctrl+P），纸张选 A4。", EN: "Print from the browser (Ctrl+P), on A4."},
	"cards.more":         {ZH: "后面还有", EN: "More cards"},
}

// orderOf reads an order from a form or an address.
func orderOf(q url.Values) assign.Order {
	n, err := strconv.Atoi(strings.TrimSpace(q.Get("n")))
	if err != nil {
		n = 10
	}
	o := assign.Order{Way: q.Get("way"), From: strings.TrimSpace(q.Get("from")), To: strings.TrimSpace(q.Get("to")), Team: q.Get("team"), Since: strings.TrimSpace(q.Get("since")), How: q.Get("how"),
		Groups: q["group"], Codes: q.Get("codes"), N: n, Near: q.Get("near")}
	if o.Way == "" {
		o.Way = assign.Give
	}
	if o.How == "" {
		o.How = assign.Nobody
	}
	return o
}

// assignPage reads what there is to choose from; plan, if wanted, is reckoned in the same snapshot.
func (rq *request) assignPage(o assign.Order, preview bool) (*assignPage, error) {
	p := &assignPage{frame: frame{Title: rq.words.say("nav.assign"), Nav: "assign"}, Post: rq.at("/assign"), Order: o, Err: map[string]string{}}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		fits, n, below, err := assign.Fits(tx, rq.place.ID)
		if err != nil {
			return err
		}
		p.Below, p.Large, p.Plan = nil, !fits, nil
		if !fits {
			for _, b := range below {
				p.Below = append(p.Below, placeLink{Name: b.Name, Path: "/at/" + b.ID + "/assign"})
			}
			return nil
		}
		if p.Ground, err = assign.Look(tx, rq.place.ID, rq.today()); err != nil {
			return err
		}
		p.Sub = rq.words.say("assign.sub", n, p.Ground.Nobody)
		last, err := assign.Last(tx, rq.place.ID)
		if err != nil {
			return err
		}
		p.Last = nil
		for _, d := range last {
			p.Last = append(p.Last, rq.doneLine(d))
		}
		if !preview {
			return nil
		}
		plan, err := assign.Preview(tx, rq.place.ID, rq.today(), o)
		return rq.planned(p, plan, err)
	})
	if err == nil && p.Ground != nil {
		rq.assignChoices(p)
	}
	return p, err
}

// planned puts a plan, or what is wrong with the order, on the page.
func (rq *request) planned(p *assignPage, plan *assign.Plan, err error) error {
	if err == nil {
		p.Plan = rq.planView(plan)
		return nil
	}
	problems, ok := assign.Problems(err)
	for _, x := range problems {
		p.Err[x.Field] = x.Text.In(schema.Lang(rq.words))
	}
	if !ok {
		return err
	}
	return nil
}

func (rq *request) assignChoices(p *assignPage) {
	team := rq.app.opt.Engine.Book.Table("assignment").Column("team")
	for _, o := range team.Options {
		p.Teams = append(p.Teams, choice{o.Value, o.Label.In(schema.Lang(rq.words))})
	}
	on := map[string]bool{}
	for _, g := range p.Order.Groups {
		on[g] = true
	}
	for _, g := range p.Ground.Groups {
		p.Groups = append(p.Groups, groupPick{g, on[g.ID]})
	}
	for _, c := range p.Ground.People {
		x := assignPerson{Contact: c}
		var parts []string
		for _, t := range p.Teams {
			if n := c.Teams[t.Value]; n > 0 {
				parts = append(parts, rq.words.say("assign.homes.team", t.Label, n))
			}
		}
		x.Text = schema.Lang(rq.words).Join(parts)
		p.People = append(p.People, x)
	}
}

func (rq *request) planView(plan *assign.Plan) *planView {
	o := plan.Order
	day := o.Since
	if day == "" {
		day = rq.today()
	}
	name := func(login string) string {
		for _, x := range plan.People {
			if x.Login == schema.NormalizeCode(login) {
				return x.Name
			}
		}
		return login
	}
	v := &planView{Plan: plan, Cards: o.Way != assign.Take, Text: rq.words.say("assign.does."+o.Way, plan.Count, name(o.To), name(o.From), rq.teamWord(o.Team), rq.words.date(day, rq.now))}
	for _, x := range plan.People {
		w := personView{Person: x}
		for _, d := range x.Phones {
			ph := phoneView{Phone: d}
			if ph.Label == "" {
				ph.Label = rq.words.say("device.nolabel")
			}
			if d.Contact > 0 {
				ph.Contact = time.UnixMilli(d.Contact).In(rq.app.zone)
			}
			w.Phones = append(w.Phones, ph)
		}
		if w.Count = rq.words.say("assign.then.n", x.Has); x.Over {
			w.Count = rq.words.say("assign.then.over", x.Has, x.Number)
		}
		v.People = append(v.People, w)
	}
	return v
}

// teamWord is what people call a team; every team for "".
func (rq *request) teamWord(team string) string {
	if team == "" {
		return rq.words.say("assign.team.any")
	}
	return rq.app.opt.Engine.Book.Table("assignment").Column("team").Show(schema.Text(team), schema.Lang(rq.words), nil)
}

func (rq *request) doneLine(d *assign.Done) doneLine {
	return doneLine{Path: rq.at("/assign/" + d.ID), Text: rq.words.say("assign.was."+d.Order.Way, len(d.Homes), d.To, d.From), By: d.ByName, At: time.UnixMilli(d.At).In(rq.app.zone), Undone: d.Undone()}
}

func showAssign(rq *request) error {
	p, err := rq.assignPage(orderOf(rq.URL.Query()), rq.URL.Query().Get("preview") == "1")
	if err != nil {
		return err
	}
	return rq.show("assign", p)
}

// doAssign previews an order, or does what was previewed.
func doAssign(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	o := orderOf(f)
	fileProblem, err := rq.codesOfFile(&o)
	if err != nil {
		return err
	}
	if shown := f.Get("shown"); f.Get("do") == "go" && shown != "" {
		return rq.doOrder(o, shown)
	}
	p, err := rq.assignPage(o, fileProblem == "")
	if err != nil {
		return err
	}
	if fileProblem != "" {
		p.Err["codes"] = fileProblem
	}
	if p.Plan == nil {
		return rq.again("assign", p)
	}
	return rq.show("assign", p)
}

func (rq *request) doOrder(o assign.Order, shown string) error {
	var id string
	var plan *assign.Plan
	err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
		id, plan, err = assign.Do(tx, &admin.Desk{E: rq.app.opt.Engine, As: rq.session.User.Login}, rq.user(), rq.place.ID, rq.today(), o, shown)
		return err
	})
	if _, known := assign.Problems(err); err != nil && !known {
		return err
	}
	if err != nil || id == "" {
		p, err2 := rq.assignPage(o, err != nil)
		if err2 != nil {
			return err2
		}
		if p.Changed = true; err == nil {
			p.Plan = rq.planView(plan)
		}
		return rq.again("assign", p)
	}
	rq.toast("assign.said")
	return rq.see(rq.at("/assign/" + id))
}

// codesOfFile puts the codes of a workbook that came along into the order's list.
func (rq *request) codesOfFile(o *assign.Order) (problem string, err error) {
	if rq.MultipartForm == nil || len(rq.MultipartForm.File["file"]) == 0 {
		return "", nil
	}
	head := rq.MultipartForm.File["file"][0]
	if head.Size == 0 {
		return "", nil
	}
	in, err := head.Open()
	if err != nil {
		return "", err
	}
	defer in.Close() // reading is over: nothing is lost by its error
	o.How = assign.List
	codes, err := register.ReadCodes(rq.app.opt.Engine.Book, head.Filename, in, head.Size, sheet.Limits{Packed: rq.route.body, Rows: assign.MostHomes})
	if err != nil {
		if text, ok := rq.sentence(err); ok {
			return text, nil
		}
		var e *syncproto.Error
		if errors.As(err, &e) {
			return rq.words.say("assign.nofile"), nil
		}
		return "", err
	}
	o.Codes = strings.TrimSpace(o.Codes + "\n" + strings.Join(codes, "\n"))
	return "", nil
}
