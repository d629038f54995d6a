package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/console/account"
	"minqing/server/console/card"
	"minqing/server/store"
	"minqing/syncproto"
)

// residentPage is what a contact card's QR code opens. Card is nil when it opens nothing; Wait is set when the address tried too many that open nothing.
type residentPage struct {
	frame
	Card     *card.Card
	Contacts []cardContact
	Matters  []cardMatter
	Next     string
	Board    []cardTally
	Other    cardTongue // the other language
	Wait     int
	Once     string   // of the forms
	From     string   // where this page of matters begins
	Told     bool     // something was said just now
	Left     string   // that messages were left
	Bad      *cardBad // what was said and not taken
	Marks    []cardMark
}

// cardBad is what somebody said that was not taken, and why: of a matter by its code, or a message.
type cardBad struct{ Matter, Mark, Text, Field, Error string }

// cardMark is one of the opinions to choose from.
type cardMark struct{ Value, Label string }

type cardContact struct {
	card.Contact
	Team, Number string
	First        bool
}

type cardMatter struct {
	card.Matter
	Four      []cardStage
	Withdrawn bool
	Asks      bool   // what the household thinks of its answer
	Opinion   string // that it has told
}

// cardTally is a line of the village's board.
type cardTally struct {
	card.Tally
	Label string
}

type cardStage struct {
	N               int
	Name, Word, Day string
	State           string
}

// cardTongue is the link to the page in the other language: what follows the address of the page itself.
type cardTongue struct{ Tag, Name, Query string }

var residentWords = words{
	"card.title":      {ZH: "民情联系卡", EN: "Contact card"},
	"card.yours":      {ZH: "您家的联系人", EN: "Who your household may call"},
	"card.nobody":     {ZH: "现在没有人联系您家，请直接找村委。", EN: "Nobody contacts your household at present; please ask at the village office."},
	"card.nophone":    {ZH: "没有留电话", EN: "No telephone given"},
	"card.matters":    {ZH: "您家反映的事", EN: "What your household raised"},
	"card.nomatters":  {ZH: "还没有记下的事。有事找上面的联系人。", EN: "Nothing has been noted down yet. Call somebody above."},
	"card.raised":     {ZH: "{0}反映的事", EN: "Raised on {0}"},
	"card.board":      {ZH: "{0}今年的事", EN: "{0} this year"},
	"card.board.t":    {ZH: "全村各户反映的合在一起数，不分是哪一户。", EN: "What all households of the village raised, counted together."},
	"card.kind":       {ZH: "哪一类", EN: "Kind"},
	"card.n.raised":   {ZH: "反映", EN: "Raised"},
	"card.n.handled":  {ZH: "办好", EN: "Handled"},
	"card.n.answered": {ZH: "答复", EN: "Answered"},
	"card.undated":    {ZH: "反映的事", EN: "A matter raised"},
	"card.withdrawn":  {ZH: "已撤回", EN: "Withdrawn"},
	"card.answer":     {ZH: "答复", EN: "Answer"},
	"card.older":      {ZH: "更早的", EN: "Earlier ones"},
	"card.serial":     {ZH: "编号 {0}", EN: "No. {0}"},
	"card.foot":       {ZH: "本页不显示任何人的身份证号和住址，事情只写标题，不写经过。不用登录就能看，可以打印。打开过会记下时间，不记是谁打开的。卡丢了请告诉村里，马上停用。", EN: "This page shows nobody's ID number or address, and of what was raised the title alone. It needs no sign-in and can be printed. That it was opened is noted, not by whom. If the card is lost, tell the village: it can be withdrawn at once."},
	"card.gone":       {ZH: "这张卡打不开", EN: "This card opens nothing"},
	"card.gone.text":  {ZH: "可能已经停用，或者地址抄错了一个字。请找村里看一看，补一张。", EN: "It may have been withdrawn, or a letter of the address is wrong. Ask the village for another."},
	"card.wait":       {ZH: "这个地址打不开，请等一会儿再试", EN: "This address opens nothing; please wait a moment"},
	"card.wait.text":  {ZH: "这个网络里打不开的地址试得太多，请等 {0} 秒再试别的。没停用的卡照样打得开。", EN: "Too many wrong addresses were tried from this network; wait {0} second before trying another. A card in use opens all the same.|Too many wrong addresses were tried from this network; wait {0} seconds before trying another. A card in use opens all the same."},
	"card.ask":        {ZH: "这个答复您满意吗？", EN: "Are you satisfied with this answer?"},
	"card.ask.again":  {ZH: "改一改", EN: "Change it"},
	"card.opinion":    {ZH: "您的评价：{0}，{1}", EN: "You said: {0}, {1}"},
	"card.why":        {ZH: "想说的话（可不写）", EN: "In your own words (optional)"},
	"card.send":       {ZH: "交上去", EN: "Send"},
	"card.message":    {ZH: "给联系人留言", EN: "Leave a message"},
	"card.message.t":  {ZH: "联系您家的人和支部书记看得到，本页不显示。急事请直接打电话。", EN: "Those who contact you and the branch secretary read it; this page does not show it. If it is urgent, please call."},
	"card.message.w":  {ZH: "要说的话，最多 500 字", EN: "Your message, up to 500 characters"},
	"card.told":       {ZH: "收到了。联系您家的人手机一同步就看到。", EN: "Received. Those who contact you see it with the next sync of their phones."},
	"card.left":       {ZH: "您留过 {0} 次话，最近一次 {1}，都送到了。", EN: "You left {0} message, the last on {1}; it was delivered.|You left {0} messages, the last on {1}; all were delivered."},
	"card.is.record":  {ZH: "记下了", EN: "Noted"},
	"card.is.discuss": {ZH: "议过了", EN: "Discussed"},
	"card.is.handle":  {ZH: "办好了", EN: "Handled"},
	"card.is.answer":  {ZH: "答复了", EN: "Answered"},
	"card.to.record":  {ZH: "在记", EN: "Being noted"},
	"card.to.discuss": {ZH: "在议", EN: "Being discussed"},
	"card.to.handle":  {ZH: "在办", EN: "Being handled"},
	"card.to.answer":  {ZH: "等答复", EN: "Answer to come"},
}

