package console_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

func TestAuditOfOneRow(t *testing.T) { both(t, auditOfOne) }

// wholeList reads a list of the audit from its first part to its last.
func wholeList(t *testing.T, b *consoletest.Browser, path string) (rows []string) {
	t.Helper()
	p := b.Get(path).Want(200)
	for parts := 1; ; parts++ {
		rows = append(rows, p.Texts("tbody tr")...)
		next := p.All(".more > a")
		if len(next) == 0 {
			return rows
		}
		if parts > 20 {
			t.Fatal("the list has no end")
		}
		p = b.Get(reader.Attr(next[0], "href")).Want(200)
	}
}

// auditOfOne: of one household the audit lists who changed it and whatever lies in it, who saw it, on what, and who took it away, in the order of time
// and from behind a key; of one person what is his own. Nothing of others is there, and what is not of the place is told apart from nothing by nobody.
func auditOfOne(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	ding, wang := string(city.Rows["ding"]), string(city.Rows["wang"])
	code := columnOf(t, city, "household", "code", ding)
	list := func(query string) string { return strings.Join(wholeList(t, b, "/at/{place}/audit?"+query), "|") }

	// From its page a link leads to what there is about it.
	link := linkCalled(t, b.Get("/at/{place}/homes/{ding}").Want(200), "谁看过、改过这一户")
	before := countOf(t, city, `SELECT COUNT(*) FROM (SELECT identity FROM mq_history WHERE row_id IN (SELECT id FROM mq_row WHERE scope = 'household:`+ding+`') GROUP BY identity) x`)
	p := b.Get(link).Want(200)
	if got := strings.Join(p.Texts(".about"), ""); !strings.Contains(got, "只看：丁有田家") || !strings.Contains(got, code) {
		t.Errorf("about %q", got)
	}
	if got := wholeList(t, b, "/at/{place}/audit?kind=changed&row="+ding); int64(len(got)) != before || before < 4 || strings.Contains(strings.Join(got, ""), "王桂芬") || !strings.Contains(strings.Join(got, ""), "新建 丁有田家 · 走访") {
		t.Errorf("%d changes, want %d: %q", len(got), before, got)
	}
	if byCode := list("kind=changed&home=" + url.QueryEscape(" "+strings.ToLower(code)+" ")); byCode != list("kind=changed&row="+ding) {
		t.Errorf("by its code there is %s", byCode)
	}

	// What was refused and names it is there, as is that somebody read that.
	refused, home := refusedOf(t, city)
	if got := list("kind=changed&row=" + home); !strings.Contains(got, "未通过") {
		t.Errorf("what was refused is not there: %s", got)
	}
	b.Get("/at/{place}/refused/" + refused).Want(200)
	if got := list("kind=pages&row=" + home); !strings.Contains(got, "看了“未通过和晚到”里的一条") {
		t.Errorf("that what was refused was read is not there: %s", got)
	}

	seenOfOne(t, city, base, b)

	// Everything is one list, newest first, each record once, however it is cut into parts: amid the changes of one moment too.
	for i := range 55 {
		seen, err := city.Base(t.Context(), city.Rows["ding"])
		if err == nil {
			err = city.Update(t.Context(), "admin", "household", city.Rows["ding"], seen, consoletest.Vals{"note": fmt.Sprint("第 ", i, " 次")})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 130 {
		discloseTo(t, city, "township", "", fmt.Sprintf(`{"what":"unmask","table":"household","row":%q,"stream":%q,"whole":true,"why":"翻页"}`, ding, city.Places["village"]))
	}
	all := wholeList(t, b, link)
	changed, seen := wholeList(t, b, "/at/{place}/audit?kind=changed&row="+ding), wholeList(t, b, "/at/{place}/audit?kind=seen&row="+ding)
	if len(all) != len(changed)+len(seen) || len(seen) < 130 {
		t.Errorf("%d records are listed, %d changes and %d that were seen", len(all), len(changed), len(seen))
	}
	at := 0
	for _, c := range changed {
		i := slices.Index(all[at:], c)
		if i < 0 {
			t.Fatalf("%q is not among all, or not in its order", c)
		}
		at += i + 1
	}
	text := strings.Join(all, "|")
	for _, other := range []string{"王桂芬", "枫林村"} {
		if strings.Contains(text, other) {
			t.Errorf("of %s there is %s", other, text)
		}
	}

	// Beside the other filters, in the address and the file.
	town := url.QueryEscape(columnOf(t, city, `"user"`, "name", string(city.Users["township"])))
	p = b.Get("/at/{place}/audit?kind=all&from=2026-11-01&who=" + town + "&home=" + url.QueryEscape(code)).Want(200)
	next := reader.Attr(p.All(".more > a")[0], "href")
	for _, want := range []string{"from=2026-11-01", "who=" + town, "home=" + url.QueryEscape(code), "kind=all"} {
		if !strings.Contains(next, want) {
			t.Errorf("the next part is at %s, which lacks %s", next, want)
		}
	}
	if got := wholeList(t, b, p.Path); len(got) < 130 || slices.ContainsFunc(got, func(r string) bool { return !strings.Contains(r, "翻页") && strings.Contains(r, "何婉清") }) {
		t.Errorf("of one person %d are listed", len(got))
	}
	if got := list("kind=all&to=2025-01-01&row=" + ding); got != "" {
		t.Errorf("before all there was %s", got)
	}
	file := p.Send(".covexp", url.Values{"as": {"csv"}}).Want(200).Raw
	if lines := strings.Count(strings.TrimSpace(file), "\n"); lines != len(wholeList(t, b, p.Path)) {
		t.Errorf("the file has %d rows", lines)
	}
	if got := list("kind=exported&who=hewanqing&row=" + ding); !strings.Contains(got, "导出“操作记录”") {
		t.Errorf("that the household's records were taken away is not there: %s", got)
	}

	// Verifying keeps what was asked for, and finds what was taken out of the household.
	if p := b.Get("/at/{place}/audit?kind=seen&row="+ding).Send(`form[action$="/verify"]`, nil).Want(200); len(p.Texts(".about")) != 1 || !strings.Contains(strings.Join(p.Texts(".found"), ""), "一条没有动过") {
		t.Errorf("verified: %q", p.Texts(".found"))
	}
	tamper(t, city, "DELETE FROM mq_disclosed_of WHERE named = ? AND chain = ?", ding, "console "+string(city.Users["township"]))
	if got := strings.Join(b.Post("/at/{place}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "有记录被动过") {
		t.Errorf("records were taken out of the household, and verifying says %q", got)
	}
	tamper(t, city, "DELETE FROM mq_disclosed_of")
	tamper(t, city, "INSERT INTO mq_disclosed_of (named, at, chain, pos) SELECT ?, at, chain, pos FROM mq_disclosure WHERE value LIKE '%"+ding+"%'", ding)

	notOfHere(t, city, b, code, wang)
}

// linkCalled is where a link leads.
func linkCalled(t *testing.T, p *consoletest.Page, text string) string {
	t.Helper()
	for _, a := range p.All("a") {
		if strings.Contains(reader.Text(a), text) {
			return reader.Attr(a, "href")
		}
	}
	t.Fatalf("no link is called %q", text)
	return ""
}

// refusedOf finds a change of the village that was refused, and the household that it names.
func refusedOf(t *testing.T, city *consoletest.City) (identity, home string) {
	t.Helper()
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		found, err := tx.Changes("status = 'refused' AND stream = ?", city.Places["village"])
		for _, c := range found {
			for _, key := range []string{"ding", "wang", "ou", "he", "gu", "jiang"} {
				if strings.Contains(string(c.Body), string(city.Rows[key])) {
					identity, home = string(c.Identity), string(city.Rows[key])
				}
			}
		}
		return err
	}); err != nil || home == "" {
		t.Fatalf("nothing refused names a household: %v", err)
	}
	return identity, home
}

func discloseTo(t *testing.T, city *consoletest.City, who, device, value string) {
	t.Helper()
	chain := device
	if device == "" {
		chain = "console " + string(city.Users[who])
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Disclose(chain, syncproto.DeviceID(device), city.Users[who], []byte(value))
	}); err != nil {
		t.Fatal(err)
	}
}

