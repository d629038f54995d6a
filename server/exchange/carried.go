package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"minqing/server/auth"
	"minqing/server/judge"
	"minqing/server/pull"
	"minqing/server/store"
	"minqing/syncproto"
)

// Carried answers a request that came in a bundle, whose device the caller has proven: as Sync does, but nothing is pulled. revoked tells
// that the device was revoked, names that it reads the people of a verdict. Bundles come late, twice, and after newer ones, so their lineage nonce is not held against them: the
// numbers of changes and the cursors under which they were captured say all that is needed.
//
// What the device must hear goes out as frames, a Failure among them, and the error is nil; any other error is for whoever carries the
// bundle, who can try again.
func (s *Service) Carried(ctx context.Context, who auth.Who, revoked, names bool, in Source, out pull.Sink) error {
	r, changes, err := s.read(who, in)
	if err == nil && (r.asked || len(r.probes) > 0 || len(r.told) > 0 || r.hello.Resume != "") {
		err = invalid(syncproto.Both("导出的文件里有不该有的行。", "A bundle holds no held and no probes."), syncproto.Both("请升级后重新导出。", "Upgrade, then export again."))
	}
	if err != nil {
		return tell(out, err)
	}
	r.carried, r.revoked, r.names = true, revoked, names
	welcome, err := s.checkCarried(ctx, r)
	if welcome == nil {
		return tell(out, err)
	}
	if werr := out.Write(*welcome); werr != nil {
		return werr
	}
	if err == nil {
		_, err = s.push(ctx, r, changes, out)
	}
	if err != nil {
		return tell(out, err)
	}
	if err := out.Write(syncproto.End{}); err != nil {
		return err
	}
	return out.Flush()
}

// tell sends the device what is for it to act upon, and gives back what is not.
func tell(out pull.Sink, err error) error {
	var known *refusal
	var ours *syncproto.Error
	if !errors.As(err, &known) {
		if !errors.As(err, &ours) {
			return err
		}
		switch ours.Code {
		case syncproto.CodeBusy, syncproto.CodeFull, syncproto.CodeUnavailable, syncproto.CodeInternal:
			return err
		}
	}
	if err := out.Write(failureOf(err)); err != nil {
		return err
	}
	return out.Flush()
}

func (s *Service) checkCarried(ctx context.Context, r *request) (*syncproto.Welcome, error) {
	heads, err := s.open(r)
	if err != nil {
		return nil, err
	}
	var w *syncproto.Welcome
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if err := s.checkVersion(tx, r); err != nil {
			return err
		}
		epoch, err := tx.Epoch()
		if err != nil {
			return err
		}
		w = s.welcome(tx, epoch.ID)
		if err := s.checkOffer(tx, r); err != nil && !r.revoked {
			return err
		}
		if r.revoked || r.hello.Offer == epoch.ID {
			return nil // a revoked device has no other chance: what a lost server knew of its changes is not asked
		}
		return s.checkFork(tx, epoch.ID, heads)
	})
	return w, s.learn(ctx, r, err)
}

// stopped is what becomes of a bundle of which the judge took nothing.
func (s *Service) stopped(ctx context.Context, r *request, by judge.Author, stop *judge.Stop, changes []*syncproto.Change, out pull.Sink) error {
	switch {
	case r.revoked:
		return s.adopt(ctx, r, by, changes, out)
	case stop.Cause.Code == syncproto.CodeCopied:
		// Without a ticket: it would have run out long before the receipt is read. The device asks by itself when it syncs.
		return &refusal{syncproto.Failure{Code: syncproto.CodeCopied, Known: stop.Known, Message: stop.Cause.Message,
			Hint: syncproto.Both("请联网同步一次，手机会换一个编号再传，写的都在。", "Sync once with a network; nothing is lost.")}}
	case stop.Cause.Code == syncproto.CodeFork:
		// The heads fit, so no restore explains the gap: an earlier file does.
		return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "carry", Message: syncproto.Both("这台设备更早导出的文件还没有交来。", "An earlier file of this device has not come yet."),
			Hint: syncproto.Both("先交更早的那份，再交这一份。", "Hand in the earlier one first, then this one again."), Err: stop}
	}
	return stop
}

// adopt takes the changes of a revoked device whose numbers do not fit (its file was copied, or the server went back) under an id of
// their own: the device cannot ask for one any more, and its work is not to be lost. Their first names stay, so whatever is known already
// counts once, however often and under whatever id the bundle comes.
func (s *Service) adopt(ctx context.Context, r *request, by judge.Author, changes []*syncproto.Change, out pull.Sink) error {
	numbers := map[syncproto.Identity]uint64{}
	id := []byte(by.Device)
	for _, c := range changes {
		numbers[c.Identity()] = c.Name.Number
		id = append(id, c.Identity()...)
	}
	by.Device = deviceFrom(sha256.Sum256(id))
	for i, c := range changes {
		c.Name = syncproto.Name{Device: by.Device, Number: uint64(i) + 1}
	}
	by.Admit = func(tx *store.Tx) error {
		if _, found, err := tx.Device(by.Device); found || err != nil {
			return err
		}
		was, found, err := tx.Device(r.who.Device)
		if err != nil || !found {
			return errors.Join(err, errors.New("the revoked device is gone"))
		}
		return tx.SaveDevice(store.Device{ID: by.Device, User: was.User, Key: was.Key, Next: 1, LastContact: tx.Now(), Client: "courier", Revoked: was.Revoked})
	}
	for len(changes) > 0 {
		n := min(batchChanges, len(changes))
		o, err := s.Judge.Push(ctx, by, changes[:n])
		if err != nil {
			return err
		}
		for _, v := range o.Verdicts {
			v.Number = numbers[v.Identity]
		}
		if err := s.sendOutcome(out, o); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// deviceFrom makes an id in the form of a UUIDv7 from a digest.
func deviceFrom(digest [sha256.Size]byte) syncproto.DeviceID {
	h := []byte(hex.EncodeToString(digest[:16]))
	h[12], h[16] = '7', '8'
	s := string(h)
	return syncproto.DeviceID(s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:])
}
