package register

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// Place is a place as people know it.
type Place struct {
	ID, Parent, Level, Name, Code string
}

// Levels that commands and messages speak of.
const (
	levelVillage = "village"
	levelGroup   = "group"
)

func notFound(op, zh, en, hint string) error {
	return &syncproto.Error{Code: syncproto.CodeNotFound, Op: op, Message: syncproto.Both(zh, en), Hint: hint}
}

// fields reads one row of a table by column name.
type fields struct {
	t      *schema.Table
	values []schema.Value
}

func (f fields) value(column string) schema.Value {
	for i := range f.t.Columns {
		if f.t.Columns[i].Name == column && i < len(f.values) {
			return f.values[i]
		}
	}
	return schema.Null
}

func (f fields) text(column string) string { return f.value(column).Str() }

func placesWhere(tx *store.Tx, where string, args ...any) ([]Place, error) {
	var out []Place
	err := tx.Each(func(scan func(...any) error) error {
		var p Place
		if err := scan(&p.ID, &p.Parent, &p.Level, &p.Name, &p.Code); err != nil {
			return err
		}
		out = append(out, p)
		return nil
	}, `SELECT id, COALESCE(parent, ''), COALESCE(level, ''), COALESCE(name, ''), COALESCE(code, '') FROM place WHERE `+where+` ORDER BY code, name, id`, args...)
	return out, err
}

// FindPlace finds a place by its code, its name where only one has it, or its id. Levels, if given, are those it may have.
func FindPlace(tx *store.Tx, ref string, levels ...string) (Place, error) {
	folded := schema.NormalizeCode(ref)
	found, err := placesWhere(tx, "code = ? OR id = ?", folded, folded)
	if err == nil && len(found) == 0 {
		found, err = placesWhere(tx, "name = ?", schema.NormalizeName(ref))
	}
	if err != nil {
		return Place{}, err
	}
	fits := slices.DeleteFunc(found, func(p Place) bool { return len(levels) > 0 && !slices.Contains(levels, p.Level) })
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		var codes []string
		for _, p := range fits {
			codes = append(codes, p.Code)
		}
		return Place{}, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "find place", Message: syncproto.Both(fmt.Sprintf("有 %d 个地方都叫“%s”。", len(fits), ref), fmt.Sprintf("%d places are called that.", len(fits))),
			Hint: syncproto.Both("请写代码："+strings.Join(codes, "、")+"。", "Name it by its code.")}
	}
	near, err := nearPlaces(tx, ref, levels)
	if err != nil {
		return Place{}, err
	}
	hint := syncproto.Both("先用 minqing place 建立它。", "Make it first with minqing place.")
	if len(near) > 0 {
		hint = syncproto.Both("是不是这些："+strings.Join(near, "、")+"？ 也可以先用 minqing place 建立。", "Perhaps one of these is meant; or make it first with minqing place.")
	}
	return Place{}, notFound("find place", fmt.Sprintf("没有找到“%s”。", ref), "There is no such place.", hint)
}

// mostNear bounds the suggestions of a message.
const mostNear = 5

// nearPlaces suggests places whose name or code is like what was typed.
func nearPlaces(tx *store.Tx, ref string, levels []string) ([]string, error) {
	where, args := "1 = 1", []any(nil)
	if len(levels) > 0 {
		where, args = "level = ANY(?)", []any{levels}
	}
	all, err := placesWhere(tx, where, args...)
	if err != nil {
		return nil, err
	}
	type guess struct {
		p    Place
		away int
	}
	var guesses []guess
	for _, p := range all {
		away := min(distance(ref, p.Name), distance(ref, p.Code))
		if len(all) <= mostNear || away <= max(1, len([]rune(ref))/2) {
			guesses = append(guesses, guess{p, away})
		}
	}
	slices.SortStableFunc(guesses, func(a, b guess) int { return cmp.Compare(a.away, b.away) })
	var out []string
	for _, g := range guesses[:min(len(guesses), mostNear)] {
		out = append(out, strings.TrimSpace(g.p.Name+" "+g.p.Code))
	}
	return out, nil
}

// distance is how many characters must be changed, added or dropped to make one text of the other.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		last := row[0]
		row[0] = i + 1
		for j := range y {
			keep := last
			if x[i] != y[j] {
				keep++
			}
			last = row[j+1]
			row[j+1] = min(keep, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}

// Beneath lists a place and every place under it.
func Beneath(tx *store.Tx, place string) ([]Place, error) {
	ids, err := tx.PlacesBeneath(place)
	if err != nil {
		return nil, err
	}
	return placesWhere(tx, "id = ANY(?)", ids)
}

// FindHouseholds finds households by their codes within a place ("" for the whole city). A code that two households have, or none, is
// an error that names it.
func FindHouseholds(tx *store.Tx, within string, codes []string) ([]syncproto.RowID, error) {
	var folded []string
	for _, c := range codes {
		if c = schema.NormalizeCode(c); c != "" {
			folded = append(folded, c)
		}
	}
	rows, err := tx.ValuesWhere("household", "code", folded)
	if err != nil {
		return nil, err
	}
	inside := map[string]bool{}
	if within != "" {
		places, err := Beneath(tx, within)
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			inside[p.ID] = true
		}
	}
	byCode := map[string][]syncproto.RowID{}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		f := fields{tx.Book().Table("household"), rows[id]}
		if within == "" || inside[f.text("place")] {
			byCode[f.text("code")] = append(byCode[f.text("code")], id)
		}
	}
	var out []syncproto.RowID
	var missing, several []string
	for _, c := range folded {
		switch len(byCode[c]) {
		case 1:
			out = append(out, byCode[c][0])
		case 0:
			missing = append(missing, c)
		default:
			several = append(several, c)
		}
	}
	if len(missing) > 0 {
		return nil, notFound("find households", "没有这些户号："+strings.Join(missing, "、")+"。", "There are no households of these codes.",
			syncproto.Both("请核对户号，或者用 --village 写明是哪个村。", "Check the codes, or name the village with --village."))
	}
	if len(several) > 0 {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "find households", Message: syncproto.Both("这些户号不止一户："+strings.Join(several, "、")+"。", "Several households have these codes."),
			Hint: syncproto.Both("请用 --village 写明是哪个村。", "Name the village with --village.")}
	}
	return out, nil
}
