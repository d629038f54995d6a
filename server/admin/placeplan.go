package admin

import (
	"fmt"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
)

// spot is a place of the tree: one that is there, or one that a row is to make.
type spot struct {
	id                string // "" until it is made
	level, name, code string
	up                *spot      // nil above the highest that is known
	line              *placeLine // the row that is to make it, or that gives it a code
	made              bool       // it is to be made
	named             *placeLine // the row that names it
}

// placePlan is what a list would do to what is there.
type placePlan struct {
	run     *placeRun
	tx      *store.Tx
	ground  *ground
	root    *spot
	byName  map[string][]*spot
	byCode  map[string][]*spot
	beneath map[*spot]map[string][]*spot // by siblingKey
	codes   map[string]bool              // that places elsewhere have
	may     map[string]bool              // places over which the importer is an administrator
	todo    []*spot                      // to be made or given a code, what lies above before what lies beneath
}

// levelsDown are the levels, each behind all that it may lie in.
func levelsDown(b *schema.Book) (out []string) {
	for _, o := range b.Table("place").Column("level").Options {
		out = append(out, o.Value)
	}
	return out
}

// siblingKey is what two places under one cannot have alike. Within a village it is what registers know a group by.
func siblingKey(level, name string) string {
	if slices.Contains(below["village"], level) {
		return register.FoldGroup(name)
	}
	return name
}

// plan holds the list against what is there.
func (r *placeRun) plan(tx *store.Tx) (*placePlan, error) {
	p := &placePlan{run: r, tx: tx, byName: map[string][]*spot{}, byCode: map[string][]*spot{}, beneath: map[*spot]map[string][]*spot{}, codes: map[string]bool{}, may: map[string]bool{}}
	if err := p.load(); err != nil {
		return p, err
	}
	byLevel := map[string][]*placeLine{}
	for _, x := range r.lines {
		byLevel[x.level] = append(byLevel[x.level], x)
	}
	for _, level := range append([]string{""}, levelsDown(tx.Book())...) { // no level is one that cannot be read
		for _, x := range byLevel[level] {
			p.line(x)
		}
	}
	return p, nil
}

// counts are how many places it would make, and to how many it would give a code.
func (p *placePlan) counts() (made, changed int) {
	for _, s := range p.todo {
		if s.made {
			made++
		} else {
			changed++
		}
	}
	return made, changed
}

// load reads the tree as it is.
func (p *placePlan) load() (err error) {
	if p.ground, err = groundOf(p.tx, p.run.By, p.run.Place); err != nil {
		return err
	}
	spots := map[string]*spot{}
	for id, pl := range p.ground.byID {
		spots[id] = &spot{id: id, level: pl.Level, name: pl.Name, code: pl.Code}
	}
	if p.root = spots[p.run.Place]; p.root == nil {
		return notFound("import places", "这个地方已经没有了。", "This place is no more.", "")
	}
	for id, pl := range p.ground.byID {
		if s := spots[id]; s != p.root {
			s.up = spots[pl.Parent]
		}
	}
	for at, i := p.root, 1; i < len(p.ground.above); at, i = at.up, i+1 {
		pl, err := register.FindPlace(p.tx, p.ground.above[i])
		if err != nil {
			return err
		}
		at.up = &spot{id: pl.ID, level: pl.Level, name: pl.Name, code: pl.Code}
	}
	for _, s := range spots {
		p.add(s)
	}
	if len(p.ground.above) < 2 { // the whole city
		return nil
	}
	var codes []string
	for _, x := range p.run.lines {
		if x.code != "" {
			codes = append(codes, x.code)
		}
	}
	found, err := p.tx.ValuesWhere("place", "code", codes)
	for id, values := range found {
		if spots[string(id)] == nil {
			p.codes[row{p.tx.Book().Table("place"), values}.text("code")] = true
		}
	}
	return err
}

// add makes a spot known.
func (p *placePlan) add(s *spot) {
	p.byName[s.name] = append(p.byName[s.name], s)
	if s.code != "" {
		p.byCode[s.code] = append(p.byCode[s.code], s)
	}
	if s.up != nil && (s.line == nil || s.line.Good()) {
		if p.beneath[s.up] == nil {
			p.beneath[s.up] = map[string][]*spot{}
		}
		key := siblingKey(s.level, s.name)
		p.beneath[s.up][key] = append(p.beneath[s.up][key], s)
	}
}

