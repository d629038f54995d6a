package register

import (
	"fmt"
	"maps"
	"slices"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// plan is what a piece of the file is to change.
type plan struct {
	im     *importer
	tx     *store.Tx
	wishes []*wish // in the order in which rows must be made
	drafts []draft

	groups     map[string]Place    // by folded name
	inside     map[string]bool     // the village and every place beneath it
	byCode     map[string][]*entry // households of the village
	members    map[syncproto.RowID][]*entry
	byNumber   map[string]*entry // identities, by number
	identityOf map[syncproto.RowID]*entry
	residents  map[syncproto.RowID]*entry
	matched    map[syncproto.RowID]bool
}

// entry is a row that is there, or that this plan makes.
type entry struct {
	id     syncproto.RowID
	table  *schema.Table
	values []schema.Value // nil for a row that is being made
}

func (e *entry) get(column string) schema.Value { return fields{e.table, e.values}.value(column) }

// wish is what the file wants of one row: cells with the values that it gives.
type wish struct {
	entry   *entry
	create  bool
	cells   map[string]schema.Value
	note    func(zh, en string) // tells what to look at where these words stand; nil: nobody wrote them
	records []*record           // of a register: whose words these are
	code    string              // of a register: of the household
	edit    *syncproto.Edit     // what is to be written, once settled; nil: nothing
}

// draft is one change: the wishes of one household, or of a group of places to be made.
type draft struct {
	wishes  []*wish
	verdict *syncproto.Verdict
}

// plan finds out what the records of a piece change.
func (im *importer) plan(tx *store.Tx, piece []*record) (*plan, error) {
	p := &plan{im: im, tx: tx, matched: map[syncproto.RowID]bool{}}
	var good []*record
	for _, r := range piece {
		if len(r.why) == 0 {
			good = append(good, r)
		}
	}
	if err := p.load(good); err != nil {
		return nil, err
	}
	if err := p.makeGroups(good); err != nil {
		return nil, err
	}
	var codes []string
	byCode := map[string][]*record{}
	for _, r := range good {
		if byCode[r.code] == nil {
			codes = append(codes, r.code)
		}
		byCode[r.code] = append(byCode[r.code], r)
	}
	for _, code := range codes {
		if err := p.household(code, byCode[code]); err != nil {
			return nil, err
		}
	}
	if err := settle(tx, p.wishes); err != nil {
		return nil, err
	}
	p.draft()
	return p, nil
}

// load reads everything that the records may concern, in a few questions.
func (p *plan) load(records []*record) error {
	places, err := Beneath(p.tx, p.im.Village.ID)
	if err != nil {
		return err
	}
	p.groups, p.inside = map[string]Place{}, map[string]bool{}
	for _, pl := range places {
		p.inside[pl.ID] = true
		if _, have := p.groups[FoldGroup(pl.Name)]; !have {
			p.groups[FoldGroup(pl.Name)] = pl
		}
	}
	var codes, numbers []string
	for _, r := range records {
		codes = append(codes, r.code)
		if r.idNumber != "" {
			numbers = append(numbers, r.idNumber)
		}
	}
	slices.Sort(codes)
	households, err := p.entries(tableHousehold, "code", slices.Compact(codes))
	if err != nil {
		return err
	}
	p.byCode, p.members = map[string][]*entry{}, map[syncproto.RowID][]*entry{}
	var ids []string
	for _, h := range households {
		if p.inside[h.get("place").Str()] {
			p.byCode[h.get("code").Str()] = append(p.byCode[h.get("code").Str()], h)
			ids = append(ids, string(h.id))
		}
	}
	if !p.im.layout.people {
		return nil
	}
	return p.loadPeople(ids, numbers)
}

func (p *plan) loadPeople(households, numbers []string) error {
	residents, err := p.entries(tableResident, "household", households)
	if err != nil {
		return err
	}
	p.byNumber, p.identityOf, p.residents = map[string]*entry{}, map[syncproto.RowID]*entry{}, map[syncproto.RowID]*entry{}
	var ids, others []string
	for _, r := range residents {
		h := syncproto.RowID(r.get("household").Str())
		p.members[h] = append(p.members[h], r)
		ids = append(ids, string(r.id))
		p.residents[r.id] = r
	}
	byNumber, err := p.entries(tableIdentity, "id_number", numbers)
	if err != nil {
		return err
	}
	ofResidents, err := p.entries(tableIdentity, "resident", ids)
	if err != nil {
		return err
	}
	for _, i := range append(byNumber, ofResidents...) {
		p.byNumber[i.get("id_number").Str()] = i
		of := syncproto.RowID(i.get("resident").Str())
		p.identityOf[of] = i
		if p.residents[of] == nil {
			others = append(others, string(of))
		}
	}
	found, err := p.entries(tableResident, "id", others)
	for _, r := range found {
		p.residents[r.id] = r
	}
	return err
}

// entries reads living rows by a column, in the order of their ids.
func (p *plan) entries(table, column string, among []string) ([]*entry, error) {
	rows, err := p.tx.ValuesWhere(table, column, among)
	if err != nil {
		return nil, err
	}
	t := p.im.book.Table(table)
	out := make([]*entry, 0, len(rows))
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, &entry{id, t, rows[id]})
	}
	return out, nil
}

