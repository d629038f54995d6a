package judge

import (
	"encoding/json"
	"fmt"
	"slices"

	"minqing/server/store"
	"minqing/syncproto"
)

// push is what receive made of the changes handed in.
type push struct {
	by      Author
	device  store.Device
	ids     []syncproto.Identity // of each change, in the order handed in
	numbers []uint64
	fresh   []*hearing          // to be judged
	offered []*syncproto.Change // with labels, after a fork
	next    uint64
	cursor  int64 // server time of the newest cursor
}

// receive finds out which changes are known and holds the others to the numbering: no gaps, no number with two contents, cursors that
// never go back.
func (d *desk) receive(by Author, changes []*syncproto.Change) (*push, error) {
	p := &push{by: by}
	var found bool
	slices.SortStableFunc(changes, func(a, b *syncproto.Change) int { return compareNumbers(a.Name.Number, b.Name.Number) })
	for _, c := range changes {
		p.ids, p.numbers = append(p.ids, c.Identity()), append(p.numbers, c.Name.Number)
	}
	if len(changes) > 0 {
		ids := d.unknownRecords(p.ids)
		if err := d.tx.Ahead(func() error { _, _, err := d.tx.Device(by.Device); return err },
			func() error { _, err := d.tx.Changes(byIdentity, ids); return err },
			func() error {
				_, err := d.tx.NamesBetween(by.Device, p.numbers[0], p.numbers[len(p.numbers)-1])
				return err
			}); err != nil {
			return nil, err
		}
	}
	var err error
	if p.device, found, err = d.tx.Device(by.Device); err != nil {
		return nil, err
	}
	if !found || (p.device.User != by.User && !by.Server) || (p.device.Revoked != 0 && !by.Carried) {
		return nil, &syncproto.Error{Code: syncproto.CodeRevoked, Op: "push " + string(by.Device), Message: syncproto.Both("这台设备已停用。", "This device was revoked.")}
	}
	p.next, p.cursor = p.device.Next, p.device.CursorMS
	if len(changes) == 0 {
		return p, nil
	}
	if err := d.loadRecords(p.ids); err != nil {
		return nil, err
	}
	held, err := d.tx.NamesBetween(by.Device, p.numbers[0], p.numbers[len(p.numbers)-1])
	if err != nil {
		return nil, err
	}
	names := map[uint64]syncproto.Identity{}
	for _, n := range held {
		names[n.Name.Number] = n.Identity
	}
	for i, c := range changes {
		if id, taken := names[c.Name.Number]; taken && id != p.ids[i] {
			return nil, d.copied(p, "number held with other content")
		}
	}
	if err := d.checkFirstDevices(by, changes); err != nil {
		return nil, err
	}
	for i, c := range changes {
		_, named := names[c.Name.Number]
		if err := d.receiveOne(p, c, p.ids[i], named); err != nil {
			return nil, err
		}
		names[c.Name.Number] = p.ids[i]
	}
	return p, nil
}

func compareNumbers(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// copied is the answer to a file that was restored or copied: nothing is taken, and the device learns which changes are held.
func (d *desk) copied(p *push, why string) error {
	stop := &Stop{Cause: &syncproto.Error{Code: syncproto.CodeCopied, Op: fmt.Sprintf("push %s: %s", p.by.Device, why),
		Message: syncproto.Both("这份数据是从旧文件恢复或复制的。", "This file was restored or copied."), Hint: syncproto.Both("设备会换一个新编号再同步，数据不会丢。", "The device takes a new id and goes on.")}}
	for _, id := range p.ids {
		if d.records[id] != nil {
			stop.Known = append(stop.Known, id)
		}
	}
	return stop
}

// checkFirstDevices holds first names to devices of the same user: nobody speaks in another's name. A device that a restore made unknown
// is nobody's any more; whoever has its changes held its file, and enrolled anew. He may send them under ever newer ids: as long as the
// server forks, and whenever his file was copied.
func (d *desk) checkFirstDevices(by Author, changes []*syncproto.Change) error {
	seen := map[syncproto.DeviceID]bool{by.Device: true}
	for _, c := range changes {
		if seen[c.First.Device] {
			continue
		}
		seen[c.First.Device] = true
		dev, found, err := d.tx.Device(c.First.Device)
		if err != nil {
			return err
		}
		if found && dev.User != by.User {
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: fmt.Sprintf("push %s: change %d", by.Device, c.Name.Number),
				Message: syncproto.Both("改动的原编号不属于本用户。", "The first name of a change is not of this user.")}
		}
	}
	return nil
}

