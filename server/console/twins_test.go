package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/server/console/consoletest"
	"minqing/server/store"
)

func TestTwins(t *testing.T) { both(t, twins) }

// twins merges two rows of one household field by field: what is taken over goes with the merging, in one change that is undone whole.
func twins(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	wang := string(city.Rows["wang"])
	was := columnOf(t, city, "household", "address", wang)
	twin, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": city.Places["group8"], "code": columnOf(t, city, "household", "code", wang), "head": "王桂芬", "address": "第8组下湾新房", "note": "刚搬来"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := city.Create(t.Context(), "admin", "assignment", consoletest.Vals{"household": string(twin), "user": string(city.Users["cadre3"]), "team": "member", "since": "2026-01-05"}); err != nil {
		t.Fatal(err)
	}
	var item, row string
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One("SELECT id, row_id FROM mq_item WHERE kind = 'twin' AND closed_ms = 0 AND (row_id = ? OR other = ?)", []any{string(twin), string(twin)}, &item, &row)
		return err
	}); err != nil || item == "" {
		t.Fatalf("no item of twins: %v", err)
	}
	keep, other, stays, goes := "1", "2", "甲", "乙"
	if row != wang {
		keep, other, stays, goes = "2", "1", "乙", "甲"
	}
	sees := func(pick string, want ...string) {
		t.Helper()
		got := strings.Join(b.Get("/at/{city}/conflicts/"+item+"?pick="+pick).Want(200).Texts(".sees tr"), "|")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s is to be seen as %q, and not %q", pick, got, w)
			}
		}
	}
	// The secretary's phone holds both, 陈秀兰's and 赵建国's the one, 韩立军's the other.
	sees(keep, "陈秀兰 无职党员分片帮户还看到"+stays+"，多出"+goes+"下面的", "赵建国", "韩立军 无职党员分片帮户多出"+stays+"，"+goes+"没有了", "周德旺 支部书记还看到"+stays+"，"+goes+"没有了")
	sees(other, "韩立军 无职党员分片帮户还看到"+goes+"，多出"+stays+"下面的", "陈秀兰 无职党员分片帮户多出"+goes+"，"+stays+"没有了")
	sees("distinct", "陈秀兰 无职党员分片帮户照旧看到"+stays, "周德旺 支部书记照旧看到甲、乙")
	p := b.Get("/at/{city}/conflicts/" + item).Want(200)
	if got := strings.Join(p.Texts("main"), ""); !strings.Contains(got, "可能是同一个：合成一条，还是本来就是两个？") || len(p.All(".ways a")) != 3 {
		t.Errorf("twins: %s", got)
	}
	p = b.Get("/at/{city}/conflicts/" + item + "?pick=" + keep).Want(200)
	if n := len(p.All(`input[name="write.address"]`)); n != 2 || len(p.All(`input[name="write.code"]`)) != 0 {
		t.Fatalf("%d choices of an address: %q", n, p.Texts(".decide"))
	}
	p = p.Send(".decide form", url.Values{"write.address": {other}, "why": {"同一户"}}).Want(200)
	if got := columnOf(t, city, "household", "address", wang); got != "第8组下湾新房" {
		t.Errorf("merged, the address is %q", got)
	}
	if note := columnOf(t, city, "household", "note", wang); strings.Contains(note, "刚搬来") {
		t.Errorf("a note that nobody chose was taken over: %q", note)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM assignment WHERE household = '"+wang+`' AND "user" = '`+string(city.Users["cadre3"])+"'"); n != 1 {
		t.Errorf("who contacted the other contacts the one that stays %d times", n)
	}
	if left := columnOf(t, city, "household", "head", string(twin)); left != "" {
		t.Errorf("the other is there still: %q", left)
	}
	p.Send(".said form", nil).Want(200)
	if back, there := columnOf(t, city, "household", "address", wang), columnOf(t, city, "household", "head", string(twin)); back != was || there != "王桂芬" {
		t.Errorf("undone, the address is %q and the other %q", back, there)
	}
}

func TestTwinPersons(t *testing.T) { both(t, twinPersons) }

// twinPersons merges two people with one ID number, field by field: the person who stays takes over what was chosen of the other, who goes with his
// number, and both come back when it is undone.
func twinPersons(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	const number = "11010519491231002X"
	people := map[string]string{}
	for name, home := range map[string]string{"秦一": "wang", "秦壹": "he"} {
		row, err := city.Create(t.Context(), "admin", "resident", consoletest.Vals{"household": string(city.Rows[home]), "name": name, "relation": "户主", "work": map[string]string{"秦一": "木匠", "秦壹": "瓦匠"}[name]})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := city.Create(t.Context(), "admin", "identity", consoletest.Vals{"resident": string(row), "id_number": number}); err != nil {
			t.Fatal(err)
		}
		people[name] = string(row)
	}
	item := textOf(t, city, "SELECT id FROM mq_item WHERE kind = 'twin' AND tbl = 'identity' AND closed_ms = 0")
	first := textOf(t, city, "SELECT i.resident FROM mq_item m JOIN identity i ON i.id = m.row_id WHERE m.id = '"+item+"'")
	keep, other := "1", "2"
	if first != people["秦一"] {
		keep, other = "2", "1"
	}
	p := b.Get("/at/{city}/conflicts/" + item + "?pick=" + keep).Want(200)
	if n := len(p.All(`input[name="write.work"]`)); n != 2 || len(p.All(`input[name="write.name"]`)) != 2 || len(p.All(`input[name="write.household"]`)) != 0 {
		t.Fatalf("%d choices of work: %q", n, p.Texts(".decide"))
	}
	// 陈秀兰's phone holds the home of the one who stays, 韩立军's that of the other alone.
	stays, goes := map[string]string{"1": "甲", "2": "乙"}[keep], map[string]string{"1": "甲", "2": "乙"}[other]
	if got := strings.Join(p.Texts(".sees tr"), "|"); !strings.Contains(got, "陈秀兰 无职党员分片帮户照旧看到"+stays) || !strings.Contains(got, "韩立军 无职党员分片帮户"+goes+"没有了，也看不到"+stays) {
		t.Errorf("merged, is to be seen: %s", got)
	}
	p = p.Send(".decide form", url.Values{"write.work": {other}, "write.name": {keep}, "why": {"同一个人"}}).Want(200)
	if work, name := columnOf(t, city, "resident", "work", people["秦一"]), columnOf(t, city, "resident", "name", people["秦一"]); work != "瓦匠" || name != "秦一" {
		t.Errorf("merged, %s works as %s", name, work)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM resident WHERE id = '"+people["秦壹"]+"'") + countOf(t, city, "SELECT COUNT(*) FROM identity WHERE resident = '"+people["秦壹"]+"'"); n != 0 {
		t.Errorf("%d rows of the other are there still", n)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM identity WHERE resident = '"+people["秦一"]+"'"); n != 1 {
		t.Errorf("he who stays has %d numbers", n)
	}
	p.Send(".said form", nil).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM identity i JOIN resident r ON r.id = i.resident WHERE i.id_number = '"+number+"'"); n != 2 {
		t.Errorf("undone, %d people have the number", n)
	}
	if work := columnOf(t, city, "resident", "work", people["秦一"]); work != "木匠" {
		t.Errorf("undone, he works as %s", work)
	}
	if differences, err := city.Engine.Judge.Rebuild(t.Context()); err != nil || len(differences) > 0 {
		t.Errorf("%v %v", differences, err)
	}
}
