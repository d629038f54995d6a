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
	var by syncproto.UserID
	var u User
	err := d.E.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if by, err = d.admin(tx); err != nil {
			return err
		}
		if u, err = findUser(tx, login); err != nil {
			return err
		}
		if u.ended(d.today(tx)) {
			return wrong("sign-in link", "“"+login+"”已经停用。", "This user's account has ended.", syncproto.Both("先另建用户。", "Make another user first."))
		}
		value, err := json.Marshal(shown{What: "link", Table: "user", Row: syncproto.RowID(u.ID), Whole: forget})
		if err != nil {
			return err
		}
		return tx.Disclose("console "+string(by), "", by, value)
	})
	if err != nil {
		return nil, err
	}
	out := &SignInLink{Name: u.Name}
	out.Code, out.Until, err = links.Link(ctx, u.ID, by, forget)
	return out, err
}
