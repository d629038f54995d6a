package exchange

import (
	"context"
	"errors"
	"slices"

	"minqing/server/pull"
	"minqing/server/store"
	"minqing/syncproto"
)

// check opens what the server once sealed for the device and finds out, before anything is taken, whether the server went back (a
// fork) or the file was copied. It gives the Welcome once the device's cursor was found to be of this server; an error beside it is
// to be sent behind it.
func (s *Service) check(ctx context.Context, r *request) (*syncproto.Welcome, error) {
	heads, err := s.open(r)
	if err != nil {
		return nil, err
	}
	var w *syncproto.Welcome
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if err := s.checkVersion(tx, r); err != nil {
			return err
		}
		if err := tx.Ahead(func() error { _, _, err := tx.Device(r.who.Device); return err }); err != nil {
			return err
		}
		epoch, err := tx.Epoch()
		if err != nil {
			return err
		}
		w = s.welcome(tx, epoch.ID)
		if s.Terms != nil {
			// Told once, and again when they changed since the device was last here.
			if now := s.Terms(); r.cursor == nil || r.cursor.Epoch != epoch.ID || r.cursor.Now <= now.Since {
				w.Grace, w.Lease = now.Grace.Milliseconds(), now.Lease.Milliseconds()
			}
		}
		if err := s.checkOffer(tx, r); err != nil {
			return err
		}
		if r.hello.Offer != epoch.ID {
			if err := s.checkFork(tx, epoch.ID, heads); err != nil {
				return err
			}
		}
		if r.offer == 0 {
			if err := s.checkLineage(tx, r); err != nil {
				return err
			}
		}
		return s.findHeld(tx, r)
	})
	return w, s.learn(ctx, r, err)
}

// learn keeps what a device that is turned away with a fork knows of epochs that were cut off: it drops its cursor now, what it wrote since may
// carry none, and is based on what it saw in them.
func (s *Service) learn(ctx context.Context, r *request, err error) error {
	var e *syncproto.Error
	if r.cursor == nil || !errors.As(err, &e) || e.Code != syncproto.CodeFork {
		return err
	}
	if lost := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.LearnEpochs(r.cursor.Line) }); lost != nil {
		return lost
	}
	return err
}

// checkVersion turns away a device that knows more than this server when the database does too.
func (s *Service) checkVersion(tx *store.Tx, r *request) error {
	if r.hello.Schema <= s.Book.Version {
		return nil
	}
	return tx.Behind()
}

func (s *Service) welcome(tx *store.Tx, epoch syncproto.EpochID) *syncproto.Welcome {
	return &syncproto.Welcome{Protocol: syncproto.ProtocolVersion, Schema: s.Book.Version, Epoch: epoch, Now: tx.Now()}
}

