package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"minqing/schema"
	"minqing/server/console/account"
	"minqing/server/console/card"
	"minqing/server/store"
	"minqing/syncproto"
)

// residentPage is what a contact card's QR code opens. Card is nil when it opens nothing; Wait is set when the address has to wait.
type residentPage struct {
	frame
	Card     *card.Card
	Contacts []cardContact
	Matters  []cardMatter
	Next     string
	Board    []cardTally
	Other    cardTongue // the other language
	Wait     int
}

type cardContact struct {
	card.Contact
	Team, Number string
	First        bool
}

type cardMatter struct {
	card.Matter
	Four      []cardStage
	Withdrawn bool
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
	"card.foot":       {ZH: "本页不显示任何人的身份证号和住址，事情只写标题，不写经过。不用登录就能看，可以打印。卡丢了请告诉村里，马上停用。", EN: "This page shows nobody's ID number or address, and of what was raised the title alone. It needs no sign-in and can be printed. If the card is lost, tell the village: it can be withdrawn at once."},
	"card.gone":       {ZH: "这张卡打不开", EN: "This card opens nothing"},
	"card.gone.text":  {ZH: "可能已经停用，或者地址抄错了一个字。请找村里看一看，补一张。", EN: "It may have been withdrawn, or a letter of the address is wrong. Ask the village for another."},
	"card.wait":       {ZH: "请等一会儿再打开", EN: "Please wait a moment"},
	"card.wait.text":  {ZH: "这个网络里打不开的地址试得太多，请等 {0} 秒。卡没有问题。", EN: "Too many wrong addresses were tried from this network; wait {0} second.|Too many wrong addresses were tried from this network; wait {0} seconds."},
	"card.is.record":  {ZH: "记下了", EN: "Noted"},
	"card.is.discuss": {ZH: "议过了", EN: "Discussed"},
	"card.is.handle":  {ZH: "办好了", EN: "Handled"},
	"card.is.answer":  {ZH: "答复了", EN: "Answered"},
	"card.to.record":  {ZH: "在记", EN: "Being noted"},
	"card.to.discuss": {ZH: "在议", EN: "Being discussed"},
	"card.to.handle":  {ZH: "在办", EN: "Being handled"},
	"card.to.answer":  {ZH: "等答复", EN: "Answer to come"},
}

var residentHandlers = map[string]handler{"GET /c/{serial}": showResident}

// guessCards is what wrong serials are counted under.
const guessCards = "contact card"

// showResident answers whoever holds a card. What is unknown, withdrawn and malformed takes one way through the same look-ups to the same
// bytes. The page is nobody's account, so no record of disclosure is kept: the chains are of users and devices, and an address is neither.
func showResident(rq *request) error {
	if lang := rq.URL.Query().Get("lang"); lang == string(schema.ZH) || lang == string(schema.EN) {
		rq.words = tongue(lang)
	}
	p := &residentPage{frame: frame{Title: rq.words.say("card.title"), Bare: true, Wide: true}}
	p.Other = cardTongue{Tag: "en", Name: "English", Query: "?lang=en"}
	if rq.words == tongue(schema.EN) {
		p.Other = cardTongue{Tag: "zh-CN", Name: "中文", Query: "?lang=zh"}
	}
	// Neither search engines nor what fetches previews of links is to keep it.
	rq.w.Header().Set("Referrer-Policy", "no-referrer") // the address opens the page
	rq.w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive, nosnippet")
	rq.w.Header().Set("Cache-Control", "private, no-store")

	accounts, from := rq.app.opt.Accounts, account.Client{Address: rq.address()}
	if err := accounts.MayGuess(rq.Context(), guessCards, from); err != nil {
		var e *syncproto.Error
		if !errors.As(err, &e) || e.Code != syncproto.CodeBusy {
			return err
		}
		p.Wait = e.RetryAfter
		rq.w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
		return rq.answer(http.StatusTooManyRequests, "resident", p)
	}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		p.Card, err = card.Open(tx, rq.PathValue("serial"), rq.now.Format(time.DateOnly), rq.URL.Query().Get("from"))
		return err
	})
	if err != nil {
		return err
	}
	if p.Card == nil {
		if err := accounts.Guessed(rq.Context(), guessCards, from); err != nil {
			return err
		}
		return rq.answer(http.StatusNotFound, "resident", p)
	}
	p.fill(rq)
	return rq.show("resident", p)
}

// fill says what the card holds in the words of the language.
func (p *residentPage) fill(rq *request) {
	l, book := rq.words, rq.app.opt.Engine.Book
	teams := book.Table("assignment").Column("team")
	for i, c := range p.Card.Contacts {
		p.Contacts = append(p.Contacts, cardContact{Contact: c, Team: teams.Show(schema.Text(c.Team), schema.Lang(l), nil), Number: readOut(c.Phone), First: i == 0})
	}
	kinds := book.Table("matter_step").Column("kind")
	for _, m := range p.Card.Matters {
		x := cardMatter{Matter: m, Withdrawn: m.State == "withdrawn"}
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
