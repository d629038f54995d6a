package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
)

func TestNamedTwins(t *testing.T) { both(t, namedTwins) }

// namedTwins says of two households of two codes that they are one, merges them field by field and takes it back, by plain pages.
func namedTwins(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	wang, he := string(city.Rows["wang"]), string(city.Rows["he"])
	was, code := columnOf(t, city, "household", "address", he), columnOf(t, city, "household", "code", he)
	visits := func(home string) int64 {
		return countOf(t, city, "SELECT (SELECT COUNT(*) FROM visit WHERE household = '"+home+"') + (SELECT COUNT(*) FROM resident WHERE household = '"+home+"') + (SELECT COUNT(*) FROM assignment WHERE household = '"+home+"')")
	}
	of := [2]int64{visits(wang), visits(he)}
	if of[0] == 0 || of[1] == 0 {
		t.Fatalf("there is nothing to move: %v", of)
	}
	p := b.Get("/at/{place}/homes/{wang}").Want(200)
	p = b.Get(reader.Attr(p.One(`a[href$="/twin"]`), "href")).Want(200)
	if text := strings.Join(p.Texts("main"), ""); !strings.Contains(text, code) || strings.Contains(text, columnOf(t, city, "household", "code", wang)) {
		t.Errorf("to choose from: %s", text)
	}
	for find, want := range map[string]bool{code: true, strings.ToLower(code): true, "zzz": false} {
		text := strings.Join(b.Get("/at/{place}/homes/{wang}/twin?"+url.Values{"q": {find}}.Encode()).Want(200).Texts("main"), "")
		if strings.Contains(text, code) != want {
			t.Errorf("by %s: %s", find, text)
		}
	}
	// Another village is found by what is typed, not before.
	far := columnOf(t, city, "household", "code", string(city.Rows["foreign"]))
	if text := strings.Join(p.Texts("main"), ""); strings.Contains(text, far) {
		t.Errorf("of another village without a word: %s", text)
	}
	if text := strings.Join(b.Get("/at/{place}/homes/{wang}/twin?"+url.Values{"q": {far}}.Encode()).Want(200).Texts("main"), ""); !strings.Contains(text, "别处") || !strings.Contains(text, far) {
		t.Errorf("of another village: %s", text)
	}
	p = b.Get("/at/{place}/homes/{wang}/twin?with={he}").Want(200)
	text := strings.Join(p.Texts("main"), "|")
	for _, want := range []string{"两边对照", code, "合到甲，手机上会怎样", "合到乙，手机上会怎样", "没有了", "这一步还不合并"} {
		if !strings.Contains(text, want) {
			t.Errorf("side by side lacks %q: %s", want, text)
		}
	}
	items := func() int64 { return countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE kind = 'twin'") }
	before := items()
	if p = p.Send("#name", url.Values{"why": {" "}}).Want(422); !strings.Contains(strings.Join(p.Texts(".bad .err"), ""), "请写明") || items() != before {
		t.Errorf("without a reason: %s", p.Texts("main"))
	}
	p = p.Send("#name", url.Values{"why": {"门牌换过，户口本上是一户"}}).Want(200)
	if text := strings.Join(p.Texts("main"), ""); !strings.Contains(text, "说是同一个") || !strings.Contains(text, "门牌换过，户口本上是一户") || len(p.All(".ways a")) != 3 {
		t.Fatalf("the item: %s", text)
	}
	item := strings.TrimPrefix(p.Path[strings.LastIndex(p.Path, "/"):], "/")
	// Once more, from the other: there is one, and it is the same.
	p = b.Get("/at/{place}/homes/{he}/twin?with={wang}").Want(200)
	if len(p.All("#name")) != 0 || !strings.Contains(strings.Join(p.Texts("main"), ""), "已经在等着定") {
		t.Errorf("named already: %s", p.Texts("main"))
	}
	if b.Get(reader.Attr(p.One(`main a[href$="`+item+`"]`), "href")).Want(200); items() != before+1 {
		t.Errorf("%d items", items()-before)
	}
	if text := strings.Join(b.Get("/at/{place}/audit").Want(200).Texts("main"), ""); !strings.Contains(text, "何婉清指出和另一条是同一个") && countOf(t, city, "SELECT COUNT(*) FROM mq_chain WHERE kind LIKE 'decided named "+item+" %'") != 1 {
		t.Errorf("nothing tells who named them: %s", text)
	}
	keep, other := "1", "2"
	if wang > he {
		keep, other = "2", "1"
	}
	p = b.Get("/at/{place}/conflicts/" + item + "?pick=" + keep).Want(200)
	p = p.Send(".decide form", url.Values{"write.address": {other}, "why": {"同一户"}}).Want(200)
	if got := visits(wang); got != of[0]+of[1] || visits(he) != 0 || columnOf(t, city, "household", "address", wang) != was || columnOf(t, city, "household", "code", he) != "" {
		t.Errorf("merged, %d lie beneath the one that stays, of %v; its address is %q", got, of, columnOf(t, city, "household", "address", wang))
	}
	b.Get("/at/{place}/homes/{he}/twin").Want(404)
	if p := b.Get("/at/{place}/homes/{gu}/twin?with={he}").Want(200); !strings.Contains(strings.Join(p.Texts(".err"), ""), "已经合并到别的里面了") {
		t.Errorf("with one that was merged: %s", p.Texts("main"))
	}
	p.Send(".said form", nil).Want(200)
	if visits(wang) != of[0] || visits(he) != of[1] || columnOf(t, city, "household", "address", he) != was {
		t.Errorf("undone, %d and %d lie beneath", visits(wang), visits(he))
	}
	again := textOf(t, city, "SELECT id FROM mq_item WHERE kind = 'twin' AND closed_ms = 0 AND row_id IN ('"+wang+"', '"+he+"')")
	p = b.Get("/at/{place}/conflicts/" + again + "?pick=distinct").Want(200)
	if !strings.Contains(strings.Join(p.Texts("main"), ""), "门牌换过") {
		t.Errorf("undone, it is asked without a word of why: %s", p.Texts("main"))
	}
	p.Send(".decide form", url.Values{"why": {"还是两户"}}).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE kind = 'twin' AND closed_ms = 0 AND id = '"+again+"'"); n != 0 {
		t.Error("it waits on")
	}
	if r, err := city.Engine.Judge.VerifyChain(t.Context()); err != nil || len(r.Broken) > 0 {
		t.Errorf("%+v %v", r.Broken, err)
	}
}

