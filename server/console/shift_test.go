package console_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"minqing/server/console/consoletest"
	"minqing/server/store"
)

func TestMovingAPlace(t *testing.T) { both(t, movingAPlace) }

// movingAPlace lays a group beneath another village: who gains and loses is shown before, what changed meanwhile is shown anew, it cannot lie
// beneath itself, and it comes back.
func movingAPlace(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	group := city.Places["group7"]
	page := "/at/{city}/tree/" + group + "/move"
	for to, want := range map[string]string{"nowhere": "这里没有“nowhere”这个地方", group: "不能移到自己下面", city.Places["village"]: "它已经在", city.Places["city"]: "下面不能直接放这一级"} {
		if got := strings.Join(b.Do("POST", page, url.Values{"to": {to}}).Want(422).Texts(".field.bad"), ""); !strings.Contains(got, want) {
			t.Errorf("to %s: %q", to, got)
		}
	}
	b.Get("/at/{place}/tree/{place}/move").Want(200)
	if got := b.Do("POST", "/at/{place}/tree/{place}/move", url.Values{"to": {city.Places["other"]}}).Want(422).Texts(".field.bad"); !strings.Contains(strings.Join(got, ""), "上一级") {
		t.Errorf("the village itself: %q", got)
	}
	offered := countOf(t, city, "SELECT COUNT(*) FROM mq_above a JOIN place p ON p.id = a.place WHERE a.above = '"+city.Places["city"]+"' AND p.level IN ('village', 'natural') AND p.id <> '"+city.Places["village"]+"'")
	if got := b.Get(page).Want(200).All("#places option"); int64(len(got)) != offered || offered == 0 {
		t.Errorf("a group of one village may go to %d places, of %d", len(got), offered)
	}
	if got := b.Get("/at/{city}/tree/{place}/move").Want(200).All("#places option"); int64(len(got)) != countOf(t, city, "SELECT COUNT(*) FROM place WHERE level IN ('township', 'district')")-1 {
		t.Errorf("a village may go to %d places", len(got))
	}
	p := b.Post(page, url.Values{"to": {city.Places["other"]}}).Want(200)
	text := strings.Join(p.Texts("#plan"), " ")
	homes := countOf(t, city, "SELECT COUNT(*) FROM household WHERE place = '"+group+"'")
	if !strings.Contains(text, "移到枫林村下面") || homes < 2 {
		t.Errorf("the preview of %d households says: %s", homes, text)
	}
	sec, other := string(city.Users["secretary"]), string(city.Users["othersecretary"])
	held := func(user string) int64 {
		return countOf(t, city, "SELECT COUNT(*) FROM mq_grant g JOIN household h ON g.scope = 'household:' || h.id WHERE h.place = '"+group+"' AND g.user_id = '"+user+"' AND g.until_ms > 9000000000000")
	}
	if had, has := held(sec), held(other); had != homes || has != 0 {
		t.Errorf("before it, of %d households the secretaries hold %d and %d", homes, had, has)
	}
	// Somebody comes to live there meanwhile.
	if _, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": group, "code": "0714-999", "head": "晏新来"}); err != nil {
		t.Fatal(err)
	}
	homes++
	p = p.Send("#plan form", url.Values{"do": {"go"}}).Want(422)
	if got := strings.Join(p.Texts("#plan"), " "); !strings.Contains(got, "情况变了") {
		t.Errorf("what changed is not shown: %s", got)
	}
	p = p.Send("#plan form", url.Values{"do": {"go"}}).Want(200)
	if had, has := held(sec), held(other); had != 0 || has != homes {
		t.Errorf("after it, of %d households the secretaries hold %d and %d", homes, had, has)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_matter_at m JOIN household h ON h.id = m.household WHERE h.place = '"+group+"' AND m.above = '"+city.Places["village"]+"'"); n != 0 {
		t.Errorf("%d matters are listed where the group no longer lies", n)
	}
	city.NewBrowser(t, base, "otheradmin").Get("/at/{other}/homes/{wang}").Want(200)
	p = p.Send("form[action$=undo]", nil).Want(200)
	if had, has := held(sec), held(other); had != homes || has != 0 {
		t.Errorf("taken back, of %d households the secretaries hold %d and %d", homes, had, has)
	}
	if !strings.Contains(strings.Join(p.Texts(".head"), " "), "撤回了") {
		t.Errorf("it is not marked: %v", p.Texts(".head"))
	}
}

func TestDeleting(t *testing.T) { both(t, deleting) }

