package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// User is a user as an administrator sees him.
type User struct {
	ID                             syncproto.UserID
	Login, Name, Post, Home, Ended string
	Roles                          []string // “包户干部 @ 青石村”
}

// ended tells whether the account has ended before a day.
func (u User) ended(today string) bool { return u.Ended != "" && u.Ended < today }

// findUser finds a user by his login.
func findUser(tx *store.Tx, login string) (User, error) {
	rows, err := tx.ValuesWhere("user", "login", []string{schema.NormalizeCode(login)})
	if err != nil {
		return User{}, err
	}
	for id, values := range rows {
		r := row{tx.Book().Table("user"), values}
		return User{ID: syncproto.UserID(id), Login: r.text("login"), Name: r.text("name"), Post: r.text("post"), Home: r.text("place"), Ended: r.text("ended")}, nil
	}
	return User{}, notFound("find user", "没有登录名是“"+login+"”的用户。", "There is no user of this login.", syncproto.Both("用 minqing user list 看看有哪些用户。", "See minqing user list."))
}

// NewUser is a user to be made, with his first role.
type NewUser struct{ Login, Name, Post, Phone, Role, Over, Home string }

// AddUser makes a user with a role over a place. One who is there already gets the role beside those he has.
func (d *Desk) AddUser(ctx context.Context, u NewUser) (added bool, err error) {
	err = d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		added = false
		over, err := register.FindPlace(tx, u.Over)
		if err != nil {
			return nil, err
		}
		home := over
		if u.Home != "" {
			if home, err = register.FindPlace(tx, u.Home); err != nil {
				return nil, err
			}
		}
		role, err := tx.Book().Table("role").Column("role").Normalize(u.Role)
		if err != nil {
			return nil, badValue("role", err)
		}
		login := schema.NormalizeCode(u.Login)
		id, edits, err := d.userFor(tx, login, home.ID, u)
		if err != nil {
			return nil, err
		}
		added = len(edits) > 0
		has, err := hasRole(tx, id, role.Str(), over.ID, d.today(tx))
		if err != nil || has {
			return nil, err
		}
		_, e, err := create(tx, "role", pair{"user", string(id)}, pair{"role", role.Str()}, pair{"place", over.ID})
		return []judge.Draft{{Edits: append(edits, e)}}, err
	})
	return added, err
}

// userFor gives the user of a login, or the edit that makes him.
func (d *Desk) userFor(tx *store.Tx, login, home string, u NewUser) (syncproto.RowID, []syncproto.Edit, error) {
	old, err := findUser(tx, login)
	if err == nil {
		if old.Name != schema.NormalizeName(u.Name) {
			return "", nil, &syncproto.Error{Code: syncproto.CodeConflict, Op: "add user", Message: syncproto.Both("登录名“"+login+"”已经是"+old.Name+"的。", "This login is somebody else's."),
				Hint: syncproto.Both("请换一个登录名。", "Choose another login.")}
		}
		return syncproto.RowID(old.ID), nil, nil
	}
	if codeOf(err) != syncproto.CodeNotFound {
		return "", nil, err
	}
	id, e, err := create(tx, "user", pair{"place", home}, pair{"login", login}, pair{"name", schema.NormalizeName(u.Name)}, pair{"post", u.Post}, pair{"phone", u.Phone})
	return id, []syncproto.Edit{e}, err
}

func hasRole(tx *store.Tx, user syncproto.RowID, role, place, today string) (bool, error) {
	rows, err := tx.ValuesWhere("role", "user", []string{string(user)})
	for _, values := range rows {
		r := row{tx.Book().Table("role"), values}
		if until := r.text("until"); r.text("role") == role && r.text("place") == place && (until == "" || until >= today) {
			return true, err
		}
	}
	return false, err
}

// Users lists users by login; within, if given, those at home or with a role in a place or beneath it.
func (d *Desk) Users(ctx context.Context, within string) (out []User, err error) {
	err = d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		out, err = d.users(tx, within)
		return err
	})
	return out, err
}

