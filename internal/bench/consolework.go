package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// workSizes say how busy the city is: every secretary looks at a page each pace, and phones push so often a second.
type workSizes struct {
	secretaries, phones, pushes int
	pace, length                time.Duration
}

func (c *consoleRun) workSizes() workSizes {
	if c.quick {
		return workSizes{secretaries: 4, phones: 4, pushes: 10, pace: 250 * time.Millisecond, length: time.Second}
	}
	return workSizes{secretaries: 200, phones: 50, pushes: 100, pace: 5 * time.Second, length: 40 * time.Second}
}

// desk is a secretary with the pages that she goes through.
type desk struct {
	token string
	paths []string
}

// atWork has secretaries at work with phones pushing beside them: real HTTP, open loop. Whoever is late counts from when it was due.
func (c *consoleRun) atWork(ctx context.Context) error {
	w := c.workSizes()
	desks, err := c.desks(ctx, w.secretaries)
	if err != nil {
		return err
	}
	phones, err := c.pushers(ctx, w.phones)
	if err != nil {
		return err
	}
	had, err := c.worked(ctx)
	if err != nil {
		return err
	}
	began, until := time.Now(), time.Now().Add(w.length)
	var mu sync.Mutex
	var pages, syncs []float64
	refused, statuses := 0, map[int]int{}
	var wait sync.WaitGroup
	client := &http.Client{Transport: newTransport()}
	defer client.CloseIdleConnections()
	errs := make(chan error, len(desks)+len(phones))
	for i, d := range desks {
		wait.Go(func() {
			for k := 0; ; k++ {
				due := began.Add(time.Duration(i)*w.pace/time.Duration(len(desks)) + time.Duration(k)*w.pace)
				if due.After(until) {
					return
				}
				time.Sleep(time.Until(due))
				status, err := c.look(ctx, client, d.paths[(i+k)%len(d.paths)], d.token)
				if err != nil {
					errs <- err
					return
				}
				mu.Lock()
				pages = append(pages, ms(time.Since(due)))
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	gap := time.Second * time.Duration(len(phones)) / time.Duration(w.pushes)
	for i, p := range phones {
		wait.Go(func() {
			for k := 0; ; k++ {
				due := began.Add(time.Duration(i)*gap/time.Duration(len(phones)) + time.Duration(k)*gap)
				if due.After(until) {
					return
				}
				time.Sleep(time.Until(due))
				batch, err := p.batch(1)
				if err != nil {
					errs <- err
					return
				}
				err = p.sync(ctx, batch)
				mu.Lock()
				if syncs = append(syncs, ms(time.Since(due))); err != nil {
					refused++
				}
				mu.Unlock()
				if err != nil {
					c.say("a sync was refused: %v", err)
					return // what it holds now is not what it says
				}
			}
		})
	}
	wait.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	now, err := c.worked(ctx)
	if err != nil {
		return err
	}
	met := "yes"
	if quantile(pages, 0.95) > consoleAtWorkMS || quantile(syncs, 0.95) > consoleAtWorkMS || refused > 0 || statuses[http.StatusOK] != len(pages) {
		met = "no"
	}
	fmt.Fprintf(c.out, "at-work secretaries=%d pages=%d p50=%.1f p95=%.1f pushes=%d push-p95=%.1f refused=%d statuses=%v cores=%.2f budget=%dms,0 met=%s load=%s\n",
		len(desks), len(pages), median(pages), quantile(pages, 0.95), len(syncs), quantile(syncs, 0.95), refused, statuses, (now.own+now.db-had.own-had.db).Seconds()/w.length.Seconds(), consoleAtWorkMS, met, load())
	return nil
}

func (c *consoleRun) look(ctx context.Context, client *http.Client, path, token string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return 0, err
	}
	req.AddCookie(&http.Cookie{Name: "__Host-mq-session", Value: token})
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}

// desks signs secretaries in, each with the pages that are hers.
func (c *consoleRun) desks(ctx context.Context, n int) (out []desk, err error) {
	n = min(n, c.size.Villages)
	for i := range n {
		login := fmt.Sprintf("sec%d", i)
		d := desk{}
		if d.token, err = c.token(ctx, login); err != nil {
			return nil, err
		}
		place := ""
		if err := c.e.Store.Read(ctx, func(tx *store.Tx) error {
			_, err := tx.One(`SELECT r.place FROM role r JOIN "user" u ON u.id = r."user" WHERE u.login = ?`, []any{login}, &place)
			return err
		}); err != nil {
			return nil, err
		}
		for _, route := range c.app.Routes() {
			pattern, isGet := strings.CutPrefix(route.Pattern, "GET ")
			if !isGet || !slices.Contains(route.Roles, schema.Role("secretary")) {
				continue
			}
			path := strings.ReplaceAll(pattern, "{place}", place)
			if strings.Contains(path, "{row}") {
				id, err := c.rowOf(ctx, route.Of, place)
				if err != nil {
					return nil, err
				}
				if id == "" {
					continue
				}
				path = strings.ReplaceAll(path, "{row}", id)
			}
			if !strings.Contains(path, "{") {
				d.paths = append(d.paths, path)
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// visitor is a phone of somebody who contacts a household.
type visitor struct {
	*wire
	home syncproto.RowID
	user syncproto.UserID
}

func (v *visitor) batch(n int) (out []*syncproto.Change, err error) {
	for range n {
		c, err := v.change(v.t.visit(v.home, v.user))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// pushers enrols phones of people all over the city, and fills them.
func (c *consoleRun) pushers(ctx context.Context, n int) (out []*visitor, err error) {
	dice := rand.New(rand.NewPCG(3, uint64(nowMS())))
	for range n {
		v := &visitor{}
		login := fmt.Sprintf("c%d-%d", dice.IntN(c.size.Villages), dice.IntN(max(1, c.size.Contacts/c.size.Villages)))
		if err := c.e.Store.Read(ctx, func(tx *store.Tx) error {
			_, err := tx.One(`SELECT u.id, a.household FROM "user" u JOIN assignment a ON a."user" = u.id WHERE u.login = ? ORDER BY a.id LIMIT 1`, []any{login}, &v.user, &v.home)
			return err
		}); err != nil {
			return nil, err
		}
		if v.home == "" {
			return nil, fmt.Errorf("%s contacts nobody", login)
		}
		if v.wire, err = c.wire(ctx, v.user); err != nil {
			return nil, err
		}
		c.after(v.close)
		if err := v.sync(ctx, nil); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
