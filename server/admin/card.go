package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Cards names the households whose contact cards are meant: by code, or all of a village when none is named.
type Cards struct {
	Village    string
	Households []string
	Anew       bool // IssueCards: withdraw the cards that are out and make others
}

// IssuedCard is a card that was made just now.
type IssuedCard struct{ Household, Serial string }

// IssueCards makes a contact card for each household that has none which opens its page.
func (d *Desk) IssueCards(ctx context.Context, c Cards) (made []IssuedCard, err error) {
	err = d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) (drafts []judge.Draft, err error) {
		made = nil
		homes, err := c.households(tx)
		if err != nil {
			return nil, err
		}
		drafts, made, err = d.cardsFor(tx, homes, c.Anew)
		return drafts, err
	})
	return made, err
}

// cardsFor makes the changes that give each household, named with its code, a card that opens its page, where it has none; anew
// withdraws those that are out.
func (d *Desk) cardsFor(tx *store.Tx, homes map[string]string, anew bool) (drafts []judge.Draft, made []IssuedCard, err error) {
	out, err := cardsOf(tx, homes)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range slices.Sorted(maps.Keys(homes)) {
		good := slices.ContainsFunc(out[h], func(x cardRow) bool { _, ok := syncproto.CardSerial(x.serial); return ok })
		if good && !anew {
			continue
		}
		var edits []syncproto.Edit
		for _, x := range out[h] {
			if anew {
				edits = append(edits, syncproto.Edit{Table: "contact_card", Row: x.id, Op: syncproto.OpDelete})
			}
		}
		serial, err := syncproto.NewCardSerial(randomness{tx})
		if err != nil {
			return nil, nil, err
		}
		_, e, err := create(tx, "contact_card", pair{"household", h}, pair{"serial", serial}, pair{"issued", d.today(tx)})
		if err != nil {
			return nil, nil, err
		}
		drafts = append(drafts, judge.Draft{Edits: append(edits, e)})
		made = append(made, IssuedCard{Household: homes[h], Serial: serial})
	}
	return drafts, made, nil
}

// WithdrawCards withdraws the cards of households: from now on they open nothing.
func (d *Desk) WithdrawCards(ctx context.Context, c Cards) (withdrawn int, err error) {
	err = d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) (drafts []judge.Draft, err error) {
		withdrawn = 0
		homes, err := c.households(tx)
		if err != nil {
			return nil, err
		}
		out, err := cardsOf(tx, homes)
		if err != nil {
			return nil, err
		}
		for _, h := range slices.Sorted(maps.Keys(out)) {
			for _, x := range out[h] {
				drafts = append(drafts, judge.Draft{Edits: []syncproto.Edit{{Table: "contact_card", Row: x.id, Op: syncproto.OpDelete}}})
				withdrawn++
			}
		}
		return drafts, nil
	})
	return withdrawn, err
}

// WithdrawCard withdraws one card that somebody found or lost, by its serial.
func (d *Desk) WithdrawCard(ctx context.Context, typed string) error {
	return d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		serial, ok := syncproto.CardSerial(typed)
		if !ok {
			serial = typed // cards of old may bear anything
		}
		rows, err := tx.ValuesWhere("contact_card", "serial", []string{serial})
		if err != nil {
			return nil, err
		}
		var edits []syncproto.Edit
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			edits = append(edits, syncproto.Edit{Table: "contact_card", Row: id, Op: syncproto.OpDelete})
		}
		if len(edits) == 0 {
			return nil, notFound("withdraw card", "没有编号是“"+typed+"”的联系卡。", "There is no contact card of this serial.", syncproto.Both("请核对编号；已经停用的不用再停。", "Check the serial; a card withdrawn before needs nothing more."))
		}
		return []judge.Draft{{Edits: edits}}, nil
	})
}

// households are those meant, with their codes.
func (c Cards) households(tx *store.Tx) (map[string]string, error) {
	within := ""
	if c.Village != "" {
		p, err := register.FindPlace(tx, c.Village)
		if err != nil {
			return nil, err
		}
		within = p.ID
	}
	out := map[string]string{}
	note := func(scan func(...any) error) error {
		var id, code string
		err := scan(&id, &code)
		out[id] = code
		return err
	}
	if len(c.Households) > 0 {
		ids, err := register.FindHouseholds(tx, within, c.Households)
		if err != nil {
			return nil, err
		}
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = string(id)
		}
		return out, tx.Each(note, "SELECT id, COALESCE(code, '') FROM household WHERE id = ANY(?)", texts)
	}
	if within == "" {
		return nil, wrong("cards", "没有写明哪个村或哪些户。", "Neither a village nor households are named.", syncproto.Both("用 --village 写明村，或者用 --households 写户号。", "Name a village with --village, or codes with --households."))
	}
	places, err := register.Beneath(tx, within)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	return out, tx.Each(note, "SELECT id, COALESCE(code, '') FROM household WHERE place = ANY(?)", ids)
}

// cardRow is a card that is out.
type cardRow struct {
	id     syncproto.RowID
	serial string
}

func cardsOf(tx *store.Tx, homes map[string]string) (map[string][]cardRow, error) {
	rows, err := tx.ValuesWhere("contact_card", "household", slices.Sorted(maps.Keys(homes)))
	out := map[string][]cardRow{}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		r := row{tx.Book().Table("contact_card"), rows[id]}
		out[r.text("household")] = append(out[r.text("household")], cardRow{id, r.text("serial")})
	}
	return out, err
}

// randomness reads that of a transaction.
type randomness struct{ tx *store.Tx }

func (r randomness) Read(b []byte) (int, error) {
	if err := r.tx.Random(b); err != nil {
		return 0, fmt.Errorf("admin: reading randomness: %w", err)
	}
	return len(b), nil
}
