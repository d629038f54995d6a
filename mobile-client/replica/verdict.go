package replica

import (
	"encoding/json"

	"minqing/schema"
	"minqing/syncproto"
)

// told is a verdict and where it came from.
type told struct {
	*syncproto.Verdict
	// at is the server's time when it was said: an older word never replaces a newer one, whatever way it came.
	at int64
	// absent is the first sync by whose final checkpoint a row must have come, or is no longer held: the sync that brought the
	// verdict, or, for one that came beside a sync (a courier's receipt), the next.
	absent int64
}

// takeVerdicts records verdicts and lays edits as they now stand.
func (r *Replica) takeVerdicts(l *layer, verdicts []told) error {
	for _, v := range verdicts {
		if err := r.takeVerdict(l, v); err != nil {
			return err
		}
	}
	return r.reconsider(l)
}

func (r *Replica) takeVerdict(l *layer, v told) error {
	old, err := r.w.entryBy(`identity`, string(v.Identity))
	if err != nil || old == nil || old.told > v.at {
		return err // of a change that was dropped already, or superseded
	}
	ord := old.ord
	text, err := json.Marshal(v.Verdict)
	if err != nil {
		return wrap("verdict", err)
	}
	next := Accepted
	if v.Status == syncproto.Refused {
		next = Refused
		if old.State == Withdrawn {
			next = Withdrawn
		}
	}
	labels := old.Change.Labels
	if labels == nil {
		labels = map[syncproto.RowID][]syncproto.Label{}
	}
	for _, rl := range v.Labels {
		labels[rl.Row] = addLabel(labels[rl.Row], rl.Label)
	}
	known, err := json.Marshal(labels)
	if err != nil {
		return wrap("verdict", err)
	}
	if err := r.w.exec(`UPDATE mq_change SET need = 0, state = ?, verdict = ?, told = ?, absent = ?, labels = ? WHERE ord = ?`,
		string(next), string(text), v.at, v.absent, string(known), ord); err != nil {
		return err
	}
	if err := r.label(l, ord, v.Labels, old.Verdict == nil); err != nil {
		return err
	}
	if err := r.tell(old, v.Verdict, next); err != nil {
		return err
	}
	old.Change.Labels = labels
	l.changes[ord] = old.Change // read once: what comes next lays it
	if next == Accepted && old.Boxed {
		if err := r.stow(l, ord); err != nil {
			return err
		}
	}
	return r.settleChange(l, ord)
}

func addLabel(labels []syncproto.Label, l syncproto.Label) []syncproto.Label {
	for _, x := range labels {
		if x == l {
			return labels
		}
	}
	return append(labels, l)
}

// label writes the newest labels beside the edits of a change; an edit that got none has none. first: none of them had one yet.
func (r *Replica) label(l *layer, ord int64, labels []syncproto.RowLabel, first bool) error {
	if !first {
		if err := r.w.exec(`UPDATE mq_edit SET epoch = NULL, rev = NULL WHERE change = ?`, ord); err != nil {
			return err
		}
	}
	for _, rl := range labels {
		epoch, known := l.epochs[rl.Label.Epoch]
		if !known {
			var err error
			if epoch, _, err = r.w.epochOf(rl.Label.Epoch); err != nil {
				return err
			}
			l.epochs[rl.Label.Epoch] = epoch
		}
		if err := r.w.exec(`UPDATE mq_edit SET epoch = ?, rev = ? WHERE row = ? AND change = ?`, epoch, rl.Label.Rev, string(rl.Row), ord); err != nil {
			return err
		}
	}
	return nil
}

// tell leaves the author a notice of what is new in a verdict.
func (r *Replica) tell(old *Entry, v *syncproto.Verdict, next State) error {
	was := old.Verdict
	if was == nil {
		was = &syncproto.Verdict{}
	}
	if next == Refused && (was.Status != syncproto.Refused || was.Code != v.Code) {
		n := Notice{Kind: NoticeRefused, Identity: v.Identity, Text: v.Message}
		if len(old.Change.Edits) > 0 {
			n.Table, n.Row = old.Change.Edits[0].Table, old.Change.Edits[0].Row
		}
		if err := r.notice(n); err != nil {
			return err
		}
	}
	outcomes := map[string]string{}
	for _, it := range was.Items {
		outcomes[it.Item+it.Cell] = "?" + it.Outcome
	}
	for _, it := range v.Items {
		if outcomes[it.Item+it.Cell] == "?"+it.Outcome {
			continue
		}
		kind := NoticeOpen
		switch it.Outcome {
		case "":
		case "kept":
			kind = NoticeDecided
		default:
			kind = NoticeOutvoted
		}
		if err := r.notice(Notice{Kind: kind, Identity: v.Identity, Table: it.Table, Row: it.Row, Cell: it.Cell, Text: string(it.Kind)}); err != nil {
			return err
		}
	}
	hidden := map[string]bool{}
	for _, m := range was.Merges {
		hidden[string(m.Row)+m.Cell] = !m.Shows
	}
	for _, m := range v.Merges {
		if m.Shows || hidden[string(m.Row)+m.Cell] {
			continue
		}
		if err := r.notice(Notice{Kind: NoticeOutvoted, Identity: v.Identity, Table: m.Table, Row: m.Row, Cell: m.Cell, Text: string(m.Rule)}); err != nil {
			return err
		}
	}
	return nil
}