// open opens the seals of a hello and gives the chain heads that the device can show.
func (s *Service) open(r *request) ([]*syncproto.ChainHead, error) {
	var heads []*syncproto.ChainHead
	if r.hello.Cursor != "" {
		c, err := s.Sealer.OpenCursor(r.hello.Cursor)
		if err != nil {
			return nil, err
		}
		r.cursor = c
		heads = append(heads, &syncproto.ChainHead{Epoch: c.Epoch, Streams: c.Streams})
	}
	for _, sealed := range r.hello.Heads {
		h, err := s.Sealer.OpenHead(sealed)
		if err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	if r.hello.Resume != "" {
		m, err := s.Sealer.OpenResume(r.hello.Resume)
		if err != nil {
			return nil, err
		}
		r.resume = m
	}
	return heads, nil
}

// checkOffer finds the epoch to which a device offers what it has. The server may have begun another since, which is no reason to begin anew;
// one that it never had, or lost, is.
func (s *Service) checkOffer(tx *store.Tx, r *request) error {
	if r.hello.Offer == "" {
		return nil
	}
	epochs, err := tx.Epochs()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(epochs, func(e store.Epoch) bool { return e.ID == r.hello.Offer })
	if i < 0 {
		return wentBack()
	}
	r.offer = epochs[i].Ord
	return nil
}

func wentBack() error {
	return &syncproto.Error{Code: syncproto.CodeFork, Op: "sync", Message: syncproto.Both("服务器从备份恢复过，缺了您手机上有的内容。", "The server went back to a backup and lacks what this phone holds."),
		Hint: syncproto.Both("手机会把它们再交一遍，不用做什么。", "The phone offers them again by itself.")}
}

// checkFork looks whether this server has every chain head that the device was given. Heads of the present epoch it has: whoever
// misses one of his own begins a new epoch.
func (s *Service) checkFork(tx *store.Tx, present syncproto.EpochID, heads []*syncproto.ChainHead) error {
	var known map[syncproto.EpochID]bool
	for _, h := range heads {
		if h.Epoch == present {
			continue
		}
		if known == nil {
			epochs, err := tx.Epochs()
			if err != nil {
				return err
			}
			known = map[syncproto.EpochID]bool{}
			for _, e := range epochs {
				known[e.ID] = true
			}
		}
		has, err := hasHead(tx, known, h)
		if err != nil {
			return err
		}
		if !has {
			return wentBack()
		}
	}
	return nil
}

func hasHead(tx *store.Tx, known map[syncproto.EpochID]bool, h *syncproto.ChainHead) (bool, error) {
	if !known[h.Epoch] {
		return false, nil
	}
	for _, st := range h.Streams {
		if st.Pos == 0 {
			continue
		}
		has, err := tx.HasHead(st.ID, int64(st.Pos), st.Head)
		if err != nil || !has {
			return false, err
		}
	}
	return true, nil
}

// checkLineage finds out a file that was restored from an old copy, or that goes on in two places: its nonce was voided when the twin used
// another (see pull.NonceStands).
func (s *Service) checkLineage(tx *store.Tx, r *request) error {
	d, found, err := tx.Device(r.who.Device)
	if err != nil || !found {
		return err
	}
	if r.cursor != nil && r.cursor.Device != r.who.Device {
		// A file that took a new id after it was told apart still holds the cursor of the old: good to pull from when the old device was
		// the same user's, and no lineage of this one.
		old, found, err := tx.Device(r.cursor.Device)
		if err != nil {
			return err
		}
		if !found || old.User != r.who.User {
			return &syncproto.Error{Code: syncproto.CodeCursor, Op: "sync", Message: syncproto.Both("这个游标是别人的。", "This cursor is somebody else's."),
				Hint: syncproto.Both("从头同步一次。", "Begin with a first sync.")}
		}
	}
	if pull.NonceStands(d, pull.UsedNonce(r.cursor, r.who.Device)) {
		return nil
	}
	return errCopied
}

var errCopied = errors.New("the nonce was voided by a twin's")

// copiedFile is copied for a push of which nothing was looked at yet.
func (s *Service) copiedFile(ctx context.Context, r *request, changes []*syncproto.Change) error {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = string(c.Identity())
	}
	var known []syncproto.Identity
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		names, err := tx.NamesOf(ids)
		for _, n := range names {
			if !slices.Contains(known, n.Identity) {
				known = append(known, n.Identity)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.copied(ctx, r, known)
}

// copied tells a copied file what to do: which of the changes it pushed keep their names, because the server holds them already,
// and how it gets a new id for the others.
func (s *Service) copied(ctx context.Context, r *request, known []syncproto.Identity) error {
	ticket, err := s.Ticket(ctx, r.who.User)
	if err != nil {
		return err
	}
	return &refusal{syncproto.Failure{Code: syncproto.CodeCopied, Known: known, Ticket: ticket,
		Message: syncproto.Both("这份数据被复制或恢复过，另一份已经同步在先。", "This file was copied or restored; its twin has synced since."),
		Hint:    syncproto.Both("手机会换一个编号再传，写的都在。", "The phone takes a new id and sends again; nothing is lost.")}}
}

// findHeld finds the list of buckets that the device holds, by the digest in its cursor.
func (s *Service) findHeld(tx *store.Tx, r *request) error {
	if r.asked || r.cursor == nil {
		return nil
	}
	if r.ledger = s.Pull.Recall(r.who.Device, r.who.User, r.book, r.cursor.Held); r.ledger != nil {
		return nil
	}
	held, ok, err := pull.LoadHeld(tx, r.cursor.Held)
	if err != nil {
		return err
	}
	if !ok {
		return &syncproto.Error{Code: syncproto.CodeHeld, Op: "sync", Message: syncproto.Both("请把手机上的清单也传来。", "Send the list of buckets held.")}
	}
	r.held = held
	return nil
}