// wishFor notes what the file wants of a row; a row without id yet is made.
func (p *plan) wishFor(e *entry, table, code string, cells map[string]schema.Value, records ...*record) (*entry, error) {
	w := &wish{entry: e, cells: cells, records: records, code: code}
	if len(records) > 0 {
		w.note = records[0].note
	}
	if e == nil {
		id, err := p.tx.NewID()
		if err != nil {
			return nil, err
		}
		w.entry, w.create = &entry{id: syncproto.RowID(id), table: p.im.book.Table(table)}, true
	}
	p.wishes = append(p.wishes, w)
	return w.entry, nil
}

// makeGroups makes the groups that the file mentions and the village lacks.
func (p *plan) makeGroups(records []*record) error {
	for _, r := range records {
		key := FoldGroup(r.group)
		if _, have := p.groups[key]; have || r.group == "" {
			continue
		}
		name, err := p.im.book.Table(tablePlace).Column("name").Normalize(r.group)
		if err != nil {
			r.why = append(r.why, words(err))
			continue
		}
		level := groupLevel(r.group)
		e, err := p.wishFor(nil, tablePlace, "", map[string]schema.Value{"parent": schema.Text(p.im.Village.ID), "level": schema.Text(level), "name": name})
		if err != nil {
			return err
		}
		p.groups[key] = Place{ID: string(e.id), Parent: p.im.Village.ID, Level: level, Name: r.group}
	}
	return nil
}

// household plans one household and its people.
func (p *plan) household(code string, records []*record) error {
	records = slices.DeleteFunc(records, func(r *record) bool { return len(r.why) > 0 })
	if len(records) == 0 {
		return nil
	}
	known := p.byCode[code]
	if len(known) > 1 {
		for _, r := range records {
			r.refuse(fmt.Sprintf("村里有 %d 户都是户号 %s，不知道是哪一户；请先在系统里处理重户。", len(known), code),
				"Several households of the village have this code; settle that first.")
		}
		return nil
	}
	cells := map[string]schema.Value{}
	from := map[string]*record{}
	for _, r := range records {
		for cell, v := range p.houseCells(r) {
			if before, have := cells[cell]; have && before != v {
				label := p.im.book.Cell(tableHousehold, cell).Columns[0].Label
				r.note(fmt.Sprintf("同一户的“%s”前后写得不一样，用了%s的。", label.ZH, LineWords(from[cell].row, len(p.im.sheets) > 1).ZH),
					fmt.Sprintf("%s differs from that of an earlier row of the household, which was taken.", label.EN))
				continue
			}
			cells[cell], from[cell] = v, r
		}
	}
	var house *entry
	if len(known) == 1 {
		house = known[0]
	} else {
		cells["code"] = schema.Text(code)
		if cells["place"].IsNull() {
			cells["place"] = schema.Text(p.im.Village.ID)
		}
	}
	house, err := p.wishFor(house, tableHousehold, code, cells, records...)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.person == nil {
			continue
		}
		if err := p.resident(house, r); err != nil {
			return err
		}
	}
	return nil
}

// houseCells are the cells of the household that a record fills.
func (p *plan) houseCells(r *record) map[string]schema.Value {
	out := maps.Clone(r.house)
	if r.group != "" {
		out["place"] = schema.Text(p.groups[FoldGroup(r.group)].ID)
	}
	return out
}

// resident plans one person and his ID number.
func (p *plan) resident(house *entry, r *record) error {
	who, err := p.match(house, r)
	if err != nil || len(r.why) > 0 {
		return err
	}
	cells := maps.Clone(r.person)
	cells["household"] = schema.Text(string(house.id))
	who, err = p.wishFor(who, tableResident, r.code, cells, r)
	if err != nil {
		return err
	}
	p.matched[who.id] = true
	if r.idNumber == "" {
		return nil
	}
	number := map[string]schema.Value{"id_number": schema.Text(r.idNumber)}
	identity := p.identityOf[who.id]
	if identity == nil {
		number["resident"] = schema.Text(string(who.id))
	}
	_, err = p.wishFor(identity, tableIdentity, r.code, number, r)
	return err
}