// line finds out what a row makes, or what speaks against it. A row that is not taken is known too, so that those beneath it hear of it.
func (p *placePlan) line(x *placeLine) {
	s := &spot{level: x.level, name: x.name, code: x.code, line: x, made: true}
	own := !x.Good() || p.place(s)
	if why, denied := p.run.denied[x]; denied {
		x.Refuse(why.ZH, why.EN)
	}
	if !own || x.name == "" {
		return
	}
	if x.Good() && !p.run.tried[x] {
		p.todo = append(p.todo, s)
	}
	p.add(s)
}

// place finds where a row's place lies and whether it can be made, and tells whether the row speaks of a place of its own.
func (p *placePlan) place(s *spot) bool {
	x := s.line
	if s.level == p.root.level && s.name == p.root.name && p.isRoot(x.Text(keyUp)) {
		p.same(p.root, x)
		return false
	}
	up := p.find(x)
	if up == nil {
		return true
	}
	s.up = up
	switch {
	case up.line != nil && !up.line.Good():
		at := p.at(up.line, x)
		x.Refuse("它的上级“"+up.name+"”在"+at.ZH+"，那一行没有导入；先改好那一行。", "The place above it, “"+up.name+"”, is in "+at.EN+", which is not taken; mend that row first.")
		return true
	case !p.administers(up):
		x.Refuse("您管不到“"+up.name+"”，不能在那里建；请那里的管理员来导入。", "“"+up.name+"” is not in your charge, so nothing can be made there; ask its administrator to import the row.")
		return true
	}
	alike := p.beneath[up][siblingKey(s.level, s.name)]
	if i := slices.IndexFunc(alike, func(o *spot) bool { return o.level == s.level }); i >= 0 {
		p.same(alike[i], x)
		return false
	}
	if len(alike) > 0 {
		is, not := levelLabel(p.tx.Book(), alike[0].level), levelLabel(p.tx.Book(), s.level)
		x.Refuse("“"+up.name+"”下面的“"+alike[0].name+"”是"+is.ZH+"，不是"+not.ZH+"；一个地方下面名称不能重复，请核对。",
			"“"+alike[0].name+"” under “"+up.name+"” is: "+is.EN+", not: "+not.EN+"; no two places under one have the same name, so check the row.")
		return false
	}
	s.named = x
	if !p.codeFree(x) {
		s.code = ""
	}
	return true
}

// isRoot tells whether a row whose level and name are those of the place that the list is about means that place, by what it says lies above.
func (p *placePlan) isRoot(up string) bool {
	return up == "" || p.root.up != nil && (schema.NormalizeName(up) == p.root.up.name || schema.NormalizeCode(up) == p.root.up.code)
}

// same is a row about a place that is there, or that another row makes.
func (p *placePlan) same(s *spot, x *placeLine) {
	if s.named != nil {
		at := p.at(s.named, x)
		x.Refuse("和"+at.ZH+"是同一个地方，只要一行，请删掉这一行。", "It is the same place as "+at.EN+"; delete this row.")
		return
	}
	s.named = x
	switch {
	case x.code == "" || x.code == s.code || p.run.tried[x]:
	case s.code != "":
		x.Note("它的代码在系统里是 "+s.code+"，没有改；要改请到“村和组”里它的页面。", "Its code is "+s.code+" already and was left; correct it on its page under Places.")
	case !p.administers(s):
		x.Refuse("您管不到“"+s.name+"”，不能给它补代码；请那里的管理员来导入。", "“"+s.name+"” is not in your charge, so it cannot be given a code; ask its administrator to import the row.")
	case p.codeFree(x):
		s.line, s.code = x, x.code
		p.byCode[s.code] = append(p.byCode[s.code], s)
		p.todo = append(p.todo, s)
	}
}

// codeFree tells whether nobody else has a row's code.
func (p *placePlan) codeFree(x *placeLine) bool {
	if x.code == "" {
		return true
	}
	for _, has := range p.byCode[x.code] {
		switch {
		case has.line != nil && !has.line.Good():
			continue
		case has.named != nil:
			at := p.at(has.named, x)
			x.Refuse("代码 "+x.code+" 和"+at.ZH+"的“"+has.name+"”一样；请核对，改一个。", "The code "+x.code+" is that of “"+has.name+"” in "+at.EN+"; check the two and change one.")
		default:
			x.Refuse("代码 "+x.code+" 已经是“"+has.name+"”的，请核对；要给它改名，请到“村和组”里它的页面。", "The code "+x.code+" is that of “"+has.name+"” already; check it. To rename that place, go to its page under Places.")
		}
		return false
	}
	if p.codes[x.code] {
		x.Refuse("代码 "+x.code+" 已经有地方用了，请核对。", "The code "+x.code+" is taken already; check it.")
		return false
	}
	return true
}

