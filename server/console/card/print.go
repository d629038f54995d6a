package card

import (
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
)

// Print is a card to be printed: what it says beside its code.
type Print struct {
	Serial, Head, Code, Town, Village, Group string
	Contacts                                 []Contact

	home, place string
}

// PrintAll reads the newest card of each household, in the order given; households without a card that opens its page are left out.
func PrintAll(tx *store.Tx, homes []syncproto.RowID, today string) ([]*Print, error) {
	ids := make([]string, len(homes))
	for i, h := range homes {
		ids[i] = string(h)
	}
	byHome := map[string]*Print{}
	if err := tx.Each(func(scan func(...any) error) error {
		p := &Print{}
		if err := scan(&p.Serial, &p.home, &p.Head, &p.Code, &p.place); err != nil {
			return err
		}
		if serial, ok := syncproto.CardSerial(p.Serial); ok {
			p.Serial = serial
			byHome[p.home] = p // of several, the newest
		}
		return nil
	}, `SELECT COALESCE(c.serial, ''), h.id, COALESCE(h.head, ''), COALESCE(h.code, ''), COALESCE(h.place, '') FROM household h JOIN contact_card c ON c.household = h.id
		WHERE h.id = ANY(?) ORDER BY c.id`, ids); err != nil {
		return nil, err
	}
	places := map[string]Card{}
	var out []*Print
	for _, id := range ids {
		p := byHome[id]
		if p == nil || slices.Contains(out, p) {
			continue
		}
		at, have := places[p.place]
		if !have {
			if err := at.readPlace(tx, p.place); err != nil {
				return nil, err
			}
			places[p.place] = at
		}
		p.Town, p.Village, p.Group = at.Town, at.Village, at.Group
		var c Card
		if err := c.readContacts(tx, p.home, today); err != nil {
			return nil, err
		}
		p.Contacts = c.Contacts
		out = append(out, p)
	}
	return out, nil
}
