package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

func TestResident(t *testing.T) { both(t, resident) }

func resident(t *testing.T, dsn string) {
	var said log
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn, Log: &said})
	b := city.NewBrowser(t, base, "")
	desk := &admin.Desk{E: city.Engine}

	// Whom to call: those next door first, by their numbers.
	p := b.Get("/c/{serial.ou}").Want(200)
	if got := strings.Join(p.Texts(".who2"), "|"); len(p.All(".who2")) != 3 || !strings.HasPrefix(got, "陈秀兰") || len(p.All(`.who2 a[href="tel:12800002206"]`)) != 3 || !strings.Contains(got, "128 0000 2206") {
		t.Errorf("the contacts are %s", got)
	}
	if got := p.Texts("main"); !strings.Contains(got[0], "柳河镇石桥村") || !strings.Contains(got[0], "7组 上湾") || len(p.All(".matter")) != 2 {
		t.Errorf("the page says %q", got)
	}
	if got := b.Get("/c/{serial.nobody}").Want(200).Texts(".none"); len(got) != 2 {
		t.Errorf("nobody's card says %q", got)
	}

	// What became of a matter: its title, days, stages and the answer without the number in it. Nothing of how it was, of whom, or of the work; of the
	// village numbers alone.
	p = b.Get("/c/{serial.foreign}").Want(200)
	text := strings.Join(p.Texts("main"), " ")
	for _, want := range []string{"8月12日反映的事", "9月30日", "11月18日", "11月20日", "水渠改道 86 米", "门前水渠堵塞，雨天进水", "枫林村今年的事", "困难111", "枫桥镇枫林村", "白荷", city.Serials["foreign"]} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	for _, never := range []string{"白立春", "灶台", "庙前", "0101-001", "13500007702", "贺家", "议定", "低保", "欧阳", "石桥", string(city.Rows["foreign"]), string(city.Rows["matter.foreign"])} {
		if strings.Contains(strings.ReplaceAll(p.Raw, "1组 庙前", ""), never) {
			t.Errorf("the page says %q", never)
		}
	}
	if len(p.All(".four .done")) != 4 || len(p.All("main form")) != 2 || len(p.All("main script, .rail")) != 0 {
		t.Errorf("the stages are %q", p.Texts(".four li"))
	}
	for name, want := range map[string]string{"X-Robots-Tag": "noindex", "Referrer-Policy": "same-origin", "Cache-Control": "private, no-store"} {
		if got := p.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if p.Header.Get("Set-Cookie") != "" {
		t.Error("a cookie is set")
	}

	// English by a link, without a cookie; the serial as people copy it.
	en := b.Get("/c/{serial.foreign}" + reader.Attr(p.One(".top a"), "href")).Want(200)
	if got := en.Texts("main")[0]; !strings.Contains(got, "Raised on 12 Aug") || reader.Attr(en.One("html"), "lang") != "en" || b.Get("/c/{serial.foreign}").Texts("h1")[0] != "民情联系卡" {
		t.Errorf("in English: %s", got)
	}
	b.Get("/c/" + strings.ToLower(strings.ReplaceAll(city.Serials["ou"], "-", ""))).Want(200)

	// Another's matter is no place to go on from that shows anything of it.
	if got := b.Get("/c/{serial.nobody}?from={matter.foreign}").Want(200); len(got.All(".matter")) != 0 {
		t.Errorf("from another's matter: %q", got.Texts(".matter"))
	}

	// A weak serial, as old cards bear, opens nothing; what is unknown, malformed and withdrawn answers alike.
	if _, err := city.Create(t.Context(), "admin", "contact_card", consoletest.Vals{"household": string(city.Rows["wang"]), "serial": "7K4M-2Q9X", "issued": "2026-03-01"}); err != nil {
		t.Fatal(err)
	}
	if err := desk.WithdrawCard(t.Context(), strings.ToLower(city.Serials["ou"])); err != nil {
		t.Fatal(err)
	}
	var gone []string
	for _, serial := range []string{"0000-0000-0000-0000", city.Serials["ou"], "7K4M-2Q9X", "x", "%00", strings.Repeat("A", 2000), "UUUU-UUUU-UUUU-UUUU", url.PathEscape("民情' OR 1=1")} {
		p := b.Get("/c/" + serial).Want(http.StatusNotFound)
		gone = append(gone, changing.ReplaceAllString(p.Raw, "")+fmt.Sprint(p.Header["Cache-Control"], p.Header["X-Robots-Tag"], p.Header["Content-Type"], p.Header["Set-Cookie"]))
		if gone[0] != gone[len(gone)-1] {
			t.Errorf("%s differs:\n%s\n%s", serial, gone[0], gone[len(gone)-1])
		}
	}

	// A household's card is made anew: the one before opens nothing, the next does; whoever has one gets no second.
	old := city.Serials["foreign"]
	made, err := desk.IssueCards(t.Context(), admin.Cards{Village: "枫林村", Anew: true})
	if err != nil || len(made) != 1 || made[0].Household != "0101-001" {
		t.Fatalf("made anew: %v, %v", made, err)
	}
	b.Get("/c/" + old).Want(http.StatusNotFound)
	b.Get("/c/" + made[0].Serial).Want(200)
	if again, err := desk.IssueCards(t.Context(), admin.Cards{Village: "枫林村"}); err != nil || len(again) != 0 {
		t.Errorf("issued twice: %v, %v", again, err)
	}
	// The card of old does not count as one: its household gets one that opens.
	if weak, err := desk.IssueCards(t.Context(), admin.Cards{Households: []string{"0714-032"}}); err != nil || len(weak) != 1 {
		t.Errorf("for a weak one: %v, %v", weak, err)
	} else {
		b.Get("/c/" + weak[0].Serial).Want(200)
	}

	// Who guesses on waits, from that address; a card that is good opens meanwhile, for all who stand behind it, and takes what they say.
	waits := 0
	for range 40 {
		if p := b.Get("/c/0000-0000-0000-0001"); p.Status == http.StatusTooManyRequests {
			if waits++; p.Header.Get("Retry-After") == "" {
				t.Fatal("nobody says how long")
			}
		}
	}
	if waits == 0 {
		t.Error("none of 40 guesses had to wait")
	}
	p = b.Get("/c/" + made[0].Serial).Want(200)
	p.Send("#message form", url.Values{"text": {" "}}).Want(http.StatusUnprocessableEntity)
	b.Get("/c/" + city.Serials["nobody"]).Want(200)
	b.Get("/c/" + old).Want(http.StatusTooManyRequests) // nor is a withdrawn one told apart from what never was
	city.SetNow(city.Now().Add(31 * time.Second))
	b.Get("/c/" + old).Want(http.StatusNotFound)

	// Who has left office shows no more.
	if err := desk.EndUser(t.Context(), "baihe", ""); err != nil {
		t.Fatal(err)
	}
	if got := b.Get("/c/" + made[0].Serial).Want(200).Texts(".who2"); len(got) != 0 {
		t.Errorf("who left is to be called: %q", got)
	}
	city.Serials["foreign"] = made[0].Serial
	spoken(t, city, base, b)
	for _, serial := range append([]string{old, made[0].Serial}, city.Serials["ou"], city.Serials["nobody"]) {
		if strings.Contains(said.String(), serial) {
			t.Error("a serial is in the log")
		}
	}
}

