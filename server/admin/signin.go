package admin

import (
	"context"
	"encoding/json"
	"time"

	"minqing/server/store"
	"minqing/syncproto"
)

// Linker makes one-time sign-in links (package account).
type Linker interface {
	Link(ctx context.Context, user, by syncproto.UserID, forget bool) (code string, until time.Time, err error)
}

// SignInLink is a one-time link for somebody to sign in to the consoles.
type SignInLink struct {
	Name, Code string
	Until      time.Time
}

// SignInLink makes one for a user. That it was made, by whom and for whom, is on record.
func (d *Desk) SignInLink(ctx context.Context, links Linker, login string, forget bool) (*SignInLink, error) {
	var by, user syncproto.UserID
	err := d.E.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if by, err = d.admin(tx); err != nil {
			return err
		}
		u, err := findUser(tx, login)
		user = u.ID
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.LinkFor(ctx, links, by, user, forget)
}

// LinkFor is SignInLink for whoever has proven that he may decide about the user's access.
func (d *Desk) LinkFor(ctx context.Context, links Linker, by, user syncproto.UserID, forget bool) (*SignInLink, error) {
	out := &SignInLink{}
	err := d.E.Store.Write(ctx, func(tx *store.Tx) error {
		rows, err := rowsOf(tx, "user", string(user))
		if err != nil {
			return err
		}
		r := rows[syncproto.RowID(user)]
		if out.Name = r.text("name"); r.values == nil || (User{Ended: r.text("ended")}).ended(d.today(tx)) {
			return wrong("sign-in link", "这个人已经停用。", "This user's account has ended.", syncproto.Both("先另建用户。", "Make another user first."))
		}
		value, err := json.Marshal(shown{What: "link", Table: "user", Row: syncproto.RowID(user), Whole: forget})
		if err != nil {
			return err
		}
		return tx.Disclose("console "+string(by), "", by, value)
	})
	if err != nil {
		return nil, err
	}
	out.Code, out.Until, err = links.Link(ctx, user, by, forget)
	return out, err
}
