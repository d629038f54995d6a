package judge

import (
	"sync"

	"minqing/syncproto"
)

// usual remembers the streams that people's last changes needed. Mostly the next need the same: locked before anything is read, rows need not be
// read a second time under their locks. Where the guess is wrong it costs a lock that was not needed, and the second reading.
type usual struct {
	mu      sync.Mutex
	streams map[syncproto.UserID][]string
}

const (
	mostUsual = 2 // who needs more streams at once hardly needs the same again, and should not hold up all of them
	mostKnown = 10_000
)

// guess gives the streams that changes will probably need.
func (u *usual) guess(hearings []*hearing) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []string
	for i, h := range hearings {
		if i == 0 || h.rec.User != hearings[i-1].rec.User {
			out = append(out, u.streams[h.rec.User]...)
		}
	}
	return out[:min(len(out), mostUsual)]
}

// learn hears which they needed.
func (u *usual) learn(hearings []*hearing, streams []string) {
	if len(hearings) == 0 || len(streams) > mostUsual {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.streams == nil || len(u.streams) >= mostKnown {
		u.streams = map[syncproto.UserID][]string{}
	}
	u.streams[hearings[0].rec.User] = streams
}
