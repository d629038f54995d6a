package api

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
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
	run    string // this process, so that no other's events are taken for its own
	mu     sync.Mutex
	nextID uint64
	users  map[syncproto.UserID]map[uint64]chan struct{}
	// woken counts the wake-ups of each user since the process began, listening or not, all those of everybody: a listener that
	// comes back and names the count it heard last is woken only if there was another. One number for each user of a city.
	woken map[syncproto.UserID]uint64
	all   uint64
}

func newHub() *hub {
	return &hub{users: map[syncproto.UserID]map[uint64]chan struct{}{}, woken: map[syncproto.UserID]uint64{}}
}

// begin gives the process its name when the first listener comes: an engine that nobody listens to draws no randomness for it.
func (h *hub) begin(random io.Reader) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run != "" {
		return nil
	}
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return err
	}
	h.run = hex.EncodeToString(b[:])
	return nil
}

// event is the id of the newest wake-up of a user: it says nothing but whether there was another since.
func (h *hub) event(user syncproto.UserID) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run + "-" + strconv.FormatUint(h.woken[user]+h.all, 36)
}

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
		h.woken[u]++
		signal(h.users[u])
	}
}

// wakeAll tells every listening device.
func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all++
	for _, listeners := range h.users {
		signal(listeners)
	}
}

func signal(listeners map[uint64]chan struct{}) {
	for _, c := range listeners {
		select {
		case c <- struct{}{}:
		default: // one is pending already
		}
	}
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

// lastEvent is the header in which a client that lost its stream names the last event it acted upon.
const lastEvent = "Last-Event-ID"

// silence is the comment that keeps a stream open.
const silence = ":\n\n"

// handleEvents is GET /v1/sync/events: server-sent events named “sync” without content.
func (s *Server) handleEvents(c echo.Context) error {
	who, err := s.identify(c, nil)
	if err != nil {
		return err
	}
	if err := s.hub.begin(s.cfg.Rand); err != nil {
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
	event := func() string { return "id: " + s.hub.event(who.User) + "\nevent: sync\ndata:\n\n" }
	// The first event goes out at once: what was committed between the device's last sync and this line is not missed. A device that
	// comes back and has heard the newest is spared it, so that a link that breaks often costs no syncs.
	line := event()
	if c.Request().Header.Get(lastEvent) == s.hub.event(who.User) {
		line = silence
	}
	for {
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
			line = event()
		case <-beat.C:
			line = silence
		}
	}
}
