package pages

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"minqing/mobile-client/field"
	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// visitPage is 走访: one form for all that a visit brings, kept as a draft from the first key on.
type visitPage struct {
	frame
	*visitDraft
	Said    string // where the draft is
	Note    string // what happened to it, "" when nothing did
	Day     string // of the draft, in words
	Late    bool   // it lies before today
	Max     string // today
	DayISO  string
	Doing   []visitTask
	People  []choice
	Phrases []phrase
	More    []phrase
	Kinds   []choice
	Hows    []choice
	Pics    []visitPic
	Full    bool
	Nexts   []choice
	Round   []partRow // the further households of a round
	First   string    // whose this form is alone, in a round
	AlsoN   string
	Low     string // said while the phone is nearly full
	Bad     map[string]string
	Blames  []blame
}

type visitTask struct {
	choice
	Icon string
}

type phrase struct {
	Text string
	On   bool
}

type visitPic struct{ Hash, Path string }

// blame leads from the summary on top to a field.
type blame struct{ Name, Text string }

var visitRoutes = []route{
	{pattern: "GET /h/{id}/visit", do: showVisit},
	{pattern: "POST /h/{id}/visit", do: postVisit, body: photoBody},
	{pattern: "POST /h/{id}/visit/draft", do: draftVisit, entry: true},
	{pattern: "GET /h/{id}/visit/homes", do: showRound},
	{pattern: "POST /h/{id}/visit/homes", do: postRound},
	{pattern: "POST /h/{id}/visit/undo", do: undoVisit},
	{pattern: "GET /draft/{draft}/{hash}", do: showDraftPhoto},
}

