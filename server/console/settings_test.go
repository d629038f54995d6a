package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/server/console/consoletest"
)

func TestHomesOfATeam(t *testing.T) { both(t, homesOfATeam) }

// homesOfATeam sets how many households each of a team is to have: it says who set it, goes on record, and previews of assignments go by it.
func homesOfATeam(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	order := url.Values{"way": {"move"}, "from": {"chenxiulan"}, "to": {"hanlijun"}, "team": {"member"}, "how": {"all"}}
	if got := strings.Join(b.Post("/at/{place}/assign", order).Want(200).Texts("#plan"), " "); strings.Contains(got, "多过") {
		t.Fatalf("four of ten are too many: %s", got)
	}
	over := func() int { return len(b.Post("/at/{place}/assign", order).Want(200).All("#plan .c-act")) }
	if n := over(); n != 0 {
		t.Errorf("%d have too many households of ten", n)
	}
	b.Do("POST", "/at/{city}/settings", url.Values{"term": {"homes.member"}, "value": {"0"}}).Want(422)
	b.Do("POST", "/at/{place}/settings", url.Values{"term": {"homes.member"}, "value": {"2"}}).Want(404)
	p := b.Post("/at/{city}/settings", url.Values{"term": {"homes.member"}, "value": {"2"}}).Want(200)
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "每人几户，无职党员分片帮户") || !strings.Contains(got, "10 户") || !strings.Contains(got, "何婉清 定的") {
		t.Errorf("the settings say: %s", got)
	}
	if n := over(); n != 1 {
		t.Errorf("%d have too many households of two", n)
	}
	if got := strings.Join(b.Get("/at/{city}/audit?kind=settings").Want(200).Texts("main"), " "); !strings.Contains(got, "10 户改成 2 户") {
		t.Errorf("the audit says: %s", got)
	}
}