func (d *Desk) users(tx *store.Tx, within string) ([]User, error) {
	names := map[string]string{}
	if err := pairsOf(tx, names, "SELECT id, COALESCE(name, '') FROM place"); err != nil {
		return nil, err
	}
	inside := map[string]bool{}
	if within != "" {
		p, err := register.FindPlace(tx, within)
		if err != nil {
			return nil, err
		}
		beneath, err := register.Beneath(tx, p.ID)
		if err != nil {
			return nil, err
		}
		for _, b := range beneath {
			inside[b.ID] = true
		}
	}
	byID := map[string]*User{}
	here := map[string]bool{}
	err := tx.Each(func(scan func(...any) error) error {
		var u User
		var home string
		if err := scan(&u.ID, &u.Login, &u.Name, &u.Post, &home, &u.Ended); err != nil {
			return err
		}
		u.Home = names[home]
		byID[string(u.ID)] = &u
		here[string(u.ID)] = within == "" || inside[home]
		return nil
	}, `SELECT id, COALESCE(login, ''), COALESCE(name, ''), COALESCE(post, ''), COALESCE(place, ''), COALESCE(ended, '') FROM "user" ORDER BY id`)
	if err != nil {
		return nil, err
	}
	today := d.today(tx)
	err = tx.Each(func(scan func(...any) error) error {
		var user, role, place, until string
		if err := scan(&user, &role, &place, &until); err != nil {
			return err
		}
		if u := byID[user]; u != nil && (until == "" || until >= today) {
			u.Roles = append(u.Roles, schema.RoleLabel(schema.Role(role)).ZH+" @ "+names[place])
			here[user] = here[user] || inside[place]
		}
		return nil
	}, `SELECT COALESCE("user", ''), COALESCE(role, ''), COALESCE(place, ''), COALESCE(until, '') FROM role ORDER BY id`)
	var out []User
	for id, u := range byID {
		if here[id] {
			out = append(out, *u)
		}
	}
	slices.SortFunc(out, func(a, b User) int { return cmp.Or(cmp.Compare(a.Login, b.Login), cmp.Compare(a.ID, b.ID)) })
	return out, err
}

// pairsOf reads two columns of texts into a map.
func pairsOf(tx *store.Tx, into map[string]string, query string, args ...any) error {
	return tx.Each(func(scan func(...any) error) error {
		var a, b string
		err := scan(&a, &b)
		into[a] = b
		return err
	}, query, args...)
}

// EndUser ends an account with a day, its last; "" ends it at once. With it end what he sees and whom he is assigned.
func (d *Desk) EndUser(ctx context.Context, login, last string) error {
	return d.write(ctx, func(tx *store.Tx, by syncproto.UserID) ([]judge.Draft, error) {
		u, err := findUser(tx, login)
		if err != nil {
			return nil, err
		}
		if u.ID == by {
			return nil, wrong("end user", "不能停用自己。", "Nobody ends his own account.", syncproto.Both("请另一位管理员来做。", "Ask another administrator."))
		}
		if last == "" {
			last = d.yesterday(tx)
		}
		e, err := set(tx, "user", syncproto.RowID(u.ID), "ended", last)
		return []judge.Draft{{Edits: []syncproto.Edit{e}}}, err
	})
}

// yesterday as the last day of something ends it at once: rights hold through the whole of their last day.
func (d *Desk) yesterday(tx *store.Tx) string {
	return time.UnixMilli(tx.Now()).In(d.E.Zone).AddDate(0, 0, -1).Format(time.DateOnly)
}

// Assignment is who is to contact which households, in which team.
type Assignment struct {
	User, Team string
	Households []string // codes
	Village    string   // where the codes are looked for; "" where the user is at home
	Since      string   // first day, "" today
	Until      string   // for End: last day, "" ends at once
}

