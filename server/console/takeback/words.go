package takeback

import (
	"fmt"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// What speaks against taking something back, beside what speaks against deleting an account (shift.Bar).
const (
	whyEdited  = "edited"  // somebody changed it since
	whyUnder   = "under"   // somebody wrote something beneath it
	whyItem    = "item"    // it waits for a decision
	whyTwin    = "twin"    // somebody decided whether it and another are one
	whyGone    = "gone"    // its row was deleted
	whyOther   = "other"   // it shows something else than the import wrote
	whyAway    = "away"    // where it lay before is no more
	whySelf    = "self"    // it is of whoever takes back
	whyRefused = "refused" // the rules are against it
)

// Why is a reason why something is left.
type Why struct {
	What  string
	Table string           `json:",omitempty"` // of what lies beneath
	N     int              `json:",omitempty"`
	By    syncproto.UserID `json:",omitempty"`
	At    int64            `json:",omitempty"` // Unix ms
	Said  string           `json:",omitempty"` // in both languages
}

// Gone tells that the row itself is no more.
func (w *Why) Gone() bool { return w.What == whyGone }

// same tells two that would be named alike.
func (w *Why) same(o *Why) bool {
	return w.What == o.What && w.Table == o.Table && w.By == o.By && w.Said == o.Said
}

func edited(v *store.Version) *Why {
	return &Why{What: whyEdited, By: v.Author, At: v.Received}
}

// Line is what is left, in words.
type Line struct {
	Left
	Who    string       // what people call the row
	Titles schema.Label // of the columns that are left
	Words  []schema.Label
}

// Lines puts what is left into words.
func Lines(tx *store.Tx, zone *time.Location, list []Left) ([]Line, error) {
	b := tx.Book()
	who, err := namesOf(tx, list)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, l := range list {
		for _, w := range l.Whys {
			if w.By != "" {
				users = append(users, string(w.By))
			}
		}
	}
	name := map[syncproto.UserID]string{}
	if err := tx.Each(func(scan func(...any) error) error {
		var id, n string
		err := scan(&id, &n)
		name[syncproto.UserID(id)] = n
		return err
	}, `SELECT id, COALESCE(name, '') FROM "user" WHERE id = ANY(?)`, users); err != nil {
		return nil, err
	}
	out := make([]Line, len(list))
	for i, l := range list {
		out[i] = Line{Left: l, Who: who[l.Row]}
		var zh, en []string
		for _, c := range l.Cells {
			if cell := b.Cell(l.Table, c); cell != nil {
				zh, en = append(zh, cell.Columns[0].Label.ZH), append(en, cell.Columns[0].Label.EN)
			}
		}
		out[i].Titles = schema.Label{ZH: strings.Join(zh, "、"), EN: strings.Join(en, ", ")}
		for _, w := range l.Whys {
			out[i].Words = append(out[i].Words, w.label(b, zone, name[w.By]))
		}
	}
	return out, nil
}

// label says a reason.
func (w *Why) label(b *schema.Book, zone *time.Location, by string) schema.Label {
	say := func(zh, en string) schema.Label { return schema.Label{ZH: zh, EN: en} }
	day := time.UnixMilli(w.At).In(zone).Format(time.DateOnly)
	if by == "" {
		by = "—"
	}
	switch w.What {
	case whyEdited:
		return say(by+"在 "+day+" 改过", by+" changed it on "+day)
	case whyUnder:
		t := b.Table(w.Table).Label
		return say(fmt.Sprintf("下面有%s %d 条", t.ZH, w.N), fmt.Sprintf("beneath it lies: %s (%d)", strings.ToLower(t.EN), w.N))
	case whyItem:
		return say("在冲突处理里等着定", "it waits on the conflict desk")
	case whyTwin:
		return say(by+"在 "+day+" 定过它和另一条是不是一回事", by+" decided on "+day+" whether it and another are one")
	case whyGone:
		return say("后来删掉了", "it was deleted since")
	case whyOther:
		return say("现在已经不是导入的那样", "it is not as the import wrote it any more")
	case whyAway:
		return say("原来所在的地方已经没有了", "where it lay before is no more")
	case whySelf:
		return say("是您自己的", "it is your own")
	case whyRefused:
		return schema.ReadBoth(w.Said)
	case "work":
		return say(fmt.Sprintf("已经写过 %d 条", w.N), fmt.Sprintf("has written: %d", w.N))
	case "phones":
		return say("登记过手机", "a phone is enrolled")
	case "contacts":
		return say(fmt.Sprintf("在联系 %d 户", w.N), fmt.Sprintf("contacts households: %d", w.N))
	case "signedin":
		return say("登录过", "has signed in")
	}
	return say(w.What, w.What)
}

// namesOf finds what people call rows.
func namesOf(tx *store.Tx, list []Left) (map[syncproto.RowID]string, error) {
	queries := map[string]string{
		"place":     "SELECT id, COALESCE(name, ''), '' FROM place WHERE id = ANY(?)",
		"household": "SELECT id, COALESCE(code, ''), COALESCE(head, '') FROM household WHERE id = ANY(?)",
		"resident":  "SELECT r.id, COALESCE(h.code, ''), COALESCE(r.name, '') FROM resident r LEFT JOIN household h ON h.id = r.household WHERE r.id = ANY(?)",
		"identity":  "SELECT i.id, COALESCE(h.code, ''), COALESCE(r.name, '') FROM identity i JOIN resident r ON r.id = i.resident LEFT JOIN household h ON h.id = r.household WHERE i.id = ANY(?)",
		"user":      `SELECT id, COALESCE(name, ''), COALESCE(login, '') FROM "user" WHERE id = ANY(?)`,
		"role":      `SELECT r.id, COALESCE(u.name, ''), COALESCE(r.role, '') FROM role r JOIN "user" u ON u.id = r."user" WHERE r.id = ANY(?)`,
	}
	ids := map[string][]string{}
	for _, l := range list {
		ids[l.Table] = append(ids[l.Table], string(l.Row))
	}
	out := map[syncproto.RowID]string{}
	for table, of := range ids {
		if queries[table] == "" {
			continue
		}
		if err := tx.Each(func(scan func(...any) error) error {
			var id, a, b string
			if err := scan(&id, &a, &b); err != nil {
				return err
			}
			if table == "role" {
				b = schema.RoleLabel(schema.Role(b)).ZH
			}
			out[syncproto.RowID(id)] = strings.TrimSpace(a + " " + b)
			return nil
		}, queries[table], of); err != nil {
			return nil, err
		}
	}
	return out, nil
}
