package admin

import (
	"context"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Founding is what a new city begins with: itself and its first administrator.
type Founding struct{ City, Code, Login, Name string }

// Found founds a city in an empty database. It is the server's own act: nobody is there yet who could have the right to.
func (d *Desk) Found(ctx context.Context, f Founding) error {
	return d.E.Store.Write(ctx, func(tx *store.Tx) error {
		before, err := tx.Meta(metaFounder)
		if err != nil {
			return err
		}
		if before != "" {
			return &syncproto.Error{Code: syncproto.CodeConflict, Op: "found", Message: syncproto.Both("这里已经建立了城市。", "A city was founded here already."),
				Hint: syncproto.Both("另建一个城市，请换一个 --data 文件夹（或数据库）。", "For another one use another --data folder or database.")}
		}
		city, placeEdit, err := create(tx, "place", pair{"level", "city"}, pair{"name", f.City}, pair{"code", f.Code})
		if err != nil {
			return err
		}
		user, userEdit, err := create(tx, "user", pair{"place", string(city)}, pair{"login", schema.NormalizeCode(f.Login)}, pair{"name", f.Name})
		if err != nil {
			return err
		}
		_, roleEdit, err := create(tx, "role", pair{"user", string(user)}, pair{"role", string(schema.RoleAdmin)}, pair{"place", string(city)})
		if err != nil {
			return err
		}
		if err := tx.SetMeta(metaFounder, string(user)); err != nil {
			return err
		}
		return d.submit(tx, "", judge.Draft{Edits: []syncproto.Edit{placeEdit, userEdit, roleEdit}})
	})
}

// NewPlace is a place to be made.
type NewPlace struct{ Under, Level, Code, Name string }

// below says which levels may lie right under a level.
var below = map[string][]string{
	"city": {"township"}, "township": {"district", "village"}, "district": {"village"}, "village": {"natural", "group", "building", "street"},
	"natural": {"group", "building", "street"},
}

// LevelsBelow are the levels that may lie right under one.
func LevelsBelow(level string) []string { return slices.Clone(below[level]) }

// AddPlace makes a place.
func (d *Desk) AddPlace(ctx context.Context, p NewPlace) error {
	return d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		up, err := register.FindPlace(tx, p.Under)
		if err != nil {
			return nil, err
		}
		level, err := tx.Book().Table("place").Column("level").Normalize(p.Level)
		if err != nil {
			return nil, badValue("place", err)
		}
		if !slices.Contains(below[up.Level], level.Str()) {
			return nil, wrong("place", "“"+up.Name+"”下面不能直接建这一级。", "A place of this level cannot lie right under that one.",
				syncproto.Both("可以建的有："+strings.Join(levelWords(tx.Book(), below[up.Level]), "、")+"。", "See minqing place --help for the levels."))
		}
		code := schema.NormalizeCode(p.Code)
		if code != "" {
			if old, err := register.FindPlace(tx, code); err == nil && old.Code == code {
				return nil, &syncproto.Error{Code: syncproto.CodeConflict, Op: "place", Message: syncproto.Both("代码 "+code+" 已经是“"+old.Name+"”的。", "This code is taken."), Hint: syncproto.Both("请核对代码。", "Check the code.")}
			}
		}
		_, e, err := create(tx, "place", pair{"parent", up.ID}, pair{"level", level.Str()}, pair{"code", code}, pair{"name", schema.NormalizeName(p.Name)})
		return []judge.Draft{{Edits: []syncproto.Edit{e}}}, err
	})
}

func levelWords(b *schema.Book, levels []string) []string {
	var out []string
	for _, l := range levels {
		out = append(out, b.Table("place").Column("level").Option(l).Label.ZH+"("+l+")")
	}
	return out
}