var residentHandlers = map[string]handler{"GET /c/{serial}": showResident, "POST /c/{serial}": sayResident}

// guessCards is what wrong serials are counted under.
const guessCards = "contact card"

// showResident answers whoever holds a card. What is unknown, withdrawn and malformed takes one way through the same look-ups to the same
// bytes. That a card was opened is on record, in a chain of the place: once an hour, and without a word of who holds it.
func showResident(rq *request) error {
	p, done, err := rq.openCard(rq.URL.Query().Get("from"))
	if done || err != nil {
		return err
	}
	p.Told = rq.URL.Query().Get("said") == "1"
	return rq.show("resident", p)
}

// openCard makes the page of the card in the address; done tells that the answer is given: there is no such card.
func (rq *request) openCard(from string) (p *residentPage, done bool, err error) {
	if lang := rq.URL.Query().Get("lang"); lang == string(schema.ZH) || lang == string(schema.EN) {
		rq.words = tongue(lang)
	}
	p = &residentPage{frame: frame{Title: rq.words.say("card.title"), Bare: true, Wide: true}, From: from}
	p.Other = cardTongue{Tag: "en", Name: "English", Query: "?lang=en"}
	if rq.words == tongue(schema.EN) {
		p.Other = cardTongue{Tag: "zh-CN", Name: "中文", Query: "?lang=zh"}
	}
	// Neither search engines nor what fetches previews of links is to keep it. The policy of all pages sends the address, which opens the page, to
	// nobody else; with none at all old browsers would send the page's forms as if they came from elsewhere.
	rq.w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet")
	rq.w.Header().Set("Cache-Control", "private, no-store")

	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		p.Card, err = card.Open(tx, rq.PathValue("serial"), rq.today(), from)
		return err
	}); err != nil {
		return nil, true, err
	}
	if p.Card == nil { // only what opens nothing is counted, and told to wait: a card that is good is answered whatever others tried
		wait, err := rq.hasToWait(rq.app.opt.Accounts.Guessed(rq.Context(), guessCards, account.Client{Address: rq.address()}))
		if err != nil {
			return nil, true, err
		}
		status := http.StatusNotFound
		if p.Wait = wait; wait > 0 {
			status = http.StatusTooManyRequests
		}
		return nil, true, rq.answer(status, "resident", p)
	}
	if err := rq.noteSeen(seen{What: "card", Page: "card", Table: "household", Row: syncproto.RowID(p.Card.Home())}); err != nil {
		return nil, true, err
	}
	if p.Once, err = syncproto.NewID(rq.now.UnixMilli(), rq.app.rand()); err != nil {
		return nil, true, err
	}
	p.fill(rq)
	return p, false, nil
}

// hasToWait reads an error that says when to come again, in seconds, and tells the browser; any other stays one.
func (rq *request) hasToWait(err error) (seconds int, other error) {
	var e *syncproto.Error
	if err == nil || !errors.As(err, &e) || e.Code != syncproto.CodeBusy {
		return 0, err
	}
	rq.noteRetry(err)
	return max(1, e.RetryAfter), nil
}

