// Package courier is the server's half of what is carried by hand: it opens the bundles that devices write without a network, runs them
// through the exchange as a sync without a pull, and writes receipts. It also opens the escrow boxes in which devices keep changes that
// they may not read any more.
//
// It promises that verdicts are the same by either route and however often a bundle comes; that nothing of a bundle is taken unless its
// device signed it; that a carrier learns nothing but whether it can be handed in; and that a device that was revoked can still hand
// over its work, and gets nothing else by it.
package courier

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"

	"minqing/schema"
	"minqing/server/auth"
	"minqing/server/exchange"
	"minqing/server/keys"
	"minqing/syncproto"
	"minqing/syncproto/codec"
	"minqing/syncproto/courier"
)

// Service opens bundles and writes receipts. All fields are required.
type Service struct {
	Book     *schema.Book
	Ring     *keys.Ring
	Auth     *auth.Service
	Exchange *exchange.Service
	Now      func() int64 // Unix ms
	Log      *slog.Logger
}

// The purposes of the keys derived from the server's secret.
const (
	purposeBundles  = "courier"
	purposeReceipts = "receipts"
)

// Keys are what devices need in order to write bundles and to trust receipts.
func (s *Service) Keys() (courier.Keys, error) {
	recipient, err := courier.PublicKey(s.Ring.Derive(purposeBundles))
	public := s.Ring.Signer(purposeReceipts).Public().(ed25519.PublicKey)
	return courier.Keys{Recipient: recipient, Names: true, Receipts: syncproto.AlgEd25519 + " " + base64.RawURLEncoding.EncodeToString(public)}, err
}

// HandIn takes a bundle and gives the receipt for its device; what the device itself must act upon is in there, readable by nobody else.
// An error is for the carrier: the file is no bundle for this server, or it has to be tried again. own tells that nobody stands behind the
// request but the bundle: only a device that was revoked, and so cannot sign in, may hand in its own.
func (s *Service) HandIn(ctx context.Context, file []byte, own bool) (receipt []byte, err error) {
	b, verify, err := courier.OpenBundle(bytes.NewReader(file), s.Ring.Derive(purposeBundles))
	if err != nil {
		return nil, err
	}
	who, revoked, err := s.Auth.Bundled(ctx, b.Device, verify)
	if err != nil {
		return nil, err
	}
	if own && !revoked {
		return nil, &syncproto.Error{Code: syncproto.CodeAuth, Op: "courier", Message: syncproto.Both("要登录才能递交。", "Sign in to hand in a file."),
			Hint: syncproto.Both("请先登录，或由别的设备带来。", "Sign in, or let another device carry it.")}
	}
	// A reply key that is none would show only after the changes were taken.
	if _, err := courier.Seal(b.Reply, "reply", nil); err != nil {
		return nil, err
	}
	answer := newAnswer()
	if err := s.run(ctx, who, revoked, b, answer); err != nil {
		return nil, err
	}
	body, encoding, err := answer.body()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	r := courier.Receipt{Device: b.Device, Of: courier.BodyHash(b.Body), Made: s.Now(), Encoding: encoding, Body: body}
	err = courier.PackReceipt(&out, b.Reply, s.Ring.Signer(purposeReceipts), r)
	return out.Bytes(), err
}

func (s *Service) run(ctx context.Context, who auth.Who, revoked bool, b *courier.Bundle, out *answer) error {
	plain, err := codec.Decompress(b.Encoding, bytes.NewReader(b.Body), syncproto.MaxRequestBytes)
	if err != nil {
		return err
	}
	defer plain.Close()
	in := codec.NewReader(plain, s.Book, codec.Limits{})
	in.ForDevice(b.Device)
	err = s.Exchange.Carried(ctx, who, revoked, b.Names, in, out)
	s.Log.Info("bundle handed in", "device", who.Device, "revoked", revoked, "verdicts", out.verdicts, "failed", err != nil)
	return err
}

// Unbox puts their content back into changes that came in escrow boxes. One that does not open has no name that a verdict could bear: it
// is left out and noted, and stays with its device; the others go through.
func (s *Service) Unbox(device syncproto.DeviceID, changes []*syncproto.Change) ([]*syncproto.Change, error) {
	out := changes[:0]
	for _, c := range changes {
		if c.Sealed == nil {
			out = append(out, c)
			continue
		}
		opened, err := s.open(c)
		var ours *syncproto.Error
		switch {
		case err == nil:
			out = append(out, opened)
		case errors.As(err, &ours):
			s.Log.Warn("an escrow box does not open", "device", device, "number", c.Name.Number, "error", err.Error())
		default:
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) open(c *syncproto.Change) (*syncproto.Change, error) {
	content, err := courier.Open(s.Ring.Derive(purposeBundles), courier.Escrow, c.Sealed)
	if err != nil {
		return nil, err
	}
	opened, err := syncproto.ParseContent(s.Book, c.Name, c.First, string(content))
	if err != nil {
		return nil, fmt.Errorf("content of change %d: %w", c.Name.Number, err)
	}
	opened.Labels = c.Labels
	return opened, nil
}

// Content opens a file with the content of an attachment.
func (s *Service) Content(file []byte) (row syncproto.RowID, content []byte, err error) {
	return courier.OpenContent(file, s.Ring.Derive(purposeBundles))
}