// deleting removes a place that is empty, an account without work, a person and a household, each for a reason, and brings them back.
func deleting(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "admin")
	bars := func(path, want string) {
		t.Helper()
		if got := strings.Join(b.Get(path).Want(200).Texts("main"), " "); !strings.Contains(got, "现在不能删") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
		b.Do("POST", path, url.Values{"why": {"不要了"}, "shown": {"x"}}).Want(422)
	}
	bars("/at/{place}/tree/{group7}/delete", "户，先改到别的组")
	bars("/at/{place}/tree/{place}/delete", "上一级")
	bars("/at/{place}/users/{user.cadre}/delete", "只能停用")
	// A household: what hangs on it goes and comes with it.
	wang := string(city.Rows["wang"])
	alive := func() []int64 {
		return []int64{countOf(t, city, "SELECT COUNT(*) FROM household WHERE id = '"+wang+"'"), countOf(t, city, "SELECT COUNT(*) FROM resident WHERE household = '"+wang+"'"),
			countOf(t, city, "SELECT COUNT(*) FROM visit WHERE household = '"+wang+"'"), countOf(t, city, "SELECT COUNT(*) FROM assignment WHERE household = '"+wang+"'")}
	}
	before, items := alive(), countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0")
	page := "/at/{place}/homes/{wang}/delete"
	p := b.Get(page).Want(200)
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "一起删掉的") || !strings.Contains(got, "谁的手机上有") || !strings.Contains(got, "陈秀兰") {
		t.Errorf("the preview says: %s", got)
	}
	p = p.Send("#remove", url.Values{"why": {" "}}).Want(422)
	if !strings.Contains(strings.Join(p.Texts(".field.bad"), ""), "请写明为什么删") {
		t.Errorf("no reason: %q", p.Texts(".field.bad"))
	}
	// Somebody writes to it meanwhile: what was shown is shown anew, and the reason stands.
	if _, err := city.Create(t.Context(), "admin", "resident", consoletest.Vals{"household": wang, "name": "王添丁", "relation": "孙子"}); err != nil {
		t.Fatal(err)
	}
	before[1]++
	p = p.Send("#remove", url.Values{"why": {"重复登记"}}).Want(422)
	if got := strings.Join(p.Texts("main"), " "); !strings.Contains(got, "情况变了") || p.Fields("#remove").Get("why") != "重复登记" {
		t.Errorf("what changed is not shown: %s", got)
	}
	p = p.Send("#remove", nil).Want(200)
	if got := alive(); !slices.Equal(got, []int64{0, 0, 0, 0}) {
		t.Errorf("%v rows are left", got)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0 AND kind = 'delete' AND other <> ''"); n != 0 {
		t.Errorf("%d rows live beneath dead ones", n)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_disclosure WHERE value LIKE '%重复登记%'"); n != 1 {
		t.Errorf("the reason is on record %d times", n)
	}
	b.Get("/at/{place}/homes/{wang}").Want(404)
	p.Send(".said form", nil).Want(200)
	if got := alive(); !slices.Equal(got, before) {
		t.Errorf("brought back, %v rows are there, were %v", got, before)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0"); n != items {
		t.Errorf("%d items are open, were %d", n, items)
	}
	// A person alone.
	p = b.Get("/at/{place}/persons/{wang.0}/delete").Want(200)
	p = p.Send("#remove", url.Values{"why": {"登错了户"}}).Want(200)
	if got := alive(); got[0] != 1 || got[1] != before[1]-1 {
		t.Errorf("with one person deleted %v rows are there", got)
	}
	p.Send(".said form", nil).Want(200)
	// A place that is empty, an account that nobody used, a number of visits that a place has set.
	b.Post("/at/{place}/tree", url.Values{"level": {"group"}, "name": {"19组"}}).Want(200)
	var place, account string
	for query, into := range map[string]*string{"SELECT id FROM place WHERE name = '19组'": &place, `SELECT id FROM "user" WHERE login = 'xiaoxin'`: &account} {
		if strings.Contains(query, "user") {
			b.Post("/at/{place}/users/new", url.Values{"login": {"xiaoxin"}, "name": {"肖新"}, "role": {"cadre"}, "over": {city.Places["village"]}})
		}
		*into = textOf(t, city, query)
	}
	b.Get("/at/{place}/tree/"+place+"/delete").Want(200).Send("#remove", url.Values{"why": {"建错了"}}).Want(200)
	b.Get("/at/{place}/users/"+account+"/delete").Want(200).Send("#remove", url.Values{"why": {"建错了"}}).Want(200)
	if n := countOf(t, city, `SELECT COUNT(*) FROM "user" WHERE id = '`+account+"'") + countOf(t, city, "SELECT COUNT(*) FROM place WHERE id = '"+place+"'") + countOf(t, city, `SELECT COUNT(*) FROM role WHERE "user" = '`+account+"'"); n != 0 {
		t.Errorf("%d of the place and the account are there", n)
	}
	b.Post("/at/{place}/teams", url.Values{"visits.cadre": {"3"}, "was.cadre": {"2"}}).Want(200)
	p = b.Post("/at/{place}/teams", url.Values{"drop": {"cadre"}}).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM team_quota WHERE place = '"+city.Places["village"]+"' AND team = 'cadre'"); n != 0 {
		t.Error("the number of visits is set still")
	}
	p.Send(".said form", nil).Want(200)
	if n := countOf(t, city, "SELECT COUNT(*) FROM team_quota WHERE place = '"+city.Places["village"]+"' AND team = 'cadre'"); n != 1 {
		t.Error("the number of visits did not come back")
	}
}

// textOf asks the database for a text.
func textOf(t *testing.T, c *consoletest.City, query string) (s string) {
	t.Helper()
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		_, err := tx.One(query, nil, &s)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s
}
