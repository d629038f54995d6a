package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// What giving 500 households to somebody else may cost: ms on the server, seconds until both phones are there.
const reassignMS, reassignSeconds = 200, 3

// benchReassign gives all households of one user to another while the first has unsent edits of them, and shows that none is lost.
func benchReassign(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	var users [2]syncproto.UserID
	for i := range users {
		if users[i], err = t.cadre(ctx); err != nil {
			return err
		}
	}
	houses, err := t.houses(ctx, r.houses, r.houseRows, users[0])
	if err != nil {
		return err
	}
	var phones []*phone
	for _, u := range users {
		p, err := r.phone(ctx, t, u, nil)
		if err != nil {
			return err
		}
		for range 2 {
			if _, err := p.synced(ctx); err != nil {
				return err
			}
		}
		phones = append(phones, p)
	}
	wrote, err := phones[0].work(ctx, houses, r.edits)
	if err != nil {
		return err
	}
	var changes [][]syncproto.Edit
	yesterday := time.UnixMilli(nowMS()).AddDate(0, 0, -1).Format(time.DateOnly)
	for _, h := range houses {
		changes = append(changes, []syncproto.Edit{update("assignment", h.assigned[0], "until", yesterday), t.assignment(t.id(), h.id, users[1])})
	}
	had, began := cpu(), time.Now()
	if err := t.submit(ctx, t.admin, changes...); err != nil {
		return err
	}
	server, used := time.Since(began), cpu()-had
	floor, err := r.bare(ctx, on)
	if err != nil {
		return err
	}
	began = time.Now()
	if _, err := floor.insert(ctx, 2*len(houses)); err != nil {
		return err
	}
	least := time.Since(began)
	if err := r.print(line{name: "reassign-server-" + string(on), value: ms(server), unit: "ms", floor: ms(least), budget: reach(reassignMS), cpu: used}); err != nil {
		return err
	}
	phones[1].net.hold = true
	took, used, err := each(phones, func(_ int, p *phone) error {
		_, err := p.synced(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := t.notLost(ctx, phones, wrote); err != nil {
		return err
	}
	bare, err := r.bareReassign(ctx, floor, phones[1])
	if err != nil {
		return err
	}
	return r.print(line{name: "reassign-phones-" + string(on), value: took.Seconds(), unit: "s", floor: bare, budget: reach(reassignSeconds), cpu: used})
}

// work edits residents of some households on the phone and gives what was written.
func (p *phone) work(ctx context.Context, houses []*house, n int) (map[syncproto.RowID]string, error) {
	wrote := map[syncproto.RowID]string{}
	for i := range n {
		h := houses[i*len(houses)/n]
		id, text := h.residents[0], words(16)
		f, err := p.Form(ctx, "resident", id)
		if err != nil {
			return nil, err
		}
		if _, err := p.Write(ctx, func(tx *replica.Tx) error {
			return tx.Update(f, map[string]schema.Value{"work": schema.Text(text)})
		}); err != nil {
			return nil, err
		}
		wrote[id] = text
	}
	return wrote, nil
}

// notLost wants every edit on the server and on the new holder's phone after his next sync, and nothing of it left on the old one's.
func (t *town) notLost(ctx context.Context, phones []*phone, wrote map[syncproto.RowID]string) error {
	if _, err := phones[1].synced(ctx); err != nil {
		return err
	}
	at := columnOf("resident", "work")
	var ids []string
	for id := range wrote {
		ids = append(ids, string(id))
	}
	return t.e.Store.Read(ctx, func(tx *store.Tx) error {
		values, err := tx.Values("resident", ids)
		if err != nil {
			return err
		}
		for id, text := range wrote {
			if v := values[id]; v == nil || v[at].Str() != text {
				return fmt.Errorf("the edit of %s is lost on the server", id)
			}
			rec, ok, err := phones[1].Record(ctx, "resident", id)
			if err != nil || !ok || rec.Shown == nil || rec.Shown[at].Str() != text {
				return errors.Join(fmt.Errorf("the edit of %s did not reach its new holder", id), err)
			}
			if rec, ok, err := phones[0].Record(ctx, "resident", id); err != nil || ok && rec.Shown != nil {
				return errors.Join(fmt.Errorf("%s is still on the phone that may not hold it any more", id), err)
			}
		}
		return nil
	})
}

// bareReassign copies the same answer bare and writes the same rows into a bare file, in seconds.
func (r *run) bareReassign(ctx context.Context, floor *bare, p *phone) (float64, error) {
	var err error
	if floor.copy, err = p.net.frames(); err != nil {
		return 0, err
	}
	rows := 0
	if err := p.each(ctx, func(*schema.Table, syncproto.RowID, []schema.Value) error { rows++; return nil }); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := floor.ask(ctx, p.net, "GET", "/copy", nil, false); err != nil {
		return 0, err
	}
	copied := time.Since(began).Seconds()
	rate, err := r.bareRows(ctx, p, nil)
	return copied + float64(rows)/rate, err
}