var visitWords = words{
	"visit.title":        {ZH: "走访 {0}", EN: "Visit {0}"},
	"visit.day":          {ZH: "走访日期", EN: "Day of the visit"},
	"visit.day.today":    {ZH: "今天", EN: "Today"},
	"visit.day.late":     {ZH: "补记", EN: "recorded later"},
	"visit.day.bad":      {ZH: "请选一个日期。", EN: "Choose a day."},
	"visit.day.future":   {ZH: "走访日期不能在今天以后。", EN: "The visit cannot lie after today."},
	"visit.draft.none":   {ZH: "一写就存草稿", EN: "Kept from the first key on"},
	"visit.draft.saved":  {ZH: "草稿已存 {0}", EN: "Draft kept {0}"},
	"visit.draft.wait":   {ZH: "草稿还没存上，正在再试", EN: "Not kept yet, trying again"},
	"visit.draft.copied": {ZH: "另一个页面也写了这份草稿。两份都留着，这里是您刚写的这份，另一份在日志里。", EN: "Another page wrote to this draft too. Both are kept: this is the one you just wrote, the other is under Journal."},
	"visit.draft.other":  {ZH: "这一户还有 {0} 份草稿，在日志里。", EN: "There is {0} more draft for this home, under Journal.|There are {0} more drafts for this home, under Journal."},
	"visit.tasks":        {ZH: "做了什么", EN: "What was done"},
	"visit.met":          {ZH: "见到谁", EN: "Who was met"},
	"visit.met.other":    {ZH: "别人", EN: "Somebody else"},
	"visit.met.nobody":   {ZH: "没人", EN: "Nobody"},
	"visit.text":         {ZH: "听到、看到什么", EN: "Heard and seen"},
	"visit.text.hint":    {ZH: "写一句也行", EN: "one sentence will do"},
	"visit.phrases":      {ZH: "常用的话", EN: "Phrases"},
	"visit.nothing":      {ZH: "写一句听到、看到什么，或者选见到谁。", EN: "Write a sentence, or say who was met."},
	"visit.long":         {ZH: "太长了，最多 {0} 字。", EN: "Too long; {0} characters at most."},
	"visit.matter.add":   {ZH: "记一件事项", EN: "Raise a matter"},
	"visit.matter":       {ZH: "事项", EN: "Matter"},
	"visit.matter.drop":  {ZH: "去掉", EN: "Remove"},
	"visit.kind":         {ZH: "哪一类", EN: "Kind"},
	"visit.kind.none":    {ZH: "请选哪一类。", EN: "Choose the kind."},
	"visit.what":         {ZH: "要办什么", EN: "What is wanted"},
	"visit.title.none":   {ZH: "写一句要办什么。", EN: "Say in a sentence what is wanted."},
	"visit.title.long":   {ZH: "最多 {0} 字，超了 {1} 字。", EN: "{0} characters at most; {1} too many."},
	"visit.how":          {ZH: "怎么办", EN: "How to handle it"},
	"visit.how.village":  {ZH: "交村里办", EN: "Hand to the village"},
	"visit.how.council":  {ZH: "下次村务议政会 {0}", EN: "next council {0}"},
	"visit.how.urgent":   {ZH: "急事，马上报书记", EN: "Urgent: tell the secretary"},
	"visit.how.spot":     {ZH: "当场办好了", EN: "Handled on the spot"},
	"visit.photo":        {ZH: "拍照", EN: "Photo"},
	"visit.photos":       {ZH: "照片", EN: "Photos"},
	"visit.photos.hint":  {ZH: "可不拍，位置信息会去掉", EN: "optional; position is taken out"},
	"visit.photo.add":    {ZH: "加上照片", EN: "Add the photo"},
	"visit.photo.n":      {ZH: "照片 {0}", EN: "Photo {0}"},
	"visit.photo.drop":   {ZH: "去掉照片 {0}", EN: "Remove photo {0}"},
	"visit.photo.wrong":  {ZH: "照片打不开，请重新拍一张。", EN: "The photo cannot be read; take it again."},
	"visit.next":         {ZH: "下次再来", EN: "Next visit"},
	"visit.next.hint":    {ZH: "可不约", EN: "optional"},
	"visit.next.none":    {ZH: "不约", EN: "None"},
	"visit.next.7":       {ZH: "一周后", EN: "In a week"},
	"visit.next.14":      {ZH: "两周后", EN: "In two weeks"},
	"visit.next.date":    {ZH: "选日子", EN: "Choose a day"},
	"visit.next.day":     {ZH: "哪一天再来", EN: "Day of the next visit"},
	"visit.next.bad":     {ZH: "请选哪一天再来。", EN: "Choose the day of the next visit."},
	"visit.next.past":    {ZH: "约的日子早于走访那天。", EN: "The promised day lies before the visit."},
	"visit.round":        {ZH: "几户一起记", EN: "Several homes at once"},
	"visit.round.n":      {ZH: "连同另外 {0} 户，每户各记一次", EN: "With {0} more home, a visit each|With {0} more homes, a visit each"},
	"visit.round.text":   {ZH: "开会、集中走访时用：大家一样的写一份；见到谁、事项、照片和约的日子，每户各记各的。", EN: "For meetings: what is the same for all is written once; who was met, matters, photos and the promise are each home’s own."},
	"visit.round.homes":  {ZH: "这一轮的另外几户", EN: "The other homes of this round"},
	"visit.part.none":    {ZH: "只记大家一样的", EN: "Only what is the same for all"},
	"visit.part.met":     {ZH: "见到{0}", EN: "met {0}"},
	"visit.part.matter":  {ZH: "一件事项", EN: "a matter"},
	"visit.part.photos":  {ZH: "{0} 张照片", EN: "{0} photo|{0} photos"},
	"visit.part.next":    {ZH: "约 {0}再来", EN: "next {0}"},
	"visit.part.open":    {ZH: "单记", EN: "Add"},
	"visit.part.done":    {ZH: "记好了", EN: "Done"},
	"visit.part.text":    {ZH: "日期、做了什么、听到什么，和这一轮一起记。这里只记这一户自己的。", EN: "Day, tasks and text are the round’s. Here goes what is this home’s own."},
	"visit.part.bad":     {ZH: "{0}：{1}", EN: "{0}: {1}"},
	"visit.round.done":   {ZH: "选好了", EN: "Done"},
	"visit.discard":      {ZH: "不要这份草稿", EN: "Discard the draft"},
	"visit.saved.n":      {ZH: "{0} 户都已存在本机，有网自动上传。", EN: "{0} visits saved on this phone; they go up by themselves."},
	"visit.discarded":    {ZH: "草稿去掉了。", EN: "The draft was discarded."},
	"visit.undone":       {ZH: "撤销了，写的都回到草稿里。", EN: "Undone; what you wrote is a draft again."},
}

