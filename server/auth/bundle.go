package auth

import (
	"context"
	"crypto/ed25519"

	"minqing/syncproto"
)

// Bundled says whose a bundle is, once verify has proven its signature by the key of the device that it names. A device that was revoked
// is recognised too, and told apart: handing over its work is all that is left to it.
func (s *Service) Bundled(ctx context.Context, id syncproto.DeviceID, verify func(ed25519.PublicKey) error) (who Who, revoked bool, err error) {
	d, key, err := s.device(ctx, id)
	if err != nil {
		return Who{}, false, err
	}
	if err := verify(key); err != nil {
		return Who{}, false, refuse("bundle", err)
	}
	return Who{Device: d.ID, User: d.User}, d.Revoked != 0, nil
}
