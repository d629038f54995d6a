package replica

import (
	"context"

	"minqing/syncproto"
)

// Mend is Write for a change that stands in for a refused one: fn writes it anew as it should be, based on what shows now.
func (r *Replica) Mend(ctx context.Context, refused syncproto.Identity, fn func(*Tx) error) (*syncproto.Change, error) {
	if err := r.expectRefused(ctx, refused); err != nil {
		return nil, err
	}
	ch, err := r.writeChange(ctx, refused, fn)
	if err == nil && ch == nil {
		err = invalid("Mend", "什么也没改，没有可提交的。", "Nothing was written, so nothing mends the change.")
	}
	return ch, err
}

// Withdraw gives a refused change up: it stays refused at the server, and leaves the list of refused changes here.
func (r *Replica) Withdraw(ctx context.Context, refused syncproto.Identity) error {
	if err := r.expectRefused(ctx, refused); err != nil {
		return err
	}
	return r.write(ctx, func() error {
		return r.w.exec(`UPDATE mq_change SET state = 'withdrawn' WHERE identity = ? AND state = 'refused'`, string(refused))
	})
}

func (r *Replica) expectRefused(ctx context.Context, id syncproto.Identity) error {
	var state State
	var found bool
	err := r.read(ctx, func(c *conn) (err error) {
		found, err = c.one(`SELECT state FROM mq_change WHERE identity = ?`, []any{string(id)}, &state)
		return err
	})
	if err == nil && (!found || state != Refused) {
		err = &syncproto.Error{Code: syncproto.CodeNotFound, Op: "replica.refused " + string(id), Message: syncproto.Both("没有这条被退回的改动。", "No such refused change."),
			Hint: syncproto.Both("用 refused 列出被退回的。", "List them with refused.")}
	}
	return err
}
