package engine

import (
	"context"
	"maps"
	"slices"
	"sync"

	"minqing/server/entitle"
	"minqing/server/store"
)

// news gathers the scopes of commits until somebody looks who listens to them. Commits never wait for it.
type news struct {
	mu     sync.Mutex
	scopes map[string]bool
	some   chan struct{}
}

func newNews() *news { return &news{scopes: map[string]bool{}, some: make(chan struct{}, 1)} }

// maxNews bounds what is gathered: above it everybody is woken, which is right and merely wasteful.
const maxNews = 20000

// everybody is the scope that the store touches when it may have missed something.
const everybody = "*"

func (n *news) touched(scopes []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range scopes {
		n.scopes[s] = true
	}
	if len(n.scopes) > maxNews {
		n.scopes = map[string]bool{everybody: true}
	}
	select {
	case n.some <- struct{}{}:
	default: // somebody is on his way already
	}
}

func (n *news) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := slices.Sorted(maps.Keys(n.scopes))
	clear(n.scopes)
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

func (e *Engine) wake(ctx context.Context, scopes []string) error {
	if slices.Contains(scopes, everybody) {
		e.API.WakeAll()
		return nil
	}
	return e.Store.Read(ctx, func(tx *store.Tx) error {
		users, err := entitle.Watchers(tx, scopes)
		if err == nil {
			e.API.Wake(users)
		}
		return err
	})
}