// starting are phrases for who has none of his own yet.
var starting = map[tongue][]string{
	"zh": {"已送医保缴费通知", "家里都好", "提醒防火防骗", "养老认证已办", "问了收成", "老人身体还好", "没有困难要反映", "讲了惠农补贴政策"},
	"en": {"Brought the health insurance notice", "All is well", "Warned of fire and fraud", "Nothing to raise", "Asked about the harvest"},
}

const (
	firstPhrases = 3
	ownPhrases   = 8
)

var taskIcons = map[string]string{"policy": "policy", "listen": "listen", "relieve": "relieve"}

// showVisit opens the newest draft of the household, the one that is asked for, or an empty form.
func showVisit(rq *request) error {
	home, err := rq.id("id")
	if err != nil {
		return err
	}
	var list []*visitDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err = drafts(v, home)
		return err
	}); err != nil {
		return err
	}
	var d *visitDraft
	others := len(list)
	for _, have := range list {
		if want := rq.FormValue("draft"); d == nil && (want == "" || want == have.ID) {
			d, others = have, others-1
		}
	}
	if rq.FormValue("of") != "" {
		if d, err = rq.findPart(home); err != nil {
			return err
		}
		others = 0
	}
	if d == nil {
		d = &visitDraft{Home: home, Day: rq.today(), How: howVillage}
		if d.ID, err = rq.app.token(); err != nil {
			return err
		}
	}
	if d.Page, err = rq.app.token(); err != nil {
		return err
	}
	d.Matter = d.Matter || rq.FormValue("matter") != ""
	p, err := rq.visitPage(d)
	if err != nil {
		return err
	}
	if others > 0 {
		p.Note = rq.words.say("visit.draft.other", others)
	}
	return rq.show("visit", p)
}

func (rq *request) said(d *visitDraft) string { return rq.saidAt(d.At) }

// visitPage puts a draft on the page.
func (rq *request) visitPage(d *visitDraft) (*visitPage, error) {
	me, err := rq.me()
	if err != nil {
		return nil, err
	}
	l := rq.words
	var h *field.Household
	var own []string
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		var ok bool
		if h, ok, err = field.OneHousehold(v, me, d.Home, rq.today(), 0); err == nil && !ok {
			err = errNotFound
		}
		if err != nil {
			return err
		}
		own, err = field.Phrases(v, me, ownPhrases)
		return err
	}); err != nil {
		return nil, err
	}
	p := &visitPage{frame: frame{Title: l.say("visit.title", l.home(h.Home)), Back: householdPath(d.Home), Shut: true, Form: true}, visitDraft: d,
		Said: rq.said(d), Day: l.say("visit.day.today"), DayISO: d.Day, Max: rq.today(), Late: d.Day < rq.today(), Full: len(d.Photos) >= mostPhotos, Low: rq.lowSpace()}
	if d.Day != rq.today() {
		p.Day = l.date(d.Day, rq.now)
	}
	for _, o := range rq.replica.Book().Table("visit").Column("tasks").Options {
		p.Doing = append(p.Doing, visitTask{choice{o.Value, o.Label.In(schema.Lang(l)), slices.Contains(d.Tasks, o.Value)}, taskIcons[o.Value]})
	}
	for _, x := range h.People {
		p.People = append(p.People, choice{string(x.ID), x.Name, slices.Contains(d.Met, string(x.ID))})
	}
	for _, x := range []string{metOther, metNobody} {
		p.People = append(p.People, choice{x, l.say("visit.met." + x), slices.Contains(d.Met, x)})
	}
	p.phrases(append(own, starting[l]...))
	for _, o := range rq.replica.Book().Table("matter").Column("kind").Options {
		label := o.Label.In(schema.Lang(l))
		if l == "zh" {
			label = strings.TrimSuffix(strings.TrimPrefix(label, "矛盾"), "建议") // two characters each, as people say
		}
		p.Kinds = append(p.Kinds, choice{o.Value, label, d.Kind == o.Value})
	}
	for _, how := range []string{howVillage, howUrgent, howSpot} {
		p.Hows = append(p.Hows, choice{how, l.say("visit.how." + how), d.How == how})
	}
	for _, hash := range d.Photos {
		p.Pics = append(p.Pics, visitPic{hash, "/draft/" + d.ID + "/" + hash})
	}
	for _, n := range []string{"", "7", "14", nextDate} {
		c := choice{Value: n, Label: l.say("visit.next." + map[bool]string{true: "none", false: n}[n == ""]), On: d.Next == n}
		p.Nexts = append(p.Nexts, c)
	}
	if d.Of != "" {
		p.Back = (&visitDraft{Home: d.Of, ID: d.ID}).path()
	}
	if n := len(d.Homes); n > 0 {
		p.AlsoN, p.First = l.say("visit.round.n", n), l.home(h.Home)
		p.Round, err = rq.partRows(d)
	}
	return p, err
}

