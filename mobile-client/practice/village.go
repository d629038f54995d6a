package practice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"time"

	"minqing/internal/register"
	"minqing/internal/sqlitex"
	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// Options are what a practice file is made of.
type Options struct {
	Path string
	Now  func() int64 // Unix ms
	Day  time.Time    // the local day
	Rand io.Reader
}

// households is how many a cadre has in practice: few enough to know after a minute.
const households = 8

// Open makes the file anew and fills it.
func Open(ctx context.Context, opt Options) (r *replica.Replica, err error) {
	if err := Remove(opt.Path); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(opt.Rand, key); err != nil {
		return nil, err
	}
	r, err = replica.Open(ctx, replica.Options{Path: opt.Path, Key: key, Book: schema.Minqing(), Now: opt.Now, Rand: opt.Rand, Indexes: field.Indexes, Search: field.Search()})
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, r, opt); err != nil {
		return nil, errors.Join(err, r.Close(), Remove(opt.Path))
	}
	return r, nil
}

// Remove deletes a practice file with all that SQLite keeps beside it.
func Remove(path string) error {
	if err := sqlitex.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fill makes the village: somebody to visit, something promised, a journal that came back, an answer to bring.
func fill(ctx context.Context, r *replica.Replica, opt Options) error {
	var failed error
	at := func(ms int64) syncproto.RowID {
		id, err := syncproto.NewID(ms, opt.Rand)
		failed = errors.Join(failed, err)
		return syncproto.RowID(id)
	}
	id := func() syncproto.RowID { return at(opt.Now()) }
	c := &Cloud{Book: schema.Minqing(), IDs: id}
	me := syncproto.UserID(id())
	if err := r.Enrol(ctx, replica.Device{ID: syncproto.DeviceID(id()), User: me, Server: "https://practice.invalid", Seed: make([]byte, 32)}); err != nil {
		return err
	}
	village, err := register.Generate(41, register.Size{Groups: 2, Households: households, People: 3 * households, Odd: -1})
	if err != nil {
		return err
	}
	day := func(back int) string { return opt.Day.AddDate(0, 0, -back).Format(time.DateOnly) }
	city := c.Add("place", Vals{"level": "city", "name": "练习市"})
	town := c.Add("place", Vals{"level": "township", "name": village.Township, "parent": city})
	place := c.Add("place", Vals{"level": "village", "name": village.Village, "parent": town})
	groups := map[string]syncproto.RowID{}
	for i, g := range village.Groups {
		groups[g] = c.Add("place", Vals{"level": "group", "name": g, "parent": place, "code": fmt.Sprintf("%02d", i+1)})
	}
	c.Put("user", syncproto.RowID(me), Vals{"place": place, "login": "practice", "name": "练习的人", "post": "练习"})
	secretary := c.Add("user", Vals{"place": place, "login": "secretary", "name": "练习书记", "post": "村支部书记"})
	c.Add("role", Vals{"user": syncproto.RowID(me), "role": "cadre", "place": place})
	dice := rand.New(rand.NewPCG(7, 41)) // #nosec G404 -- for invented texts
	for i, h := range village.Households {
		home := c.Add("household", Vals{"place": groups[h.Group], "code": h.Code, "head": h.People[0].Name, "address": h.Address})
		for _, x := range h.People {
			person := Vals{"household": home, "name": x.Name, "sex": x.Sex, "birth": x.Birth, "relation": x.Relation}
			if x.Phone != "" {
				person["phone"] = x.Phone
			}
			c.Add("resident", person)
		}
		c.Add("assignment", Vals{"household": home, "user": syncproto.RowID(me), "team": "member", "since": "2026-01-01"})
		back := []int{9, 5}
		ago := 35 + i
		if i < len(back) {
			ago = back[i]
		}
		visit := Vals{"household": home, "author": syncproto.RowID(me), "day": day(ago), "met": h.People[0].Name, "tasks": []string{"listen"}}
		state := "accepted"
		switch i {
		case 0:
			visit["next_day"] = day(0)
		case 1:
			state = "returned"
		case 2:
			m := c.Add("matter", Vals{"household": home, "author": syncproto.RowID(me), "kind": "request", "title": "路灯坏了", "raised_by": h.People[0].Name, "state": "handled"})
			c.Add("matter_step", Vals{"matter": m, "author": syncproto.RowID(me), "kind": "record", "day": day(20), "text": "记下了。"})
			c.Add("matter_step", Vals{"matter": m, "author": secretary, "kind": "handle", "day": day(2), "text": "换了新灯泡。"})
		}
		journal := c.Add("journal", Vals{"visit": c.Put("visit", at(opt.Day.AddDate(0, 0, -ago).UnixMilli()), visit), "author": syncproto.RowID(me), "text": register.VisitText(dice), "state": state})
		if state == "returned" {
			c.Add("review", Vals{"journal": journal, "author": secretary, "kind": "return", "comment": "请写明是谁反映的"})
		}
	}
	return errors.Join(failed, c.Send(ctx, r, opt.Now()))
}