// match finds the resident whom a record is about, nil for a new one.
func (p *plan) match(house *entry, r *record) (*entry, error) {
	if i := p.byNumber[r.idNumber]; i != nil && r.idNumber != "" {
		if e := p.residents[syncproto.RowID(i.get("resident").Str())]; e != nil {
			return p.matchNumber(e, r)
		}
	}
	name, birth := r.person["name"], r.person["birth"]
	var like []*entry
	for _, m := range p.members[house.id] {
		if p.matched[m.id] || m.get("name") != name {
			continue
		}
		other := p.identityOf[m.id]
		switch {
		case birth.IsNull() && r.idNumber == "", m.get("birth") == birth && !birth.IsNull():
			like = append(like, m)
		case other == nil && r.idNumber != "" && m.get("birth").IsNull():
			like = append(like, m) // he was written down without particulars
		}
	}
	if len(like) > 1 {
		r.refuse("同户有两个同名同生日的人，不知道是哪一个；请填身份证号。", "Two people of the household have this name and birth date; fill in the ID number.")
		return nil, nil
	}
	if len(like) == 1 {
		return like[0], nil
	}
	return nil, nil
}

// matchNumber is match for somebody whose ID number is known: within the village he may have moved to another household, but what lies
// in another village is not this import's to change.
func (p *plan) matchNumber(e *entry, r *record) (*entry, error) {
	at := syncproto.RowID(e.get("household").Str())
	if _, named := p.members[at]; named {
		return e, nil
	}
	h, err := p.entries(tableHousehold, "id", []string{string(at)})
	if err != nil {
		return nil, err
	}
	if len(h) == 1 && p.inside[h[0].get("place").Str()] {
		return e, nil
	}
	r.refuse("这个身份证号已经登记在别的村；如果人已迁来，请先在系统里办迁移，再导入。",
		"The ID number is registered in another village; move the person first, then import again.")
	return nil, nil
}

// draft gathers the wishes into changes: groups first, then a change for each household.
func (p *plan) draft() {
	for _, w := range p.wishes {
		if w.edit == nil {
			continue
		}
		last := len(p.drafts) - 1
		if last < 0 || p.drafts[last].wishes[0].code != w.code || len(p.drafts[last].wishes) >= mostEdits {
			p.drafts = append(p.drafts, draft{})
			last++
		}
		p.drafts[last].wishes = append(p.drafts[last].wishes, w)
	}
}

// submit hands the changes to the judge and reports the rows of those refused.
func (p *plan) submit() error {
	drafts := make([]judge.Draft, len(p.drafts))
	for i, d := range p.drafts {
		for _, w := range d.wishes {
			drafts[i].Edits = append(drafts[i].Edits, *w.edit)
		}
	}
	out, err := p.im.Judge.SubmitIn(p.tx, p.im.User, drafts...)
	if err != nil {
		return err
	}
	var wrote []syncproto.Identity
	for i := range p.drafts {
		v := out.Verdicts[i]
		p.drafts[i].verdict = v
		if v.Status != syncproto.Refused {
			wrote = append(wrote, v.Identity)
			continue
		}
		for _, w := range p.drafts[i].wishes {
			for _, r := range w.records {
				if len(r.why) == 0 {
					why := schema.ReadBoth(v.Message)
					r.refuse("系统没有接受："+why.ZH, "The server did not take it: "+why.EN)
				}
			}
		}
	}
	if p.im.Wrote == nil || len(wrote) == 0 {
		return nil
	}
	return p.im.Wrote(p.tx, wrote)
}

// count adds what the piece did to the report; once, after its commit.
func (p *plan) count() {
	rep := &p.im.report
	for _, d := range p.drafts {
		if d.verdict != nil && d.verdict.Status == syncproto.Refused {
			continue
		}
		if d.verdict != nil && d.verdict.Status == syncproto.Conflicted {
			rep.Conflicts++
		}
		people := map[syncproto.RowID]bool{}
		for _, w := range d.wishes {
			switch {
			case w.entry.table.Name == tablePlace:
				rep.NewPlaces++
			case w.entry.table.Name == tableHousehold && w.create:
				rep.NewHouseholds++
			case w.entry.table.Name == tableHousehold:
				rep.ChangedHouse++
			case w.entry.table.Name == tableResident && w.create:
				rep.NewResidents++
				people[w.entry.id] = true
			case w.entry.table.Name == tableResident:
				rep.ChangedPeople++
				people[w.entry.id] = true
			default: // an ID number counts for its person
				of := w.cells["resident"]
				if of.IsNull() {
					of = w.entry.get("resident")
				}
				if id := syncproto.RowID(of.Str()); !people[id] {
					people[id] = true
					rep.ChangedPeople++
				}
			}
		}
	}
}
