package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
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
		at, err := tx.Rows([]string{string(user)})
		if err != nil || len(at) != 1 {
			return err
		}
		return disclose(tx, by, shown{What: "link", Table: "user", Row: syncproto.RowID(user), Forget: forget, Stream: at[0].Stream})
	})
	if err != nil {
		return nil, err
	}
	out.Code, out.Until, err = links.Link(ctx, user, by, forget)
	return out, err
}

// FirstLink is a one-time link for somebody who has never signed in, to be handed to him.
type FirstLink struct {
	SignInLink
	Login, Post, Roles string
}

// FirstLinks makes one for each of some users; with it he sets a password of his own. Those who have one, who have left, or who hold a role where
// by is no administrator, get none: nobody is to sign in as somebody who may more than he.
func (d *Desk) FirstLinks(ctx context.Context, links Linker, by syncproto.UserID, users []syncproto.UserID) ([]FirstLink, error) {
	var out []FirstLink
	var ids []syncproto.UserID
	if err := d.E.Store.Read(ctx, func(tx *store.Tx) (err error) {
		out, ids, err = d.firstSignIns(tx, by, users)
		return err
	}); err != nil {
		return nil, err
	}
	for i, id := range ids {
		l, err := d.LinkFor(ctx, links, by, id, false)
		if err != nil {
			return nil, err
		}
		out[i].SignInLink = *l
	}
	return out, nil
}

func (d *Desk) firstSignIns(tx *store.Tx, by syncproto.UserID, users []syncproto.UserID) (out []FirstLink, ids []syncproto.UserID, err error) {
	rights, err := entitle.For(tx, by)
	if err != nil {
		return nil, nil, err
	}
	texts := make([]string, len(users))
	for i, u := range users {
		texts[i] = string(u)
	}
	today := d.today(tx)
	roles, beyond, within := map[string][]string{}, map[string]bool{}, map[string]bool{}
	type held struct{ user, role, place string }
	var all []held
	if err := tx.Each(func(scan func(...any) error) error {
		var h held
		err := scan(&h.user, &h.role, &h.place)
		all = append(all, h)
		return err
	}, `SELECT "user", COALESCE(role, ''), COALESCE(place, '') FROM role WHERE "user" = ANY(?) AND (until IS NULL OR until >= ?) ORDER BY id`, texts, today); err != nil {
		return nil, nil, err
	}
	for _, h := range all {
		if _, known := within[h.place]; !known {
			g, err := groundAbove(tx, h.place)
			if err != nil {
				return nil, nil, err
			}
			within[h.place] = slices.Contains(rights.Roles(tx.Now(), g), schema.RoleAdmin)
		}
		roles[h.user] = append(roles[h.user], schema.RoleLabel(schema.Role(h.role)).ZH)
		beyond[h.user] = beyond[h.user] || !within[h.place]
	}
	err = tx.Each(func(scan func(...any) error) error {
		var id, ended string
		var l FirstLink
		if err := scan(&id, &l.Name, &l.Login, &l.Post, &ended); err != nil {
			return err
		}
		if l.Roles = strings.Join(slices.Compact(roles[id]), "、"); !beyond[id] && (ended == "" || ended >= today) {
			out, ids = append(out, l), append(ids, syncproto.UserID(id))
		}
		return nil
	}, `SELECT u.id, COALESCE(u.name, ''), COALESCE(u.login, ''), COALESCE(u.post, ''), COALESCE(u.ended, '') FROM "user" u WHERE u.id = ANY(?)
		AND NOT EXISTS (SELECT 1 FROM mq_login l WHERE l.user_id = u.id AND l.password <> '') ORDER BY u.login, u.id`, texts)
	return out, ids, err
}

// groundAbove are a place and those above it, nearest first.
func groundAbove(tx *store.Tx, place string) (out []string, err error) {
	rows, err := tx.RowsAbove([]string{place})
	for at := place; err == nil && at != "" && len(out) <= len(rows); {
		i := slices.IndexFunc(rows, func(r *store.Row) bool { return string(r.ID) == at })
		if i < 0 {
			break
		}
		out, at = append(out, at), string(rows[i].Parent)
	}
	return out, err
}
