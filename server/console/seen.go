package console

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// seen is the record that somebody was shown something of people in the register: a row, or a list of a place.
type seen struct {
	What   string          `json:"what"` // page, list; card: the page that a contact card opens
	Page   string          `json:"page"`
	Table  string          `json:"table,omitempty"`
	Row    syncproto.RowID `json:"row,omitempty"`
	Change string          `json:"change,omitempty"` // what was refused or came late
	Within string          `json:"within,omitempty"` // of a list: the place that was asked for
	Stream string          `json:"stream,omitempty"` // where it lies
}

// seenEvery is for how long one record tells that somebody sees a page: whoever goes to and fro over an hour's work is recorded once for each
// row, and the cost is bounded by what there is to look at.
const seenEvery = time.Hour

// mostNoted bounds what a process keeps in mind of the hour; what it has forgotten it asks the records.
const mostNoted = 50_000

// noted is what has a record in this hour already.
type noted struct {
	mu   sync.Mutex
	hour int64
	has  map[string]bool
}

func (n *noted) known(hour int64, key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hour == hour && n.has[key]
}

func (n *noted) add(hour int64, key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hour != hour || len(n.has) >= mostNoted {
		n.hour, n.has = hour, map[string]bool{}
	}
	n.has[key] = true
}

// note puts on record what the route is about to show.
func (rq *request) note() error {
	switch rq.route.shows {
	case aRow:
		s := seen{What: "page", Page: rq.section(), Table: rq.row.Table, Row: rq.row.ID, Stream: rq.row.Stream}
		if rq.row.Table == "place" { // the stream of a change, or of an item whose row is no more
			s.Table, s.Row, s.Change, s.Stream = "", "", rq.PathValue("row"), string(rq.row.ID)
		}
		return rq.noteSeen(s)
	case aList:
		return rq.noteSeen(seen{What: "list", Page: rq.section(), Within: rq.place.ID})
	}
	return nil
}

// noteRow puts on record that a row is shown which the address does not name.
func (rq *request) noteRow(table string, id syncproto.RowID) error {
	return rq.noteSeen(seen{What: "page", Page: rq.section(), Table: table, Row: id})
}

// section is the page of a route: what follows the place in its address.
func (rq *request) section() string {
	_, rest, _ := strings.Cut(rq.route.pattern, "/at/{place}/")
	page, _, _ := strings.Cut(rest, "/")
	return page
}

// openedCards begins the names of the chains of contact cards that were opened, one for each stream. Whoever holds a card has no account, and his
// address is nobody's business: that the card was opened, and when, is all there is to say.
const openedCards = "cards "

// noteSeen appends one record to the chain of who looks, unless this hour has it. It is committed before anything is answered.
func (rq *request) noteSeen(s seen) error {
	hour := rq.now.UnixMilli() / seenEvery.Milliseconds()
	opened := s.What == "card"
	key := strings.Join([]string{string(rq.user()), s.What, s.Page, string(s.Row), s.Change, s.Within}, " ")
	if rq.app.noted.known(hour, key) {
		return nil
	}
	if err := rq.app.opt.Engine.Store.Write(store.Keyed(rq.Context()), func(tx *store.Tx) (err error) {
		s := s
		switch {
		case s.Within != "":
			s.Stream, err = register.StreamOf(tx, s.Within)
		case s.Stream == "":
			var rows []*store.Row
			if rows, err = tx.Rows([]string{string(s.Row)}); len(rows) == 1 {
				s.Stream = rows[0].Stream
			}
		}
		if err != nil {
			return err
		}
		record, err := json.Marshal(s)
		if err != nil {
			return err
		}
		var at int64
		who, by, chain := "user_id = ?", string(rq.user()), "console "+string(rq.user())
		if opened {
			who, by, chain = "stream = ? AND stream <> ''", s.Stream, openedCards+s.Stream
		}
		found, err := tx.One("SELECT at FROM mq_disclosure WHERE "+who+" AND at >= ? AND device = '' AND value = ? LIMIT 1",
			[]any{by, hour * seenEvery.Milliseconds(), string(record)}, &at)
		if err != nil || found {
			return err
		}
		return tx.Disclose(chain, "", rq.user(), record)
	}); err != nil {
		return err
	}
	rq.app.noted.add(hour, key)
	return nil
}
