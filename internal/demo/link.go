package demo

import (
	"io"
	"net"
	"sync"
)

// link is the network between the phones and the server: a TCP relay on the loopback interface that can be cut. Cutting
// closes what is open and refuses what is new, as a valley without signal does.
type link struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]struct{}
	done sync.WaitGroup
}

// newLink starts a relay to target. The phones are given its address, never the server's.
func newLink(target string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &link{listener: l, target: target, open: map[net.Conn]struct{}{}}
	k.done.Go(k.accept)
	return k, nil
}

func (k *link) URL() string { return "http://" + k.listener.Addr().String() }

// SetCut cuts or restores the network.
func (k *link) SetCut(cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = cut
	if cut {
		for c := range k.open {
			c.Close()
		}
	}
}

func (k *link) Close() {
	k.listener.Close()
	k.SetCut(true)
	k.done.Wait()
}

func (k *link) accept() {
	for {
		c, err := k.listener.Accept()
		if err != nil {
			return // the listener was closed
		}
		k.done.Go(func() { k.relay(c) })
	}
}

func (k *link) relay(c net.Conn) {
	defer c.Close()
	k.mu.Lock()
	cut, target := k.cut, k.target
	if !cut {
		k.open[c] = struct{}{}
	}
	k.mu.Unlock()
	if cut {
		return
	}
	defer k.drop(c)
	s, err := net.Dial("tcp", target)
	if err != nil {
		return // the phone sees a closed connection: no server there
	}
	defer s.Close()
	var both sync.WaitGroup
	both.Go(func() { pipe(s, c) })
	both.Go(func() { pipe(c, s) })
	both.Wait()
}

// pipe copies until either side closes, then closes both so that the other direction ends too.
func pipe(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		from.Close()
	}
	to.Close()
}

func (k *link) drop(c net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.open, c)
}
