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
	if len(p.All(".four .done")) != 4 || len(p.All("main form, main script, .rail")) != 0 {
		t.Errorf("the stages are %q", p.Texts(".four li"))
	}
	for name, want := range map[string]string{"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "Cache-Control": "private, no-store"} {
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

	// Who guesses on waits, from that address; a little later the card opens again.
	waits := 0
	for range 40 {
		if p := b.Get("/c/0000-0000-0000-0001"); p.Status == http.StatusTooManyRequests {
			if waits++; p.Header.Get("Retry-After") == "" {
				t.Fatal("nobody says how long")
			}
		}
	}
	if waits == 0 || b.Get("/c/"+made[0].Serial).Status != http.StatusTooManyRequests {
		t.Errorf("40 guesses, %d had to wait", waits)
	}
	city.SetNow(city.Now().Add(31 * time.Second))
	b.Get("/c/" + made[0].Serial).Want(200)

	// Who has left office shows no more.
	if err := desk.EndUser(t.Context(), "baihe", ""); err != nil {
		t.Fatal(err)
	}
	if got := b.Get("/c/" + made[0].Serial).Want(200).Texts(".who2"); len(got) != 0 {
		t.Errorf("who left is to be called: %q", got)
	}
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
