package console_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"minqing/internal/testenv"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// one reads a text of a row.
func one(t *testing.T, c *consoletest.City, query string, args ...any) string {
	t.Helper()
	var out string
	if err := c.Engine.Store.Read(context.Background(), func(tx *store.Tx) error {
		_, err := tx.One(query, args, &out)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// One row at a time is edited by what the form showed: two administrators at one household lose nothing that either typed, and masked numbers
// are shown to whoever says why.
func TestEditOne(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			opt := consoletest.Options{State: consoletest.Full}
			if name == "postgres" {
				opt.DSN = testenv.MustPostgres(t)
			}
			city, base := consoletest.MustOpen(t, opt)
			if _, err := city.Create(context.Background(), "admin", "role", consoletest.Vals{"user": string(city.Users["cadre3"]), "role": "admin", "place": city.Places["village"]}); err != nil {
				t.Fatal(err)
			}
			first, second := city.NewBrowser(t, base, "admin"), city.NewBrowser(t, base, "cadre3")
			t.Run("two administrators", func(t *testing.T) { twoAdmins(t, city, first, second) })
			t.Run("unmasking", func(t *testing.T) { unmasking(t, city, first) })
			t.Run("people", func(t *testing.T) { personsEdited(t, city, first) })
			t.Run("users", func(t *testing.T) { usersEdited(t, city, base, first) })
			t.Run("places and teams", func(t *testing.T) { placesEdited(t, city, first) })
		})
	}
}

func twoAdmins(t *testing.T, city *consoletest.City, first, second *consoletest.Browser) {
	home := "SELECT COALESCE(address, '') || '|' || COALESCE(note, '') || '|' || COALESCE(tags, '') FROM household WHERE id = ?"
	he := string(city.Rows["he"])
	mine, theirs := first.Get("/at/{place}/homes/{he}").Want(200), second.Get("/at/{place}/homes/{he}").Want(200)
	if got := strings.Join(mine.Texts("#edit .confirm"), " "); !strings.Contains(got, "第 1 版") {
		t.Errorf("the version is not shown: %q", got)
	}
	mine.Send("#edit", url.Values{"address": {"老街 17 号后院"}}).Want(200)
	// Another cell beside it: both stand, and it is said.
	p := theirs.Send("#edit", url.Values{"note": {"水田两亩。"}, "tags": {"old_member"}}).Want(200)
	if got := strings.Join(p.Texts(".said"), " "); !strings.Contains(got, "同时何婉清改了“住址”") {
		t.Errorf("what was written beside is not said: %q", got)
	}
	if got := one(t, city, home, he); !strings.HasPrefix(got, "老街 17 号后院|水田两亩。|") || !strings.Contains(got, "old_member") {
		t.Errorf("the household is %s", got)
	}
	// The same cell: nothing is saved, both are shown, what was typed stands, also in what nobody else touched.
	mine, theirs = first.Get("/at/{place}/homes/{he}"), second.Get("/at/{place}/homes/{he}")
	mine.Send("#edit", url.Values{"address": {"新街 1 号"}}).Want(200)
	p = theirs.Send("#edit", url.Values{"address": {"新街 2 号"}, "head": {"贺长庚老人"}}).Want(422)
	if got := strings.Join(p.Texts(".sees"), " "); !strings.Contains(got, "何婉清住址老街 17 号后院新街 1 号") {
		t.Errorf("what stands now is not shown: %s", got)
	}
	if f := p.Fields("#edit"); f.Get("address") != "新街 2 号" || f.Get("head") != "贺长庚老人" {
		t.Errorf("what was typed is gone: %v", f)
	}
	p.Send("#edit", nil).Want(200)
	if got := one(t, city, "SELECT address || head FROM household WHERE id = ?", he); got != "新街 2 号贺长庚老人" {
		t.Errorf("saved knowingly: %s", got)
	}
	if got := one(t, city, "SELECT CAST(COUNT(*) AS TEXT) FROM mq_item WHERE row_id = ? AND closed_ms = 0", he); got != "0" {
		t.Errorf("%s items were opened", got)
	}
	// What is wrong is said at its field; a session that ends midway keeps what was typed.
	p = second.Get("/at/{place}/homes/{he}").Send("#edit", url.Values{"phone": {"12"}, "address": {"另一处"}}).Want(422)
	if len(p.All(".field.bad #f\\.phone")) != 1 || p.Fields("#edit").Get("address") != "另一处" {
		t.Errorf("the wrong number: %q", p.Texts(".err"))
	}
	second.Drop("__Host-mq-session")
	p = p.Send("#edit", url.Values{"phone": {"13500007703"}}).Want(401)
	if got := p.Fields(`form[action="/signin"]`).Get("kept.address"); got != "另一处" {
		t.Errorf("the session's end lost what was typed: %q", got)
	}
}