// Council is the day of the next village council: the 20th (DOMAIN B2).
func (p *visitPage) Council() string {
	const councilDay = 20
	day := p.Shell.Now
	at := time.Date(day.Year(), day.Month(), councilDay, 0, 0, 0, 0, time.UTC)
	if day.Day() > councilDay {
		at = at.AddDate(0, 1, 0)
	}
	return at.Format(time.DateOnly)
}

// Promise is the day that is promised, "" for none.
func (p *visitPage) Promise() string { return p.promised() }

func (p *visitPage) phrases(list []string) {
	seen := map[string]bool{}
	for _, text := range list {
		if seen[text] {
			continue
		}
		seen[text] = true
		if ph := (phrase{text, hasPhrase(p.Text, text)}); len(p.Phrases) < firstPhrases {
			p.Phrases = append(p.Phrases, ph)
		} else {
			p.More = append(p.More, ph)
		}
	}
}

// hasPhrase tells whether a text holds a phrase as a sentence; toggle writes it, or takes it out.
func hasPhrase(text, phrase string) bool { return strings.Contains(text, phrase+"。") }

func toggle(text, phrase string) string {
	if hasPhrase(text, phrase) {
		return strings.Replace(text, phrase+"。", "", 1)
	}
	if text = strings.TrimRight(text, " \n"); text != "" && !strings.ContainsAny(text[len(text)-1:], ".!?") && !slices.ContainsFunc([]string{"。", "！", "？", "；"},
		func(end string) bool { return strings.HasSuffix(text, end) }) {
		text += "。"
	}
	return text + phrase + "。"
}

// draftVisit keeps what the script sends after every change.
func draftVisit(rq *request) error {
	home, err := rq.id("id")
	if err != nil {
		return err
	}
	if err := rq.ParseForm(); err != nil {
		return err
	}
	d, err := rq.readVisit(home, rq.PostForm)
	if err != nil {
		return err
	}
	copied, gone, err := rq.keepDraft(d)
	if err != nil {
		return err
	}
	said := rq.said(d)
	if gone {
		said = rq.words.say("saved")
	}
	note := ""
	if copied {
		note = rq.words.say("visit.draft.copied")
	}
	rq.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(rq.w).Encode(map[string]any{"draft": d.ID, "rev": d.Rev, "said": said, "note": note})
}