// Assign assigns households to a user; those that are his already, in that team, are left as they are. It gives how many were new.
func (d *Desk) Assign(ctx context.Context, a Assignment) (made int, err error) {
	err = d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		made = 0
		u, ids, err := d.assigned(tx, a)
		if err != nil {
			return nil, err
		}
		if u.ended(d.today(tx)) {
			return nil, wrong("assign", "“"+u.Login+"”已经停用。", "This user's account has ended.", syncproto.Both("请联系人换成在岗的人。", "Choose somebody in office."))
		}
		team, err := tx.Book().Table("assignment").Column("team").Normalize(a.Team)
		if err != nil {
			return nil, badValue("assignment", err)
		}
		if team.IsNull() {
			return nil, wrong("assign", "没有写明队伍。", "Which team is not said.", syncproto.Both("用 --team 写明 leading、cadre 或 member。", "Name it with --team."))
		}
		drafts, _, err := d.giving(tx, ids, u.ID, team.Str(), a.Since)
		made = len(drafts)
		return drafts, err
	})
	return made, err
}

// EndAssignment ends the assignments of households to a user. It gives how many ran till now.
func (d *Desk) EndAssignment(ctx context.Context, a Assignment) (ended int, err error) {
	err = d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		ended = 0
		u, ids, err := d.assigned(tx, a)
		if err != nil {
			return nil, err
		}
		drafts, _, err := d.taking(tx, ids, u.ID, a.Team, a.Until)
		ended = len(drafts)
		return drafts, err
	})
	return ended, err
}

// assigned finds the user and the households that are spoken of. Codes count within the village named, else within the village where
// the user is at home, else in the whole city.
func (d *Desk) assigned(tx *store.Tx, a Assignment) (User, []syncproto.RowID, error) {
	u, err := findUser(tx, a.User)
	if err != nil {
		return u, nil, err
	}
	if len(a.Households) == 0 {
		return u, nil, wrong("assign", "没有写明哪些户。", "No households are named.", syncproto.Both("用 --households 写户号，逗号分开。", "Name their codes with --households, commas between them."))
	}
	if a.Village != "" {
		p, err := register.FindPlace(tx, a.Village)
		if err != nil {
			return u, nil, err
		}
		ids, err := register.FindHouseholds(tx, p.ID, a.Households)
		return u, ids, err
	}
	ids, err := register.FindHouseholds(tx, u.Home, a.Households)
	if codeOf(err) == syncproto.CodeNotFound {
		ids, err = register.FindHouseholds(tx, "", a.Households)
	}
	return u, ids, err
}

// runningOne is an assignment that runs, or will.
type runningOne struct {
	id   syncproto.RowID
	user syncproto.UserID
	team string
}

func (d *Desk) running(tx *store.Tx, households []syncproto.RowID) (map[syncproto.RowID][]runningOne, error) {
	ids := make([]string, len(households))
	for i, h := range households {
		ids[i] = string(h)
	}
	rows, err := tx.ValuesWhere("assignment", "household", ids)
	if err != nil {
		return nil, err
	}
	out := map[syncproto.RowID][]runningOne{}
	today := d.today(tx)
	for id, values := range rows {
		r := row{tx.Book().Table("assignment"), values}
		if until := r.text("until"); until == "" || until >= today {
			h := syncproto.RowID(r.text("household"))
			out[h] = append(out[h], runningOne{id, syncproto.UserID(r.text("user")), r.text("team")})
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b runningOne) int { return cmp.Compare(a.id, b.id) })
	}
	return out, nil
}

// Line is a user in one line.
func (u User) Line() string {
	s := fmt.Sprintf("%s  %s  %s", u.Login, u.Name, strings.Join(u.Roles, "、"))
	if u.Post != "" {
		s += "  " + u.Post
	}
	if u.Ended != "" {
		s += "  停用于 " + u.Ended
	}
	return s
}
