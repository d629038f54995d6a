package pages

import (
	"html/template"
	"strings"

	"minqing/internal/look"
	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// cardPage is 民情联系卡, to be held out to the household: who calls on it, how to reach each, and a code for its own phone.
type cardPage struct {
	frame
	Contacts []contactRow
	Serial   string
	QR       template.HTML
	Scan     string // what the code gives
}

type contactRow struct {
	field.Contact
	Team, Number string
	First        bool
}

var cardRoutes = []route{{pattern: "GET /h/{id}/card", do: showCard}}

var cardWords = words{
	"card.title":  {ZH: "民情联系卡", EN: "Contact card"},
	"card.yours":  {ZH: "您家的联系人", EN: "Your contacts"},
	"card.serial": {ZH: "编号 {0}", EN: "No. {0}"},
	"card.scan":   {ZH: "扫一扫，存下联系方式，也能查您反映的事", EN: "Scan to keep these contacts and follow what you raised"},
	"card.save":   {ZH: "扫一扫，存下联系方式", EN: "Scan to keep this contact"},
	"card.qr":     {ZH: "二维码", EN: "QR code"},
	"card.nobody": {ZH: "这户还没有联系人。", EN: "Nobody contacts this home yet."},
}

func showCard(rq *request) error {
	id, err := rq.id("id")
	if err != nil {
		return err
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	var h *field.Household
	var contacts []field.Contact
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		found, ok, err := field.OneHousehold(v, me, id, rq.today(), 0)
		if err == nil && !ok {
			err = errNotFound
		}
		if err != nil {
			return err
		}
		h = found
		contacts, err = field.Contacts(v, id, rq.today())
		return err
	}); err != nil {
		return err
	}
	p := &cardPage{frame: frame{Title: rq.words.say("card.title"), Sub: rq.words.home(h.Home), Back: householdPath(id), Shut: true}}
	teams := rq.replica.Book().Table("assignment").Column("team")
	for i, c := range contacts {
		p.Contacts = append(p.Contacts, contactRow{Contact: c, Team: teams.Show(schema.Text(c.Team), schema.Lang(rq.words), nil), Number: spaced(c.Phone), First: i == 0})
	}
	var content string
	switch {
	case len(h.Cards) > 0: // issued: the household's own page
		p.Serial, p.Scan = h.Cards[0].Serial, rq.words.say("card.scan")
		content = syncproto.CardLink(rq.device.Server, p.Serial)
	case len(contacts) > 0: // not issued yet: whom to call, which needs no server
		p.Scan, content = rq.words.say("card.save"), mecard(contacts[0])
	default:
		return rq.show("card", p)
	}
	p.QR, err = look.QR(content, rq.words.say("card.qr"))
	if err != nil {
		return err
	}
	return rq.show("card", p)
}

// spaced writes a number as people read it out: 128 0000 2206 for a mobile one, 0500-633 4410 for one with its area code (three digits
// for 010 and 02x, else four).
func spaced(phone string) string {
	switch area := 4; {
	case len(phone) == 11 && phone[0] == '1':
		return phone[:3] + " " + phone[3:7] + " " + phone[7:]
	case len(phone) >= 10 && phone[0] == '0' && phone[1] != '0':
		if phone[1] < '3' {
			area = 3
		}
		return phone[:area] + "-" + phone[area:len(phone)-4] + " " + phone[len(phone)-4:]
	}
	return phone
}

// mecard is a contact as every phone's camera reads it.
func mecard(c field.Contact) string {
	escape := strings.NewReplacer(`\`, `\\`, `;`, `\;`, `:`, `\:`, `,`, `\,`, `"`, `\"`)
	return "MECARD:N:" + escape.Replace(c.Name) + ";TEL:" + c.Phone + ";NOTE:" + escape.Replace(c.Post) + ";;"
}
