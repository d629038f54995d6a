package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"minqing/syncproto"
)

// heartbeat keeps idle event streams open through proxies that close silent connections after a minute.
const heartbeat = 45 * time.Second

// hub wakes the devices that listen. It carries no content: an event says only “something for you”, and the sync that follows
// decides what may be seen.
type hub struct {
	mu     sync.Mutex
	nextID uint64
	users  map[syncproto.UserID]map[uint64]chan struct{}
}

func newHub() *hub { return &hub{users: map[syncproto.UserID]map[uint64]chan struct{}{}} }

// listen registers a listener; its channel holds at most one pending wake-up.
func (h *hub) listen(user syncproto.UserID) (wake <-chan struct{}, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nextID++
	id, c := h.nextID, make(chan struct{}, 1)
	if h.users[user] == nil {
		h.users[user] = map[uint64]chan struct{}{}
	}
	h.users[user][id] = c
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.users[user], id)
		if len(h.users[user]) == 0 {
			delete(h.users, user)
		}
	}
}

// wake tells the listening devices of some users.
func (h *hub) wake(users []syncproto.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range users {
		for _, c := range h.users[u] {
			select {
			case c <- struct{}{}:
			default: // one is pending already
			}
		}
	}
}

// wakeAll tells every listening device.
func (h *hub) wakeAll() {
	h.mu.Lock()
	users := slices.Collect(maps.Keys(h.users))
	h.mu.Unlock()
	h.wake(users)
}

func (h *hub) listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, m := range h.users {
		n += len(m)
	}
	return n
}

// handleEvents is GET /v1/sync/events: server-sent events named “sync” without content.
func (s *Server) handleEvents(c echo.Context) error {
	who, err := s.identify(c, nil)
	if err != nil {
		return err
	}
	wake, leave := s.hub.listen(who.User)
	defer leave()
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "text/event-stream")
	w.Header().Set(echo.HeaderCacheControl, "no-store")
	w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	// The first event goes out at once: what was committed between the device's last sync and this line is not missed.
	for line := "event: sync\ndata:\n\n"; ; {
		if _, err := fmt.Fprint(w, line); err != nil {
			return nil // the phone went away; it comes back by itself
		}
		w.Flush()
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-s.closing:
			return nil
		case <-wake:
			line = "event: sync\ndata:\n\n"
		case <-beat.C:
			line = ":\n\n"
		}
	}
}
