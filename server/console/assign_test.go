package console_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"minqing/internal/testenv"
	"minqing/server/admin"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// contactsOf are the logins of those who contact a household on a day, sorted.
func contactsOf(t *testing.T, c *consoletest.City, home, day string) []string {
	t.Helper()
	var out []string
	if err := c.Engine.Store.Read(context.Background(), func(tx *store.Tx) error {
		return tx.Each(func(scan func(...any) error) error {
			var login, team string
			err := scan(&login, &team)
			out = append(out, login+" "+team)
			return err
		}, `SELECT u.login, a.team FROM assignment a JOIN "user" u ON u.id = a."user" WHERE a.household = ? AND a.since <= ? AND (a.until IS NULL OR a.until >= ?)`, string(c.Rows[home]), day, day)
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// What is assigned is shown before it is done, done as it was shown, and taken back the same way, on both databases.
func TestAssign(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			opt := consoletest.Options{State: consoletest.Full}
			if name == "postgres" {
				opt.DSN = testenv.MustPostgres(t)
			}
			city, base := consoletest.MustOpen(t, opt)
			b := city.NewBrowser(t, base, "admin")
			const today = "2026-11-23"
			before := contactsOf(t, city, "gu", today)

			// A hand-over: who gains, who loses, what waits on the phone that loses.
			p := b.Post("/at/{place}/assign", url.Values{"way": {"move"}, "from": {"chenxiulan"}, "to": {"hanlijun"}, "team": {"member"}, "how": {"all"}}).Want(200)
			text := strings.Join(p.Texts("#plan"), " ")
			for _, want := range []string{"把陈秀兰的 4 户换给韩立军", "还没交的", "3 条没交"} {
				if !strings.Contains(text, want) {
					t.Errorf("the preview does not say %q: %s", want, text)
				}
			}
			if got := contactsOf(t, city, "gu", today); !slices.Equal(got, before) {
				t.Fatalf("the preview did something: %v", got)
			}
			// Somebody else assigns meanwhile: what was agreed to is no more what would happen.
			if _, err := (&admin.Desk{E: city.Engine}).EndAssignment(context.Background(), admin.Assignment{User: "chenxiulan", Team: "member", Village: city.Places["village"], Households: []string{"0814-011"}}); err != nil {
				t.Fatal(err)
			}
			p = p.Send("#plan form", url.Values{"do": {"go"}}).Want(422)
			if got := strings.Join(p.Texts("#plan"), " "); !strings.Contains(got, "情况变了") || !strings.Contains(got, "3 户换给") {
				t.Errorf("the changed plan is not shown: %s", got)
			}
			p = p.Send("#plan form", url.Values{"do": {"go"}}).Want(200)
			if got := contactsOf(t, city, "ding", today); !slices.Equal(got, []string{"hanlijun member"}) {
				t.Errorf("ding is contacted by %v", got)
			}
			if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "新发联系卡2 张") {
				t.Errorf("the cards are not counted: %s", got)
			}
			if got := p.Texts("h1")[0]; got != "陈秀兰的 3 户换给韩立军" {
				t.Errorf("the order is called %q", got)
			}
			if n := len(b.Get(p.Path + "/cards").Want(200).All(".a6 svg.qr")); n != 3 {
				t.Errorf("%d cards to print", n)
			}
			// Taking it back has a preview, and brings everything back.
			p = p.Send("form[action$=undo]", nil).Want(200)
			if got := contactsOf(t, city, "ding", today); !slices.Equal(got, []string{"chenxiulan member"}) {
				t.Errorf("after the undo ding is contacted by %v", got)
			}
			if !strings.Contains(strings.Join(p.Texts(".head"), " "), "撤回了") {
				t.Errorf("the order is not marked: %v", p.Texts(".head"))
			}
			// Taking what is nobody else's says who is left alone; giving by the order of codes finds them.
			p = b.Post("/at/{place}/assign", url.Values{"way": {"take"}, "from": {"chenxiulan"}, "how": {"list"}, "codes": {"0714-041"}}).Want(200)
			if got := strings.Join(p.Texts("#plan"), " "); !strings.Contains(got, "1 户会没有人联系： 0714-041 丁有田") {
				t.Errorf("nobody is told of: %s", got)
			}
			p = b.Post("/at/{place}/assign", url.Values{"way": {"give"}, "to": {"hanlijun"}, "team": {"member"}, "how": {"near"}, "near": {"0814-020"}, "n": {"2"}}).Want(200)
			p.Send("#plan form", url.Values{"do": {"go"}}).Want(200)
			if got := contactsOf(t, city, "nobody", today); !slices.Equal(got, []string{"hanlijun member"}) {
				t.Errorf("the nearest went to %v", got)
			}
			// What cannot be done is said at its field, and what was typed stands.
			p = b.Post("/at/{place}/assign", url.Values{"way": {"move"}, "from": {"baihe"}, "to": {"hanlijun"}, "team": {"member"}, "how": {"list"}, "codes": {"0714-041\n9"}}).Want(422)
			if got := strings.Join(p.Texts(".field.bad"), " "); !strings.Contains(got, "这里没有登录名是“baihe”的人") {
				t.Errorf("the login of another place is told apart: %s", got)
			}
			if p.Fields(".order").Get("codes") != "0714-041\n9" {
				t.Errorf("the codes are gone: %q", p.Fields(".order").Get("codes"))
			}
		})
	}
}
