package console

import (
	"fmt"
	"html/template"
	"strconv"

	"minqing/internal/look"
	"minqing/server/console/assign"
	"minqing/server/console/card"
	"minqing/server/store"
	"minqing/syncproto"
)

// assignedPage is what was done, and what taking it back would do.
type assignedPage struct {
	frame
	Done  doneLine
	Cards int
	Homes int
	Print string
	Undo  string
	Again string
	Taken *planView
	Later int // assignments that somebody changed since
	Moved bool
}

// cardsPage is a sheet of contact cards for the printer.
type cardsPage struct {
	frame
	Sheets [][]cardSheet // as many as fit on one A4 page
	More   string
}

type cardSheet struct {
	*card.Print
	Contacts []cardContact
	QR       template.HTML
	Link     string
}

// oneAssigned reads the order that the address names.
func (rq *request) oneAssigned(tx *store.Tx) (*assign.Done, error) {
	d, err := assign.Read(tx, rq.place.ID, rq.PathValue("row"))
	if err == nil && d == nil {
		err = errNotFound
	}
	return d, err
}

func (rq *request) assignedPage() (*assignedPage, error) {
	p := &assignedPage{frame: frame{Nav: "assign", Back: rq.at("/assign")}, Again: rq.at("/assign")}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		d, err := rq.oneAssigned(tx)
		if err != nil {
			return err
		}
		p.Done, p.Cards, p.Homes = rq.doneLine(d), d.What.Cards, len(d.Homes)
		p.Title = p.Done.Text
		if d.Order.Way != assign.Take {
			p.Print = p.Done.Path + "/cards"
		}
		if d.Undone() {
			return nil
		}
		back, err := assign.PreviewBack(tx, rq.today(), d)
		if err != nil {
			return err
		}
		p.Undo, p.Taken, p.Later = p.Done.Path+"/undo", rq.planView(back.Plan), back.Touched
		return nil
	})
	return p, err
}

func showAssigned(rq *request) error {
	p, err := rq.assignedPage()
	if err != nil {
		return err
	}
	return rq.show("assigned", p)
}

func undoAssigned(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	done, found, err := assign.UndoAll(rq.Context(), rq.app.opt.Engine.Store, rq.app.opt.Engine.Judge, rq.user(), rq.today(), rq.place.ID, rq.PathValue("row"), f.Get("shown"))
	if err != nil {
		return err
	}
	if !found {
		return errNotFound
	}
	if !done {
		p, err := rq.assignedPage()
		if err != nil {
			return err
		}
		p.Moved = true
		return rq.again("assigned", p)
	}
	rq.toast("assign.took")
	return rq.see(rq.at("/assign/" + rq.PathValue("row")))
}

// cardsPrinted is how many cards one page prints: a code takes a few kilobytes.
const cardsPrinted = 16

// printAssigned is the sheet of the cards of an order's households. That names and telephones were taken away on paper is on record.
func printAssigned(rq *request) error {
	from, err := strconv.Atoi(rq.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	p := &cardsPage{frame: frame{Title: rq.words.say("cards.title"), Sub: rq.words.say("cards.sub"), Nav: "assign", Back: rq.at("/assign/" + rq.PathValue("row"))}}
	var list []*card.Print
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) error {
		d, err := rq.oneAssigned(tx)
		if err != nil {
			return err
		}
		homes := d.Homes[min(from, len(d.Homes)):]
		if p.More = ""; len(homes) > cardsPrinted {
			homes = homes[:cardsPrinted]
			p.More = fmt.Sprint("?from=", from+cardsPrinted)
		}
		list, err = card.PrintAll(tx, homes, rq.today())
		return err
	}); err != nil {
		return err
	}
	return rq.showCards(p, list)
}

func (rq *request) showCards(p *cardsPage, list []*card.Print) error {
	scheme := "http://"
	if rq.secure() {
		scheme = "https://"
	}
	const perSheet = 4
	for i, c := range list {
		x := cardSheet{Print: c, Link: syncproto.CardLink(scheme+rq.Host, c.Serial)}
		for j, who := range c.Contacts {
			x.Contacts = append(x.Contacts, cardContact{Contact: who, Team: rq.teamWord(who.Team), Number: readOut(who.Phone), First: j == 0})
		}
		var err error
		if x.QR, err = look.QR(x.Link, rq.words.say("cards.qr")); err != nil {
			return err
		}
		if i%perSheet == 0 {
			p.Sheets = append(p.Sheets, nil)
		}
		p.Sheets[len(p.Sheets)-1] = append(p.Sheets[len(p.Sheets)-1], x)
	}
	return rq.show("cards", p)
}