// administers tells whether the importer may make something in a place; one that is to be made is in the charge of who has the place above it.
func (p *placePlan) administers(s *spot) bool {
	for s.id == "" {
		s = s.up
	}
	may, known := p.may[s.id]
	if !known {
		may = p.ground.administers(s.id)
		p.may[s.id] = may
	}
	return may
}

// at names a row in the words of another.
func (p *placePlan) at(x, of *placeLine) schema.Label {
	return register.LineWords(x.Row, x.Row.Sheet != of.Row.Sheet)
}

// find finds the place in which a row's place lies: nil when the row is refused.
func (p *placePlan) find(x *placeLine) *spot {
	text := x.Text(keyUp)
	if x.level == "city" {
		x.Refuse("市不能导入，这里只有一个；请删掉这一行。", "A city cannot be imported, there is one here; delete this row.")
		return nil
	}
	found := p.called(text)
	fits := slices.DeleteFunc(slices.Clone(found), func(s *spot) bool { return s.level != "" && !slices.Contains(below[s.level], x.level) })
	switch {
	case len(fits) == 1:
		return fits[0]
	case len(fits) > 1:
		var paths []string
		for _, s := range fits {
			paths = append(paths, s.path())
		}
		slices.Sort(paths)
		paths = slices.Compact(paths)
		some := strings.Join(paths[:min(len(paths), 3)], "、")
		x.Refuse(fmt.Sprintf("这里有 %d 个“%s”：%s；请写它的代码，或者像这样连上级一起写。", len(fits), text, some),
			fmt.Sprintf("%d places here are called “%s”: %s; write its code, or the places above before it, like this.", len(fits), text, some))
	case len(found) > 0:
		p.unfit(x, found[0].name, found[0].level)
	case p.run.names[schema.NormalizeName(text)] != "": // of a row whose place lies lower
		p.unfit(x, text, p.run.names[schema.NormalizeName(text)])
	default:
		x.Refuse("这里没有“"+text+"”这个地方，表里也没有；请核对“上级”，或者给它补一行。", "There is no place “"+text+"” here, nor in the file; check the place above, or add a row for it.")
	}
	return nil
}

// unfit refuses a row whose level cannot lie right under that of the place that it names.
func (p *placePlan) unfit(x *placeLine, name, level string) {
	b := p.tx.Book()
	not, is, may := levelLabel(b, x.level), levelLabel(b, level), levelLabel(b, below[level]...)
	zh, en := "“"+name+"”是"+is.ZH+"，下面不能直接建"+not.ZH, "“"+name+"” is: "+is.EN+"; right under it cannot lie: "+not.EN
	if may.ZH != "" {
		zh, en = zh+"，能建的有："+may.ZH, en+", but these can: "+may.EN
	}
	if x.Text(keyUp) == "" {
		x.Refuse(zh+"；请填上级。", en+"; fill in the place above.")
	} else {
		x.Refuse(zh+"；请核对级别和上级。", en+"; check the level and the place above.")
	}
}

// called are the places that words may mean: a code, a name, or names of places above with that name last, parted by strokes.
func (p *placePlan) called(text string) []*spot {
	if text == "" {
		return []*spot{p.root}
	}
	if has := p.byCode[schema.NormalizeCode(text)]; len(has) > 0 {
		return has
	}
	if has := p.byName[schema.NormalizeName(text)]; len(has) > 0 {
		return has
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/／>＞\\", r) })
	if len(parts) < 2 {
		return nil
	}
	last := len(parts) - 1
	return slices.DeleteFunc(slices.Clone(p.byName[schema.NormalizeName(parts[last])]), func(s *spot) bool { return !s.under(parts[:last]) })
}

// under tells whether a place lies under those named, the nearest last; others may lie between. Of a row that is not taken nobody knows.
func (s *spot) under(names []string) bool {
	if s.up == nil && s.line != nil {
		return true
	}
	n := len(names)
	for at := s.up; at != nil && n > 0; at = at.up {
		if want := names[n-1]; at.name == schema.NormalizeName(want) || at.code != "" && at.code == schema.NormalizeCode(want) {
			n--
		}
	}
	return n == 0
}

// path is a place with those above it as far as they help: not the city, which all lie in.
func (s *spot) path() string {
	out := s.name
	for at := s.up; at != nil && at.level != "city"; at = at.up {
		out = at.name + "/" + out
	}
	return out
}
