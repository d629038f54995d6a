package register

import (
	"slices"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// callWords say by what a list may name a row of a table; by its id it always may.
var callWords = map[string]schema.Label{tableHousehold: {ZH: "户号", EN: "its code"}, tablePlace: {ZH: "代码或名称", EN: "its code or name"}, "user": {ZH: "登录名", EN: "the login"},
	tableResident: {ZH: "身份证号", EN: "the ID number"}}

// refer finds the rows that lines refer to.
func (r *tableRun) refer(tx *store.Tx, lines []*tableLine, there map[syncproto.RowID]*entry) error {
	rows := map[syncproto.RowID][]schema.Value{}
	for id, e := range there {
		rows[id] = e.values
	}
	names, err := namesOf(tx, r.Table, rows)
	if err != nil {
		return err
	}
	for i := range r.Table.Columns {
		c := &r.Table.Columns[i]
		asked := map[*tableLine]string{}
		var words []string
		for _, x := range lines {
			text, named := x.named[c.Name]
			e := there[x.row]
			switch {
			case !named, e == nil && x.row != "": // nothing said, or of no row
				continue
			case e != nil && !e.get(c.Name).IsNull() && names[e.get(c.Name).Str()] == text: // what it refers to is called so
				continue
			}
			asked[x] = text
			words = append(words, text)
		}
		if len(words) == 0 {
			continue
		}
		found, err := r.called(tx, c.Ref, words)
		if err != nil {
			return err
		}
		for _, x := range lines {
			if text, is := asked[x]; is {
				x.refer(c, text, found[text])
			}
		}
	}
	return nil
}

// refer takes what a word was found to mean.
func (x *tableLine) refer(c *schema.Column, word string, found []string) {
	how := callWords[c.Ref]
	if how.ZH != "" {
		how = schema.Label{ZH: how.ZH + "，或者系统里的编号", EN: how.EN + ", or its id"}
	} else {
		how = schema.Label{ZH: "系统里的编号", EN: "its id"}
	}
	switch len(found) {
	case 1:
		x.values[c.Name] = schema.Text(found[0])
	case 0:
		x.Refuse("“"+c.Label.ZH+"”写的“"+word+"”没有找到；请写"+how.ZH+"。", c.Label.EN+" says “"+word+"”, which was not found; write "+how.EN+".")
	default:
		x.Refuse("“"+c.Label.ZH+"”写的“"+word+"”不止一个；请写系统里的编号，或者只导入一个村的。", c.Label.EN+" says “"+word+"”, which several are called; write its id, or import the rows of one village.")
	}
}

// called finds the living rows of a table that words may mean: by their ids, and by what people call them.
func (r *tableRun) called(tx *store.Tx, table string, words []string) (map[string][]string, error) {
	byKey := map[string][]string{} // folded words
	add := func(key string, id syncproto.RowID) {
		if !slices.Contains(byKey[key], string(id)) {
			byKey[key] = append(byKey[key], string(id))
		}
	}
	var ids, keys []string
	for _, w := range words {
		if id := schema.NormalizeCode(w); schema.ValidID(id) {
			ids = append(ids, id)
		} else {
			keys = append(keys, foldCall(table, w))
		}
	}
	rows, err := tx.Values(table, ids)
	if err != nil {
		return nil, err
	}
	for id := range rows {
		add(string(id), id)
	}
	slices.Sort(keys)
	if err := r.byCall(tx, table, slices.Compact(keys), add); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, w := range words {
		if id := schema.NormalizeCode(w); schema.ValidID(id) {
			out[w] = byKey[id]
		} else {
			out[w] = byKey[foldCall(table, w)]
		}
	}
	return out, nil
}

// foldCall brings a word into the form in which it is looked for.
func foldCall(table, word string) string {
	switch table {
	case tablePlace:
		return schema.NormalizeName(word)
	case tableResident:
		if id, err := schema.CheckIDNumber(word); err == nil {
			return id.Number
		}
	}
	return schema.NormalizeCode(word)
}

// byCall finds rows by what people call them; households and places only where the list is of.
func (r *tableRun) byCall(tx *store.Tx, table string, keys []string, add func(key string, id syncproto.RowID)) error {
	if len(keys) == 0 {
		return nil
	}
	column, source := calledBy[table], table
	switch table {
	case tablePlace:
		found, err := placesWhere(tx, "code = ANY(?) OR name = ANY(?)", keys, keys)
		for _, p := range found {
			if ok, err := r.inside(tx, p.ID); err != nil {
				return err
			} else if ok {
				add(p.Name, syncproto.RowID(p.ID))
				add(p.Code, syncproto.RowID(p.ID))
			}
		}
		return err
	case tableResident:
		column, source = "id_number", tableIdentity
	case tableHousehold, "user":
	default:
		return nil
	}
	rows, err := tx.ValuesWhere(source, column, keys)
	if err != nil {
		return err
	}
	for id, v := range rows {
		f := fields{tx.Book().Table(source), v}
		switch table {
		case tableResident:
			id = syncproto.RowID(f.text("resident"))
		case tableHousehold:
			if ok, err := r.inside(tx, f.text("place")); err != nil {
				return err
			} else if !ok {
				continue
			}
		}
		add(f.text(column), id)
	}
	return nil
}

// inside tells whether a place is where the list is of.
func (r *tableRun) inside(tx *store.Tx, place string) (bool, error) {
	if r.Within.ID == "" {
		return true, nil
	}
	if r.places == nil {
		ids, err := tx.PlacesBeneath(r.Within.ID)
		if err != nil {
			return false, err
		}
		r.places = map[string]bool{}
		for _, id := range ids {
			r.places[id] = true
		}
	}
	return r.places[place], nil
}
