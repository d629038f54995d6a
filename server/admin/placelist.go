package admin

import (
	"cmp"
	"context"
	"io"
	"slices"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// PlaceList brings in what lies beneath a place, in the name of an administrator: townships, villages, groups, one a row, in any order. Of a place
// that is there already only a missing code is filled in: it is known by its name and the place above it, of which there is one each.
type PlaceList struct {
	register.Lines
	E       *engine.Engine
	By      syncproto.UserID
	Place   string // all places named lie beneath it
	Preview bool
	// Wrote hears, inside the transaction of each piece that changes anything, of the changes that it made. May be nil.
	Wrote func(tx *store.Tx, changes []syncproto.Identity) error
}

// mostPlaces is how many rows a list may have: a city of 900 villages has half as many groups. The page says so before a file is chosen
// (import.what.places.t). They are held together, since a row may stand above the row of the place that it lies in.
const mostPlaces = 20000

// Keys of the columns of the list, beside name.
const (
	keyLevel, keyPlaceCode, keyUp = "level", "code", "up"
)

// levelNames are how people call levels beside the rule book's labels.
var levelNames = map[string]string{
	"乡镇": "township", "乡": "township", "镇": "township", "街道": "township", "街道办": "township", "街道办事处": "township", "片区": "district",
	"村": "village", "社区": "village", "行政村": "village", "村委会": "village", "居委会": "village", "屯": "natural",
	"组": "group", "小组": "group", "村组": "group", "居民小组": "group", "楼": "building", "楼幢": "building", "幢": "building", "街": "street", "巷": "street",
}

func placeHeaders(b *schema.Book) []sheet.Header {
	of := func(key, column string, kind sheet.Kind, required bool, names ...string) sheet.Header {
		h := sheet.HeaderOf(b.Table("place").Column(column))
		h.Key, h.Kind, h.Required = key, kind, required
		h.Names = append(h.Names, names...)
		return h
	}
	return []sheet.Header{of(keyLevel, "level", sheet.Name, true, "层级", "类型", "类别"), of(keyName, "name", sheet.Name, true, "地方", "地名"),
		of(keyPlaceCode, "code", sheet.Code, false, "编码", "区划代码", "行政区划代码"), of(keyUp, "parent", sheet.Name, false, "上级名称", "上级地方", "上级代码", "所属")}
}

// PlaceTitles are the titles of the columns that the list has, in a language.
func PlaceTitles(b *schema.Book, lang schema.Lang) []string {
	return register.TitlesOf(placeHeaders(b), lang)
}

// placeLine is one row, read.
type placeLine struct {
	*register.Line
	level, name, code string
}

// placeRun is one import.
type placeRun struct {
	PlaceList
	lines         []*placeLine
	names         map[string]string           // the level of the first row of each name
	tried         map[*placeLine]bool         // they were written, or what was written of them was refused
	denied        map[*placeLine]schema.Label // why it was
	made, changed int
}

// Run brings a list in. An error stops it; what was taken by then stays, and bringing the file again goes on.
func (p PlaceList) Run(ctx context.Context, name string, r io.ReaderAt, size int64) (*register.Report, error) {
	p.Limits.Rows = mostPlaces
	rep, err := register.Lines{Limits: p.Limits}.Run(ctx, name, r, size, placeHeaders(p.E.Book), mostPlaces, func(*register.Line) {},
		func(context.Context, []*register.Line) error { return nil })
	if err != nil { // half a list says nothing of which places are missing
		return rep, err
	}
	run := &placeRun{PlaceList: p, names: map[string]string{}, tried: map[*placeLine]bool{}, denied: map[*placeLine]schema.Label{}}
	rep, err = p.Lines.Run(ctx, name, r, size, placeHeaders(p.E.Book), mostPlaces, run.read, run.take)
	if rep != nil {
		rep.NewPlaces, rep.ChangedPlaces = run.made, run.changed
	}
	return rep, err
}

// read judges a row by itself.
func (r *placeRun) read(l *register.Line) {
	x := &placeLine{Line: l}
	r.lines = append(r.lines, x)
	t := r.E.Book.Table("place")
	if text := l.Text(keyLevel); text == "" {
		l.Refuse("“级别”没有填，请补上。", "The level is missing; fill it in.")
	} else if v, err := t.Column("level").Normalize(cmp.Or(levelNames[schema.NormalizeName(text)], text)); err == nil {
		x.level = v.Str()
	} else {
		known := levelLabel(r.E.Book, slices.DeleteFunc(levelsDown(r.E.Book), func(l string) bool { return l == "city" })...)
		l.Refuse("没有“"+text+"”这个级别；请写"+known.ZH+"中的一个。", "There is no level “"+text+"”; write one of "+known.EN+".")
	}
	if x.name = schema.NormalizeName(l.Text(keyName)); x.name == "" {
		l.Refuse("“名称”没有填，请补上。", "The name is missing; fill it in.")
	} else if err := t.Column("name").Check(schema.Text(x.name)); err != nil {
		l.RefuseFor(err)
	}
	if _, before := r.names[x.name]; !before {
		r.names[x.name] = x.level
	}
	if x.code = schema.NormalizeCode(l.Text(keyPlaceCode)); x.code != "" {
		if err := t.Column("code").Check(schema.Text(x.code)); err != nil {
			l.RefuseFor(err)
		}
	}
}

// levelLabel names levels side by side.
func levelLabel(b *schema.Book, levels ...string) (out schema.Label) {
	for i, l := range levels {
		label := b.Table("place").Column("level").Option(l).Label
		if i > 0 {
			out.ZH, out.EN = out.ZH+"、", out.EN+", "
		}
		out.ZH, out.EN = out.ZH+label.ZH, out.EN+label.EN
	}
	return out
}

// take writes the list in pieces, what lies above before what lies beneath. Each piece is planned anew on what is there by then, in the transaction
// that writes it.
func (r *placeRun) take(ctx context.Context, list []*register.Line) error {
	for {
		var piece []*spot
		var denied map[*placeLine]schema.Label
		made, changed := 0, 0
		work := func(tx *store.Tx) error {
			register.Again(list)
			piece, denied, made, changed = nil, map[*placeLine]schema.Label{}, 0, 0
			if !r.Preview {
				if err := tx.LockPush(syncproto.DeviceID("import " + r.Place)); err != nil {
					return err
				}
			}
			plan, err := r.plan(tx)
			if err != nil || r.Preview {
				made, changed = plan.counts()
				return err
			}
			if piece = plan.todo[:min(len(plan.todo), listPiece)]; len(piece) == 0 {
				return nil
			}
			made, changed, err = r.submit(tx, piece, denied)
			return err
		}
		run := r.E.Store.Write
		if r.Preview {
			run = r.E.Store.Read
		}
		if err := run(ctx, work); err != nil {
			return err
		}
		r.made, r.changed = r.made+made, r.changed+changed
		for _, s := range piece {
			r.tried[s.line] = true
		}
		for x, why := range denied {
			r.denied[x] = why
		}
		if len(piece) == 0 {
			return nil
		}
		if r.Progress != nil { // a long list stirs
			r.Progress(register.Report{Rows: len(list), NewPlaces: r.made, ChangedPlaces: r.changed})
		}
	}
}

// submit writes the changes of a piece, one for each place.
func (r *placeRun) submit(tx *store.Tx, piece []*spot, denied map[*placeLine]schema.Label) (made, changed int, err error) {
	var drafts []judge.Draft
	var sent []*spot
	for _, s := range piece {
		e := syncproto.Edit{Table: "place", Row: syncproto.RowID(s.id), Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: "code", Value: schema.Text(s.code)}}}
		switch {
		case s.made && s.up.id == "":
			denied[s.line] = schema.Label{ZH: "它的上级“" + s.up.name + "”刚刚没有了；请再导入一次。", EN: "“" + s.up.name + "” above it is gone since; import the file again."}
			continue
		case s.made:
			var id syncproto.RowID
			if id, e, err = create(tx, "place", pair{"parent", s.up.id}, pair{"level", s.level}, pair{"code", s.code}, pair{"name", s.name}); err != nil {
				return 0, 0, err
			}
			s.id = string(id)
		}
		sent, drafts = append(sent, s), append(drafts, judge.Draft{Edits: []syncproto.Edit{e}})
	}
	out, err := r.E.Judge.SubmitIn(tx, r.By, drafts...)
	if err != nil {
		return 0, 0, err
	}
	var wrote []syncproto.Identity
	for i, v := range out.Verdicts {
		switch {
		case v.Status == syncproto.Refused:
			denied[sent[i].line] = schema.ReadBoth(v.Message)
			continue
		case sent[i].made:
			made++
		default:
			changed++
		}
		wrote = append(wrote, v.Identity)
	}
	if r.Wrote == nil || len(wrote) == 0 {
		return made, changed, nil
	}
	return made, changed, r.Wrote(tx, wrote)
}
