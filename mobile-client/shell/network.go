package shell

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// State is how the network stands.
type State string

// The states that make a difference; “free” makes none. Unknown is that of machines where nobody tells.
const (
	Unknown State = ""
	None    State = "none"
	Metered State = "metered" // it costs: photos wait for leave
	Portal  State = "portal"  // it wants a sign-in first
)

// Network is one state of it, with the name servers as addresses.
type Network struct {
	State State
	DNS   []string
}

// Names resolves names by the servers that the shell told last; before, and where there is no shell, as the system does. It is safe
// for use by many.
type Names struct {
	mu      sync.Mutex
	servers []string
	turn    int
}

// Use takes the name servers of a network. What is no address is left out.
func (n *Names) Use(servers []string) {
	var good []string
	for _, s := range servers {
		if a, err := netip.ParseAddr(s); err == nil {
			good = append(good, netip.AddrPortFrom(a, 53).String())
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers = good
}

// Dialer connects by these names.
func (n *Names) Dialer() *net.Dialer {
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, n.server(address))
	}}}
}

// server is the next of the servers in turn, or the one that the system names.
func (n *Names) server(system string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.servers) == 0 {
		return system
	}
	n.turn++
	return n.servers[n.turn%len(n.servers)]
}