func TestNamedPersons(t *testing.T) { both(t, namedPersons) }

// namedPersons says of two people, one without an ID number, that they are one: found by the end of the other's number, in this village alone; in
// English; and the number goes along.
func namedPersons(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	b.Do("POST", "/settings", url.Values{"lang": {"en"}})
	const number = "11010519491231002X"
	one, err := city.Create(t.Context(), "admin", "resident", consoletest.Vals{"household": string(city.Rows["wang"]), "name": "秦一"})
	if err != nil {
		t.Fatal(err)
	}
	two, err := city.Create(t.Context(), "admin", "resident", consoletest.Vals{"household": string(city.Rows["he"]), "name": "覃一", "work": "瓦匠"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := city.Create(t.Context(), "admin", "identity", consoletest.Vals{"resident": string(two), "id_number": number}); err != nil {
		t.Fatal(err)
	}
	p := b.Get("/at/{place}/persons/" + string(one)).Want(200)
	b.Get(reader.Attr(p.One(`a[href$="/twin"]`), "href")).Want(200)
	for find, want := range map[string]bool{"002x": true, "覃": true, number: true, "9999": false} {
		if text := strings.Join(b.Get("/at/{place}/persons/"+string(one)+"/twin?"+url.Values{"q": {find}}.Encode()).Want(200).Texts("main"), ""); strings.Contains(text, "覃一") != want {
			t.Errorf("by %s: %s", find, text)
		}
	}
	p = b.Get("/at/{place}/persons/" + string(one) + "/twin?with=" + string(two)).Want(200)
	if text := strings.Join(p.Texts("main"), "|"); !strings.Contains(text, "覃一") || strings.Contains(text, number) || !strings.Contains(text, "Side by side") {
		t.Errorf("side by side: %s", text)
	}
	p = p.Send("#name", url.Values{"why": {"同音字写错"}}).Want(200)
	item := p.Path[strings.LastIndex(p.Path, "/")+1:]
	keep, other := "1", "2"
	if one > two {
		keep, other = "2", "1"
	}
	p = b.Get("/at/{place}/conflicts/" + item + "?pick=" + keep).Want(200)
	if len(p.All(`input[name="write.id_number"]`)) != 0 {
		t.Error("a number is to be chosen where there is one alone")
	}
	p = p.Send(".decide form", url.Values{"write.work": {other}, "why": {"同一个人"}}).Want(200)
	masked := func(id string) string { return columnOf(t, city, "resident", "id_masked", id) }
	if n := countOf(t, city, "SELECT COUNT(*) FROM identity WHERE resident = '"+string(one)+"' AND id_number = '"+number+"'"); n != 1 || columnOf(t, city, "resident", "work", string(one)) != "瓦匠" || masked(string(one)) == "" {
		t.Errorf("merged, he has %d numbers, masked %q", n, masked(string(one)))
	}
	p.Send(".said form", nil).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM identity WHERE resident = '"+string(two)+"'"); n != 1 || masked(string(one)) != "" || masked(string(two)) == "" {
		t.Errorf("undone, the other has %d numbers; masked they are %q and %q", n, masked(string(one)), masked(string(two)))
	}
	// Each with a number of his own: which one stays is chosen.
	if _, err := city.Create(t.Context(), "admin", "identity", consoletest.Vals{"resident": string(one), "id_number": "110105194912310038"}); err != nil {
		t.Fatal(err)
	}
	again := textOf(t, city, "SELECT id FROM mq_item WHERE kind = 'twin' AND tbl = 'resident' AND closed_ms = 0")
	p = b.Get("/at/{place}/conflicts/" + again + "?pick=" + keep).Want(200)
	if n := len(p.All(`input[name="write.id_number"]`)); n != 2 {
		t.Fatalf("%d choices of a number: %q", n, p.Texts(".decide"))
	}
	p.Send(".decide form", url.Values{"write.id_number": {other}, "why": {"身份证在手"}}).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM identity WHERE resident = '"+string(one)+"' AND id_number = '"+number+"'") + countOf(t, city, "SELECT COUNT(*) FROM identity WHERE resident IN ('"+string(one)+"', '"+string(two)+"')"); n != 2 {
		t.Errorf("merged, the number of the other is not the one there is: %d", n)
	}
	if differences, err := city.Engine.Judge.Rebuild(t.Context()); err != nil || len(differences) > 0 {
		t.Errorf("%v %v", differences, err)
	}
}

