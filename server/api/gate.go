package api

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
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
	tight    bool // more than a quarter of it is given out
}

// inside is how many requests have a place.
func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests
}

func newGate(most int, mostMem int64) *gate { return &gate{most: most, mostMem: mostMem} }

// place is a request's in the gate, with what it holds of the memory.
type place struct {
	g     *gate
	bytes int64 // reserved
}

// enter takes a place and room for bytes; its leave must be called when err is nil.
func (g *gate) enter(ctx context.Context, bytes int64) (*place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.requests >= g.most || g.bytes+bytes > g.mostMem {
		return nil, g.busy()
	}
	g.requests++
	g.hold(bytes)
	return &place{g: g, bytes: bytes}, nil
}

// busy is called with the lock held.
func (g *gate) busy() error {
	return &syncproto.Error{Code: syncproto.CodeBusy, Op: "gate", Message: syncproto.Both("现在同步的人多，稍后自动再试。", "Many are syncing just now."),
		Hint: syncproto.Both("手机会自己再试，不用做什么。", "The phone tries again by itself."), RetryAfter: 2 + g.requests/g.most}
}

// grow takes more room, or gives the error with which the request ends: waiting for others would keep what it holds from them.
func (p *place) grow(bytes int64) error {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if p.g.bytes+bytes > p.g.mostMem {
		return p.g.busy()
	}
	p.g.hold(bytes)
	p.bytes += bytes
	return nil
}

func (p *place) leave() {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	p.g.requests--
	p.g.hold(-p.bytes)
}

// hold is called with the lock held.
func (g *gate) hold(bytes int64) {
	g.bytes += bytes
	if tight := g.bytes > g.mostMem/4; tight != g.tight {
		g.tight = tight
		thrift.turn(tight)
	}
}

// thrift has garbage collected sooner while some gate has given out much of its memory: what is garbage by then would else take as much again.
// How soon is a setting of the process, and so is this.
var thrift thrifty

type thrifty struct {
	mu    sync.Mutex
	gates int // that are tight
	was   int
}

// soonPercent is how much garbage may gather, in percent of what lives, while memory is tight.
const soonPercent = 20

func (t *thrifty) turn(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case on:
		if t.gates++; t.gates == 1 {
			t.was = debug.SetGCPercent(soonPercent)
		}
	default:
		if t.gates--; t.gates == 0 {
			debug.SetGCPercent(t.was)
		}
	}
}

// unpackedCost is what a byte of a request costs in memory once it is unpacked and decoded: its frames are held until they are judged.
// Measured: 32 MiB of frames take about 130 MiB.
const unpackedCost = 4

// growStep is how much room is taken at a time, so that small requests take the lock once.
const growStep = 64 << 10

// unpacking takes room for what a body unpacks to, as it does: a few kilobytes may become MaxRequestBytes. At the body's end it lets its
// decompressor go, which the next request takes over: this one may wait for its turn to write, and be long in being answered.
type unpacking struct {
	in    io.ReadCloser
	place *place
	left  int64 // bytes that may still be read before more room is needed
	ended error
}

func (u *unpacking) Read(b []byte) (int, error) {
	if u.ended != nil {
		return 0, u.ended
	}
	if u.left <= 0 {
		if err := u.place.grow(growStep * unpackedCost); err != nil {
			return 0, err
		}
		u.left = growStep
	}
	n, err := u.in.Read(b[:min(int64(len(b)), u.left)])
	u.left -= int64(n)
	if errors.Is(err, io.EOF) {
		u.ended = err
		if failed := u.in.Close(); failed != nil {
			return n, failed
		}
	}
	return n, err
}
