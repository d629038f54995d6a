package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a hint may cost: ms at p95 from the sending of a change to the other phone's having it, and MB with so many idle listeners.
const notifyMS, listenersMB = 50, 1024

// spareFiles are what a process has open beside its listeners.
const spareFiles = 500

// patience bounds the wait for something that should come at once.
const patience = time.Minute

// benchNotify measures from the sending of a change by one device until another, which listens, has applied it. The random wait by which
// phones keep from coming together (two seconds at most, jitterEvent of mobile-client/syncer) is left out: it is a choice, not a cost.
func benchNotify(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	ann, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	bob, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	houses, err := t.houses(ctx, pushHouses, fillRows, ann, bob)
	if err != nil {
		return err
	}
	p := &pusher{houses: houses}
	if p.wire, err = t.wire(ctx, ann); err != nil {
		return err
	}
	r.after(p.close)
	ear, err := t.wire(ctx, bob)
	if err != nil {
		return err
	}
	r.after(ear.close)
	other, err := r.phone(ctx, t, bob, nil)
	if err != nil {
		return err
	}
	if _, err := other.synced(ctx); err != nil {
		return err
	}
	if err := p.sync(ctx, nil); err != nil {
		return err
	}
	req, err := ear.signed(ctx, http.MethodGet, "/v1/sync/events", nil)
	if err != nil {
		return err
	}
	got, err := r.hear(ctx, ear.http, req, func() error {
		batch, err := p.batch(1)
		if err != nil {
			return err
		}
		return p.sync(ctx, batch)
	}, func() (bool, error) {
		rep, err := other.synced(ctx)
		return rep.Rows > 0, err
	})
	if err != nil {
		return err
	}
	least, err := r.bareNotify(ctx, on, p)
	if err != nil {
		return err
	}
	r.say("commit to another device: median %.1f ms", median(got))
	return r.print(line{name: "notify-" + string(on), value: quantile(got, 0.95), unit: "ms", floor: quantile(least, 0.95), budget: reach(notifyMS)})
}

func (r *run) bareNotify(ctx context.Context, on database, p *pusher) ([]float64, error) {
	floor, err := r.bare(ctx, on)
	if err != nil {
		return nil, err
	}
	body, err := p.sample(ctx, 1, floor)
	if err != nil {
		return nil, err
	}
	device, err := r.bare(ctx, sqlite)
	if err != nil {
		return nil, err
	}
	over := newTransport()
	defer over.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, floor.url+"/events", nil)
	if err != nil {
		return nil, err
	}
	return r.hear(ctx, over, req, func() error {
		_, err := floor.ask(ctx, over, "POST", "/push?n=1", body, true)
		return err
	}, func() (bool, error) {
		if _, err := floor.ask(ctx, over, "GET", "/row?id=x", nil, false); err != nil {
			return false, err
		}
		_, err := device.insert(ctx, 1)
		return true, err
	})
}

// hear listens, and again and again sends something and fetches it upon the hint. It gives ms from the sending to the fetching's end.
func (r *run) hear(ctx context.Context, over http.RoundTripper, listen *http.Request, send func() error, fetch func() (bool, error)) (took []float64, err error) {
	resp, err := over.RoundTrip(listen)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("events answered %s", resp.Status), resp.Body.Close())
	}
	heard, ended := make(chan struct{}, 64), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "event:") {
				heard <- struct{}{}
			}
		}
	}()
	defer func() {
		err = errors.Join(err, resp.Body.Close())
		<-ended
	}()
	await := func() error {
		select {
		case <-heard:
			return nil
		case <-ended:
			return errors.New("the stream of events ended")
		case <-time.After(patience):
			return errors.New("no event came")
		}
	}
	if err := await(); err != nil { // the first comes unasked
		return nil, err
	}
	for range r.hints {
		began := time.Now()
		sent := make(chan error, 1)
		go func() { sent <- send() }()
		for came := false; !came; {
			if err := await(); err != nil {
				return nil, errors.Join(err, <-sent)
			}
			if came, err = fetch(); err != nil {
				return nil, errors.Join(err, <-sent)
			}
		}
		took = append(took, ms(time.Since(began)))
		if err := <-sent; err != nil {
			return nil, err
		}
	}
	return took, nil
}