// TestAuthorizationOfNaming: the other of the two is named in the form, and not by the address: whatever lies where the caller is no administrator
// is answered like what is not there, byte for byte, and nothing comes of it.
func TestAuthorizationOfNaming(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	b := city.NewBrowser(t, base, "otheradmin")
	at := "/at/" + city.Places["other"]
	for kind, rows := range map[string][2]string{"/homes/": {string(city.Rows["foreign"]), string(city.Rows["wang"])}, "/persons/": {string(city.Rows["foreign.0"]), string(city.Rows["wang.0"])}} {
		page := at + kind + rows[0] + "/twin"
		for _, method := range []string{"GET", "POST"} {
			ask := func(with string) string {
				path, form := page, url.Values{"with": {with}, "why": {"同一个"}}
				if method == "GET" {
					path += "?with=" + with
				}
				p := b.Do(method, path, form)
				p.Want(404)
				return strings.ReplaceAll(changing.ReplaceAllString(blindTo(p), ""), with, "")
			}
			gone := ask(missingID)
			for _, with := range []string{rows[1], string(city.Rows["wang.0"]), string(city.Rows["wang"]), "no-id", string(city.Rows["journal.urgent"])} {
				if got := ask(with); got != gone {
					t.Errorf("%s %s with what is another's:\n%s\n%s", method, page, got, gone)
				}
			}
		}
		if text := strings.Join(b.Get(page+"?"+url.Values{"q": {columnOf(t, city, "household", "code", string(city.Rows["wang"]))}}.Encode()).Want(200).Texts("main"), ""); strings.Contains(text, "王桂") {
			t.Errorf("he finds %s", text)
		}
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE kind = 'twin'"); n != 0 {
		t.Errorf("%d items came of it", n)
	}
}