func (d *desk) receiveOne(p *push, c *syncproto.Change, id syncproto.Identity, named bool) error {
	captured, err := d.captureTime(p, c)
	if err != nil {
		return err
	}
	if len(c.Labels) > 0 {
		p.offered = append(p.offered, c)
	}
	if !named {
		if err := d.takeNumber(p, c.Name.Number); err != nil {
			return err
		}
		d.names = append(d.names, store.Named{Name: c.Name, Identity: id, First: c.Name == c.First})
	}
	p.next = max(p.next, c.Name.Number+1)
	if have := d.records[id]; have != nil {
		if have.User != p.by.User {
			return &syncproto.Error{Code: syncproto.CodeForbidden, Op: fmt.Sprintf("push %s: change %d", p.by.Device, c.Name.Number),
				Message: syncproto.Both("没有这条改动。", "No such change.")}
		}
		return nil
	}
	now := d.tx.Now()
	rec := &record{fresh: true, dirty: true, parsed: c, Change: store.Change{Identity: id, First: c.First, User: p.by.User, Body: c.Content, At: c.At,
		Captured: captured, Mends: c.Mends}}
	d.records[id] = rec
	h := &hearing{d: d, c: c, rec: rec, server: p.by.Server, offered: p.by.Offer, revoked: p.device.Revoked != 0}
	rec.Received = now
	rec.Corrected = correct(c.At, c.Offset, captured, now)
	p.fresh = append(p.fresh, h)
	return nil
}

// correct is the capture time by the server's clock, as far as it can be known: what the device believes, held between the cursor's time
// and the receipt.
func correct(at, offset, captured, received int64) int64 {
	const most = int64(1) << 53
	at, offset = min(max(at, -most), most), min(max(offset, -most), most)
	return max(captured, min(at+offset, received))
}

// takeNumber holds a new change to the numbering.
func (d *desk) takeNumber(p *push, n uint64) error {
	if n == p.next || p.by.Offer {
		return nil
	}
	if n < p.next {
		return d.copied(p, fmt.Sprintf("number %d lies behind %d and is not held", n, p.next))
	}
	// What lies between was taken by a server that is no more: only a fork explains it.
	return &Stop{Cause: &syncproto.Error{Code: syncproto.CodeFork, Op: fmt.Sprintf("push %s: number %d after %d", p.by.Device, n, p.next),
		Message: syncproto.Both("服务器缺少之前的改动。", "The server lacks earlier changes."), Hint: syncproto.Both("设备会把改动全部重新提交。", "The device offers everything again.")}}
}

// captureTime is the server time of the cursor under which a change was captured.
func (d *desk) captureTime(p *push, c *syncproto.Change) (int64, error) {
	if p.by.Server || c.Cursor == "" || d.j.opt.Seals == nil {
		return 0, nil
	}
	cursor := d.cursors[c.Cursor]
	if cursor == nil {
		var err error
		if cursor, err = d.j.opt.Seals.OpenCursor(c.Cursor); err != nil {
			return 0, err
		}
		d.cursors[c.Cursor] = cursor
		if cursor.Epoch != d.epoch.ID {
			if err := d.tx.LearnEpochs(cursor.Line); err != nil {
				return 0, err
			}
		}
	}
	bad := cursor.Device != p.by.Device && cursor.Device != c.First.Device
	// An offer goes through the past in order; behind it the newest cursor counts again.
	if !bad && c.Name.Number >= p.device.Next {
		bad = cursor.Now < p.cursor
		p.cursor = max(p.cursor, cursor.Now)
	}
	if bad {
		return 0, &Stop{Cause: &syncproto.Error{Code: syncproto.CodeCursor, Op: fmt.Sprintf("push %s: cursor of change %d", p.by.Device, c.Name.Number),
			Message: syncproto.Both("改动所带的同步凭据不合规。", "The cursor of a change does not fit."), Hint: syncproto.Both("请重新同步。", "Sync again.")}}
	}
	return min(cursor.Now, d.tx.Now()), nil
}

const byIdentity = "identity = ANY(?)"

// unknownRecords lists changes that were not asked for yet.
func (d *desk) unknownRecords(ids []syncproto.Identity) (ask []string) {
	seen := map[syncproto.Identity]bool{"": true}
	for _, id := range ids {
		if _, have := d.records[id]; !have && !seen[id] {
			seen[id] = true
			ask = append(ask, string(id))
		}
	}
	return ask
}

// loadRecords brings changes onto the desk by identity; those that are unknown stay away.
func (d *desk) loadRecords(ids []syncproto.Identity) error {
	ask := d.unknownRecords(ids)
	if len(ask) == 0 {
		return nil
	}
	for _, id := range ask {
		d.records[syncproto.Identity(id)] = nil
	}
	found, err := d.tx.Changes(byIdentity, ask)
	if err != nil {
		return err
	}
	for _, c := range found {
		rec := &record{Change: *c, verdict: &syncproto.Verdict{}}
		if err := json.Unmarshal(c.Verdict, rec.verdict); err != nil {
			return fmt.Errorf("judge: verdict of %s: %w", c.Identity, err)
		}
		d.records[c.Identity] = rec
	}
	return nil
}

// change reads the change of a record from its body.
func (d *desk) change(rec *record) (*syncproto.Change, error) {
	if rec.parsed == nil && len(rec.Body) == 0 {
		return &syncproto.Change{Name: rec.First, First: rec.First}, nil // erased by law
	}
	if rec.parsed == nil {
		c, err := syncproto.ParseContent(d.book, rec.First, rec.First, string(rec.Body))
		if err != nil {
			return nil, fmt.Errorf("judge: body of %s: %w", rec.Identity, err)
		}
		rec.parsed = c
	}
	return rec.parsed, nil
}
