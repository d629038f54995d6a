package county

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// hamlet is a village that is being planted.
type hamlet struct {
	*bed
	f         *farmer
	n         int
	id        syncproto.RowID
	groups    []syncproto.RowID
	secretary hand
	contacts  []hand
	homes     []home
	journals  []journal // in the order of time
}

type home struct {
	id     syncproto.RowID
	by     []hand
	visits []int64
}

// groupsOf is how many groups a village has.
const groupsOf = 15

// share is what falls to one of n of a total, so that all of them together have it all.
func share(total, i, n int) int { return total*(i+1)/n - total*i/n }

// village plants one village: places, people, the register, and two months of work.
func (f *farmer) village(ctx context.Context, i int, town syncproto.RowID) error {
	return f.e.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.PastOverviews(); err != nil {
			return err
		}
		at := f.now - 170*day
		maker, err := newBed(tx, f.e.Zone, f.dice, "", f.next)
		if err != nil {
			return err
		}
		v := &hamlet{f: f, n: i, id: maker.id(at)}
		if v.bed, err = newBed(tx, f.e.Zone, f.dice, string(v.id), f.next); err != nil {
			return err
		}
		edits := []syncproto.Edit{v.edit("place", v.id, syncproto.OpCreate, "parent", string(town), "level", "village", "name", pick(f.draw, hamlets)+"村", "code", fmt.Sprintf("990%06d", i+1))}
		for g := range groupsOf {
			id := v.bed.id(at)
			v.groups = append(v.groups, id)
			edits = append(edits, v.edit("place", id, syncproto.OpCreate, "parent", string(v.id), "level", "group", "name", fmt.Sprintf("%d组", g+1), "code", fmt.Sprintf("990%06d%02d", i+1, g+1)))
		}
		if err := v.grow(f.hand(at), edits...); err != nil {
			return err
		}
		for _, step := range []func(int64) error{v.staff, v.register, v.work, v.accept, v.matters} {
			if err := step(at + day); err != nil {
				return err
			}
		}
		if err := v.save(); err != nil {
			return err
		}
		for k, h := range append([]hand{v.secretary}, v.contacts...) {
			if err := f.saveDevice(tx, h.device, h.user, []int{0, 0, 0, 1, 1, 2, 4, 9, 20}[k%9]); err != nil {
				return err
			}
		}
		return f.saveDevice(tx, f.boss, syncproto.UserID(f.admin), 0)
	})
}

// staff makes the secretary and those who contact households, each with a phone.
func (v *hamlet) staff(at int64) error {
	var edits []syncproto.Edit
	one := func(login, post, role string) hand {
		u, r, d := v.bed.id(at), v.bed.id(at), v.bed.id(at)
		edits = append(edits, v.edit("user", u, syncproto.OpCreate, "place", string(v.id), "login", login, "name", name(v.f.draw), "post", post, "phone", phone(v.f.draw)),
			v.edit("role", r, syncproto.OpCreate, "user", string(u), "role", role, "place", string(v.id)),
			v.edit("device", d, syncproto.OpCreate, "user", string(u), "label", pick(v.f.draw, []string{"红米 12C", "荣耀 X50", "华为 Nova 8", "vivo Y36"}), "platform", "android", "key", "ed25519 "+login))
		return hand{user: syncproto.UserID(u), device: syncproto.DeviceID(d), role: schema.Role(role)}
	}
	v.secretary = one(fmt.Sprintf("sec%d", v.n), "支部书记", "secretary")
	for k := range share(v.f.size.Contacts, v.n, v.f.size.Villages) {
		v.contacts = append(v.contacts, one(fmt.Sprintf("c%d-%d", v.n, k), "包户干部", "cadre"))
	}
	return v.grow(v.f.hand(at), edits...)
}

// register imports the households with their people, contacts and cards, group by group.
func (v *hamlet) register(at int64) error {
	f := v.f
	homes, people := share(f.size.Homes, v.n, f.size.Villages), share(f.size.People, v.n, f.size.Villages)
	since := time.UnixMilli(at).In(f.e.Zone).Format(time.DateOnly)
	var edits []syncproto.Edit
	for k := range homes {
		h := home{id: v.bed.id(at)}
		head := name(f.draw)
		tags := ""
		if f.draw.IntN(5) == 0 {
			tags = pick(f.draw, []string{"hardship", "low_income", "empty_nest", "old_member", "key"})
		}
		edits = append(edits, v.edit("household", h.id, syncproto.OpCreate, "place", string(v.groups[k%groupsOf]), "code", fmt.Sprintf("%04d-%04d", v.n+1, k+1), "head", head,
			"address", fmt.Sprintf("%d组%d号", k%groupsOf+1, k/groupsOf+1), "phone", phone(f.draw), "tags", tags, "low_income", "none", "note", pick(f.draw, notes)))
		for p := range share(people, k, homes) {
			who, sex, relation := name(f.draw), "m", "子女"
			if p == 0 {
				who, relation = head, "户主"
			}
			if f.draw.IntN(2) == 0 {
				sex = "f"
			}
			edits = append(edits, v.edit("resident", v.bed.id(at), syncproto.OpCreate, "household", string(h.id), "name", who, "sex", sex,
				"birth", fmt.Sprintf("%d-%02d-%02d", 1936+f.draw.IntN(85), 1+f.draw.IntN(12), 1+f.draw.IntN(28)), "relation", relation, "work", "务农", "insurance", "medical"))
		}
		n := 1
		if x := f.draw.IntN(100); x < 2 {
			n = 0
		} else if x < 19 {
			n = 2
		}
		for c := range n {
			by := v.contacts[(k+c*7)%len(v.contacts)]
			if c > 0 && by.user == h.by[0].user {
				continue
			}
			h.by = append(h.by, by)
			edits = append(edits, v.edit("assignment", v.bed.id(at), syncproto.OpCreate, "household", string(h.id), "user", string(by.user), "team", []string{"cadre", "member"}[c], "since", since))
		}
		if k%10 == 0 {
			edits = append(edits, v.edit("contact_card", v.bed.id(at), syncproto.OpCreate, "household", string(h.id), "serial", v.serial(), "issued", since))
		}
		v.homes = append(v.homes, h)
		if len(edits) > 400 || k == homes-1 {
			if err := v.grow(f.hand(at), edits...); err != nil {
				return err
			}
			edits = nil
		}
	}
	return nil
}

