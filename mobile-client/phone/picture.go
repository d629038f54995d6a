package phone

import (
	"context"
	"net"
	"net/http"

	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// Picture gives the content of an attachment and its media type: what is in the file, or else fetched now. The engine's own sender goes on
// meanwhile: this is another.
func (p *Phone) Picture(ctx context.Context, r *replica.Replica, row syncproto.RowID) ([]byte, string, error) {
	var through http.RoundTripper = counting{p.opt.Transport, p}
	if p.opt.Transport == nil { // that of practice: there is no server
		through = nowhere{}
	}
	opt := syncer.Options{Replica: r, Transport: through, Rand: p.opt.Rand, Client: p.opt.Client}
	s := photos.NewSender(photos.Options{Replica: r, Syncer: syncer.New(opt), Now: p.opt.Now, Metered: func() bool { return p.network() == shell.Metered }})
	return s.Picture(ctx, row)
}

// nowhere is the network of a phone without a server.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.UnknownNetworkError("none")}
}
