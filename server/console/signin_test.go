package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/internal/webpage/reader"
	"minqing/server/console/account"
	"minqing/server/console/consoletest"
)

// both runs a test on both databases.
func both(t *testing.T, run func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { run(t, "") })
	t.Run("postgres", func(t *testing.T) { run(t, testenv.MustRelaxedPostgres(t)) })
}

var firstOf = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]`)

// codesAround are the codes that a key has about now: those of as many steps of half a minute before and behind this one as clocks may be apart,
// and of one more.
func codesAround(t *testing.T, city *consoletest.City, secret string) (out []string) {
	t.Helper()
	for step := -2; step <= 2; step++ {
		code, err := account.CodeAt(secret, city.Now().Add(time.Duration(step)*30*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, code)
	}
	return out
}

// wrongCode is a code that the key does not have now, nor had or will have a step from now.
func wrongCode(t *testing.T, city *consoletest.City, secret string) string {
	t.Helper()
	good := codesAround(t, city, secret)
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !slices.Contains(good, code) {
			return code
		}
	}
}

// nextCode moves the clock on to the next step and gives its code, which no step about it has too: a code is known by its step.
func nextCode(t *testing.T, city *consoletest.City, secret string) string {
	t.Helper()
	for {
		city.SetNow(city.Now().Add(31 * time.Second))
		around := codesAround(t, city, secret)
		if code := around[2]; !slices.Contains(around[:2], code) && !slices.Contains(around[3:], code) {
			return code
		}
	}
}

// TestSigningIn tells the life of an account: a one-time link, a password, a second factor, a lost phone, a reset.
func TestSigningIn(t *testing.T) { both(t, signingIn) }

func signingIn(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty, DSN: dsn})
	login := url.Values{"login": {" zhoudewang "}, "password": {consoletest.Password}, "to": {"/me"}}
	b := city.NewBrowser(t, base, "")
	b.Post("/signin", login).Want(422) // no password is set yet
	code, _, err := city.Accounts.Link(t.Context(), city.Users["secretary"], city.Users["admin"], false)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Get("/link/" + code).Want(200)
	for _, weak := range []string{"短", "1234567890", "password123!", "P@ssw0rd2026", "abcabcabcabc", "zhoudewang-2026", "周德旺的密码是这个哦", strings.Repeat("长", 129)} {
		if bad := p.Send("form", url.Values{"password": {weak}}); bad.Status != 422 || len(bad.All(".err")) != 1 {
			t.Errorf("%q is taken as a password: %d", weak, bad.Status)
		}
	}
	p.Send("form", url.Values{"password": {consoletest.Password}}).Want(200)
	if b.Get("/me").Want(200).Path != "/me" {
		t.Error("the link does not sign in")
	}
	city.NewBrowser(t, base, "").Get("/link/" + code).Want(404) // it is spent

	// The second factor: the key shown is confirmed by a code, which is then not good a second time.
	p = b.Get("/me/factor").Want(200)
	secret := p.Texts("main code")[0]
	p.Send("main form", url.Values{"code": {wrongCode(t, city, secret)}}).Want(422)
	at, err := account.CodeAt(secret, city.Now())
	if err != nil {
		t.Fatal(err)
	}
	recovery := firstOf.FindAllString(p.Send("main form", url.Values{"code": {at}}).Want(200).Raw, -1)
	if len(recovery) != 10 {
		t.Fatalf("recovery codes: %v", recovery)
	}
	other := city.NewBrowser(t, base, "")
	p = other.Post("/signin", login).Want(200)
	other.Get("/me") // not yet
	if got := other.Get("/me").Path; !strings.HasPrefix(got, "/signin") {
		t.Errorf("a password alone leads to %s", got)
	}
	p.Send("form", url.Values{"code": {at}}).Want(422)
	at = nextCode(t, city, secret)
	if got := p.Send("form", url.Values{"code": {at}}).Want(200).Path; got != "/me" {
		t.Errorf("the code leads to %s", got)
	}
	for range 2 { // a recovery code works once
		third := city.NewBrowser(t, base, "")
		p = third.Post("/signin", login).Want(200).Send("form", url.Values{"code": {strings.ToLower(recovery[3])}})
	}
	p.Want(422)

	// Both browsers are seen, and one ends the other.
	p = b.Get("/me").Want(200)
	if n := len(p.All(".list li")); n != 3 {
		t.Errorf("%d sessions are seen, want 3", n)
	}
	b.Post("/me/sessions", url.Values{}).Want(200)
	if got := other.Get("/me").Path; !strings.HasPrefix(got, "/signin") {
		t.Errorf("an ended session still opens %s", got)
	}

	// A reset takes everything away: password, sessions and, when asked to, the second factor.
	if code, _, err = city.Accounts.Link(t.Context(), city.Users["secretary"], city.Users["admin"], true); err != nil {
		t.Fatal(err)
	}
	fresh := city.NewBrowser(t, base, "")
	fresh.Get("/link/"+code).Send("form", url.Values{"password": {"另一句自己记得住的话"}}).Want(200)
	if fresh.Get("/me").Path != "/me" || b.Get("/me").Path == "/me" {
		t.Error("after a reset the old session lives, or the new one does not")
	}
	city.NewBrowser(t, base, "").Post("/signin", login).Want(422)
	fresh.Post("/signout", nil)
	if fresh.Get("/me").Path == "/me" {
		t.Error("signed out and still in")
	}

	// A session rests no longer than half a day, and ends with the account.
	b = city.NewBrowser(t, base, "secretary")
	city.SetNow(city.Now().Add(11 * time.Hour))
	b.Get("/me").Want(200)
	city.SetNow(city.Now().Add(11 * time.Hour))
	if b.Get("/me").Path != "/me" {
		t.Error("a session in use ended")
	}
	city.SetNow(city.Now().Add(13 * time.Hour))
	if b.Get("/me").Path == "/me" {
		t.Error("a session at rest for thirteen hours lives")
	}
}

// Whoever tries passwords makes himself wait, and neither the owner of the account at his own browser nor anybody elsewhere.
func TestTryingPasswords(t *testing.T) { both(t, tryingPasswords) }

func tryingPasswords(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty, DSN: dsn, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	owner := city.NewBrowser(t, base, "secretary")
	owner.Header.Set("X-Forwarded-For", "10.9.9.9, 192.0.2.7")
	owner.Header.Set("X-Forwarded-Proto", "https")
	right := url.Values{"login": {"zhoudewang"}, "password": {consoletest.Password}}
	owner.Post("/signin", right).Want(200) // leaves a mark in his browser
	thief := city.NewBrowser(t, base, "")
	thief.Header = owner.Header.Clone()
	guess := url.Values{"login": {"zhoudewang"}, "password": {"guess"}}
	held := 0
	for _, wait := range []int{2, 4, 8, 16, 32, 64, 128, 256, 512, 900} { // the wait doubles, up to a quarter of an hour, and the browser is told all of it
		var p *consoletest.Page
		for p = thief.Post("/signin", guess).Want(422); p.Header.Get("Retry-After") == ""; p = thief.Post("/signin", guess).Want(422) {
			if held++; held > 20 {
				t.Fatal("twenty guesses are never held up")
			}
		}
		if got := p.Header.Get("Retry-After"); got != strconv.Itoa(wait) || !strings.Contains(strings.Join(p.Texts(".err"), ""), "等 "+got+" 秒") {
			t.Fatalf("after %d guesses the browser is told %q, of %d; the page says %q", held, got, wait, p.Texts(".err"))
		}
		if wait < 900 {
			city.SetNow(city.Now().Add(time.Duration(wait) * time.Second))
		}
	}
	thief.Post("/signin", right).Want(422) // not even the right one now
	owner.Drop("__Host-mq-session")
	if got := owner.Post("/signin", right); got.Status != 200 {
		t.Error("the owner is locked out in his own browser, behind the same address")
	}
	elsewhere := city.NewBrowser(t, base, "")
	elsewhere.Header = owner.Header.Clone()
	elsewhere.Header.Set("X-Forwarded-For", "192.0.2.7, 198.51.100.4") // what stands on the left anybody can write
	if got := elsewhere.Post("/signin", right); got.Status != 200 {
		t.Error("the owner is locked out elsewhere")
	}
	city.SetNow(city.Now().Add(16 * time.Minute))
	thief.Post("/signin", right).Want(200)
	// Unknown people look like wrong passwords.
	a := city.NewBrowser(t, base, "").Do("POST", "/signin", url.Values{"login": {"nobody"}, "password": {"guess"}})
	z := city.NewBrowser(t, base, "").Do("POST", "/signin", url.Values{"login": {"lugang"}, "password": {"guess"}})
	if x, y := strings.Join(a.Texts(".err"), ""), strings.Join(z.Texts(".err"), ""); x != y || x == "" {
		t.Errorf("%q and %q", x, y)
	}
}

// Forwarded headers count only from proxies that are named; without TLS nobody gives a password away on the network.
func TestTheWayToTheBrowser(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty})
	b := city.NewBrowser(t, base, "")
	b.Header.Set("X-Forwarded-Proto", "https")
	b.Header.Set("X-Forwarded-For", "192.0.2.7")
	p := b.Get("/signin")
	if p.Header.Get("Strict-Transport-Security") != "" || len(p.All("form[action='/signin']")) != 1 {
		t.Error("somebody who is no proxy says that the way is encrypted, or where he is, and is believed")
	}
	proxied, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	b = proxied.NewBrowser(t, base, "")
	b.Header.Set("X-Forwarded-For", "192.0.2.7")
	if p = b.Get("/signin"); len(p.All(".note.stop")) != 1 || len(p.All("input[type=password]")) != 0 {
		t.Error("a password is asked for over a way that is not encrypted")
	}
	b.Post("/signin", url.Values{"login": {"zhoudewang"}, "password": {consoletest.Password}}).Want(422)
	b.Header.Set("X-Forwarded-Proto", "https")
	if p = b.Get("/signin"); p.Header.Get("Strict-Transport-Security") == "" || len(p.All("input[type=password]")) != 1 {
		t.Error("a proxy that is named is not believed")
	}
}

// What a page of another site sends changes nothing; a form whose session has ended is kept, and done after signing in.
func TestForms(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty})
	b := city.NewBrowser(t, base, "secretary")
	b.Header.Set("Origin", "https://evil.example")
	b.Do("POST", "/me/sessions", nil).Want(403)
	b.Header.Del("Origin")
	b.Header.Set("Sec-Fetch-Site", "cross-site")
	b.Do("POST", "/me/sessions", nil).Want(403)
	b.Header.Del("Sec-Fetch-Site")

	if _, err := city.Session(context.Background(), "secretary"); err != nil { // ends the browser's session
		t.Fatal(err)
	}
	typed := url.Values{"old": {"多行\n的“话”<b>"}, "password": {"x"}}
	p := b.Post("/me/password", typed).Want(http.StatusUnauthorized)
	p = p.Send("form[action='/signin']", url.Values{"login": {"zhoudewang"}, "password": {"wrong"}}).Want(422)
	p = p.Send("form[action='/signin']", url.Values{"login": {"zhoudewang"}, "password": {consoletest.Password}}).Want(200)
	if got := p.Fields("main form"); got.Get("old") != typed.Get("old") || got.Get("password") != "x" || reader.Attr(p.One("main form"), "action") != "/me/password" {
		t.Fatalf("the form came back as %v", got)
	}
	if p = p.Send("main form", nil); p.Status != 422 || len(p.All(".err")) != 1 {
		t.Errorf("the form kept is not done: %d", p.Status)
	}
	// A file that was chosen is read past, however large, and asked for again by its name; the fields beside it are kept.
	admin := city.NewBrowser(t, base, "")
	p = admin.Upload("/at/{place}/assign", url.Values{"to": {"hanlijun"}, "codes": {"0714-1\n0714-2"}}, "file", "户号.csv", []byte(strings.Repeat("0714-008\r\n", 200_000))).Want(http.StatusUnauthorized)
	if got := strings.Join(p.Texts(".note"), ""); !strings.Contains(got, "“户号.csv”没有留下") || len(p.All("form")) != 1 {
		t.Errorf("with a file the page says %q", got)
	}
	if _, err := city.Session(t.Context(), "admin"); err != nil { // his password is set
		t.Fatal(err)
	}
	p = p.Send("form[action='/signin']", url.Values{"login": {"hewanqing"}, "password": {consoletest.Password}}).Want(200)
	if got := p.Fields("main form"); got.Get("to") != "hanlijun" || got.Get("codes") != "0714-1\n0714-2" || len(p.All(`main form[enctype="multipart/form-data"] input[type=file][name=file]`)) != 1 {
		t.Errorf("the form with a file came back as %v: %q", got, p.Texts("main"))
	}
	if got := admin.Upload("/at/{place}/assign", url.Values{"codes": {strings.Repeat("长", 1<<20)}}, "file", "户号.csv", nil); got.Status != http.StatusOK && got.Status != http.StatusUnprocessableEntity && got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a list that is too long: %d", got.Status)
	}
	if got := city.NewBrowser(t, base, "").Upload("/at/{place}/assign", url.Values{"codes": {strings.Repeat("长", 1<<20)}}, "file", "户号.csv", nil); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("nobody's list that is too long: %d", got.Status)
	}
	// The way back leads nowhere else.
	for _, to := range []string{"//evil.example/", "https://evil.example/", `/\evil.example`} {
		other := city.NewBrowser(t, base, "")
		if got := other.Do("POST", "/signin", url.Values{"login": {"zhoudewang"}, "password": {consoletest.Password}, "to": {to}}).Header.Get("Location"); got != "/" {
			t.Errorf("%s leads to %s", to, got)
		}
		if got := other.Do("POST", "/settings", url.Values{"to": {to}}).Header.Get("Location"); got != "/" {
			t.Errorf("%s leads to %s", to, got)
		}
	}
}

func TestReadingWithoutWriting(t *testing.T) { both(t, readingWithoutWriting) }

// A page that only shows is read on while nothing can be written: that the session is in use is noted another time. Whoever goes away before his page
// has come leaves no failure behind.
func readingWithoutWriting(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	const page = "/at/{city}/users/{user.cadre}/delete"
	b.Get(page).Want(200)
	spoil, mend := []string{"CREATE TRIGGER untaken BEFORE UPDATE ON mq_session BEGIN SELECT RAISE(ABORT, 'nothing is taken'); END"}, "DROP TRIGGER untaken"
	if dsn != "" {
		spoil = []string{"CREATE FUNCTION untaken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'nothing is taken'; END $$",
			"CREATE TRIGGER untaken BEFORE UPDATE ON mq_session FOR EACH ROW EXECUTE FUNCTION untaken()"}
		mend += " ON mq_session"
	}
	for _, statement := range spoil {
		tamper(t, city, statement)
	}
	city.SetNow(city.Now().Add(2 * time.Minute))
	was := countOf(t, city, "SELECT MAX(seen_ms) FROM mq_session")
	b.Get(page).Want(200)
	if now := countOf(t, city, "SELECT MAX(seen_ms) FROM mq_session"); now != was {
		t.Errorf("seen at %d, was %d: something was written", now, was)
	}
	tamper(t, city, mend)
	b.Get(page).Want(200)
	if now := countOf(t, city, "SELECT MAX(seen_ms) FROM mq_session"); now <= was {
		t.Errorf("seen at %d, was %d: the session is not kept", now, was)
	}

	ctx, leave := context.WithCancel(t.Context())
	leave()
	for range 5 {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/at/"+city.Places["city"]+"/users/"+string(city.Users["cadre"])+"/delete", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-mq-session", Value: b.Cookie("__Host-mq-session")})
		w := httptest.NewRecorder()
		city.Engine.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("whoever went away is answered %d: %s", w.Code, w.Body.String())
		}
	}
}