func unmasking(t *testing.T, city *consoletest.City, b *consoletest.Browser) {
	p := b.Get("/at/{place}/homes/{wang}").Want(200)
	if got := p.Fields("#edit").Get("phone"); got != "135****7702" {
		t.Fatalf("the number shows as %q", got)
	}
	p.Send("#unmask", url.Values{"why": {""}}).Want(422)
	before := one(t, city, "SELECT CAST(COUNT(*) AS TEXT) FROM mq_disclosure WHERE value LIKE '%unmask%'")
	if before != "0" {
		t.Fatalf("%s records before", before)
	}
	p = p.Send("#unmask", url.Values{"why": {"核对电话"}}).Want(200)
	if got := p.Fields("#edit").Get("phone"); got != "13500007702" {
		t.Errorf("the whole number shows as %q", got)
	}
	got := one(t, city, "SELECT value FROM mq_disclosure WHERE value LIKE '%unmask%'")
	for _, want := range []string{`"table":"household"`, string(city.Rows["wang"]), "核对电话"} {
		if !strings.Contains(got, want) {
			t.Errorf("the record lacks %s: %s", want, got)
		}
	}
	// A masked number that nobody touched is not written.
	b.Get("/at/{place}/homes/{wang}").Send("#edit", url.Values{"address": {"老供销社后排"}}).Want(200)
	if got := one(t, city, "SELECT phone FROM household WHERE id = ?", string(city.Rows["wang"])); got != "13500007702" {
		t.Errorf("the number became %s", got)
	}
}

func personsEdited(t *testing.T, city *consoletest.City, b *consoletest.Browser) {
	p := b.Get("/at/{place}/homes/{ding}/person").Send("#edit", url.Values{"name": {"丁小苗"}, "relation": {"孙女"}, "sex": {"f"}, "id_number": {"110101199001011230"}}).Want(422)
	if len(p.All(".field.bad #f\\.id_number")) != 1 || p.Fields("#edit").Get("name") != "丁小苗" {
		t.Errorf("a wrong ID number: %q", p.Texts(".err"))
	}
	p = p.Send("#edit", url.Values{"id_number": {"110101199001011237"}}).Want(200)
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "丁小苗") {
		t.Fatalf("the person is not there: %s", got)
	}
	id := one(t, city, "SELECT id FROM resident WHERE name = '丁小苗'")
	p = b.Get("/at/{place}/persons/" + id).Want(200)
	if got := p.Fields("#edit").Get("id_number"); got != "1****************7" {
		t.Errorf("the ID number shows as %q", got)
	}
	p = p.Send("#unmask", url.Values{"why": {"办医保"}}).Want(200)
	if got := p.Fields("#edit").Get("id_number"); got != "110101199001011237" {
		t.Errorf("the whole ID number shows as %q", got)
	}
	p.Send("#edit", url.Values{"life": {"moved"}, "party_member": {"是"}, "insurance": {"medical", "pension"}, "birth": {"1990.1.1"}}).Want(200)
	if got := one(t, city, "SELECT life || '|' || CAST(party_member AS TEXT) || '|' || birth || '|' || insurance FROM resident WHERE id = ?", id); !strings.HasPrefix(got, "moved|1|1990-01-01|") || !strings.Contains(got, "pension") {
		t.Errorf("the person is %s", got)
	}
	for q, want := range map[string]string{"丁小": "丁小苗", "110101199001011237": "丁小苗", "0714-04": "丁有田", "丁有": "丁有田"} {
		if got := strings.Join(b.Get("/at/{place}/homes?"+url.Values{"q": {q}}.Encode()).Want(200).Texts("main"), " "); !strings.Contains(got, want) {
			t.Errorf("%s finds %s", q, got)
		}
	}
	if got := strings.Join(b.Get("/at/{city}/homes?"+url.Values{"q": {"白立"}}.Encode()).Want(200).Texts("main"), " "); !strings.Contains(got, "白立春") {
		t.Errorf("the city finds %s", got)
	}
	b.Get("/at/{place}/homes/new").Send("#edit", url.Values{"code": {"0714-041"}, "head": {"新户"}}).Want(422)
	p = b.Get("/at/{place}/homes/new").Send("#edit", url.Values{"code": {"0714-099"}, "head": {"新户"}, "position": {"113.2644, 23.1291"}, "place": {city.Places["group7"]}}).Want(200)
	if got := p.Fields("#edit").Get("position"); got != "113.2644, 23.1291" {
		t.Errorf("the position is %q", got)
	}
}