// TestResidentPages goes through a thousand matters page by page: each once.
func TestResidentPages(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Many})
	b := city.NewBrowser(t, base, "")
	matters, pages := 0, 0
	for path := "/c/{serial.foreign}"; path != ""; pages++ {
		p := b.Get(path).Want(200)
		matters += len(p.All(".matter"))
		if path = ""; len(p.All(".none a")) == 1 {
			path = "/c/{serial.foreign}" + reader.Attr(p.One(".none a"), "href")
		}
	}
	if matters != 1001 || pages != 51 {
		t.Errorf("%d matters on %d pages", matters, pages)
	}
}

// spoken says what a household may say by its card, without an account: of an answer, and a message. What cannot be taken stays typed; the same form
// sent twice is one word; a wrong card answers as one that is missing; nobody floods it; the branch reads it.
func spoken(t *testing.T, city *consoletest.City, base string, b *consoletest.Browser) {
	t.Helper()
	words := func() (n int64) {
		t.Helper()
		if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			_, err := tx.One("SELECT COUNT(*) FROM household_word WHERE provenance = 'resident'", nil, &n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	city.SetNow(city.Now().Add(25 * time.Hour)) // the guesses are forgotten
	p := b.Get("/c/{serial.foreign}").Want(200)
	matter := p.Fields(".matter form").Get("matter")
	for _, x := range []struct {
		form, want string
		send       url.Values
	}{
		{".matter form", "请选一个", url.Values{"text": {"水渠好了"}}},
		{".matter form", "500", url.Values{"mark": {"good"}, "text": {strings.Repeat("长", 501)}}},
		{".matter form", "这一页打开太久了", url.Values{"mark": {"good"}, "once": {"x"}, "text": {"水渠好了"}}},
		{"#message form", "请写上要说的话", url.Values{"text": {"  "}}},
	} {
		bad := p.Send(x.form, x.send).Want(http.StatusUnprocessableEntity)
		if got := strings.Join(bad.Texts(x.form+" .err"), ""); !strings.Contains(got, x.want) || len(bad.All(".err")) != 1 || bad.Fields(x.form).Get("text") != strings.TrimSpace(x.send.Get("text"))+strings.Repeat(" ", 2*strings.Count(x.want, "请写上")) {
			t.Errorf("%q in %s: %q, and it holds %q", x.send, x.form, got, bad.Fields(x.form))
		}
		if x.send.Get("mark") != "" && bad.Fields(x.form).Get("mark") != x.send.Get("mark") {
			t.Errorf("the choice is gone: %q", bad.Fields(x.form))
		}
	}
	// A code of another card, and cards that open nothing.
	if bad := b.Post("/c/{serial.nobody}", url.Values{"once": {p.Fields(".matter form").Get("once")}, "matter": {matter}, "mark": {"good"}, "text": {"别家的"}}).Want(422); bad.Fields("#message form").Get("text") != "别家的" {
		t.Errorf("with another's code: %q", bad.Texts(".err"))
	}
	gone := b.Get("/c/0000-0000-0000-0002").Want(404)
	for _, serial := range []string{"0000-0000-0000-0002", "x"} {
		if no := b.Post("/c/"+serial, url.Values{"text": {"有人吗"}, "once": {p.Fields(".matter form").Get("once")}}).Want(404); changing.ReplaceAllString(no.Raw, "") != changing.ReplaceAllString(gone.Raw, "") {
			t.Errorf("%s tells itself apart", serial)
		}
	}
	if words() != 0 {
		t.Fatalf("%d words were taken", words())
	}
	opinion := p.Fields(".matter form")
	opinion.Set("mark", "fair")
	opinion.Set("text", "水还是慢，别再拖了。")
	for range 2 { // a double press
		p = b.Post("/c/{serial.foreign}", opinion).Want(200)
	}
	if got := strings.Join(p.Texts(".opinion"), ""); words() != 1 || !strings.Contains(got, "您的评价：基本满意") || !strings.Contains(strings.Join(p.Texts("#said"), ""), "收到了") || strings.Contains(p.Raw, "别再拖了") {
		t.Errorf("%d words; the page says %q", words(), got)
	}
	city.SetNow(city.Now().Add(time.Minute))
	opinion.Set("text", "水还是慢，别再拖了。还有路灯。")
	b.Post("/c/{serial.foreign}", opinion).Want(200) // other words from the same form are other words
	p = b.Get("/c/{serial.foreign}?lang=en").Send("#message form", url.Values{"text": {"老白腿疼，\r\n请带药。"}}).Want(200)
	if got := strings.Join(p.Texts("#message"), ""); words() != 3 || !strings.Contains(got, "You left 1 message") || strings.Contains(p.Raw, "请带药") {
		t.Errorf("%d words; in English: %q", words(), got)
	}
	// Another site's page sends nothing.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/c/"+city.Serials["foreign"], strings.NewReader(opinion.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://elsewhere.example")
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != http.StatusForbidden || res.Body.Close() != nil {
		t.Errorf("from elsewhere: %v, %v", res, err)
	}
	// Nobody floods it, and what was typed meanwhile stays; a day later there is room.
	full := 0
	for i := range 12 {
		city.SetNow(city.Now().Add(time.Minute))
		p = b.Get("/c/{serial.foreign}").Send("#message form", url.Values{"text": {fmt.Sprint("第", i, "句")}})
		if p.Status == http.StatusTooManyRequests {
			full++
			if p.Header.Get("Retry-After") == "" || p.Fields("#message form").Get("text") != fmt.Sprint("第", i, "句") || !strings.Contains(strings.Join(p.Texts(".err"), ""), "小时后再说") && !strings.Contains(strings.Join(p.Texts(".err"), ""), "小时再说") {
				t.Fatalf("too many: %q, %q", p.Texts(".err"), p.Fields("#message form"))
			}
		}
	}
	if words() != 12 || full != 3 {
		t.Errorf("%d words of a day, %d put off", words(), full)
	}
	// Whoever presses on and on with one card waits; another card behind the same address says what it has to.
	p = b.Get("/c/{serial.foreign}").Want(200)
	held := 0
	for range 140 {
		if b.Post("/c/{serial.foreign}", url.Values{"once": {p.Fields("#message form").Get("once")}}).Status == http.StatusTooManyRequests {
			held++
		}
	}
	if held < 70 {
		t.Errorf("of 140 that say nothing %d were put off", held)
	}
	if got := b.Get("/c/{serial.nobody}").Want(200).Send("#message form", url.Values{"text": {"邻居说得再多，也轮得到我。"}}).Want(200).Texts("#said"); len(got) != 1 || words() != 13 {
		t.Errorf("behind the same address: %q, %d words", got, words())
	}
	// The branch reads it: in the life of the matter, and beside a journal of the household. It is of nobody's account.
	sec := city.NewBrowser(t, base, "othersecretary")
	if got := strings.Join(sec.Get("/at/{other}/matters/{matter.foreign}").Want(200).Texts(".life tr"), "|"); !strings.Contains(got, "群众本人（联系卡）群众评价 基本满意。水还是慢，别再拖了。还有路灯。") {
		t.Errorf("the matter's life: %s", got)
	}
	if got := strings.Join(sec.Get("/at/{other}/review/{journal.foreign}").Want(200).Texts(".around"), "|"); !strings.Contains(got, "这户自己说的") || !strings.Contains(got, "第8句") {
		t.Errorf("beside a journal: %s", got)
	}
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		var signed int64
		_, err := tx.One("SELECT COUNT(*) FROM mq_history WHERE tbl = 'household_word' AND author <> ''", nil, &signed)
		if signed != 0 {
			t.Errorf("%d are in somebody's name", signed)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	city.SetNow(city.Now().Add(25 * time.Hour))
	b.Get("/c/{serial.foreign}").Send("#message form", url.Values{"text": {"过了一天"}}).Want(200)
}
