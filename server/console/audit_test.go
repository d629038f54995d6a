package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

func TestAudit(t *testing.T) { both(t, auditing) }

func auditing(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")

	// Every change of the village is listed once, newest first, from behind a key; those of the other village are not.
	var want int64
	ask := func(query string, args ...any) (n int64) {
		t.Helper()
		if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.One(query, args, &n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	want = ask("SELECT COUNT(*) FROM mq_change WHERE stream = ?", city.Places["village"])
	var rows []string
	p := b.Get("/at/{place}/audit").Want(200)
	for parts := 1; ; parts++ {
		rows = append(rows, p.Texts("tbody tr")...)
		next := p.All(".more > a")
		if len(next) == 0 {
			break
		}
		if parts > 20 {
			t.Fatal("the list has no end")
		}
		p = b.Get(reader.Attr(next[0], "href")).Want(200)
	}
	text := strings.Join(rows, "|")
	if int64(len(rows)) != want || strings.Contains(text, "枫林村") {
		t.Errorf("%d changes are listed, want %d", len(rows), want)
	}
	for _, word := range []string{"新建 丁有田家 · 走访", "未通过", "等决定", "红米 12C", "石桥村"} {
		if !strings.Contains(text, word) {
			t.Errorf("the list lacks %q", word)
		}
	}
	// By person and by day; whoever is not there is said to be nobody, and a day that is none is not taken.
	for _, row := range b.Get("/at/{place}/audit?who=%E9%99%88%E7%A7%80%E5%85%B0&from=2026-11-20&to=2026-11-22").Want(200).Texts("tbody tr") {
		if !strings.Contains(row, "陈秀兰") || !strings.Contains(row, "11月2") {
			t.Errorf("asked for one person and three days, there is %q", row)
		}
	}
	if got := strings.Join(b.Get("/at/{place}/audit?who=%E8%B0%81").Want(422).Texts(".err"), ""); !strings.Contains(got, "没有叫“谁”的人") {
		t.Errorf("for nobody it says %q", got)
	}
	b.Get("/at/{place}/audit?from=11.20").Want(422)

	// An export is on record with who took what, and says so on every row; so is what the console shows in full.
	city.NewBrowser(t, base, "secretary").Post("/at/{place}/coverage/export", url.Values{"as": {"csv"}}).Want(200)
	file := b.Post("/at/{place}/audit/export", url.Values{"as": {"csv"}, "kind": {"changed"}}).Want(200).Raw
	if lines := strings.Count(strings.TrimSpace(file), "\n"); int64(lines) != want || strings.Count(file, "hewanqing 2026-11-23 10:50") != lines {
		t.Errorf("the file has %d rows, %d marked, want %d", lines, strings.Count(file, "hewanqing 2026-11-23 10:50"), want)
	}
	// The village's are what its people took away, and what others took of it.
	sent := fmt.Sprintf("导出“操作记录”，送出 %d 条", strings.Count(file, "\r\n")-1) // how many there would be was not known when it began
	if got := strings.Join(b.Get("/at/{place}/audit?kind=exported").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, sent) || !strings.Contains(got, "周德旺") || !strings.Contains(got, "联系覆盖") || !strings.Contains(got, "何婉清 hewanqing导出“操作记录”") {
		t.Errorf("exported of the village: %q", got)
	}
	if got := strings.Join(b.Get("/at/{city}/audit?kind=exported").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, "何婉清") || !strings.Contains(got, "导出“操作记录”") {
		t.Errorf("exported of the city: %q", got)
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Disclose("console "+string(city.Users["secretary"]), "", city.Users["secretary"], fmt.Appendf(nil, `{"what":"unmask","table":"household","row":%q,"whole":true,"why":"核对低保"}`, city.Rows["ding"]))
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Get("/at/{place}/audit?kind=unmasked").Want(200).Texts("tbody tr"), "|"); !strings.Contains(got, "丁有田家，号码完整显示，理由：核对低保") {
		t.Errorf("unmasked: %q", got)
	}

	seenAbove(t, city, base, b)
	seenAway(t, city, base, b)
	foundByName(t, city, b)

	// Verifying finds nothing, and finds what somebody altered past the server.
	if got := strings.Join(b.Post("/at/{city}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "一条没有动过") {
		t.Errorf("verified, it says %q", got)
	}
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Exec("UPDATE mq_history SET cells = REPLACE(cells, '屋顶漏雨', '屋顶很好') WHERE row_id = ?", string(city.Rows["journal.urgent"]))
	}); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"{place}", "{city}"} {
		if got := strings.Join(b.Post("/at/"+place+"/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "有记录被动过") || !strings.Contains(got, "石桥村的改动记录，第 ") {
			t.Errorf("a record was altered, and verifying %s says %q", place, got)
		}
	}
	if got := strings.Join(b.Post("/at/{other}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "一条没有动过") {
		t.Errorf("the other village's are whole, and it says %q", got)
	}
}

// seenAbove: what somebody above a village sees of it is on record before he sees it, once for each row and hour; the village's records have it, those
// of others do not, and of him no more than that.
func seenAbove(t *testing.T, city *consoletest.City, base string, admin *consoletest.Browser) {
	t.Helper()
	above := city.NewBrowser(t, base, "township")
	pages := func(place, more string) []string {
		t.Helper()
		return admin.Get("/at/" + place + "/audit?kind=pages" + more).Want(200).Texts("tbody tr")
	}
	had := len(pages("{place}", ""))
	for range 3 {
		above.Get("/at/{place}/review/{journal.urgent}").Want(200)
		above.Get("/at/{town}/matters/{matter}").Want(200)
		above.Get("/at/{town}/coverage").Want(200)
	}
	rows := pages("{place}", "")
	if text := strings.Join(rows, "|"); len(rows) != had+3 || !strings.Contains(text, "看了丁有田家 · ") || !strings.Contains(text, "，在“审阅”里") || !strings.Contains(text, "，在“事项”里") || !strings.Contains(text, "看了“联系覆盖”的名单") {
		t.Errorf("of what the township saw there is %q", rows)
	}
	name := url.QueryEscape(columnOf(t, city, `"user"`, "name", string(city.Users["township"])))
	if got := pages("{place}", "&who="+name); len(got) != 3 {
		t.Errorf("asked for %s there is %q", name, got)
	}
	if got := strings.Join(pages("{other}", ""), "|"); strings.Contains(got, "审阅") || strings.Contains(got, "事项") || strings.Contains(got, "石桥") {
		t.Errorf("the other village lists %q", got)
	}
	// What the administrator of the city looks at is the village's when it lies there, and leaves nothing of elsewhere here.
	admin.Get("/at/{city}/persons/{wang.0}").Want(200)
	admin.Get("/at/{city}/persons/{foreign.0}").Want(200)
	admin.Get("/at/{city}/conflicts/{item.low_income}").Want(200)
	admin.Get("/at/{city}/refused/{change.toolate}").Want(200)
	text := strings.Join(pages("{place}", "&who=hewanqing"), "|")
	if !strings.Contains(text, "，在“户和人”里") || !strings.Contains(text, "，在“冲突处理”里") || !strings.Contains(text, "看了“未通过和晚到”里的一条") || strings.Contains(text, "枫林村") {
		t.Errorf("of what the administrator saw there is %q", text)
	}
	if got := len(pages("{city}", "&who=hewanqing")); got < 5 {
		t.Errorf("the city lists %d", got)
	}
	// The next hour is another record; an altered stream, by which the village finds them, is found.
	city.SetNow(city.Now().Add(time.Hour))
	above.Get("/at/{place}/review/{journal.urgent}").Want(200)
	if got := pages("{place}", "&who="+name); len(got) != 4 {
		t.Errorf("an hour later there is %q", got)
	}
	alter := func(from, to string) {
		t.Helper()
		if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
			return tx.Exec("UPDATE mq_disclosure SET stream = ? WHERE stream = ? AND user_id = ?", to, from, string(city.Users["township"]))
		}); err != nil {
			t.Fatal(err)
		}
	}
	alter(city.Places["village"], city.Places["other"])
	if got := strings.Join(admin.Post("/at/{city}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "有记录被动过") {
		t.Errorf("records were put elsewhere, and verifying says %q", got)
	}
	alter(city.Places["other"], city.Places["village"])
	city.SetNow(city.Now().Add(-time.Hour))
}

// seenAway: what was shown away from the consoles is the village's too: by a contact card, once an hour and of nobody; by a phone of somebody above,
// whether its sync showed that village alone or several; a photo on it. A link by which a second step is set anew is no unmasking. Verifying the village
// covers whatever it lists.
func seenAway(t *testing.T, city *consoletest.City, base string, admin *consoletest.Browser) {
	t.Helper()
	list := func(place, kind, more string) string {
		t.Helper()
		return strings.Join(admin.Get("/at/"+place+"/audit?kind="+kind+more).Want(200).Texts("tbody tr"), "|")
	}
	holder := city.NewBrowser(t, base, "")
	for range 2 {
		holder.Get("/c/{serial.ou}").Want(200)
		holder.Get("/c/{serial.foreign}").Want(200)
	}
	for _, kind := range []string{"pages", "seen"} {
		if got := list("{place}", kind, ""); strings.Count(got, "的联系卡页") != 1 || !strings.Contains(got, "持卡人") || strings.Contains(got, "打开了白") {
			t.Errorf("a card was opened, and %s lists %q", kind, got)
		}
	}
	if got := list("{city}", "pages", ""); strings.Count(got, "的联系卡页") != 2 {
		t.Errorf("of two cards the city lists %q", got)
	}

	admin.Post("/at/{place}/users/{user.cadre}/do", url.Values{"do": {"link"}, "forget": {"1"}}).Want(200)
	if got := list("{place}", "unmasked", "") + list("{city}", "unmasked", ""); strings.Contains(got, "登录链接") {
		t.Errorf("a link is among what was unmasked: %q", got)
	}
	if got := list("{place}", "seen", ""); !strings.Contains(got, "给陈秀兰出了登录链接，动态码可以重设") {
		t.Errorf("the link is not the village's: %q", got)
	}

	above, chain := city.Users["township"], "phone.of.township"
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		for _, value := range []string{
			fmt.Sprintf(`{"changed":["household:x"],"rows":31,"stream":%q}`, city.Places["village"]),
			fmt.Sprintf(`{"changed":["household:x","household:y"],"rows":32,"streams":[%q,%q]}`, city.Places["village"], city.Places["other"]),
			fmt.Sprintf(`{"changed":["household:y"],"rows":33,"stream":%q}`, city.Places["other"]),
			fmt.Sprintf(`{"file":%q,"scope":"household:x","bytes":1,"stream":%q}`, city.Rows["ding"], city.Places["village"]),
		} {
			if err := tx.Disclose(chain, syncproto.DeviceID(chain), above, []byte(value)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	who := "&who=" + url.QueryEscape(columnOf(t, city, `"user"`, "name", string(above)))
	for place, want := range map[string][]bool{"{place}": {true, true, false, true}, "{other}": {false, true, true, false}, "{city}": {true, true, true, true}} {
		for _, more := range []string{"", who} {
			got := list(place, "seen", more)
			for i, word := range []string{"改过的 31 条", "改过的 32 条", "改过的 33 条", "看了照片"} {
				if want[i] != strings.Contains(got, word) {
					t.Errorf("%s%s lists %q: %v, want %v: %s", place, more, word, !want[i], want[i], got)
				}
			}
			if place != "{city}" && strings.Count(got, "改过的 32 条") != 1 {
				t.Errorf("%s lists a sync twice: %s", place, got)
			}
		}
	}
	if got := list("{place}", "seen", who); strings.Contains(got, "枫林村") || !strings.Contains(got, "石桥村") {
		t.Errorf("the village is told of another: %s", got)
	}

	// An altered record of somebody above is found from the village, and so is one that was taken out of it.
	for _, x := range []struct{ alter, back string }{
		{"UPDATE mq_disclosure SET value = REPLACE(value, '\"rows\":31', '\"rows\":1') WHERE chain = ?", "UPDATE mq_disclosure SET value = REPLACE(value, '\"rows\":1,', '\"rows\":31,') WHERE chain = ?"},
		{"DELETE FROM mq_disclosed_in WHERE chain = ? AND stream = '" + city.Places["other"] + "'", "INSERT INTO mq_disclosed_in SELECT '" + city.Places["other"] + "', at, chain, pos FROM mq_disclosed_in WHERE chain = ?"},
	} {
		tamper(t, city, x.alter, chain)
		if got := strings.Join(admin.Post("/at/{place}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "有记录被动过") {
			t.Errorf("%s: verifying says %q", x.alter, got)
		}
		tamper(t, city, x.back, chain)
		if got := strings.Join(admin.Post("/at/{place}/audit/verify", nil).Want(200).Texts(".found"), ""); !strings.Contains(got, "一条没有动过") {
			t.Errorf("put back, verifying says %q", got)
		}
	}
}

// foundByName: whoever has a record here is found by name, wherever he belongs: who moved away, who only looked. Of others nobody learns that they are
// there: it says the same of them as of nobody.
func foundByName(t *testing.T, city *consoletest.City, admin *consoletest.Browser) {
	t.Helper()
	stranger, looker := city.Users["othersecretary"], city.Users["otheradmin"]
	name := func(user syncproto.UserID) string { return columnOf(t, city, `"user"`, "name", string(user)) }
	asked := func(kind, who string, status int) *consoletest.Page {
		t.Helper()
		return admin.Get("/at/{place}/audit?kind=" + kind + "&who=" + url.QueryEscape(who)).Want(status)
	}
	nobody := func(user syncproto.UserID) {
		t.Helper()
		for _, kind := range []string{"changed", "seen", "exported"} {
			for _, who := range []string{name(user), columnOf(t, city, `"user"`, "login", string(user))} {
				if got := strings.Join(asked(kind, who, 422).Texts(".err"), ""); !strings.Contains(got, "没有叫“"+who+"”的人") {
					t.Errorf("%s of %s: %q", kind, who, got)
				}
			}
		}
	}
	nobody(stranger)
	nobody(looker)
	tamper(t, city, "INSERT INTO mq_disclosure (chain, pos, device, user_id, salt, value, leaf, head, at, stream) VALUES ('console aside', 1, '', ?, '', ?, '', '', ?, ?)",
		string(looker), `{"what":"page","page":"homes","table":"household","row":"`+string(city.Rows["ding"])+`","stream":"`+city.Places["village"]+`"}`, city.Now().UnixMilli(), city.Places["village"])
	if got := asked("pages", name(looker), 200).Texts("tbody tr"); len(got) != 1 || !strings.Contains(got[0], name(looker)) {
		t.Errorf("who only looked: %q", got)
	}
	if got := asked("changed", name(looker), 200).Texts("tbody tr"); len(got) != 0 {
		t.Errorf("he changed nothing, and there is %q", got)
	}
	tamper(t, city, "DELETE FROM mq_disclosure WHERE chain = 'console aside'")
	cadre := city.Users["cadre"]
	had := asked("changed", name(cadre), 200).Texts("tbody tr")
	if err := city.Update(t.Context(), "admin", "user", syncproto.RowID(cadre), syncproto.Base{}, consoletest.Vals{"place": city.Places["other"]}); err != nil {
		t.Fatal(err)
	}
	if got := asked("changed", name(cadre), 200).Texts("tbody tr"); len(had) == 0 || len(got) != len(had) {
		t.Errorf("moved away, of %d records %d are found", len(had), len(got))
	}
	if err := city.Update(t.Context(), "admin", "user", syncproto.RowID(cadre), syncproto.Base{}, consoletest.Vals{"place": city.Places["village"]}); err != nil {
		t.Fatal(err)
	}
	nobody(stranger)
}

func tamper(t *testing.T, city *consoletest.City, query string, args ...any) {
	t.Helper()
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(query, args...) }); err != nil {
		t.Fatal(err)
	}
}