// benchListeners measures what a server process holds resident with many idle listeners. The floor is the same process before them.
func benchListeners(ctx context.Context, r *run, on database) error {
	if runtime.GOOS != "linux" {
		r.say("listeners: what a process holds resident is read on Linux only")
		return nil
	}
	if err := openFiles(uint64(r.listeners + spareFiles)); err != nil {
		return err
	}
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	user, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	w, err := t.wire(ctx, user)
	if err != nil {
		return err
	}
	r.after(w.close)
	err = t.stop()
	t.stop = func() error { return nil }
	if err != nil {
		return err
	}
	pid, err := r.serve(ctx, t)
	if err != nil {
		return err
	}
	if err := w.signIn(ctx); err != nil {
		return err
	}
	before, err := resident(pid)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := r.listen(ctx, w); err != nil {
		return err
	}
	r.say("%d listeners connected within %.1f s", r.listeners, time.Since(began).Seconds())
	most := 0.0
	for range 10 { // the most of a few seconds: what lies between two collections counts too
		now, err := resident(pid)
		if err != nil {
			return err
		}
		most = max(most, now)
		time.Sleep(time.Duration(min(200, r.listeners)) * time.Millisecond)
	}
	return r.print(line{name: fmt.Sprintf("listeners-%d-%s", r.listeners, on), value: most, unit: "MB", floor: before, budget: reach(listenersMB)})
}

// serve builds the server and starts it as a process of its own on the town's folder.
func (r *run) serve(ctx context.Context, t *town) (pid int, err error) {
	dir, err := r.folder()
	if err != nil {
		return 0, err
	}
	program := filepath.Join(dir, "minqing")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "minqing/server/cmd/minqing").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	args := []string{"serve", "--data", t.dir, "--listen", "127.0.0.1:0"}
	if t.dsn != "" {
		args = append(args, "--db", t.dsn)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	found, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, at, ok := strings.Cut(lines.Text(), "http://"); ok {
				found <- "http://" + strings.TrimSpace(at)
			}
		}
	}()
	r.after(func() error {
		err := cmd.Process.Kill()
		<-drained
		var exit *exec.ExitError
		if waited := cmd.Wait(); !errors.As(waited, &exit) { // it was killed
			err = errors.Join(err, waited)
		}
		return err
	})
	select {
	case t.url = <-found:
		return cmd.Process.Pid, nil
	case <-drained:
	case <-time.After(patience):
	}
	return 0, errors.New("the server did not start")
}

// listen opens the listeners' connections, each until its first event has come, and keeps them till the bench ends.
func (r *run) listen(ctx context.Context, w *wire) error {
	req, err := w.signed(ctx, http.MethodGet, "/v1/sync/events", nil)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := req.Write(&text); err != nil {
		return err
	}
	var mu sync.Mutex
	var open []net.Conn
	r.after(func() error {
		for _, c := range open {
			c.Close() // the process at the other end goes next
		}
		return nil
	})
	const dialers = 64 // as many as the backlog of a listening socket takes at once
	_, _, err = each(make([]struct{}, dialers), func(i int, _ struct{}) error {
		var d net.Dialer
		for n := i; n < r.listeners; n += dialers {
			c, err := d.DialContext(ctx, "tcp", req.URL.Host)
			if err != nil {
				return err
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			if err := greet(c, text.String()); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// greet asks for events and waits for the first.
func greet(c net.Conn, request string) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "event: sync") {
			return nil
		}
	}
	return errors.New("a listener heard nothing")
}

// resident gives what a process holds resident, in MB.
func resident(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(raw), "VmRSS:")
	if !ok {
		return 0, fmt.Errorf("no VmRSS of process %d", pid)
	}
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb / 1024, err
}
