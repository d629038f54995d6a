package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console"
	"minqing/server/console/account"
	"minqing/server/console/consoletest"
)

// caller is somebody who calls every route. reach are the places that his role extends over.
type caller struct {
	who, role string
	reach     []string
}

var callers = []caller{
	{"", "", nil},
	{"admin", "admin", []string{"village", "other"}},
	{"city", "city", []string{"village", "other"}},
	{"township", "township", []string{"village"}},
	{"secretary", "secretary", []string{"village"}},
	{"cadre", "cadre", []string{"village"}},
	{"handler", "handler", []string{"village"}},
	{"mediator", "mediator", []string{"village"}},
	{"otheradmin", "admin", []string{"other"}},
	{"othersecretary", "secretary", []string{"other"}},
	{"othercadre", "cadre", []string{"other"}},
}

// missingID is the id of nothing.
const missingID = "01935555-7777-7777-8777-777777777777"

// mayCall reads the permission matrix by itself: who holds every right that a line needs.
func mayCall(b *schema.Book, l console.Line, role string) bool {
	for _, n := range l.Needs {
		if !slices.ContainsFunc(b.Matrix(), func(g schema.Grant) bool {
			if g.Table != n.Table || string(g.Role) != role || g.Op != n.Op || g.From != n.From || g.To != n.To {
				return false
			}
			return n.Cell == "" || slices.Contains(g.Cells, n.Cell)
		}) {
			return false
		}
	}
	return true
}

var changing = regexp.MustCompile(`nonce="[^"]*"|/a/[a-z]+-[0-9a-f]+\.(css|js)`)

// TestAuthorization calls every route as everybody, for a place of his own, for another's and for one that is missing, and for rows that
// lie there, that lie elsewhere and that are missing. What is not for him must look like what is not there, byte for byte.
func TestAuthorization(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	rows := rowsOf(t, city)
	cases := 0
	browsers := map[string]*consoletest.Browser{}
	for _, l := range console.Lines() {
		t.Run(strings.ReplaceAll(l.Pattern, "/", "⁄"), func(t *testing.T) {
			for _, c := range callers {
				if browsers[c.who] == nil || strings.HasSuffix(l.Pattern, "/signout") {
					browsers[c.who] = city.NewBrowser(t, base, c.who)
				}
				b := browsers[c.who]
				if strings.HasSuffix(l.Pattern, "/signout") {
					browsers[c.who] = nil
				}
				name := c.who
				if name == "" {
					name = "nobody"
				}
				method, path, _ := strings.Cut(l.Pattern, " ")
				path = strings.TrimSuffix(path, "{$}")
				if !strings.Contains(path, "{place}") {
					cases++
					t.Run(name, func(t *testing.T) { callPlain(t, b, l, c, method, strings.ReplaceAll(path, "{code}", "nothing")) })
					continue
				}
				gone := b.Do(method, strings.NewReplacer("{place}", missingID, "{row}", missingID).Replace(path), url.Values{})
				for _, place := range []string{"village", "other", "missing"} {
					for _, row := range append([]string{""}, "own", "foreign", "missing")[:1+3*strings.Count(path, "{row}")] {
						if (row == "") == strings.Contains(path, "{row}") {
							continue
						}
						cases++
						t.Run(name+" "+place+" "+row, func(t *testing.T) {
							at, id := missingID, missingID
							if place != "missing" {
								at = city.Places[place]
								other := map[string]string{"village": "other", "other": "village"}[place]
								switch row {
								case "own":
									id = rows[l.Of][place]
								case "foreign":
									id = rows[l.Of][other]
								}
							}
							p := b.Do(method, strings.NewReplacer("{place}", at, "{row}", id).Replace(path), url.Values{})
							mine := !strings.HasSuffix(l.Pattern, "/bad") || c.who == map[string]string{"village": "admin", "other": "otheradmin"}[place] // whose file it is
							may := mine && c.who != "" && slices.Contains(c.reach, place) && (l.Access != console.ByRight || mayCall(city.Engine.Book, l, c.role)) && (row == "" || row == "own" && id != "")
							judge(t, p, gone, c, method, may)
						})
					}
				}
			}
		})
	}
	t.Logf("%d routes, %d callers, %d cases", len(console.Lines()), len(callers), cases)
}

