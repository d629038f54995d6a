package api

import (
	"context"
	"sync"

	"minqing/syncproto"
)

// gate bounds what the server takes on at once, in requests and in bytes held in memory, and turns the rest away with a time to
// come back before memory runs out. Turning away is cheap for both: the phone keeps everything and tries again with jitter.
type gate struct {
	mu       sync.Mutex
	requests int
	bytes    int64
	most     int
	mostMem  int64
}

// inside is how many requests have a place.
func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests
}

func newGate(most int, mostMem int64) *gate { return &gate{most: most, mostMem: mostMem} }

// enter takes a place and room for bytes; leave must be called when err is nil.
func (g *gate) enter(ctx context.Context, bytes int64) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.requests >= g.most || g.bytes+bytes > g.mostMem {
		return nil, &syncproto.Error{Code: syncproto.CodeBusy, Op: "gate", Message: "现在同步的人多，稍后自动再试。 Many are syncing just now.",
			Hint: "手机会自己再试，不用做什么。 The phone tries again by itself.", RetryAfter: 2 + g.requests/g.most}
	}
	g.requests++
	g.bytes += bytes
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.requests--
		g.bytes -= bytes
	}, nil
}
