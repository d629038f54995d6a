package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"minqing/internal/register"
	"minqing/syncproto"
)

// parish is what one cadre has to see to in the measurements of the field app.
type parish struct {
	user  syncproto.UserID
	homes []syncproto.RowID
	rows  int
	named map[string]syncproto.RowID // rows that pages are about
	texts func() string              // what journals say
}

// parish makes households with people, and visits of the past year until there are so many rows; all are one user's.
func (t *town) parish(ctx context.Context, size appSizes, texts func() string) (*parish, error) {
	invented, err := register.Generate(24, register.Size{Groups: 15, Households: size.homes, People: size.people, Odd: -1})
	if err != nil {
		return nil, err
	}
	p := &parish{user: syncproto.UserID(t.id()), named: map[string]syncproto.RowID{}, texts: texts}
	t.n++
	if err := t.make(ctx, []syncproto.Edit{create("user", syncproto.RowID(p.user), "place", string(t.village), "login", fmt.Sprintf("cadre%d", t.n), "name", "陈秀兰", "post", "村妇联主席"),
		create("role", t.id(), "user", string(p.user), "role", "cadre", "place", string(t.village))}); err != nil {
		return nil, err
	}
	groups := map[string]syncproto.RowID{}
	var changes [][]syncproto.Edit
	for i, name := range invented.Groups {
		groups[name] = t.id()
		changes = append(changes, []syncproto.Edit{create("place", groups[name], "parent", string(t.village), "level", "group", "name", name, "code", fmt.Sprintf("%02d", i+1))})
	}
	for _, h := range invented.Households {
		changes = append(changes, t.family(p, h, groups[h.Group]))
	}
	for _, c := range changes {
		p.rows += len(c)
	}
	day := time.UnixMilli(nowMS())
	for i := 0; p.rows < size.rows; i++ {
		c := t.call(p, p.homes[i%len(p.homes)], day.AddDate(0, 0, -1-i%360), i)
		changes, p.rows = append(changes, c), p.rows+len(c)
	}
	for len(changes) > 0 {
		n := min(len(changes), submitRows/4)
		if err := t.make(ctx, changes[:n]...); err != nil {
			return nil, err
		}
		changes = changes[n:]
	}
	return p, t.make(ctx, []syncproto.Edit{update("journal", p.named["returned"], "state", "returned")})
}

// family is a household as the register invents it.
func (t *town) family(p *parish, h register.Household, group syncproto.RowID) []syncproto.Edit {
	id := t.id()
	p.homes = append(p.homes, id)
	edits := []syncproto.Edit{create("household", id, "place", string(group), "code", h.Code, "head", h.People[0].Name, "address", h.Address, "phone", h.People[0].Phone,
		"tags", strings.Join(h.Tags, "、")), t.assignment(t.id(), id, p.user)}
	for _, x := range h.People {
		person := t.id()
		if p.named["resident"] == "" {
			p.named["resident"] = person
		}
		edits = append(edits, create("resident", person, "household", string(id), "name", x.Name, "sex", x.Sex, "birth", x.Birth, "relation", x.Relation, "phone", x.Phone,
			"schooling", x.Schooling, "away", x.Away))
	}
	return edits
}

// call is a visit of a day with its journal, and with a matter now and then.
func (t *town) call(p *parish, home syncproto.RowID, day time.Time, n int) []syncproto.Edit {
	visit, journal, author, date := t.id(), t.id(), string(p.user), day.Format(time.DateOnly)
	edits := []syncproto.Edit{create("visit", visit, "household", string(home), "author", author, "day", date, "met", "户主", "tasks", "听民声"),
		create("journal", journal, "visit", string(visit), "author", author, "text", p.texts(), "state", "submitted")}
	const matterEvery = 10
	p.named["returned"] = journal
	if p.named["journal"] == "" {
		p.named["journal"] = journal
	}
	if n%matterEvery != 0 {
		return edits
	}
	matter, state := t.id(), "recorded"
	if n == 0 {
		state, p.named["handled"] = "handled", matter
	}
	p.named["matter"] = matter
	return append(edits, create("matter", matter, "household", string(home), "author", author, "kind", "difficulty", "title", fmt.Sprintf("第 %d 处水沟堵了", n), "detail", p.texts(),
		"raised_by", "户主", "state", state), create("matter_step", t.id(), "matter", string(matter), "author", author, "kind", "record", "day", date, "text", "记下了。"))
}

// spoken are texts as people write them; random ones are characters that compress no better than real notes.
func spoken() func() string {
	dice := rand.New(rand.NewPCG(24, 11))
	return func() string { return register.VisitText(dice) }
}

func random() func() string { return func() string { return words(40) } }