// TestWhatIsShownIsOnRecord: of each page of a place it is said that it shows people of the register, or it is one of those that show none.
func TestWhatIsShownIsOnRecord(t *testing.T) {
	none := strings.Fields("photo cadres numbers import import/{row}/bad homes/new users users/new users/{row} users/{row}/delete tree tree/{row} tree/{row}/move tree/{row}/delete teams devices devices/{row} health settings")
	for _, l := range console.Lines() {
		page, ok := strings.CutPrefix(l.Pattern, "GET /at/{place}/")
		page = strings.TrimSuffix(strings.Replace(page, "photo/{row}", "photo", 1), "/")
		if ok && l.Shows == slices.Contains(none, page) { // a photo and a file leave records of their own
			t.Errorf("%s: is it on record what it shows?", l.Pattern)
		}
	}
}

// judge compares one answer with what is due.
func judge(t *testing.T, p, gone *consoletest.Page, c caller, method string, may bool) {
	t.Helper()
	p.Forget("__Host-mq-said")
	switch {
	case c.who == "" && method == http.MethodGet:
		if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), "/signin?") {
			t.Errorf("nobody gets %d", p.Status)
		}
	case c.who == "":
		if p.Status != http.StatusUnauthorized {
			t.Errorf("nobody gets %d", p.Status)
		}
	case may:
		if !slices.Contains([]int{200, 303, 409, 422}, p.Status) {
			t.Errorf("who may gets %d: %q", p.Status, p.Texts("main"))
		}
	default:
		if p.Status != http.StatusNotFound {
			t.Fatalf("who may not gets %d: %q", p.Status, p.Texts("main"))
		}
		if a, b := changing.ReplaceAllString(blindTo(p), ""), changing.ReplaceAllString(blindTo(gone), ""); a != b {
			t.Errorf("foreign and missing differ:\n%s\n%s", a, b)
		}
	}
}

// blindTo takes out of a page the address that was asked for, which the asker knows.
func blindTo(p *consoletest.Page) string { return strings.ReplaceAll(p.Raw, p.Path, "") }

// callPlain calls a route without a place: for everybody, or for oneself.
func callPlain(t *testing.T, b *consoletest.Browser, l console.Line, c caller, method, path string) {
	p := b.Do(method, path, url.Values{})
	switch l.Access {
	case console.Public:
		want := map[string][]int{"/link/nothing": {404}, "/signin/oidc": {404}, "/signin/oidc/back": {404}, "/": {303}, "/settings": {303}, "/signout": {303}}[path]
		if path == "/" && c.who != "" {
			want = []int{200, 303}
		}
		if path == "/signin" {
			want = []int{200, 422}
			if c.who != "" {
				want = []int{303, 422}
			}
		}
		if publicPages[path] != nil {
			want = publicPages[path]
		}
		if !slices.Contains(want, p.Status) {
			t.Errorf("%d, want %v", p.Status, want)
		}
	case console.HalfWay:
		if p.Status != http.StatusSeeOther || p.Header.Get("Location") != "/signin" {
			t.Errorf("%d to %s", p.Status, p.Header.Get("Location"))
		}
	case console.SignedIn:
		judge(t, p, nil, c, method, c.who != "")
	}
}

// publicPages are the statuses of further pages that are open to everybody.
var publicPages = map[string][]int{"/c/{serial}": {404}}

// rowsOf finds for each kind of row that addresses name one in each of the two villages, "" where there is none.
func rowsOf(t *testing.T, c *consoletest.City) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{
		"journal":    {"village": string(c.Rows["journal.urgent"]), "other": string(c.Rows["journal.foreign"])},
		"device":     {"village": string(c.Rows["device"]), "other": string(c.Rows["device.foreign"])},
		"item":       {"village": string(c.Rows["item.low_income"]), "other": string(c.Rows["item.foreign"])},
		"change":     {"village": string(c.Rows["change.toolate"]), "other": string(c.Rows["change.foreign"])},
		"attachment": {"village": string(c.Rows["photo"]), "other": string(c.Rows["photo.foreign"])},
		"matter":     {"village": string(c.Rows["matter"]), "other": string(c.Rows["matter.foreign"])},
		"order":      {"village": string(c.Rows["work"]), "other": string(c.Rows["work.foreign"])},
		"file":       {"village": string(c.Rows["file"]), "other": string(c.Rows["file.foreign"])},
		"shift":      {"village": string(c.Rows["shift"]), "other": string(c.Rows["shift.foreign"])},
		"resident":   {"village": string(c.Rows["wang.0"]), "other": string(c.Rows["foreign.0"])},
		"user":       {"village": string(c.Users["cadre"]), "other": string(c.Users["othercadre"])},
		"place":      {"village": c.Places["group7"], "other": c.Places["othergroup"]},
		"household":  {"village": string(c.Rows["wang"]), "other": string(c.Rows["foreign"])},
	}
	return out
}

