package pagetest

import (
	"context"
	"errors"

	"minqing/schema"
	"minqing/syncproto"
)

// begin brings down what comes first of a first sync, and a part of the past; then the link breaks.
func (p *Phone) begin(ctx context.Context) (err error) {
	c := p.cloud
	frames := []syncproto.Frame{syncproto.Welcome{Protocol: syncproto.ProtocolVersion, Schema: c.Book.Version, Epoch: epoch, Now: p.Now.UnixMilli()}}
	for _, t := range c.Book.Tables() {
		head := syncproto.Columns{Table: t.Name}
		for _, col := range t.Columns {
			head.Names = append(head.Names, col.Name)
		}
		frames = append(frames, head)
	}
	var past []syncproto.Frame
	homes := 0
	for _, row := range c.List {
		if row.Home() {
			homes++
		}
		if row.Bucket.Period == schema.NoPeriod {
			frames = append(frames, row)
		} else {
			past = append(past, row)
		}
	}
	frames = append(frames, syncproto.Checkpoint{Cursor: "cursor-first", More: true}) // its digests are of no use here
	frames = append(append(frames, past[:len(past)/3]...), syncproto.Mark{Resume: "mark"})
	s, err := p.Replica.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	const perRow = 53 // bytes, compressed
	for i, f := range frames {
		s.Filling(perRow * i)
		if err := s.Take(ctx, f); err != nil {
			return err
		}
		if _, begins := f.(syncproto.Welcome); begins {
			if err := s.Expect(ctx, len(c.List), homes); err != nil {
				return err
			}
		}
	}
	return s.Break(ctx)
}
