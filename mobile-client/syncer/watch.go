package syncer

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"time"

	"minqing/syncproto"
)

// The waits of Watch (PROTOCOL.md, sections 15 and 16). Phones that were cut off together must not come back together: every wait
// has a random part.
const (
	jitterEvent  = 2 * time.Second
	quietLimit   = 2 * time.Minute // without a sign of life the link is dead
	firstPause   = time.Second     // before a link is made anew; doubles
	longestPause = time.Minute
	firstRetry   = 5 * time.Second // after a sync that failed; doubles
	longestRetry = 10 * time.Minute
)

// Watch keeps a link open on which the server says that there is something, and syncs then, and once for every new link, so that
// nothing is missed between two. It goes on until ctx ends, or until something that no waiting heals (the device was revoked, the
// program is too old). nudge says that there is something to send (it may be nil). each hears of every sync, and of a link that cannot
// be made.
func (s *Syncer) Watch(ctx context.Context, nudge <-chan struct{}, each func(Report, error)) error {
	pause := firstPause
	for {
		heard, err := s.link(ctx, nudge, each)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if hopeless(err) {
			return err
		}
		if err != nil {
			each(Report{}, err)
		}
		if heard {
			pause = firstPause
		}
		if err := s.sleep(ctx, pause, pause); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// link makes one link and syncs at each event and nudge until it ends; heard tells that there was one.
func (s *Syncer) link(ctx context.Context, nudge <-chan struct{}, each func(Report, error)) (heard bool, err error) {
	linked, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := s.stream(linked, s.event)
	if resp == nil {
		return false, err
	}
	defer resp.Body.Close()
	events := make(chan string, 1) // several that wait are one: the last
	go read(resp.Body, cancel, events)
	for {
		wait, event := jitterEvent, s.event
		select {
		case id, open := <-events:
			if !open {
				return heard, nil // however it ended, another is made
			}
			if !heard { // what comes at once comes to this device alone
				wait = 0
			}
			heard = true
			if id == silence {
				continue
			}
			event = id
		case <-nudge:
			wait = 0
		}
		err := s.sleep(ctx, 0, wait)
		if err == nil {
			err = s.insist(ctx, each)
		}
		if err != nil {
			return heard, err
		}
		s.event = event // this one needs not be heard again
	}
}

// stream opens a link behind an event. Neither answer nor error: the token ran out, and the next link gets another, or says that there is none.
func (s *Syncer) stream(ctx context.Context, after string) (*http.Response, error) {
	header := http.Header{"Accept": {eventStream}}
	if after != "" {
		header.Set("Last-Event-ID", after)
	}
	resp, err := s.send(ctx, http.MethodGet, "/v1/sync/events", nil, header)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), eventStream) {
		return resp, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil, broken(strange(resp)) // a network's own page, say
	}
	err = problem(resp)
	if codeOf(err) == syncproto.CodeAuth && s.token != "" {
		s.token = ""
		return nil, nil
	}
	return nil, err
}

const eventStream = "text/event-stream"

// Listen keeps one link open and hears the ids of events until it ends, however it ends; the empty id is a sign of life without an event.
// after is the last event after which a sync completed, "" when there was none. It is for a Syncer of its own.
func (s *Syncer) Listen(ctx context.Context, after string, heard func(event string)) error {
	linked, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := s.stream(linked, after)
	if resp == nil {
		return err
	}
	defer resp.Body.Close()
	events := make(chan string, 1)
	go read(resp.Body, cancel, events)
	for id := range events {
		if id == silence {
			id = ""
		}
		heard(id)
	}
	return nil
}

// silence is the first sign of life of a stream on which there is nothing for the device.
const silence = "\x00"

// read turns the lines of a stream into the ids of events until it ends or says nothing for too long.
func read(body io.Reader, cancel func(), events chan string) {
	defer close(events)
	quiet := time.AfterFunc(quietLimit, cancel)
	defer quiet.Stop()
	id, first := "", true
	for lines := bufio.NewScanner(body); lines.Scan(); {
		quiet.Reset(quietLimit)
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = text
		}
		event := strings.HasPrefix(line, "event: sync")
		switch {
		case event:
			select { // an older one that still waits is said by this one too
			case <-events:
			default:
			}
			events <- id
		case first && strings.HasPrefix(line, ":"):
			events <- silence
		}
		first = false
	}
}

// insist syncs, again and again while the server asks for patience.
func (s *Syncer) insist(ctx context.Context, each func(Report, error)) error {
	retry := firstRetry
	for {
		rep, err := s.Sync(ctx)
		each(rep, err)
		if err == nil || hopeless(err) {
			return err
		}
		wait := retryAfter(err)
		if wait == 0 {
			wait, retry = retry, min(2*retry, longestRetry)
		}
		if err := s.sleep(ctx, wait, wait/2); err != nil {
			return err
		}
	}
}

// hopeless tells that trying again later is of no use.
func hopeless(err error) bool {
	switch codeOf(err) {
	case syncproto.CodeRevoked, syncproto.CodeUpgrade, syncproto.CodeAuth:
		return true
	}
	return false
}

func retryAfter(err error) time.Duration {
	if e := errorOf(err); e != nil {
		return time.Duration(e.RetryAfter) * time.Second
	}
	return 0
}

// sleep waits for a time and up to as much again as extra, at random.
func (s *Syncer) sleep(ctx context.Context, d, extra time.Duration) error {
	var b [8]byte
	if _, err := io.ReadFull(s.opt.Rand, b[:]); err != nil {
		return broken(err)
	}
	if extra > 0 {
		d += time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(extra))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