// TestAuthorizationBySecret calls the routes that a secret of the address opens, as everybody: one that is good opens the same page for whoever has
// it, and nothing of anybody else's; those that were good once answer as those that never were, byte for byte.
func TestAuthorizationBySecret(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	link := func(user string) string {
		code, _, err := city.Accounts.Link(t.Context(), city.Users[user], city.Users["admin"], false)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	late := link("cadre2")
	city.SetNow(city.Now().Add(73 * time.Hour))
	void, live, used := link("cadre3"), link("cadre3"), link("cadre2")
	if _, _, err := city.Accounts.UseLink(t.Context(), used, consoletest.Password, account.Client{}); err != nil {
		t.Fatal(err)
	}
	if err := (&admin.Desk{E: city.Engine}).WithdrawCard(t.Context(), city.Serials["nobody"]); err != nil {
		t.Fatal(err)
	}
	type secret struct {
		name, path  string
		open        bool
		says, hides []string
	}
	secrets := map[string][]secret{
		"/c/{serial}": {
			{"own", "/c/{serial.ou}", true, []string{"柳河镇石桥村", "陈秀兰", city.Serials["ou"]}, []string{"枫林村", "白荷", "水渠", city.Serials["foreign"]}},
			{"other", "/c/{serial.foreign}", true, []string{"枫桥镇枫林村", "白荷", city.Serials["foreign"]}, []string{"石桥村", "陈秀兰", city.Serials["ou"]}},
			{"missing", "/c/0000-0000-0000-0000", false, nil, nil}, {"revoked", "/c/{serial.nobody}", false, nil, nil},
		},
		"/link/{code}": {
			{"live", "/link/" + live, true, []string{"韩立军", "hanlijun"}, []string{"zhoudewang", "hewanqing"}},
			{"missing", "/link/nothing", false, nil, nil}, {"used", "/link/" + used, false, nil, nil}, {"void", "/link/" + void, false, nil, nil}, {"late", "/link/" + late, false, nil, nil},
		},
	}
	form := regexp.MustCompile(`name="once" value="[^"]*"`)
	cases, routes := 0, 0
	opened, browsers := map[string]string{}, map[string]*consoletest.Browser{}
	for _, l := range console.Lines() {
		method, path, _ := strings.Cut(l.Pattern, " ")
		if strings.Contains(path, "{") && l.Access == console.Public && !strings.Contains(path, "{$}") {
			if routes++; secrets[path] == nil {
				t.Errorf("%s: what opens it?", l.Pattern)
			}
		}
		for _, c := range callers {
			if browsers[c.who] == nil {
				browsers[c.who] = city.NewBrowser(t, base, c.who)
			}
			b, missing := browsers[c.who], ""
			for _, s := range secrets[path] {
				cases++
				t.Run(method+" "+strings.ReplaceAll(path, "/", "⁄")+" "+c.who+" "+s.name, func(t *testing.T) {
					city.SetNow(city.Now().Add(31 * time.Second)) // who asks for what is not there has to wait
					p := b.Do(method, s.path, url.Values{})
					raw := form.ReplaceAllString(changing.ReplaceAllString(blindTo(p), ""), "")
					want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[s.open]
					if s.open && method == http.MethodPost { // nothing was typed
						want = http.StatusUnprocessableEntity
					}
					if p.Status != want {
						t.Fatalf("%d, not %d: %q", p.Status, want, p.Texts("main"))
					}
					if !s.open {
						if s.name == "missing" {
							missing = raw
						}
						if raw != missing {
							t.Errorf("it differs from what never was:\n%s\n%s", raw, missing)
						}
						return
					}
					if key := method + s.path; opened[key] == "" {
						opened[key] = raw
					} else if raw != opened[key] {
						t.Errorf("it is another page for %s:\n%s\n%s", c.who, raw, opened[key])
					}
					for _, says := range s.says {
						if !strings.Contains(p.Raw, says) {
							t.Errorf("it lacks %q", says)
						}
					}
					for _, hides := range s.hides {
						if strings.Contains(p.Raw, hides) {
							t.Errorf("it says %q", hides)
						}
					}
				})
			}
		}
	}
	t.Logf("%d routes, %d callers, %d cases", routes, len(callers), cases)
}