// sayResident takes what a household says of an answer, or to those who contact it. What cannot be taken stands in its form again.
func sayResident(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, done, err := rq.openCard(f.Get("from"))
	if done || err != nil {
		return err
	}
	w := card.Word{Once: f.Get("once"), Matter: f.Get("matter"), Mark: f.Get("mark"), Text: strings.TrimSpace(f.Get("text"))}
	p.Bad = &cardBad{Matter: w.Matter, Mark: w.Mark, Text: f.Get("text")}
	busy := rq.app.opt.Accounts.Says(rq.Context(), guessCards, p.Card.Serial, account.Client{Address: rq.address()})
	if busy == nil {
		busy = rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
			p.Bad.Field, err = p.Card.Say(tx, rq.app.opt.Engine.Judge, w, rq.today())
			return err
		})
	}
	if busy == nil {
		to := url.Values{"said": {"1"}, "lang": {string(rq.words)}}
		if from := f.Get("from"); from != "" {
			to.Set("from", from)
		}
		return rq.see("/c/" + p.Card.Serial + "?" + to.Encode() + "#said")
	}
	text, ok := rq.sentence(busy)
	if !ok {
		return busy
	}
	p.Bad.Error = text
	wait, _ := rq.hasToWait(busy)
	if p.Bad.Field == "" {
		p.Bad.Field = "text"
	}
	if known := slices.ContainsFunc(p.Matters, func(m cardMatter) bool { return m.Code == w.Matter && m.Asks }); !known { // its form is gone: the words go into that of a message
		p.Bad.Matter, p.Bad.Field = "", "text"
	}
	if wait > 0 {
		return rq.answer(http.StatusTooManyRequests, "resident", p)
	}
	return rq.again("resident", p)
}

// fill says what the card holds in the words of the language.
func (p *residentPage) fill(rq *request) {
	l, book := rq.words, rq.app.opt.Engine.Book
	teams := book.Table("assignment").Column("team")
	for i, c := range p.Card.Contacts {
		p.Contacts = append(p.Contacts, cardContact{Contact: c, Team: teams.Show(schema.Text(c.Team), schema.Lang(l), nil), Number: readOut(c.Phone), First: i == 0})
	}
	kinds, marks := book.Table("matter_step").Column("kind"), book.Table("household_word").Column("mark")
	for _, o := range marks.Options {
		p.Marks = append(p.Marks, cardMark{o.Value, o.Label.In(schema.Lang(l))})
	}
	if p.Card.Messages > 0 {
		p.Left = l.say("card.left", p.Card.Messages, l.date(p.Card.LastSaid, rq.now))
	}
	for _, m := range p.Card.Matters {
		x := cardMatter{Matter: m, Withdrawn: m.State == "withdrawn", Asks: m.State == "answered"}
		if m.Said.Mark != "" {
			x.Opinion = l.say("card.opinion", marks.Show(schema.Text(m.Said.Mark), schema.Lang(l), nil), l.date(m.Said.Day, rq.now))
		}
		for i, s := range m.Four {
			f := cardStage{N: i + 1, Name: kinds.Option(s.Kind).Label.In(schema.Lang(l)), Day: s.Day, State: s.State}
			switch s.State {
			case "done":
				f.Word = l.say("card.is." + s.Kind)
			case "now":
				f.Word = l.say("card.to." + s.Kind)
			}
			x.Four = append(x.Four, f)
		}
		p.Matters = append(p.Matters, x)
	}
	kind := book.Table("matter").Column("kind")
	for _, t := range p.Card.Board {
		p.Board = append(p.Board, cardTally{t, kind.Show(schema.Text(t.Kind), schema.Lang(l), nil)})
	}
	if p.Card.Next != "" {
		p.Next = "?" + url.Values{"lang": {string(l)}, "from": {p.Card.Next}}.Encode()
	}
}

// readOut writes a number as people read it out: 128 0000 2206 for a mobile one, 0500-633 4410 for one with its area code.
func readOut(phone string) string {
	switch {
	case len(phone) == 11 && phone[0] == '1':
		return phone[:3] + " " + phone[3:7] + " " + phone[7:]
	case len(phone) >= 10 && phone[0] == '0':
		area := 4
		if phone[1] == '1' || phone[1] == '2' {
			area = 3
		}
		return phone[:area] + "-" + phone[area:len(phone)-4] + " " + phone[len(phone)-4:]
	}
	return phone
}
