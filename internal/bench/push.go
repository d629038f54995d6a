package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// What a push should reach: changes a second, and ms at p99.
var pushRate = map[database]float64{sqlite: 5000, postgres: 2000}

const pushP99 = 150

// The households of each pushing device, and the rows in each.
const pushHouses, pushRows = 2, 4

// pusher is one device with what it will push.
type pusher struct {
	*wire
	houses []*house
}

// batch makes a push of one-row changes.
func (p *pusher) batch(n int) (out []*syncproto.Change, err error) {
	for i := range n {
		c, err := p.change(p.t.visit(p.houses[i%len(p.houses)].id, p.dev.User))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// benchPush measures durable one-row changes of many devices: closed loop, then open loop at a steady rate, then with real phones.
func benchPush(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	var all []*pusher
	for range r.devices {
		user, err := t.cadre(ctx)
		if err != nil {
			return err
		}
		p := &pusher{}
		if p.houses, err = t.houses(ctx, pushHouses, pushRows, user); err != nil {
			return err
		}
		if p.wire, err = t.wire(ctx, user); err != nil {
			return err
		}
		r.after(p.close)
		if err := p.sync(ctx, nil); err != nil {
			return err
		}
		all = append(all, p)
	}
	floor, err := r.bare(ctx, on)
	if err != nil {
		return err
	}
	sample, err := all[0].sample(ctx, r.each, floor)
	if err != nil {
		return err
	}
	rate, err := r.closedLoop(ctx, all, r.each, "push-"+string(on), reach(pushRate[on]), floor, sample)
	if err != nil {
		return err
	}
	if err := r.steady(ctx, all, steadyRate(rate, on), on, floor, sample); err != nil {
		return err
	}
	if _, err := r.closedLoop(ctx, all, 1, "push-single-"+string(on), budget{}, floor, sample); err != nil {
		return err
	}
	return r.pushPhones(ctx, t, on, floor, sample)
}

// sample gives the body of one push as it travels, and teaches the floor its answer.
func (p *pusher) sample(ctx context.Context, each int, floor *bare) ([]byte, error) {
	changes, err := p.batch(each)
	if err != nil {
		return nil, err
	}
	body, err := p.body(changes)
	if err != nil {
		return nil, err
	}
	p.tee = &bytes.Buffer{}
	err = p.sync(ctx, changes)
	floor.answer, p.tee = p.tee.Bytes(), nil
	return body, err
}

// each runs f for all at once, and gives the time and the processor time that it took.
func each[T any](all []T, f func(i int, one T) error) (took, used time.Duration, err error) {
	errs := make([]error, len(all))
	began, had := time.Now(), cpu()
	var wait sync.WaitGroup
	for i, one := range all {
		wait.Go(func() { errs[i] = f(i, one) })
	}
	wait.Wait()
	return time.Since(began), cpu() - had, errors.Join(errs...)
}

// closedLoop lets every device push as soon as its last push was answered.
func (r *run) closedLoop(ctx context.Context, all []*pusher, size int, name string, b budget, floor *bare, sample []byte) (float64, error) {
	var rates, floors []float64
	var price time.Duration
	for range r.repeats {
		pushes := make([][][]*syncproto.Change, len(all))
		for i, p := range all {
			for range r.pushes {
				batch, err := p.batch(size)
				if err != nil {
					return 0, err
				}
				pushes[i] = append(pushes[i], batch)
			}
		}
		changes := float64(len(all) * r.pushes * size)
		took, used, err := each(all, func(i int, p *pusher) error {
			for _, batch := range pushes[i] {
				if err := p.sync(ctx, batch); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		rates, price = append(rates, changes/took.Seconds()), cheapest(price, used/time.Duration(changes))
		took, _, err = each(all, func(_ int, p *pusher) error {
			for range r.pushes {
				if _, err := floor.ask(ctx, p.http, "POST", fmt.Sprint("/push?n=", size), sample, true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		floors = append(floors, changes/took.Seconds())
	}
	return median(rates), r.print(line{name: name, value: median(rates), unit: "changes/s", floor: median(floors), sense: more, budget: b, cpu: price})
}

// steadyRate is what the open loop pushes: half of what the closed loop did, yet no less than half of what it should reach. A machine that
// is too slow for the one budget is not let off the other.
func steadyRate(measured float64, on database) float64 { return max(measured, pushRate[on]) / 2 }

// steady pushes at a fixed rate whatever the answers do, and counts from when a push was due: a server that falls behind shows.
func (r *run) steady(ctx context.Context, all []*pusher, rate float64, on database, floor *bare, sample []byte) error {
	gap := time.Duration(float64(r.each) / rate * float64(time.Second))
	n := max(1, int(math.Ceil(float64(r.openLoop)/float64(gap)/float64(len(all)))))
	measure := func(push func(i, k int, p *pusher) error) ([]float64, error) {
		late := make([][]float64, len(all))
		began := time.Now()
		_, _, err := each(all, func(i int, p *pusher) error {
			for k := range n {
				due := began.Add(time.Duration(k*len(all)+i) * gap)
				time.Sleep(time.Until(due))
				if err := push(i, k, p); err != nil {
					return err
				}
				late[i] = append(late[i], ms(time.Since(due)))
			}
			return nil
		})
		var flat []float64
		for _, l := range late {
			flat = append(flat, l...)
		}
		return flat, err
	}
	pushes := make([][][]*syncproto.Change, len(all))
	for i, p := range all {
		for range n {
			batch, err := p.batch(r.each)
			if err != nil {
				return err
			}
			pushes[i] = append(pushes[i], batch)
		}
	}
	got, err := measure(func(i, k int, p *pusher) error { return p.sync(ctx, pushes[i][k]) })
	if err != nil {
		return err
	}
	least, err := measure(func(_, _ int, p *pusher) error {
		_, err := floor.ask(ctx, p.http, "POST", fmt.Sprint("/push?n=", r.each), sample, true)
		return err
	})
	if err != nil {
		return err
	}
	r.say("open loop: %.0f changes/s in pushes of %d, %d pushes, median %.1f ms", rate, r.each, len(got), median(got))
	return r.print(line{name: "push-p99-" + string(on), value: quantile(got, 0.99), unit: "ms", floor: quantile(least, 0.99), budget: reach(pushP99)})
}

// pushPhones is the same with everything that a phone does: outbox, sync, verdicts and own rows durable in its file.
func (r *run) pushPhones(ctx context.Context, t *town, on database, floor *bare, sample []byte) error {
	var phones []*phone
	for range r.devices {
		user, err := t.cadre(ctx)
		if err != nil {
			return err
		}
		houses, err := t.houses(ctx, pushHouses, pushRows, user)
		if err != nil {
			return err
		}
		p, err := r.phone(ctx, t, user, nil)
		if err != nil {
			return err
		}
		if _, err := p.synced(ctx); err != nil {
			return err
		}
		if err := p.visits(ctx, r.outbox, houses, user); err != nil {
			return err
		}
		phones = append(phones, p)
	}
	changes := float64(len(phones) * r.outbox)
	took, used, err := each(phones, func(_ int, p *phone) error {
		rep, err := p.synced(ctx)
		if err == nil && rep.Verdicts[syncproto.Applied] != r.outbox {
			err = fmt.Errorf("%d of %d changes were applied", rep.Verdicts[syncproto.Applied], r.outbox)
		}
		return err
	})
	if err != nil {
		return err
	}
	least, _, err := each(phones, func(_ int, p *phone) error {
		_, err := floor.ask(ctx, p.net, "POST", fmt.Sprint("/push?n=", r.outbox), sample, true)
		return err
	})
	if err != nil {
		return err
	}
	return r.print(line{name: "push-phones-" + string(on), value: changes / took.Seconds(), unit: "changes/s", floor: changes / least.Seconds(), sense: more,
		budget: reach(pushRate[on]), cpu: used / time.Duration(changes)})
}

// visits writes visits down on the phone, a change each.
func (p *phone) visits(ctx context.Context, n int, houses []*house, user syncproto.UserID) error {
	for i := range n {
		_, err := p.Write(ctx, func(tx *replica.Tx) error {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(houses[i%len(houses)].id)), "author": schema.Text(string(user)),
				"day": schema.Text(time.UnixMilli(nowMS()).Format(time.DateOnly)), "met": schema.Text(words(8)), "place_note": schema.Text(words(24))})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
