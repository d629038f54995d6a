package bench

import (
	"context"
	"fmt"
	"time"

	"minqing/syncproto"
)

// What a sync with nothing new may cost: round trips, bytes with headers both ways, ms of server time.
const quietRounds, quietBytes, quietMS = 1, 1200, 5

// benchQuiet measures a sync with nothing new of a phone that has synced before and still has its link.
func benchQuiet(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	user, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	if _, err := t.houses(ctx, 10, fillRows, user); err != nil {
		return err
	}
	p, err := r.phone(ctx, t, user, nil)
	if err != nil {
		return err
	}
	for range 2 { // the first fills, the second carries its cursor back
		if _, err := p.synced(ctx); err != nil {
			return err
		}
	}
	var server, bytes, rounds []float64
	var sent, got int
	for range r.quiet {
		_, before, err := t.served(ctx, "/v1/sync")
		if err != nil {
			return err
		}
		passed, asked := p.net.bytes(), p.net.rounds
		rep, err := p.synced(ctx)
		if err != nil {
			return err
		}
		sent, got = rep.Sent, rep.Received
		bytes, rounds = append(bytes, float64(p.net.bytes()-passed)), append(rounds, float64(p.net.rounds-asked))
		_, after, err := t.served(ctx, "/v1/sync")
		if err != nil {
			return err
		}
		server = append(server, ms(after-before))
	}
	floor, err := r.bare(ctx, on)
	if err != nil {
		return err
	}
	floor.answer = make([]byte, got)
	body, over := make([]byte, sent), newNetwork()
	defer over.base.CloseIdleConnections()
	var least []float64
	for range r.quiet {
		passed := over.bytes()
		if _, err := floor.ask(ctx, over, "POST", "/quiet", body, false); err != nil {
			return err
		}
		least = append(least, float64(over.bytes()-passed))
	}
	if err := r.print(line{name: "quiet-rounds-" + string(on), value: median(rounds), unit: "round-trips", floor: 1, budget: reach(quietRounds)}); err != nil {
		return err
	}
	if err := r.print(line{name: "quiet-bytes-" + string(on), value: quantile(bytes, 1), unit: "bytes", floor: median(least), budget: reach(quietBytes)}); err != nil {
		return err
	}
	r.say("bodies: %d bytes up, %d down; 90%% of them took the server up to %.2f ms", sent, got, quantile(server, 0.9))
	return r.print(line{name: "quiet-server-" + string(on), value: median(server), unit: "ms", floor: median(floor.took), budget: reach(quietMS)})
}

// oneServer and oneApply are what one changed row may cost, in ms, however many rows there are.
const oneServer, oneApply = 10, 3

// benchOneRow measures one changed row on a server of more and more rows: for a visitor, who holds ten households of them, and for a
// holder, whose phone holds them all.
func benchOneRow(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	holder, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	visitor, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	watched, err := t.houses(ctx, 5, fillRows, holder, visitor)
	if err != nil {
		return err
	}
	floor, err := r.bare(ctx, sqlite)
	if err != nil {
		return err
	}
	has := 5 * fillRows
	var flat [2][]float64
	for _, rows := range r.oneRow {
		if _, err := t.houses(ctx, (rows-has)/fillRows, fillRows, holder); err != nil {
			return err
		}
		has = rows
		var phones [2]*phone // new ones: a phone that grows with the server would have to be shown every household by a sync of its own
		for i, u := range []syncproto.UserID{visitor, holder} {
			if phones[i], err = r.phone(ctx, t, u, nil); err != nil {
				return err
			}
			began := time.Now()
			rep, err := phones[i].synced(ctx)
			if err != nil {
				return err
			}
			r.say("first sync of %d rows took %.1f s", rep.Rows, time.Since(began).Seconds())
			if _, err := phones[i].synced(ctx); err != nil {
				return err
			}
			phones[i].net.hold = true
		}
		var server, apply [2][]float64
		var least, bare []float64
		for try := range r.oneRowTries {
			edit := update("resident", watched[try%len(watched)].residents[0], "work", words(16))
			if err := t.make(ctx, []syncproto.Edit{edit}); err != nil {
				return err
			}
			for i, p := range phones {
				took, applied, err := t.oneSync(ctx, p)
				if err != nil {
					return err
				}
				server[i], apply[i] = append(server[i], took), append(apply[i], applied)
			}
			began := time.Now()
			if _, err := floor.insert(ctx, 1); err != nil {
				return err
			}
			least = append(least, ms(time.Since(began)))
			began = time.Now()
			if err := floor.look(ctx, "x"); err != nil {
				return err
			}
			bare = append(bare, ms(time.Since(began)))
		}
		for i, who := range []string{"visitor", "holder"} {
			if err := r.print(line{name: fmt.Sprintf("one-row-server-%s-%d-%s", who, rows, on), value: median(server[i]), unit: "ms", floor: median(bare), budget: reach(oneServer)}); err != nil {
				return err
			}
			if err := r.print(line{name: fmt.Sprintf("one-row-apply-%s-%d-%s", who, rows, on), value: median(apply[i]), unit: "ms", floor: median(least), budget: reach(oneApply)}); err != nil {
				return err
			}
		}
		flat[0], flat[1] = append(flat[0], median(server[1])), append(flat[1], median(apply[1]))
	}
	for i, name := range []string{"server", "apply"} {
		first, last := flat[i][0], flat[i][len(flat[i])-1]
		if err := r.print(line{name: "one-row-flat-" + name + "-" + string(on), value: last / first, unit: "times", floor: 1}); err != nil {
			return err
		}
	}
	return nil
}

// oneSync syncs one changed row, and tells the server's and the phone's part of it in ms.
func (t *town) oneSync(ctx context.Context, p *phone) (server, apply float64, err error) {
	_, before, err := t.served(ctx, "/v1/sync")
	if err != nil {
		return 0, 0, err
	}
	rows, took, _, err := p.apply(ctx)
	if err == nil && rows != 1 {
		err = fmt.Errorf("%d rows came, not one", rows)
	}
	if err != nil {
		return 0, 0, err
	}
	_, after, err := t.served(ctx, "/v1/sync")
	return ms(after - before), ms(took), err
}
