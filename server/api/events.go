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
	users  map[syncproto.UserID]map[uint64]listener
	// woken counts the wake-ups of each user since the process began, listening or not, all those of everybody: a listener that
	// comes back and names the count it heard last is woken only if there was another. One number for each user of a city.
	woken map[syncproto.UserID]uint64
	all   uint64
	// spared counts, of the wake-ups of a device's user, those that were not for this device: it brought the news itself.
	spared map[syncproto.DeviceID]uint64
}

// listener is one open stream; its channel holds at most one pending wake-up.
type listener struct {
	device syncproto.DeviceID
	wake   chan struct{}
}

func newHub() *hub {
	return &hub{users: map[syncproto.UserID]map[uint64]listener{}, woken: map[syncproto.UserID]uint64{}, spared: map[syncproto.DeviceID]uint64{}}
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

func (h *hub) heard() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run != ""
}

// event is the id of the newest wake-up of a user's device: it says nothing but whether there was another since.
func (h *hub) event(user syncproto.UserID, device syncproto.DeviceID) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run + "-" + strconv.FormatUint(h.woken[user]+h.all-h.spared[device], 36)
}

// listen registers a listener.
func (h *hub) listen(user syncproto.UserID, device syncproto.DeviceID) (wake <-chan struct{}, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nextID++
	id, l := h.nextID, listener{device, make(chan struct{}, 1)}
	if h.users[user] == nil {
		h.users[user] = map[uint64]listener{}
	}
	h.users[user][id] = l
	return l.wake, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.users[user], id)
		if len(h.users[user]) == 0 {
			delete(h.users, user)
		}
	}
}

// wake tells the listening devices of some users, but for the spared ones.
func (h *hub) wake(users []syncproto.UserID, spared map[syncproto.DeviceID]syncproto.UserID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, u := range users {
		h.woken[u]++
		for d, owner := range spared {
			if owner == u {
				h.spared[d]++
			}
		}
		signal(h.users[u], spared)
	}
}

// wakeAll tells every listening device.
func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all++
	for _, listeners := range h.users {
		signal(listeners, nil)
	}
}

func signal(listeners map[uint64]listener, spared map[syncproto.DeviceID]syncproto.UserID) {
	for _, l := range listeners {
		if _, own := spared[l.device]; own {
			continue
		}
		select {
		case l.wake <- struct{}{}:
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
	wake, leave := s.hub.listen(who.User, who.Device)
	defer leave()
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "text/event-stream")
	w.Header().Set(echo.HeaderCacheControl, "no-store")
	w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	event := func() string { return "id: " + s.hub.event(who.User, who.Device) + "\nevent: sync\ndata:\n\n" }
	// The first event goes out at once: what was committed between the device's last sync and this line is not missed. A device that
	// comes back and has heard the newest is spared it, so that a link that breaks often costs no syncs.
	line := event()
	if c.Request().Header.Get(lastEvent) == s.hub.event(who.User, who.Device) {
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
