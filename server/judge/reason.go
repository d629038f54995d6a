package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

// Saying is why somebody decided an item so, in his words. It lies beside the outcome of the item, and the chain hashes it in a record of its
// own: nobody can put other words there, take them away or add some unseen.
type Saying struct {
	Change syncproto.Identity `json:"change"` // by which he decided; of late work and of two that are no twins one that the item is about
	User   syncproto.UserID   `json:"user"`
	At     int64              `json:"at"`
	Text   string             `json:"text"`
	Again  bool               `json:"again,omitempty"` // he decided it once more
	Back   bool               `json:"-"`               // as an item is shown: that decision was taken back
}

// leafSaying is what a record of the chain says of a reason.
type leafSaying struct {
	Item string `json:"item"`
	Saying
}

// wordReasoned begins the word for a reason that was given; the id of the item follows.
const wordReasoned = "reasoned "

// reasonedAbout reads the item out of a kind of record; ok is false when it tells of no reason.
func reasonedAbout(kind string) (item string, ok bool) {
	rest, ok := strings.CutPrefix(kind, "decided "+wordReasoned)
	item, _, _ = strings.Cut(rest, " by ")
	return item, ok
}

// keepSaying writes beside the outcome of an item why it was decided so, and puts it on record. One that stays open, because other words have
// come, keeps nothing.
func (j *Judge) keepSaying(tx *store.Tx, user syncproto.UserID, item string, out *Outcome, why string, again bool) error {
	items, err := tx.Items("id = ? AND closed_ms > 0", item)
	if err != nil || len(items) != 1 {
		return err
	}
	it := items[0]
	s := Saying{User: user, At: tx.Now(), Text: why, Again: again}
	if len(out.Verdicts) > 0 {
		s.Change = out.Verdicts[0].Identity
	} else if sides, err := readSides(it); err != nil || len(sides.Heads) == 0 {
		return fmt.Errorf("judge: item %s names nobody: %w", item, err)
	} else {
		s.Change = sides.Heads[0]
	}
	c, err := readClosing(it)
	if err != nil {
		return err
	}
	c.Said = append(c.Said, s)
	it.Outcome = mustJSON(c)
	if err := tx.SaveItems(items); err != nil {
		return err
	}
	if err := tx.LockStreams(it.Stream); err != nil {
		return err
	}
	d, err := j.newDesk(tx)
	if err != nil {
		return err
	}
	if err := d.recordDecision(it.Stream, user, wordReasoned+item, s.Change, &leafSaying{item, s}); err != nil {
		return err
	}
	return d.flush(&push{})
}

// Reconsider writes what somebody makes of an item that was decided before, by a change like any other. The decision before it and why he decided
// so are kept beside the outcome. last names the decision that he was shown (Item.Last), as for UndoDecision.
func (j *Judge) Reconsider(ctx context.Context, user syncproto.UserID, item, last string, edit syncproto.Edit, why string) (*Outcome, error) {
	var out *Outcome
	err := j.store.Write(ctx, func(tx *store.Tx) error {
		d, err := j.newDesk(tx)
		if err != nil {
			return err
		}
		it, err := d.itemFor(user, item)
		if err != nil {
			return err
		}
		if c, err := readClosing(it); err != nil || it.Closed == 0 || last != "" && last != lastOf(it, &c) {
			return errors.Join(err, &syncproto.Error{Code: syncproto.CodeConflict, Op: "decide " + item + " again", Message: syncproto.Both("您看的时候别人改了这个决定，您的没有生效。", "Somebody has changed this decision meanwhile; yours did not take effect.")})
		}
		if out, err = j.SubmitIn(tx, user, Draft{Edits: []syncproto.Edit{edit}}); err != nil || out.Verdicts[0].Status == syncproto.Refused {
			return err
		}
		if err := d.decidedAgain(user, item, out.Verdicts[0].Identity); err != nil || why == "" {
			return err
		}
		return j.keepSaying(tx, user, item, out, why, true)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func readClosing(it *store.Item) (c closing, err error) {
	if len(it.Outcome) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(it.Outcome, &c); err != nil {
		return c, fmt.Errorf("judge: outcome of item %s: %w", it.ID, err)
	}
	return c, nil
}

// sayings are the reasons that records of the chain are about, as the database holds them.
func sayings(tx *store.Tx, page []store.ChainRecord) (map[string]closing, error) {
	var ids []string
	for _, r := range page {
		if item, ok := reasonedAbout(r.Kind); ok {
			ids = append(ids, item)
		}
	}
	out := map[string]closing{}
	if len(ids) == 0 {
		return out, nil
	}
	items, err := tx.Items("id = ANY(?)", ids)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		c, err := readClosing(it)
		if err != nil {
			c = closing{} // no server wrote what no server can read: what was recorded is not there
		}
		out[it.ID] = c
	}
	return out, nil
}

// of finds the reasons that a record may be about: several where late work was decided so, taken back and decided once more. An empty one, which
// hashes to nothing that was recorded, stands for one that is gone.
func (c closing) of(item string, change syncproto.Identity) (out []*leafSaying) {
	for _, s := range c.Said {
		if s.Change == change {
			out = append(out, &leafSaying{item, s})
		}
	}
	if len(out) == 0 {
		return []*leafSaying{{Item: item}}
	}
	return out
}
