package register

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"minqing/internal/sheet"
	"minqing/schema"
)

// record is one row of a register, read.
type record struct {
	row      sheet.Row
	code     string
	group    string
	house    map[string]schema.Value // cells of the household that the row fills
	person   map[string]schema.Value // cells of the resident; nil in a row that is of a household only
	idNumber string
	why      []schema.Label // why the row is not taken
	notes    []schema.Label // what to look at, though it is taken
	// readWhy and readNotes are how many of them come from reading the row, the others from comparing it with what is there.
	readWhy, readNotes int
}

func (r *record) refuse(zh, en string) { r.why = append(r.why, schema.Label{ZH: zh, EN: en}) }

func (r *record) note(zh, en string) { r.notes = append(r.notes, schema.Label{ZH: zh, EN: en}) }

// read takes a row apart. What is wrong with it is found all at once, so that it need be mended only once.
func (im *importer) read(row sheet.Row) *record {
	r := &record{row: row, house: map[string]schema.Value{}}
	spoilt := map[string]bool{}
	for _, p := range row.Problems {
		for _, c := range p.Columns {
			spoilt[c] = true
		}
	}
	im.readID(r, spoilt)
	for _, p := range row.Problems {
		if im.birthKnown(r, p) {
			delete(spoilt, "resident.birth")
			continue
		}
		r.why = append(r.why, p.Text)
	}
	for _, h := range im.layout.headers {
		text, there := row.Cells[h.Key]
		if !there || h.Key == keyID || spoilt[h.Key] {
			continue
		}
		im.readCell(r, h.Key, text)
	}
	im.readPosition(r)
	im.complete(r)
	return r
}

// birthKnown tells that a birth date that cannot be read (a year and a month, say) is known from the ID number.
func (im *importer) birthKnown(r *record, p *schema.Problem) bool {
	return len(p.Columns) == 1 && p.Columns[0] == "resident.birth" && r.person["birth"].Str() != ""
}

// readID reads the ID number first: birth date and sex follow from it where they are not given.
func (im *importer) readID(r *record, spoilt map[string]bool) {
	text := r.row.Cells[keyID]
	if text == "" || spoilt[keyID] || masked(text) {
		return
	}
	id, err := schema.CheckIDNumber(text)
	if err != nil {
		r.why = append(r.why, words(err))
		return
	}
	r.idNumber = id.Number
	r.person = map[string]schema.Value{}
	if id.Birth != "" && id.Birth > im.today {
		r.refuse("“身份证号”里的出生日期在今天之后，请按证件核对。", "The birth date in the ID number lies in the future; check it against the document.")
		return
	}
	if id.Birth != "" && (r.row.Cells["resident.birth"] == "" || spoilt["resident.birth"]) {
		r.person["birth"] = schema.Text(id.Birth)
	}
	if !id.Invented && r.row.Cells["resident.sex"] == "" {
		r.person["sex"] = schema.Text(id.Sex)
	}
}

// masked tells a number shown by its mask (an export's): it says nothing new.
func masked(text string) bool { return strings.Count(text, "*") >= 4 }

func (im *importer) readCell(r *record, key, text string) {
	switch key {
	case keyVillage:
		if n := schema.NormalizeName(text); n != im.Village.Name && schema.NormalizeCode(text) != im.Village.Code && strings.TrimSuffix(n, "村") != strings.TrimSuffix(im.Village.Name, "村") {
			r.refuse("这一行写的村是“"+n+"”，不是“"+im.Village.Name+"”；请分村导入。", "The row belongs to another village than the one imported; import each village by itself.")
		}
		return
	case keyGroup:
		r.group = groupName(text)
		return
	case keyLon, keyLat:
		return // read together
	}
	table, column, _ := strings.Cut(key, ".")
	col := im.book.Table(table).Column(column)
	if col.Privacy == schema.Masked && masked(text) {
		return
	}
	v, err := col.Normalize(text)
	if err != nil {
		r.why = append(r.why, words(err))
		return
	}
	if v.IsNull() {
		return
	}
	if key == keyCode {
		r.code = v.Str()
		return
	}
	if table == tableHousehold {
		r.house[column] = v
		return
	}
	if r.person == nil {
		r.person = map[string]schema.Value{}
	}
	r.person[column] = v
}

// readPosition reads longitude and latitude, in degrees as people write them; they count together.
func (im *importer) readPosition(r *record) {
	lon, lat := r.row.Cells[keyLon], r.row.Cells[keyLat]
	cell := im.book.CellOf(tableHousehold, "lon")
	if (lon == "" && lat == "") || cell == nil {
		return
	}
	parts := make([]schema.Value, 0, 2)
	for _, text := range []string{lon, lat} {
		degrees, err := strconv.ParseFloat(text, 64)
		if err != nil {
			r.refuse("“经度”和“纬度”要一起填，写成 113.2644 这样的度数。", "Longitude and latitude are entered together, in degrees like 113.2644.")
			return
		}
		parts = append(parts, schema.Int(int64(degrees*1e7+sign(degrees)*0.5)))
	}
	v := schema.Tuple(parts...)
	if err := cell.Check(v); err != nil {
		r.why = append(r.why, words(err))
		return
	}
	r.house[cell.Name] = v
}

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// complete judges the row as a whole.
func (im *importer) complete(r *record) {
	if r.code == "" && len(r.why) == 0 {
		r.refuse("“户号”没有填，不知道是哪一户，请补上。", "The household code is missing, so the household is not known; fill it in.")
	}
	if !im.layout.people {
		r.person = nil
		return
	}
	if len(r.person) == 0 {
		r.person = nil // a household without people: a row of its own
		return
	}
	if len(r.why) > 0 {
		return
	}
	if r.person["name"].IsNull() {
		r.refuse("“姓名”没有填，请补上。", "The name is missing; fill it in.")
		return
	}
	if !isRelation(r.person["relation"].Str()) {
		r.refuse("“与户主关系”看不出是什么关系，请写户主、配偶、儿子这样的称呼。", "The relation to the head is none; write one like head, spouse, son.")
	}
	birth := r.person["birth"].Str()
	if birth > im.today {
		r.refuse("“出生日期”在今天之后，请核对。", "The birth date lies in the future; check it.")
	}
	if id, err := schema.CheckIDNumber(r.idNumber); err == nil && id.Birth != "" && id.Birth != birth {
		r.note(fmt.Sprintf("出生日期 %s 和身份证号里的 %s 不一样，按表里写的导入了。", birth, id.Birth),
			fmt.Sprintf("The birth date %s differs from %s in the ID number; taken as the file has it.", birth, id.Birth))
	}
	if r.house["head"].IsNull() && isHead(r.person["relation"].Str()) {
		r.house["head"] = r.person["name"]
	}
}

// isRelation tells words for a relation from slips: signs, digits, a word written twice. Which words there are is not for a program to say.
func isRelation(s string) bool {
	runes := []rune(s)
	for _, r := range runes {
		if !unicode.IsLetter(r) && !strings.ContainsRune("（）()、/· ", r) {
			return false
		}
	}
	half := len(runes) / 2
	return len(runes) < 4 || len(runes)%2 == 1 || string(runes[:half]) != string(runes[half:])
}

func isHead(relation string) bool { return relation == "户主" || relation == "本人" }

// words are what a problem says.
func words(err error) schema.Label {
	var p *schema.Problem
	if errors.As(err, &p) {
		return p.Text
	}
	return schema.Label{ZH: err.Error(), EN: err.Error()}
}