// settleChange looks for every edit of a change whether its row has arrived with it. A row that is not held has not, and shows as it did: the
// verdict on what a phone made comes before its rows do.
func (r *Replica) settleChange(l *layer, ord int64) error {
	type at struct{ tbl, row string }
	var all []at
	var a at
	err := r.w.each(`SELECT tbl, row FROM mq_edit WHERE change = ? AND `+r.w.holds("mq_edit.row"), []any{ord}, []any{&a.tbl, &a.row}, func() error {
		all = append(all, a)
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range all {
		if t := r.book.Table(a.tbl); t != nil {
			if err := r.settleRow(l, t, syncproto.RowID(a.row)); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleRow decides for every own edit of a row whether the acknowledged row holds it already, and relays the row. An edit is in
// the row when
//
//   - the newest verdict gave it a label at or below the row's rev, and not one from behind a fork that the row has not passed; or
//   - it is offered again after a fork and an earlier label of the row's own epoch lies at or below the row's rev.
//
// A refused edit is in no row. What is not in the row is laid over it (reconsider leaves out what was refused).
func (r *Replica) settleRow(l *layer, t *schema.Table, id syncproto.RowID) error {
	type look struct {
		ord           int64
		settled, laid bool
		epoch, rev    *int64
		state         State
	}
	var all []look
	var e look
	err := r.w.each(`SELECT e.change, e.settled, e.laid, e.epoch, e.rev, c.state FROM mq_edit e JOIN mq_change c ON c.ord = e.change WHERE e.row = ? ORDER BY e.change`,
		[]any{string(id)}, []any{&e.ord, &e.settled, &e.laid, &e.epoch, &e.rev, &e.state}, func() error {
			all = append(all, e)
			return nil
		})
	if err != nil || len(all) == 0 {
		return err
	}
	st, err := r.w.load(t, id)
	if err != nil {
		return err
	}
	var laid []int64
	for _, e := range all {
		settled := e.settled
		switch {
		case !st.held:
		case e.state == Accepted && e.rev != nil:
			if settled, err = r.arrived(*e.epoch, uint64(*e.rev), st); err != nil {
				return err
			}
		case e.state == Pending:
			if settled, err = r.heldBefore(l, e.ord, st); err != nil {
				return err
			}
		}
		if settled == e.settled {
			if e.laid {
				laid = append(laid, e.ord)
			}
			continue
		}
		if err := r.w.exec(`UPDATE mq_edit SET settled = ?, laid = 0 WHERE row = ? AND change = ?`, settled, string(id), e.ord); err != nil {
			return err
		}
	}
	return l.lay(st, laid)
}

// arrived tells whether a row holds what was given a label.
func (r *Replica) arrived(epoch int64, rev uint64, st *row) (bool, error) {
	if rev > st.rev {
		return false, nil
	}
	if epoch == st.epoch {
		return true, nil
	}
	var label, row int64
	if _, err := r.w.one(`SELECT gen FROM mq_epoch WHERE id = ?`, []any{epoch}, &label); err != nil {
		return false, err
	}
	_, err := r.w.one(`SELECT gen FROM mq_epoch WHERE id = ?`, []any{st.epoch}, &row)
	return label <= row, err
}

// heldBefore tells whether a row holds a pending change: one that is offered again after a fork can be in it.
func (r *Replica) heldBefore(l *layer, ord int64, st *row) (bool, error) {
	ch, err := l.change(ord)
	if err != nil || len(ch.Labels[st.id]) == 0 {
		return false, err
	}
	name, err := r.w.epochName(st.epoch)
	if err != nil {
		return false, err
	}
	for _, label := range ch.Labels[st.id] {
		if label.Epoch == name && label.Rev <= st.rev {
			return true, nil
		}
	}
	return false, nil
}
