package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"

	"minqing/server/store"
	"minqing/syncproto"
)

// HandIn takes a content that came by hand, from a device that was revoked before it had sent it. Whoever brings it: it is what its
// accepted row declares, or it is not taken, and it goes on record as its author's.
func (s *Service) HandIn(ctx context.Context, row syncproto.RowID, content []byte) error {
	name, err := s.name()
	if err != nil {
		return err
	}
	u := upload{name: name, full: name, row: row, bytes: int64(len(content))}
	sum := sha256.Sum256(content)
	there := false
	err = s.opt.Store.Write(ctx, func(tx *store.Tx) error {
		a, err := attached(tx, row)
		if err != nil {
			return err
		}
		if a == nil || a.hash != hex.EncodeToString(sum[:]) || a.bytes != u.bytes || accepted[a.media] == "" || a.bytes > maxBytes {
			return hidden("files: hand in for " + string(row)) // no more than an upload would tell
		}
		u.user, u.hash, u.media = a.author, a.hash, a.media
		if there, err = s.link(tx, row, a, a.author); there || err != nil {
			return err
		}
		return open(tx, u, "")
	})
	if err != nil || there {
		return err
	}
	if u.full, err = s.stow(ctx, name, u.bytes, bytes.NewReader(content)); err != nil {
		return firstError(err, s.throwAway(ctx, u))
	}
	return s.finish(ctx, u)
}