// seenOfOne: pages of the household and of what lies in it, unmaskings, phones that received it among few or many, photos, cards, and exports of a place
// that has it; of another household none of these.
func seenOfOne(t *testing.T, city *consoletest.City, base string, admin *consoletest.Browser) {
	t.Helper()
	ding, wang, village := string(city.Rows["ding"]), string(city.Rows["wang"]), city.Places["village"]
	above := city.NewBrowser(t, base, "township")
	above.Get("/at/{place}/review/{journal.urgent}").Want(200)
	admin.Get("/at/{place}/persons/{ding.1}").Want(200)
	admin.Get("/at/{place}/homes/{ding}").Want(200)
	admin.Post("/at/{place}/homes/{ding}/unmask", url.Values{"why": {"核对低保"}}).Want(200)
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf(`"household:019ec1dd-c1cd-7000-8000-%012d -"`, i))
	}
	for _, x := range []string{
		fmt.Sprintf(`{"changed":["household:%s","household:%s"],"rows":41,"stream":%q}`, ding, wang, village),
		fmt.Sprintf(`{"changed":["household:%s"],"rows":42,"stream":%q}`, wang, village),
		fmt.Sprintf(`{"changed":["household:%s"],"rows":43,"streams":[%q,%q]}`, ding, village, city.Places["other"]),
		fmt.Sprintf(`{"fill":["household:%s -",%s],"rows":0,"stream":%q}`, ding, strings.Join(many, ","), village),
		fmt.Sprintf(`{"fill":[%s],"rows":0,"stream":%q}`, strings.Join(many[:29], ","), village),
		fmt.Sprintf(`{"file":"019ec1dd-c1cd-7000-8000-000000000001","scope":"household:%s","bytes":1,"stream":%q}`, ding, village),
	} {
		discloseTo(t, city, "township", "phone.of.township", x)
	}
	city.NewBrowser(t, base, "secretary").Post("/at/{place}/coverage/export", url.Values{"as": {"csv"}}).Want(200)
	above.Post("/at/{town}/numbers/export", url.Values{"as": {"csv"}})
	above.Post("/at/{town}/coverage/export", url.Values{"as": {"csv"}}).Want(200)
	city.NewBrowser(t, base, "othersecretary").Post("/at/{other}/coverage/export", url.Values{"as": {"csv"}}).Want(200)
	list := func(query string) string {
		return strings.Join(wholeList(t, admin, "/at/{place}/audit?"+query), "|")
	}
	seen := list("kind=seen&row=" + ding)
	for _, want := range []string{"看了丁有田家 · ", "，在“审阅”里", "看了丁有田家，在“户和人”里", "看了丁有田家，号码完整显示，理由：核对低保", "改过的 41 条", "改过的 43 条", "新收到 31 组", "看了照片"} {
		if !strings.Contains(seen, want) {
			t.Errorf("what was seen of it lacks %q: %s", want, seen)
		}
	}
	for _, not := range []string{"改过的 42 条", "新收到 29 组", "名单"} {
		if strings.Contains(seen, not) {
			t.Errorf("what was seen of it has %q: %s", not, seen)
		}
	}
	if got := list("kind=seen&row=" + wang); !strings.Contains(got, "改过的 42 条") || !strings.Contains(got, "改过的 41 条") || strings.Contains(got, "改过的 43 条") || strings.Contains(got, "组") || strings.Contains(got, "照片") || strings.Contains(got, "核对低保") {
		t.Errorf("of the other household: %s", got)
	}
	if got := list("kind=unmasked&row=" + ding); strings.Count(got, "核对低保") != 1 {
		t.Errorf("unmasked: %s", got)
	}
	got := list("kind=exported&row=" + ding)
	if strings.Count(got, "联系覆盖") < 2 || !strings.Contains(got, "周德旺") || strings.Contains(got, "报表") || strings.Contains(got, "枫林村") {
		t.Errorf("taken away of it: %s", got)
	}
	// One who is above, and his exports, are his place's: of there no more than that.
	if got := strings.Join(wholeList(t, admin, "/at/{city}/audit?kind=seen&row="+ding), "|"); strings.Count(got, "看了照片") != 1 || strings.Contains(got, "改过的 42 条") {
		t.Errorf("asked of the city: %s", got)
	}
	// Of a person what is his own.
	link := linkCalled(t, admin.Get("/at/{place}/persons/{ding.1}").Want(200), "谁看过、改过这个人")
	p := admin.Get(link).Want(200)
	text := strings.Join(p.Texts("tbody tr"), "|")
	if !strings.Contains(text, "，在“户和人”里") || !strings.Contains(text, "新建 丁有田家 · ") || strings.Contains(text, "审阅") || strings.Contains(text, "手机同步") || strings.Contains(text, "走访") {
		t.Errorf("of one person: %s", text)
	}
	if whole := linkCalled(t, p, "看整户的"); !strings.Contains(whole, "row="+ding) {
		t.Errorf("the whole household is at %s", whole)
	}
}

