package register_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"minqing/internal/register"
	"minqing/internal/sheet"
	"minqing/schema"
)

func mustGenerate(tb testing.TB, seed uint64, size register.Size) *register.Register {
	tb.Helper()
	r, err := register.Generate(seed, size)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func mustWorkbook(tb testing.TB, r *register.Register) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := r.WriteWorkbook(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func people(r *register.Register) []register.Person {
	var out []register.Person
	for _, h := range r.Households {
		out = append(out, h.People...)
	}
	return out
}

func TestTheVillageOfTheDomain(t *testing.T) {
	for seed := range uint64(5) {
		r := mustGenerate(t, seed, register.Size{})
		if len(r.Groups) != 15 || len(r.Households) != 859 || len(people(r)) != 2248 {
			t.Fatalf("seed %d: %d groups, %d households, %d people", seed, len(r.Groups), len(r.Households), len(people(r)))
		}
		tags := schema.Minqing().Table("household").Column("tags")
		codes, ids, phones, names, groups := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}, map[string]int{}
		for _, h := range r.Households {
			if codes[h.Code] || !slices.Contains(r.Groups, h.Group) || !strings.Contains(h.Address, h.Group) || h.People[0].Relation != "户主" {
				t.Errorf("seed %d: household %+v", seed, h)
			}
			codes[h.Code] = true
			groups[h.Group]++
			for _, tag := range h.Tags {
				if !slices.ContainsFunc(tags.Options, func(o schema.Option) bool { return o.Label.ZH == tag }) {
					t.Errorf("no tag is called %s", tag)
				}
			}
			for i, p := range h.People {
				id, err := schema.CheckIDNumber(p.ID)
				if err != nil || !id.Invented || id.Birth != p.Birth || id.Sex != p.Sex || ids[p.ID] {
					t.Errorf("seed %d: %+v: %+v, %v", seed, p, id, err)
				}
				if p.Phone != "" && (!strings.HasPrefix(p.Phone, "128") || len(p.Phone) != 11 || phones[p.Phone]) {
					t.Errorf("seed %d: phone %s", seed, p.Phone)
				}
				if p.Birth > "2026-11-24" || i == 0 && p.Birth > "2008-11-24" || schema.NormalizeName(p.Name) != p.Name || utf8.RuneCountInString(p.Name) < 2 {
					t.Errorf("seed %d: %+v", seed, p)
				}
				ids[p.ID], phones[p.Phone] = true, true
				names[p.Name]++
			}
		}
		if len(groups) != 15 {
			t.Errorf("seed %d: households in groups %v", seed, groups)
		}
		twins, rare := 0, 0
		for name, n := range names {
			if n > 1 {
				twins++
			}
			if strings.ContainsFunc(name, func(r rune) bool { return r > 0xFFFF }) {
				rare++
			}
		}
		if twins < 10 || rare < 5 {
			t.Errorf("seed %d: %d names are those of several people, %d have a character beyond the BMP", seed, twins, rare)
		}
	}
}

func TestSameSeedSameVillage(t *testing.T) {
	a, b, c := mustGenerate(t, 1, register.Size{}), mustGenerate(t, 1, register.Size{}), mustGenerate(t, 2, register.Size{})
	if !bytes.Equal(mustWorkbook(t, a), mustWorkbook(t, b)) {
		t.Error("one seed, two workbooks")
	}
	if slices.Equal(people(a), people(c)) {
		t.Error("two seeds, one village")
	}
}

func TestSizes(t *testing.T) {
	for _, size := range []register.Size{{Groups: 1, Households: 1, People: 1}, {Groups: 2, Households: 3, People: 20}, {Groups: 45, Households: 1747, People: 5280, Odd: -1}} {
		r := mustGenerate(t, 9, size)
		if len(r.Groups) != size.Groups || len(r.Households) != size.Households || len(people(r)) != size.People || size.Odd < 0 && len(r.Odd) > 0 {
			t.Errorf("%+v: %d groups, %d households, %d people, %d odd rows", size, len(r.Groups), len(r.Households), len(people(r)), len(r.Odd))
		}
	}
	for _, size := range []register.Size{{Households: 10, People: 5}, {Groups: 20, Households: 10}, {People: 100000}, {Today: "heute"}} {
		if _, err := register.Generate(1, size); err == nil {
			t.Errorf("%+v was made", size)
		}
	}
}

// headers of the workbook, as an import has them.
func headers() []sheet.Header {
	book := schema.Minqing()
	household, resident, identity := book.Table("household"), book.Table("resident"), book.Table("identity")
	var out []sheet.Header
	for key, c := range map[string]*schema.Column{
		"code": household.Column("code"), "place": household.Column("place"), "head": household.Column("head"), "address": household.Column("address"),
		"tags": household.Column("tags"), "name": resident.Column("name"), "sex": resident.Column("sex"), "birth": resident.Column("birth"),
		"relation": resident.Column("relation"), "phone": resident.Column("phone"), "schooling": resident.Column("schooling"),
		"away": resident.Column("away"), "party_member": resident.Column("party_member"), "id_number": identity.Column("id_number"),
	} {
		h := sheet.HeaderOf(c)
		h.Key = key
		if key == "name" {
			h.Kind = sheet.Name
		}
		if key == "code" {
			h.Kind = sheet.Code
		}
		out = append(out, h)
	}
	return out
}

// What the workbook holds, read as an import reads it, is the village, and beside it exactly the odd rows that are listed.
func TestWorkbookIsTheVillage(t *testing.T) {
	r := mustGenerate(t, 1, register.Size{})
	book := mustWorkbook(t, r)
	in, err := sheet.Open("village.xlsx", bytes.NewReader(book), int64(len(book)), headers(), sheet.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	odd := map[int]register.Odd{}
	counts := map[register.Oddity]int{}
	for _, o := range r.Odd {
		odd[o.Line] = o
		counts[o.Kind]++
	}
	if len(counts) != 13 || len(r.Odd) != 26 {
		t.Errorf("odd rows %v", counts)
	}
	want := people(r)
	ids := map[string]bool{}
	rows := 0
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows++
		o, isOdd := odd[row.Line]
		found := ""
		id, idErr := schema.CheckIDNumber(row.Cells["id_number"])
		switch {
		case row.Cells["name"] == "":
			found = "no name"
		case row.Cells["code"] == "":
			found = "no household code"
		case len(row.Problems) == 1 && row.Problems[0].Columns[0] == "birth":
			found = "no such day"
		case len(row.Problems) == 1 && row.Problems[0].Columns[0] == "id_number":
			found = "ID number kept as a number"
		case row.Cells["id_number"] != "" && idErr != nil:
			found = "wrong check digit"
		case ids[id.Number] && id.Number != "":
			found = "ID number of somebody else"
		case strings.ContainsAny(row.Cells["relation"], "？3") || row.Cells["relation"] == "户主户主":
			found = "no such relation"
		}
		ids[id.Number] = true
		if found != "" {
			if !isOdd || string(o.Kind) != found || o.Kind.Plain() {
				t.Errorf("row %d: %s, listed as %+v", row.Line, found, o)
			}
			continue
		}
		if isOdd && !o.Kind.Plain() {
			t.Errorf("row %d: nothing is wrong, listed as %s", row.Line, o.Kind)
		}
		p := want[0]
		want = want[1:]
		got := register.Person{Name: row.Cells["name"], Sex: map[string]string{"男": "m", "女": "f"}[row.Cells["sex"]], Birth: row.Cells["birth"], ID: id.Number,
			Phone: row.Cells["phone"], Relation: row.Cells["relation"], Schooling: row.Cells["schooling"], Away: row.Cells["away"], Party: row.Cells["party_member"] == "是"}
		if o.Kind == register.OddNoID {
			p.ID = ""
		}
		if got != p || id.Expanded != (o.Kind == register.OddFifteen) {
			t.Errorf("row %d: %+v, want %+v", row.Line, got, p)
		}
	}
	if rows != r.Rows() || len(want) > 0 {
		t.Errorf("%d rows, want %d; %d people are missing", rows, r.Rows(), len(want))
	}
	if info := in.Info(); len(info.Unread) > 0 || len(info.Skipped) > 0 {
		t.Errorf("info %+v", info)
	}
}
