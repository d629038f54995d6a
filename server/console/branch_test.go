package console_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/schema"
	"minqing/server/console/branch"
	"minqing/server/console/consoletest"
	verdict "minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// TestBranchPages follows every figure of the secretary's pages to the rows that it counts, and holds what they are listed by against the
// rows themselves, also after places and households moved.
func TestBranchPages(t *testing.T) { both(t, branchPages) }

func branchPages(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "secretary")
	listedRight(t, city)
	n := opensWhatItCounts(t, b, "/at/{place}/numbers") + opensWhatItCounts(t, b, "/at/{place}/cadres") + opensWhatItCounts(t, city.NewBrowser(t, base, "township"), "/at/{town}/numbers")
	if n < 30 {
		t.Errorf("only %d figures lead to rows", n)
	}
	// What a cadre wrote down is of the month of the page, as the visits beside it are.
	for month, want := range map[string]string{"2026-09": "0 1 0", "2026-10": "0 1 1", "2026-12": "0 0 0"} {
		n += opensWhatItCounts(t, b, "/at/{place}/cadres?month="+month)
		var got []string
		for row := range slices.Chunk(b.Get("/at/{place}/cadres?month="+month).Want(200).Texts(".cadt td.num"), 6) {
			got = append(got, row[2])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("in %s they wrote down %q, not %s", month, got, want)
		}
	}
	if got := strings.Join(b.Get("/at/{place}/numbers").Want(200).Texts(".sums dd"), " "); got != "7 1 1" {
		t.Errorf("the village collected, solved and settled %s", got)
	}
	matterLife(t, b)
	mattersTurned(t, city, b)
	csv := b.Do("POST", "/at/{place}/numbers/export", url.Values{"as": {"csv"}}).Want(200)
	if lines := strings.Split(strings.TrimSpace(csv.Raw), "\r\n"); !strings.HasSuffix(lines[1], ",7,1,1,周德旺 zhoudewang 2026-11-23 10:50") {
		t.Errorf("the report's first line is %q", lines[1])
	}
	if p := b.Do("POST", "/at/{place}/numbers/export", url.Values{"as": {"xlsx"}}).Want(200); !strings.HasPrefix(p.Raw, "PK") {
		t.Error("no workbook")
	}

	// A group and a household move, a matter and a visit go: the lists follow.
	for _, move := range []struct {
		table, id, cell, to string
	}{{"place", city.Places["group8"], "parent", city.Places["other"]}, {"household", string(city.Rows["wang"]), "place", city.Places["othergroup"]}} {
		at, err := city.Base(t.Context(), syncproto.RowID(move.id))
		if err == nil {
			err = city.Update(t.Context(), "admin", move.table, syncproto.RowID(move.id), at, consoletest.Vals{move.cell: move.to})
		}
		if err != nil {
			t.Fatal(err)
		}
		listedRight(t, city)
	}
	// A village comes together with its groups, of which one sorts before it.
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		var ids []string
		for range 3 {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		slices.Sort(ids)
		place := func(id, parent, level, name string) syncproto.Edit {
			return syncproto.Edit{Table: "place", Row: syncproto.RowID(id), Op: syncproto.OpCreate, Cells: []syncproto.CellEdit{{Cell: "parent", Value: schema.Text(parent)},
				{Cell: "level", Value: schema.Text(level)}, {Cell: "name", Value: schema.Text(name)}}}
		}
		township := ""
		if _, err := tx.One("SELECT parent FROM place WHERE id = ?", []any{city.Places["village"]}, &township); err != nil {
			return err
		}
		v := place(ids[1], township, "village", "新桥村")
		out, err := city.Engine.Judge.SubmitIn(tx, city.Users["admin"], verdict.Draft{Edits: []syncproto.Edit{v, place(ids[0], ids[1], "group", "1组"), place(ids[2], ids[1], "group", "2组")}})
		if err == nil && out.Verdicts[0].Status != syncproto.Applied {
			t.Errorf("a village with its groups: %s %s", out.Verdicts[0].Status, out.Verdicts[0].Message)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	listedRight(t, city)
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		_, err := city.Engine.Judge.SubmitIn(tx, city.Users["admin"], verdict.Draft{Edits: []syncproto.Edit{{Table: "matter", Row: city.Rows["matter.dirt"], Op: syncproto.OpDelete}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	listedRight(t, city)
	if err := city.Engine.Sweep(t.Context()); err != nil { // what many have counted apart comes together
		t.Fatal(err)
	}
	listedRight(t, city)
	if got := b.Get("/at/{place}/matters?state=all&urgency=1").Want(200).Texts("tbody tr"); len(got) != 3 {
		t.Errorf("after the moves the village has %d matters: %q", len(got), got)
	}
	inNoneBelow(t, city, b)
}

// inNoneBelow has a household of the village itself raise something: what lies in none of the places below has no list of its own, so neither the
// figure nor its bar leads anywhere.
func inNoneBelow(t *testing.T, city *consoletest.City, b *consoletest.Browser) {
	t.Helper()
	home, err := city.Create(t.Context(), "admin", "household", consoletest.Vals{"place": city.Places["village"], "code": "0714-900", "address": "村委会后"})
	if err != nil {
		t.Fatal(err)
	}
	author := string(city.Users["secretary"])
	matter, err := city.Create(t.Context(), "secretary", "matter", consoletest.Vals{"household": string(home), "author": author, "kind": "opinion", "title": "路口缺一面镜子"})
	if err == nil {
		_, err = city.Create(t.Context(), "secretary", "matter_step", consoletest.Vals{"matter": string(matter), "author": author, "kind": "record", "day": "2026-11-20", "text": "记下了。"})
	}
	if err != nil {
		t.Fatal(err)
	}
	p := b.Get("/at/{place}/numbers").Want(200)
	for _, a := range p.All("main a") {
		if reader.Attr(a, "href") == "" {
			t.Errorf("%q leads nowhere", reader.Text(a))
		}
	}
	if got := p.All(`.chart g[aria-label="石桥村 收集意见 1"]`); len(got) != 1 {
		t.Errorf("the households of the village itself have %d bars", len(got))
	}
	opensWhatItCounts(t, b, "/at/{place}/numbers")
}

// opensWhatItCounts follows each figure of a page, and counts the rows there.
func opensWhatItCounts(t *testing.T, b *consoletest.Browser, path string) (n int) {
	t.Helper()
	p := b.Get(path).Want(200)
	for _, a := range p.All("td.num a, .lags a, .sums dd a, .chart a") {
		text, to := reader.Text(a), reader.Attr(a, "href")
		if strings.HasSuffix(text, "天") { // the longest wait: a time
			continue
		}
		want, err := strconv.Atoi(strings.Fields(text)[0])
		if err != nil {
			t.Fatalf("%s: a figure that is none: %q", path, text)
		}
		if rows := b.Get(to).Want(200).Texts("main table tbody tr"); len(rows) != want {
			t.Errorf("%s: %q leads to %d rows at %s", path, text, len(rows), to)
		}
		n++
	}
	return n
}

// matterLife reads one matter with its whole life.
func matterLife(t *testing.T, b *consoletest.Browser) {
	t.Helper()
	p := b.Get("/at/{place}/matters/{matter}").Want(200)
	var days []string
	for _, text := range p.Texts(".life tbody tr") {
		days = append(days, strings.Fields(text)[0])
	}
	if want := []string{"11月18日", "11月18日", "10月9日", "10月9日", "9月25日", "9月25日", "9月25日", "9月25日", "9月20日", "9月20日", "9月20日", "9月5日", "9月3日"}; !slices.Equal(days, want) {
		t.Errorf("the matter's days are %q", days)
	}
	text := strings.Join(p.Texts("main"), " ")
	for _, want := range []string{"上报：议事中 → 已上报", "完工，水渠改道 86 米", "陈秀兰送答复", "逾期 34 天", "改了“期限”", "盖板断了两块"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got := strings.Join(p.Texts(".lv"), ""); got != "镇镇镇镇镇镇镇镇村村村户户" {
		t.Errorf("the levels are %s", got)
	}
	if len(p.All("svg.lanes title, svg.lanes desc")) != 2 || len(p.All(".four .done")) != 3 || len(p.All(".four .now")) != 1 {
		t.Error("the picture has no name, or the four steps are wrong")
	}
}

// mattersTurned goes through a long list from both ends.
func mattersTurned(t *testing.T, city *consoletest.City, b *consoletest.Browser) {
	t.Helper()
	for i := range 110 {
		city.SetNow(city.Now().Add(time.Millisecond)) // the order is by when they were made
		if _, err := city.Create(t.Context(), "cadre2", "matter", consoletest.Vals{"household": string(city.Rows["ou"]), "author": string(city.Users["cadre2"]), "kind": "hot", "title": fmt.Sprint("热点", i)}); err != nil {
			t.Fatal(err)
		}
	}
	follow := func(path, rel string) (seen []string) {
		for range 5 {
			p := b.Get(path).Want(200)
			seen = append(seen, p.Texts("tbody td:nth-child(2) a")...)
			next := ""
			for _, a := range p.All(".turns a") {
				if reader.Text(a) == rel {
					next = reader.Attr(a, "href")
				}
			}
			if next == "" {
				return seen
			}
			path = next
		}
		t.Fatal("the list does not end")
		return nil
	}
	forth := follow("/at/{place}/matters?kind=hot", "下一页")
	if len(forth) != 110 || forth[0] != "热点0" || forth[109] != "热点109" {
		t.Errorf("forwards: %d, from %q", len(forth), forth[:1])
	}
	back := follow("/at/{place}/matters?kind=hot&end=1", "上一页")
	if slices.Sort(back); len(slices.Compact(back)) != 110 {
		t.Errorf("backwards: %d", len(slices.Compact(back)))
	}
	if got := follow("/at/{place}/matters?kind=hot&order=new", "下一页"); len(got) != 110 || got[0] != "热点109" {
		t.Errorf("newest first: %d, from %q", len(got), got[:1])
	}
}

// listedRight reckons by itself what the lists of each place must hold.
func listedRight(t *testing.T, city *consoletest.City) {
	t.Helper()
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		text := func(query string, args ...any) map[string]string {
			out := map[string]string{}
			if err := tx.Each(func(scan func(...any) error) error {
				var k, v string
				err := scan(&k, &v)
				out[k] = v
				return err
			}, query, args...); err != nil {
				t.Fatal(err)
			}
			return out
		}
		parent, home := text("SELECT id, COALESCE(parent, '') FROM place"), text("SELECT id, place FROM household")
		want := map[string]bool{}
		for id := range parent {
			for at := id; at != ""; at = parent[at] {
				want["above "+id+" "+at] = true
			}
		}
		add := func(kind, id, household, more string) {
			for at := home[household]; at != ""; at = parent[at] {
				want[kind+" "+at+" "+id+" "+more] = true
			}
		}
		state := text("SELECT id, COALESCE(state, 'recorded') FROM matter")
		for id, h := range text("SELECT id, household FROM matter") {
			steps := text("SELECT id, day FROM matter_step WHERE matter = ?", id)
			first, n := "", 0
			for _, day := range steps {
				if n++; first == "" || day < first {
					first = day
				}
			}
			add("matter", id, h, fmt.Sprint(state[id], " ", first, " ", n))
		}
		of := text("SELECT j.id, v.household FROM journal j JOIN visit v ON v.id = j.visit")
		for id, s := range text("SELECT id, COALESCE(state, '') FROM journal") {
			if s == "submitted" || s == "returned" {
				add("journal", id, of[id], s)
			}
		}
		got := map[string]bool{}
		for line := range text("SELECT 'above ' || place || ' ' || above, '' FROM mq_above") {
			got[line] = true
		}
		for line := range text(`SELECT 'matter ' || above || ' ' || id || ' ' || state || ' ' || day || ' ' || CAST(steps AS TEXT), '' FROM mq_matter_at UNION ALL SELECT 'journal ' || above || ' ' || journal || ' ' || state, '' FROM mq_unread`) {
			got[line] = true
		}
		const sum = "above || ' ' || month || ' ' || measure || ' ' || team || ' ' || CAST("
		for line := range text(`SELECT ` + sum + `COUNT(*) AS TEXT), '' FROM (SELECT above, substr(day, 1, 7) AS month, 'collected' AS measure, team FROM mq_matter_at UNION ALL
			SELECT above, substr(solved, 1, 7), kind, team FROM mq_matter_at WHERE solved <> '' AND kind IN ('difficulty', 'dispute')) x GROUP BY above, month, measure, team`) {
			want[line] = true
		}
		for line := range text("SELECT " + sum + "SUM(n) AS TEXT), '' FROM mq_matter_sum GROUP BY above, month, measure, team HAVING SUM(n) <> 0") {
			got[line] = true
		}
		for line := range want {
			if !got[line] {
				t.Errorf("not listed: %s", line)
			}
		}
		for line := range got {
			if !want[line] {
				t.Errorf("listed: %s", line)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// The keystroke-level model of the review (reading is left out: 250 characters a minute, whoever reads): a key takes 0.3 s; a word of
// a reason is typed at three keys a character, as pinyin is.
const (
	keySeconds   = 0.3
	keysPerHan   = 3
	reviewBudget = 600.0
)

// TestReviewKeystrokes reviews the queue by what the page offers its keys, the last journal with a word, and counts the keys for sixty.
func TestReviewKeystrokes(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full})
	p := city.NewBrowser(t, base, "secretary").Get("/at/{place}/review").Want(200)
	keys, plain, worded := 0, 0, 0
	before := ""
	const queued = 6
	for i := range queued {
		record := p.Path + p.Texts(".words")[0]
		if record == before {
			t.Fatalf("after %d verdicts the page has not gone on", i)
		}
		before = record
		key, do, words := "a", "accept", ""
		if i == queued-1 {
			key, do, words = "r", "return", "请写明金额。"
		}
		button := p.All(`.verdict button[data-key="` + key + `"]`)
		if len(button) != 1 || reader.Attr(button[0], "value") != do {
			t.Fatalf("no button for %s", key)
		}
		n := 1 // the key itself; the next record is there at once
		if words != "" {
			if reader.Attr(button[0], "data-needs") != "comment" {
				t.Fatal("the key does not lead to the words")
			}
			n += keysPerHan*len([]rune(words)) + 2 // Control and Enter send them
			worded = n
		} else {
			plain = n
		}
		keys += n
		p = p.Send(".verdict", url.Values{"do": {do}, "comment": {words}}).Want(200)
	}
	keys *= 60 / queued
	seconds := float64(keys) * keySeconds
	t.Logf("keys for one journal: %d accepted, %d with a word of six characters; 60 journals: %d keys, %.0f s of %v s, reading left out", plain, worded, keys, seconds, time.Duration(reviewBudget)*time.Second)
	if seconds > reviewBudget {
		t.Errorf("60 journals take %.0f s", seconds)
	}
	if got := strings.Join(p.Texts(".head .acts span"), ""); !strings.Contains(got, "6 篇") {
		t.Errorf("reviewed today: %q", got)
	}
}

// TestCadresOfPlaces: of whoever calls on households of several places, a place counts what was written of its own.
func TestCadresOfPlaces(t *testing.T) { both(t, cadresOfPlaces) }

func cadresOfPlaces(t *testing.T, dsn string) {
	city, _ := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		// One of the households that are called on lies in the next group.
		if err := tx.Exec(`UPDATE household SET place = (SELECT MAX(p.id) FROM place p WHERE p.level = 'group' AND p.id <> household.place)
			WHERE id = (SELECT MIN(v.household) FROM visit v WHERE v.author = (SELECT w.author FROM visit w GROUP BY w.author HAVING COUNT(DISTINCT w.household) > 1 ORDER BY COUNT(DISTINCT w.household) DESC, w.author LIMIT 1))`); err != nil {
			return err
		}
		var places []string
		if err := tx.Each(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			places = append(places, id)
			return err
		}, "SELECT id FROM place"); err != nil {
			return err
		}
		parts := 0
		for _, place := range places {
			list, err := branch.Cadres(tx, place, "", "2026-11", 1000, time.UnixMilli(city.Engine.Now()).In(city.Engine.Zone))
			if err != nil {
				return err
			}
			for _, c := range list.Cadres {
				var visits, all, returned int64
				if _, err := tx.One(`SELECT COUNT(*), COUNT(CASE WHEN h.place IN (SELECT a.place FROM mq_above a WHERE a.above = ?) THEN 1 END) FROM visit v JOIN household h ON h.id = v.household
					WHERE v.author = ? AND v.day LIKE '2026-11-%'`, []any{place, c.ID}, &all, &visits); err != nil {
					return err
				}
				if _, err := tx.One(`SELECT COUNT(*) FROM journal j JOIN visit v ON v.id = j.visit JOIN household h ON h.id = v.household
					WHERE j.author = ? AND j.state = 'returned' AND h.place IN (SELECT a.place FROM mq_above a WHERE a.above = ?)`, []any{c.ID, place}, &returned); err != nil {
					return err
				}
				if visits > 0 && visits < all {
					parts++
				}
				if int64(c.Visits) != visits || int64(c.Returned) != returned {
					t.Errorf("%s at %s: %d visits and %d returned, want %d and %d", c.Name, place, c.Visits, c.Returned, visits, returned)
				}
			}
		}
		if parts == 0 {
			t.Error("nobody called on households of two places")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestCoverageCountsDays: who calls twice on one day has called on one day of those that are owed.
func TestCoverageCountsDays(t *testing.T) { both(t, coverageCountsDays) }

func coverageCountsDays(t *testing.T, dsn string) {
	city, _ := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	day := time.UnixMilli(city.Engine.Now()).In(city.Engine.Zone).Format(time.DateOnly)
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		// Somebody called once this month where he owes two calls, and at two others, whose visits are moved here.
		var home, author, called string
		found, err := tx.One(`SELECT v.household, v.author, MIN(v.day) FROM visit v WHERE v.day LIKE '2026-11-%' AND v.day <= ?
			AND EXISTS (SELECT 1 FROM assignment a WHERE a.household = v.household AND a."user" = v.author AND a.until IS NULL)
			GROUP BY v.household, v.author HAVING COUNT(*) = 1 ORDER BY v.household, v.author LIMIT 1`, []any{day}, &home, &author, &called)
		if err != nil {
			return err
		}
		if !found {
			return errors.New("nobody called once")
		}
		if err := tx.Exec(`UPDATE team_quota SET visits = 2 WHERE team = 'member'`); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE assignment SET team = 'member' WHERE household = ?`, home); err != nil {
			return err
		}
		var others []string
		if err := tx.Each(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			others = append(others, id)
			return err
		}, `SELECT id FROM visit WHERE household <> ? ORDER BY id LIMIT 2`, home); err != nil {
			return err
		}
		other := day[:8] + "01"
		if other == called {
			other = day[:8] + "02"
		}
		done := func() (int, error) {
			c, err := branch.CoverageOf(tx, city.Places["village"], author, day)
			if err != nil {
				return 0, err
			}
			for _, g := range c.Groups {
				for _, h := range g.Homes {
					if string(h.ID) == home {
						return h.Done, nil
					}
				}
			}
			return 0, fmt.Errorf("household %s is not among those of %s", home, author)
		}
		before, err := done()
		if err != nil {
			return err
		}
		for i, c := range []struct {
			day, what string
			more      int
		}{{called, "a second call that day", 0}, {other, "a call on another day", 1}} {
			if err := tx.Exec(`UPDATE visit SET household = ?, author = ?, day = ? WHERE id = ?`, home, author, c.day, others[i]); err != nil {
				return err
			}
			if n, err := done(); err != nil || n != before+c.more {
				t.Errorf("%s: %d done, want %d (%v)", c.what, n, before+c.more, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