// notOfHere: a code that nobody has and one of elsewhere are told with one sentence, and so are ids; what else was asked stays. Several of one code are
// told apart by whoever asks.
func notOfHere(t *testing.T, city *consoletest.City, b *consoletest.Browser, code, wang string) {
	t.Helper()
	foreign := columnOf(t, city, "household", "code", string(city.Rows["foreign"]))
	for lang, want := range map[string][2]string{"zh": {"没有户号是“", "没有这一户、这个人"}, "en": {"No household here has the code “", "no such household or person"}} {
		b.Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
		for _, c := range []string{"9999-999", foreign, strings.Repeat("长", 200)} {
			p := b.Get("/at/{place}/audit?kind=seen&who=hewanqing&from=2026-11-02&to=2026-11-03&home=" + url.QueryEscape(c)).Want(422)
			if got := strings.Join(p.Texts(".err"), ""); !strings.Contains(got, want[0]+c) || len(p.All(".bad #home")) != 1 || len(p.All("tbody tr")) != 0 {
				t.Errorf("of the code %s it says %q", c, got)
			}
			for field, value := range map[string]string{"who": "hewanqing", "from": "2026-11-02", "to": "2026-11-03", "home": c, "kind": "seen"} {
				if got := reader.Attr(p.All(".lookup [name=" + field + "]")[0], "value"); got != value {
					t.Errorf("of %s %q is left", field, got)
				}
			}
		}
		var said []string
		for _, id := range []string{string(city.Rows["foreign"]), string(city.Rows["foreign.0"]), missingID, "nothing", string(city.Rows["journal.urgent"]), city.Places["group7"]} {
			p := b.Get("/at/{place}/audit?kind=all&row=" + id).Want(422)
			said = append(said, strings.Join(p.Texts(".err"), ""))
		}
		if len(slices.Compact(said)) != 1 || !strings.Contains(said[0], want[1]) {
			t.Errorf("of what is not here it says %q", said)
		}
	}
	b.Do("POST", "/settings", url.Values{"lang": {"zh"}, "to": {"/"}}).Want(303)
	b.Get("/at/{city}/audit?kind=all&row=" + string(city.Rows["foreign"])).Want(200)
	b.Post("/at/{place}/audit/export", url.Values{"as": {"csv"}, "kind": {"all"}, "home": {"9999-999"}}).Want(422)

	// Two of one code: each is offered. Merged, the one that stays has the other's records too, and the other's id leads to it.
	twin, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": city.Places["group8"], "code": columnOf(t, city, "household", "code", wang), "head": "王桂芬", "address": "第8组下湾新房"})
	if err != nil {
		t.Fatal(err)
	}
	discloseTo(t, city, "secretary", "", fmt.Sprintf(`{"what":"unmask","table":"household","row":%q,"stream":%q,"whole":true,"why":"看另一户"}`, twin, city.Places["village"]))
	p := b.Get("/at/{place}/audit?kind=unmasked&from=2026-01-01&home=" + url.QueryEscape(columnOf(t, city, "household", "code", wang))).Want(422)
	if got := p.Texts(".alike a"); len(got) != 2 || !strings.Contains(got[0], "王桂芬家") {
		t.Fatalf("of two of one code it offers %q", got)
	}
	found := 0
	for _, a := range p.All(".alike a") {
		if at := reader.Attr(a, "href"); !strings.Contains(at, "from=2026-01-01") || !strings.Contains(at, "kind=unmasked") {
			t.Errorf("one is at %s", at)
		} else if strings.Contains(strings.Join(b.Get(at).Want(200).Texts("tbody tr"), "|"), "看另一户") {
			found++
		}
	}
	if found != 1 {
		t.Errorf("what was seen of one of two is with %d", found)
	}
	item := textOf(t, city, "SELECT id FROM mq_item WHERE kind = 'twin' AND closed_ms = 0 AND (row_id = '"+string(twin)+"' OR other = '"+string(twin)+"')")
	keep := "1"
	if textOf(t, city, "SELECT row_id FROM mq_item WHERE id = '"+item+"'") != wang {
		keep = "2"
	}
	b.Get("/at/{city}/conflicts/"+item+"?pick="+keep).Want(200).Send(".decide form", url.Values{"why": {"同一户"}}).Want(200)
	for _, id := range []string{wang, string(twin)} {
		p := b.Get("/at/{place}/audit?kind=unmasked&row=" + id).Want(200)
		if got := strings.Join(p.Texts("tbody tr"), "|"); !strings.Contains(got, "看另一户") || !strings.Contains(strings.Join(p.Texts(".about"), ""), "含并进来的 1") {
			t.Errorf("merged, of %s there is %q %q", id, got, p.Texts(".about"))
		}
		if got := strings.Join(wholeList(t, b, "/at/{place}/audit?kind=changed&row="+id), "|"); strings.Count(got, "新建 王桂芬家") < 2 {
			t.Errorf("merged, the changes of %s are %s", id, got)
		}
	}

	// Who moved into another household took what follows along; what was until then, his leaving with it, stays with the one that he left.
	mover, ding := city.Rows["wang.1"], string(city.Rows["ding"])
	unmask := func(why string) {
		t.Helper()
		discloseTo(t, city, "secretary", "", fmt.Sprintf(`{"what":"unmask","table":"resident","row":%q,"stream":%q,"whole":true,"why":%q}`, mover, city.Places["village"], why))
		city.SetNow(city.Now().Add(time.Minute))
	}
	change := func(v consoletest.Vals) {
		t.Helper()
		seen, err := city.Base(t.Context(), mover)
		if err == nil {
			err = city.Update(t.Context(), "admin", "resident", mover, seen, v)
		}
		if err != nil {
			t.Fatal(err)
		}
		city.SetNow(city.Now().Add(time.Minute))
	}
	unmask("搬走以前")
	had := len(wholeList(t, b, "/at/{place}/audit?kind=changed&row="+wang))
	change(consoletest.Vals{"household": ding})
	unmask("搬走以后")
	change(consoletest.Vals{"work": "打工"})
	if got := len(wholeList(t, b, "/at/{place}/audit?kind=changed&row="+wang)); got != had+1 {
		t.Errorf("somebody left, and of %d changes there are %d", had, got)
	}
	if got := strings.Join(wholeList(t, b, "/at/{place}/audit?kind=unmasked&row="+wang), "|"); !strings.Contains(got, "搬走以前") || strings.Contains(got, "搬走以后") {
		t.Errorf("of who left there is %s", got)
	}
	if got := strings.Join(wholeList(t, b, "/at/{place}/audit?kind=all&row="+ding), "|"); !strings.Contains(got, "搬走以后") || !strings.Contains(got, "就业") {
		t.Errorf("of who came there is %s", got)
	}
}
