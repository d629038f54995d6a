package syncer

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
	"minqing/syncproto/courier"
)

// Escrowed is what Escrow did.
type Escrowed struct {
	Changes  int // changes that had no verdict
	Handed   int // of those, handed over to the server
	Contents int // of attachments, not sent yet
	Carried  int // of those, handed over to the server
	Files    int // bundles and contents that were kept because the server could not take them
}

// Escrow hands over everything that has no verdict, after the server has said that this device was revoked; it cannot sign in any more, but
// its signature on a bundle still counts. What the server cannot take now goes to keep as a file, which anybody may carry and only the
// server can read. When the error is nil all of it is in safety, and the replica may be wiped.
func (s *Syncer) Escrow(ctx context.Context, now int64, keep func(part int, bundle []byte) error) (out Escrowed, err error) {
	if err := s.LearnKeys(ctx); err != nil && codeOf(err) != syncproto.CodeUnavailable {
		return out, err
	}
	d, err := s.opt.Replica.Device(ctx)
	if err != nil {
		return out, err
	}
	hello, changes, _, err := s.outbox(ctx, math.MaxInt, math.MaxInt)
	if err != nil {
		return out, err
	}
	out.Changes = len(changes)
	for part, list := range split(changes) {
		file, _, err := pack(d, hello, list, 0, now)
		if err != nil {
			return out, err
		}
		if s.handOver(ctx, d, file) == nil {
			out.Handed += len(list)
			continue
		}
		// Whatever the reason: the file lasts, and can be handed in again any number of times.
		out.Files++
		if err := keep(part+1, file); err != nil {
			return out, err
		}
	}
	return s.escrowContents(ctx, d, len(split(changes)), out, keep)
}

// escrowContents hands over the contents of attachments that were never sent. Their rows went before.
func (s *Syncer) escrowContents(ctx context.Context, d replica.Device, part int, out Escrowed, keep func(part int, file []byte) error) (Escrowed, error) {
	all, err := s.opt.Replica.Contents(ctx, "")
	if err != nil {
		return out, err
	}
	for _, c := range all {
		if !c.Own || c.Sent || c.Here < c.Bytes {
			continue
		}
		content, err := s.opt.Replica.ReadContent(ctx, c.Hash, 0, int(c.Bytes))
		if err != nil {
			return out, err
		}
		if d.Keys.Recipient == "" {
			return out, broken(errors.New("the server's key was never fetched"))
		}
		file, err := courier.PackContent(d.Keys.Recipient, c.Row, content)
		if err != nil {
			return out, err
		}
		out.Contents++
		if s.unsigned(ctx, d, file) == nil {
			out.Carried++
			continue
		}
		out.Files++
		part++
		if err := keep(part, file); err != nil {
			return out, err
		}
	}
	return out, nil
}

// unsigned hands in a file for which nobody stands but its content.
func (s *Syncer) unsigned(ctx context.Context, d replica.Device, file []byte) error {
	resp, err := s.postFile(ctx, d, file)
	if err != nil {
		return err
	}
	_, err = takeReceipt(resp)
	return err
}

func (s *Syncer) postFile(ctx context.Context, d replica.Device, file []byte) (*http.Response, error) {
	req, err := newRequest(ctx, http.MethodPost, d.Server, "/v1/courier", file)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", bundleType)
	resp, err := s.opt.Transport.RoundTrip(req)
	if err != nil {
		return nil, broken(err)
	}
	return resp, nil
}

// split cuts changes into what one bundle takes.
func split(changes []*syncproto.Change) (out [][]*syncproto.Change) {
	size := 0
	for _, c := range changes {
		n := len(c.Content) + len(c.Sealed)
		last := len(out) - 1
		if last < 0 || len(out[last]) == pushChanges || size+n > pushBytes {
			out, size, last = append(out, nil), 0, last+1
		}
		out[last] = append(out[last], c)
		size += n
	}
	return out
}

// handOver hands in an own bundle without signing in, and takes the receipt.
func (s *Syncer) handOver(ctx context.Context, d replica.Device, file []byte) error {
	resp, err := s.postFile(ctx, d, file)
	if err != nil {
		return err
	}
	receipt, err := takeReceipt(resp)
	if err != nil {
		return err
	}
	_, err = s.Receipt(ctx, bytes.NewReader(receipt))
	return err
}
