package e2e_test

import (
	"net"
	"sync"
	"testing"
)

// relay is the network between devices and server: TCP that can be cut after any byte.
type relay struct {
	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	target string
	left   [2]int // bytes that still pass up and down; -1: all
	passed [2]int
	held   chan struct{} // nothing comes down until it is closed; nil: all does
	open   map[net.Conn]struct{}

	cutting int // cuts that were decided upon and have not been made yet
	cut     *sync.Cond
}

// The directions of a relay.
const (
	up = iota
	down
)

func mustRelay(t testing.TB, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	k := &relay{listener: l, target: target, left: [2]int{-1, -1}, open: map[net.Conn]struct{}{}}
	k.cut = sync.NewCond(&k.mu)
	k.done.Go(k.accept)
	t.Cleanup(func() {
		l.Close() // ends accept
		k.cutNow()
		k.done.Wait()
	})
	return k
}

func (k *relay) address() string { return k.listener.Addr().String() }

func (k *relay) retarget(target string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.target = target
}

// cutAfter lets n more bytes through in a direction; then the network is gone till heal.
func (k *relay) cutAfter(direction, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left, k.passed = [2]int{-1, -1}, [2]int{}
	k.left[direction] = n
}

// heal lets everything through again, counting from zero. No cut from before breaks a connection that is made afterwards.
func (k *relay) heal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.cutting > 0 {
		k.cut.Wait()
	}
	k.left, k.passed = [2]int{-1, -1}, [2]int{}
}

// count gives how many bytes passed since the last heal or cutAfter.
func (k *relay) count(direction int) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.passed[direction]
}

// cutNow breaks every connection.
func (k *relay) cutNow() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.open {
		c.Close()
	}
}

func (k *relay) accept() {
	for {
		c, err := k.listener.Accept()
		if err != nil {
			return // the listener was closed
		}
		k.done.Go(func() { k.relay(c) })
	}
}

func (k *relay) relay(c net.Conn) {
	defer c.Close()
	k.mu.Lock()
	target, dead := k.target, k.left[up] == 0 || k.left[down] == 0
	k.mu.Unlock()
	if dead {
		return
	}
	s, err := net.Dial("tcp", target)
	if err != nil {
		return // no server there: the device sees a closed connection
	}
	defer s.Close()
	k.mu.Lock()
	k.open[c], k.open[s] = struct{}{}, struct{}{}
	k.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { k.pipe(s, c, up) })
	both.Go(func() { k.pipe(c, s, down) })
	both.Wait()
	k.mu.Lock()
	delete(k.open, c)
	delete(k.open, s)
	k.mu.Unlock()
}

// pipe passes bytes until either side closes or the cut comes, then closes both.
func (k *relay) pipe(to, from net.Conn, direction int) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		k.wait(direction)
		if n == 0 {
			return // it was closed, and nothing passes any more
		}
		pass, cut := k.allow(direction, n)
		_, werr := to.Write(buf[:pass])
		if cut {
			k.cutNow()
			k.mu.Lock()
			k.cutting--
			k.cut.Broadcast()
			k.mu.Unlock()
		}
		if cut || werr != nil || err != nil {
			return
		}
	}
}

func (k *relay) allow(direction, n int) (pass int, cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	pass = n
	if left := k.left[direction]; left >= 0 {
		pass = min(n, left)
		k.left[direction] -= pass
		if cut = k.left[direction] == 0; cut {
			k.cutting++
		}
	}
	k.passed[direction] += pass
	return pass, cut
}
