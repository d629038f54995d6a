package engine

import (
	"context"
	"maps"
	"slices"
	"sync"

	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// news gathers the scopes of commits until somebody looks who listens to them. Commits never wait for it.
type news struct {
	mu     sync.Mutex
	scopes origins
	some   chan struct{}
}

// origins says whose syncs brought what is new in scopes: one device's alone, or "" for anything else.
type origins map[string]syncproto.DeviceID

func newNews() *news { return &news{scopes: origins{}, some: make(chan struct{}, 1)} }

// maxNews bounds what is gathered: above it everybody is woken, which is right and merely wasteful.
const maxNews = 20000

// everybody is the scope that the store touches when it may have missed something.
const everybody = "*"

func (n *news) touched(scopes []string, by syncproto.DeviceID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range scopes {
		if other, known := n.scopes[s]; known && other != by {
			n.scopes[s] = ""
		} else {
			n.scopes[s] = by
		}
	}
	if len(n.scopes) > maxNews {
		n.scopes = origins{everybody: ""}
	}
	select {
	case n.some <- struct{}{}:
	default: // somebody is on his way already
	}
}

func (n *news) take() origins {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.scopes
	n.scopes = origins{}
	return out
}

// wakeAll tells listening devices of what was committed, until ctx ends.
func (e *Engine) wakeAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.news.some:
		}
		if err := e.wake(ctx, e.news.take()); err != nil && ctx.Err() == nil {
			// Devices that were not woken sync by themselves a little later.
			e.cfg.Log.Warn("cannot find whom to wake", "error", err.Error())
		}
	}
}

func (e *Engine) wake(ctx context.Context, scopes origins) error {
	if _, all := scopes[everybody]; all {
		e.API.WakeAll()
		return nil
	}
	if !e.API.Heard() { // whom to tell costs as much as a push
		return nil
	}
	return e.Store.Read(store.Keyed(ctx), func(tx *store.Tx) error {
		users, err := entitle.Watchers(tx, slices.Sorted(maps.Keys(scopes)))
		if err != nil {
			return err
		}
		spared, err := scopes.spared(tx)
		if err == nil {
			e.API.Wake(users, spared)
		}
		return err
	})
}

// maxSpared bounds the devices for whom a look is taken at what others brought. Where more push at once, each is woken for nothing now and
// then.
const maxSpared = 8

// spared are the devices to whom none of the news matters but what they brought themselves: the sync that brought it reads on after its
// commit and gives them all that came of it. One whose answer is cut comes again by itself.
func (o origins) spared(tx *store.Tx) (map[syncproto.DeviceID]syncproto.UserID, error) {
	devices := map[syncproto.DeviceID]bool{}
	for _, by := range o {
		if by != "" {
			devices[by] = true
		}
	}
	if len(devices) > maxSpared {
		return nil, nil
	}
	out := map[syncproto.DeviceID]syncproto.UserID{}
	for device := range devices {
		d, found, err := tx.Device(device)
		if err != nil {
			return nil, err
		}
		var others []string
		for scope, by := range o {
			if by != device {
				others = append(others, scope)
			}
		}
		watchers, err := entitle.Watchers(tx, others)
		if err != nil {
			return nil, err
		}
		if found && !slices.Contains(watchers, d.User) {
			out[device] = d.User
		}
	}
	return out, nil
}