// serial is a card's, of the letters that serials have.
func (v *hamlet) serial() string {
	const letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	var out strings.Builder
	for i := range 16 {
		if i > 0 && i%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(letters[v.f.draw.IntN(len(letters))])
	}
	return out.String()
}

// visit is one to be written.
type visit struct {
	home int
	at   int64
}

// journal is one that was submitted, and when.
type journal struct {
	id syncproto.RowID
	at int64
}

// work writes the visits of sixty days with their journals, a change each, in the order of time.
func (v *hamlet) work(int64) error {
	f := v.f
	n := share(f.size.Visits, v.n, f.size.Villages)
	visits := make([]visit, 0, n)
	for range n {
		visits = append(visits, visit{f.draw.IntN(len(v.homes)), f.now - f.draw.Int64N(60*day) - 1000})
	}
	slices.SortFunc(visits, func(a, b visit) int { return int(a.at - b.at) })
	for _, x := range visits {
		h := &v.homes[x.home]
		by := v.contacts[x.home%len(v.contacts)]
		if len(h.by) > 0 {
			by = h.by[f.draw.IntN(len(h.by))]
		}
		by.at = x.at
		id, j := v.bed.id(x.at), v.bed.id(x.at)
		h.visits = append(h.visits, x.at)
		if err := v.grow(by, v.edit("visit", id, syncproto.OpCreate, "household", string(h.id), "author", string(by.user), "day", time.UnixMilli(x.at).In(f.e.Zone).Format(time.DateOnly),
			"met", "户主", "tasks", pick(f.draw, []string{"policy", "listen", "listen,relieve", "listen,policy"})),
			v.edit("journal", j, syncproto.OpCreate, "visit", string(id), "author", string(by.user), "text", pick(f.draw, notes)+pick(f.draw, notes)+pick(f.draw, notes), "state", "submitted")); err != nil {
			return err
		}
		v.journals = append(v.journals, journal{j, x.at})
	}
	return nil
}

// waits is how many of the newest journals still wait for the secretary, of a hundred.
const waits = 3

// accept is the secretary's work: of all but the newest journals, a hundred at a time, within half a day of the newest of them, every twentieth with
// a word.
func (v *hamlet) accept(int64) error {
	rest := v.journals[:len(v.journals)-(len(v.journals)*waits+99)/100]
	for part := range slices.Chunk(rest, 100) {
		by := v.secretary
		by.at = min(part[len(part)-1].at+v.f.draw.Int64N(day/2), v.f.now-500)
		var edits []syncproto.Edit
		for k, j := range part {
			edits = append(edits, v.edit("journal", j.id, syncproto.OpUpdate, "state", "accepted"))
			if k%20 == 0 {
				edits = append(edits, v.edit("review", v.bed.id(by.at), syncproto.OpCreate, "journal", string(j.id), "author", string(by.user), "kind", "guide", "comment", "写得清楚。下次问问秋收和用工。"))
			}
		}
		if err := v.grow(by, edits...); err != nil {
			return err
		}
	}
	return nil
}

// matters records what every fourth household raised, half of it answered.
func (v *hamlet) matters(int64) error {
	f := v.f
	for k := 0; k < len(v.homes); k += 4 {
		h := v.homes[k]
		by := v.contacts[k%len(v.contacts)]
		if len(h.by) > 0 {
			by = h.by[0]
		}
		at := f.now - 1000 - f.draw.Int64N(60*day)
		by.at = at
		on := time.UnixMilli(at).In(f.e.Zone).Format(time.DateOnly)
		m := v.bed.id(at)
		state, steps := "recorded", 1
		if k%8 == 0 {
			state, steps = "answered", 4
		}
		edits := []syncproto.Edit{v.edit("matter", m, syncproto.OpCreate, "household", string(h.id), "author", string(by.user), "kind", pick(f.draw, []string{"opinion", "request", "difficulty", "hot", "dispute"}),
			"title", pick(f.draw, titles), "detail", pick(f.draw, notes), "urgency", fmt.Sprint(f.draw.IntN(4)), "state", state)}
		for s := range steps {
			edits = append(edits, v.edit("matter_step", v.bed.id(at), syncproto.OpCreate, "matter", string(m), "author", string(by.user), "kind", []string{"record", "discuss", "handle", "answer"}[s], "day", on, "text", pick(f.draw, notes)))
		}
		if err := v.grow(by, edits...); err != nil {
			return err
		}
	}
	return nil
}