// postVisit is every button of the form: it keeps the draft first, then does what the button says.
func postVisit(rq *request) error {
	home, err := rq.id("id")
	if err != nil {
		return err
	}
	f, taken, wrong := rq.pictures()
	if f == nil || !f.Has("draft") {
		if wrong == nil {
			wrong = damagedForm(nil)
		}
		return wrong
	}
	d, err := rq.readVisit(home, f)
	if err != nil {
		return err
	}
	do, arg, _ := strings.Cut(f.Get("do"), ":")
	switch do {
	case "matter":
		d.Matter = true
	case "nomatter":
		d.Matter, d.Kind, d.What = false, "", ""
	case "phrase":
		d.Text = toggle(d.Text, arg)
	case "unphoto":
		d.Photos = slices.DeleteFunc(d.Photos, func(h string) bool { return h == arg })
	case "undrop":
		if err := rq.undropPhotos(); err != nil {
			return err
		}
	}
	for _, p := range taken {
		if len(d.Photos) < mostPhotos && !slices.Contains(d.Photos, p.Hash) {
			if err := rq.keepPhoto(d.ID, p); err != nil {
				return err
			}
			d.Photos = append(d.Photos, p.Hash)
		}
	}
	copied, gone, err := rq.keepDraft(d)
	if err == nil && len(taken) > 0 {
		rq.phone.Taken()
	}
	switch {
	case err != nil:
		return err
	case gone:
		rq.toast("saved")
		return rq.see(householdPath(home))
	case d.Of != "" && (do == "save" || do == "") && wrong == nil:
		return rq.see((&visitDraft{Home: d.Of, ID: d.ID}).path())
	case do == "part":
		return rq.see((&visitDraft{Home: syncproto.RowID(arg), ID: d.ID, Of: d.Home}).path())
	case (do == "save" || do == "") && wrong == nil:
		return rq.saveVisit(d)
	case do == "undrop":
		return rq.see(d.path())
	case do == "homes":
		return rq.see(visitPath(home) + "/homes?draft=" + d.ID)
	case do == "discard":
		if err := rq.discardVisit(d); err != nil {
			return err
		}
		fields := f
		fields.Set("do", "undrop") // back into the draft, and not saved
		rq.undoable(visitPath(home), fields, "visit.discarded")
		if d.Of != "" {
			return rq.see((&visitDraft{Home: d.Of, ID: d.ID}).path())
		}
		return rq.see(householdPath(home))
	}
	if do == "unphoto" && !copied { // a copy has its own; the other draft keeps its picture
		if err := rq.replica.PutLocal(rq.Context(), photoKey(d.ID, arg), nil); err != nil {
			return err
		}
	}
	p, err := rq.visitPage(d)
	if err != nil {
		return err
	}
	if copied {
		p.Note = rq.words.say("visit.draft.copied")
	}
	if wrong != nil {
		return rq.blameVisit(p, map[string]string{"photo": rq.words.say("visit.photo.wrong")})
	}
	return rq.show("visit", p)
}

// blameVisit shows the form with what has to be mended at its fields.
func (rq *request) blameVisit(p *visitPage, bad map[string]string) error {
	p.Bad = bad
	for _, name := range []string{"day", "text", "kind", "title", "photo", "next"} {
		if bad[name] != "" {
			p.Blames = append(p.Blames, blame{name, bad[name]})
		}
	}
	for _, r := range p.Round {
		if text := bad["part-"+string(r.ID)]; text != "" {
			p.Blames = append(p.Blames, blame{"part-" + string(r.ID), text})
		}
	}
	return rq.again("visit", p)
}

func showDraftPhoto(rq *request) error {
	if !isToken(rq.PathValue("draft")) {
		return errNotFound
	}
	p, err := rq.draftPhoto(rq.PathValue("draft"), rq.PathValue("hash"))
	if err != nil {
		return err
	}
	return rq.image(p.Thumb)
}

// image answers with a picture that this program made.
func (rq *request) image(jpeg []byte) error {
	rq.w.Header().Set("Content-Type", photos.Media)
	rq.w.WriteHeader(http.StatusOK)
	_, err := rq.w.Write(jpeg)
	rq.lost(err)
	return nil
}