func usersEdited(t *testing.T, city *consoletest.City, base string, b *consoletest.Browser) {
	p := b.Get("/at/{place}/users/new").Send("#edit", url.Values{"name": {"李向东"}, "login": {"lixiangdong"}, "role": {"cadre"}}).Want(200)
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "包户干部（石桥村）") {
		t.Errorf("the new user: %s", got)
	}
	at := p.Path
	if got := strings.Join(p.Send("#role", url.Values{"do": {"role"}, "role": {"mediator"}, "over": {"枫林村"}}).Want(422).Texts("#role .err"), " "); !strings.Contains(got, "这里没有“枫林村”") {
		t.Errorf("a place of another: %s", got)
	}
	p = p.Send("#role", url.Values{"do": {"role"}, "role": {"mediator"}}).Want(200)
	p = p.Send("#link", url.Values{"do": {"link"}}).Want(200)
	link := p.Texts(".linkout")[0]
	if _, path, _ := strings.Cut(link, "/link/"); b.Get("/link/" + path).Want(200).Texts("main")[0] == "" {
		t.Error("the link opens nothing")
	}
	p = b.Get(at).Send("#end", url.Values{"do": {"end"}}).Want(200)
	if !strings.Contains(strings.Join(p.Texts(".head"), " "), "停用于") {
		t.Errorf("his access has not ended: %v", p.Texts(".head"))
	}
	// An administrator of a village decides nothing about the access of somebody who holds a role beyond it.
	ctx := context.Background()
	if _, err := city.Create(ctx, "admin", "role", consoletest.Vals{"user": string(city.Users["cadre2"]), "role": "city", "place": city.Places["city"]}); err != nil {
		t.Fatal(err)
	}
	// Nor does he give one by any other way.
	if _, err := city.Create(ctx, "cadre3", "role", consoletest.Vals{"user": string(city.Users["cadre3"]), "role": "admin", "place": city.Places["city"]}); err == nil {
		t.Error("an administrator of a village made himself one of the city")
	}
	if _, err := city.Create(ctx, "cadre3", "role", consoletest.Vals{"user": string(city.Users["cadre3"]), "role": "mediator", "place": city.Places["group7"]}); err != nil {
		t.Error(err)
	}
	village := city.NewBrowser(t, base, "cadre3")
	p = village.Get("/at/{place}/users/" + string(city.Users["cadre2"])).Want(200)
	if len(p.All("#link, #end")) != 0 {
		t.Error("the page offers what is not his to do")
	}
	if p = village.Post(p.Path+"/do", url.Values{"do": {"link"}}).Want(200); len(p.All(".linkout")) != 0 {
		t.Error("he got a link to somebody's wider rights")
	}
	if got := strings.Join(village.Post("/at/{place}/users/new", url.Values{"name": {"赵建国"}, "login": {"zhaojianguo"}, "role": {"admin"}, "over": {city.Places["city"]}}).Want(422).Texts(".err"), " "); !strings.Contains(got, "这里没有") {
		t.Errorf("he gave rights that are not his: %s", got)
	}
}

func placesEdited(t *testing.T, city *consoletest.City, b *consoletest.Browser) {
	p := b.Get("/at/{place}/tree").Want(200)
	p = p.Send("#make", url.Values{"level": {"building"}, "name": {"3栋"}, "code": {"990107"}}).Want(422) // the code is another's
	if got := strings.Join(p.Texts("#make .err"), " "); !strings.Contains(got, "已经是") || p.Fields("#make").Get("name") != "3栋" {
		t.Errorf("a code twice: %s", got)
	}
	p = p.Send("#make", url.Values{"code": {"990199"}}).Want(200)
	if got := p.Texts(".tbl tbody tr td:first-child"); !slices.Contains(got, "3栋") {
		t.Errorf("the places are %v", got)
	}
	b.Get("/at/{place}/tree/{group7}").Send("#edit", url.Values{"name": {"7组 大上湾"}}).Want(200)
	if got := one(t, city, "SELECT name FROM place WHERE id = ?", city.Places["group7"]); got != "7组 大上湾" {
		t.Errorf("the group is called %s", got)
	}
	p = b.Get("/at/{place}/teams").Want(200)
	p.Send("#edit", url.Values{"visits.leading": {"40"}}).Want(422)
	p = p.Send("#edit", url.Values{"visits.leading": {"3"}}).Want(200)
	if got := strings.Join(p.Texts(".teamt tbody tr:first-child"), " "); !strings.Contains(got, "这里定的") {
		t.Errorf("the team's number: %s", got)
	}
}
