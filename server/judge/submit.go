package judge

import (
	"context"
	"fmt"
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
)

// Draft is a change before it has a name: what the console, an import or a command wants done.
type Draft struct {
	Edits []syncproto.Edit
	Mends syncproto.Identity
}

// Submit takes drafts of a user through the one path that all domain data takes, as changes of the server's own device; each is accepted or
// refused by itself. Without a user they are the server's own acts. Edits of rows without a base are based on the row as it stands.
func (j *Judge) Submit(ctx context.Context, user syncproto.UserID, drafts ...Draft) (*Outcome, error) {
	var out *Outcome
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		var err error
		out, err = j.SubmitIn(tx, user, drafts...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SubmitIn is Submit inside a transaction of the caller's.
func (j *Judge) SubmitIn(tx *store.Tx, user syncproto.UserID, drafts ...Draft) (*Outcome, error) {
	id, err := serverDevice(tx)
	if err != nil {
		return nil, err
	}
	if err := tx.LockPush(id); err != nil {
		return nil, err
	}
	dev, found, err := tx.Device(id)
	if err != nil {
		return nil, err
	}
	if !found {
		dev = store.Device{ID: id, Next: 1, Client: "server"}
		if err := tx.SaveDevice(dev); err != nil {
			return nil, err
		}
	}
	changes := make([]*syncproto.Change, len(drafts))
	for i, draft := range drafts {
		// The drafts stay as they are: a transaction that lost a race runs again, and bases them anew.
		changes[i] = &syncproto.Change{Name: syncproto.Name{Device: id, Number: dev.Next + uint64(i)}, At: tx.Now(), Mends: draft.Mends, Edits: slices.Clone(draft.Edits)}
	}
	if err := rebase(tx, changes); err != nil {
		return nil, err
	}
	for _, c := range changes {
		if err := c.Seal(); err != nil {
			return nil, err
		}
	}
	return j.PushIn(tx, Author{Device: id, User: user, Server: true}, changes)
}

// Seen is what a device says of a row, and what would bring the row to that.
type Seen struct {
	By   syncproto.DeviceID
	Edit syncproto.Edit
}

// Retake brings rows to what devices say of them, each by a change of the server's own: the rights of him who decides are not those of him who
// once wrote. Who decided it, and on whose word, stands in the chain beside each (see ReadDecision).
func (j *Judge) Retake(tx *store.Tx, decides syncproto.UserID, told []Seen) (*Outcome, error) {
	drafts := make([]Draft, len(told))
	for i := range told {
		drafts[i] = Draft{Edits: []syncproto.Edit{told[i].Edit}}
	}
	out, err := j.SubmitIn(tx, "", drafts...)
	if err != nil {
		return nil, err
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return nil, err
	}
	for i, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			continue
		}
		if err := d.loadRecords([]syncproto.Identity{v.Identity}); err != nil {
			return nil, err
		}
		stream := d.records[v.Identity].Stream
		if err := tx.LockStreams(stream); err != nil {
			return nil, err
		}
		if err := d.recordDecision(stream, decides, wordRetaken+string(told[i].By), v.Identity, nil); err != nil {
			return nil, err
		}
	}
	return out, d.flush(&push{})
}

// serverDevice is the id under which the server's own changes are numbered. It goes with the epoch: a restored server counts anew, and must
// not give its old numbers to other changes.
func serverDevice(tx *store.Tx) (syncproto.DeviceID, error) {
	e, err := tx.Epoch()
	if err != nil {
		return "", err
	}
	if len(e.ID) != 32 {
		return "", fmt.Errorf("judge: epoch %q", e.ID)
	}
	h := []byte(e.ID)
	h[12], h[16] = '7', '8' // the form of a UUIDv7
	s := string(h)
	return syncproto.DeviceID(s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]), nil
}

// rebase gives edits without a base the row as it stands: what the server does by itself, it does seeing everything.
func rebase(tx *store.Tx, changes []*syncproto.Change) error {
	bare := map[syncproto.RowID][]*syncproto.Edit{}
	for _, c := range changes {
		for i := range c.Edits {
			if e := &c.Edits[i]; e.Op != syncproto.OpCreate && e.Base.Epoch == "" {
				bare[e.Row] = append(bare[e.Row], e)
			}
		}
	}
	ids := make([]string, 0, len(bare))
	for id := range bare {
		ids = append(ids, string(id))
	}
	slices.Sort(ids)
	rows, err := tx.ShownRows(ids)
	if err != nil {
		return err
	}
	epoch, err := tx.Epoch()
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, e := range bare[r.ID] {
			e.Base = syncproto.Base{Epoch: epoch.ID, Rev: r.Label.Rev, Open: r.Open}
		}
	}
	return nil
}
