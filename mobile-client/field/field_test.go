package field_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"minqing/mobile-client/field"
	"minqing/mobile-client/pages/pagetest"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

const today = "2026-11-23"

func mustPhone(tb testing.TB, state pagetest.State) *pagetest.Phone {
	tb.Helper()
	p, err := pagetest.Open(context.Background(), tb.TempDir(), state)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

func view(tb testing.TB, p *pagetest.Phone, f func(v *replica.View) error) {
	tb.Helper()
	if err := p.Replica.View(context.Background(), f); err != nil {
		tb.Fatal(err)
	}
}

func find(tb testing.TB, p *pagetest.Phone, q string) (heads []string) {
	tb.Helper()
	view(tb, p, func(v *replica.View) error {
		list, err := field.Homes(v, p.Me, today, q, 0, 100)
		if err == nil && list.Found != len(list.Lines) {
			tb.Errorf("%q found %d and listed %d", q, list.Found, len(list.Lines))
		}
		for _, l := range list.Lines {
			heads = append(heads, l.Head)
		}
		return err
	})
	return heads
}

// Pages of a list, however they fall across groups, are the list; households of a group stand together.
func TestPagesOfAListAreTheList(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	for _, q := range []string{"", "王"} {
		part := func(from, most int) (out []string, found int) {
			view(t, p, func(v *replica.View) error {
				list, err := field.Homes(v, p.Me, today, q, from, most)
				if err != nil {
					return err
				}
				for _, l := range list.Lines {
					out = append(out, l.Group+" "+string(l.ID))
				}
				found = list.Found
				return nil
			})
			return out, found
		}
		whole, found := part(0, 1000)
		if len(whole) != found || found < 2 {
			t.Fatalf("%q: %d listed of %d", q, len(whole), found)
		}
		seen, last := map[string]bool{}, "-"
		for _, line := range whole {
			group, _, _ := strings.Cut(line, " ")
			if group != last && seen[group] {
				t.Errorf("%q: %s stands apart from its group in %q", q, line, whole)
			}
			seen[group], last = true, group
		}
		for most := 1; most < 4; most++ {
			var pages []string
			for from := 0; from < found+most; from += most {
				page, _ := part(from, most)
				pages = append(pages, page...)
			}
			if !slices.Equal(pages, whole) {
				t.Errorf("%q by %d: %q\nwant %q", q, most, pages, whole)
			}
		}
	}
}

// One chooses the other households of a round from those nearby first, and what was chosen stays to be seen.
func TestNeighboursAreNear(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	view(t, p, func(v *replica.View) error {
		all, err := field.Neighbours(v, p.Rows["li"], nil, 1000)
		if err != nil || len(all) != 19 {
			t.Fatalf("%d households beside one of 20, %v", len(all), err)
		}
		group, others := all[0].Group, 0
		for _, h := range all {
			if h.ID == p.Rows["li"] {
				t.Error("a household is its own neighbour")
			}
			if h.Group != group {
				others++
			} else if others > 0 {
				t.Errorf("%s of %s stands behind others", h.Head, h.Group)
			}
		}
		if group != "第8组 下湾" || others == 0 {
			t.Errorf("the first stand in %s, %d elsewhere", group, others)
		}
		last := all[len(all)-1]
		few, err := field.Neighbours(v, p.Rows["li"], []string{string(last.ID)}, 3)
		if err != nil || len(few) != 4 || !slices.Equal(few[:3], all[:3]) || few[3] != last {
			t.Errorf("three and one that was chosen: %v, %v", few, err)
		}
		return nil
	})
}

func TestSearchByEverythingPeopleKnow(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	for q, want := range map[string]string{
		"王桂芬": "王桂芬", "桂": "王桂芬", "桂芬": "王桂芬", "wgf": "王桂芬", "WGF": "王桂芬", "ｗｇｆ": "王桂芬", "gf": "王桂芬", "李大山": "王桂芬", "lds": "王桂芬", "东起第3户": "王桂芬",
		"老供销社 王": "王桂芬", "5621": "王桂芬", "128 0000 5621": "王桂芬", "128-0000-5621": "王桂芬", "13600000917": "王桂芬", "SQ07-003": "王桂芬",
		"sq07-003": "王桂芬", "欧阳": "欧阳诗雅", "oysy": "欧阳诗雅", "古丽": "古丽巴哈尔·阿布都克里木", "glbhe": "古丽巴哈尔·阿布都克里木", "磨坊": "古丽巴哈尔·阿布都克里木",
	} {
		if got := find(t, p, q); !slices.Contains(got, want) || len(got) > 4 {
			t.Errorf("%q finds %q, want %s", q, got, want)
		}
	}
	for _, tag := range []string{"空巢老人", "空巢", "Empty-nest"} {
		if got := find(t, p, tag); !slices.Contains(got, "王桂芬") {
			t.Errorf("%q finds %q", tag, got)
		}
	}
	for _, q := range []string{"没有这个人", "%", "_", "'", "\"", "王 没有", "99999"} {
		if got := find(t, p, q); len(got) != 0 {
			t.Errorf("%q finds %q", q, got)
		}
	}
	if got := find(t, p, "  "); len(got) != 20 {
		t.Errorf("nothing to look for finds %d", len(got))
	}
}

func TestSearchKnowsSurnamesOfTwoReadings(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	ctx := context.Background()
	for name, typed := range map[string][]string{"曾国强": {"zgq", "cgq"}, "单小丽": {"sxl", "dxl"}, "区伟": {"ow", "qw"}, "犇 犇": {"bb"}} {
		f, err := p.Replica.Form(ctx, "household", p.Rows["home"])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Replica.Write(ctx, func(tx *replica.Tx) error {
			return tx.Update(f, map[string]schema.Value{"head": schema.Text(name)})
		}); err != nil {
			t.Fatal(err)
		}
		for _, q := range typed {
			if got := find(t, p, q); !slices.Contains(got, name) {
				t.Errorf("%q finds %q, want %s", q, got, name)
			}
		}
	}
}

func TestHomesAreListedAsPeopleLive(t *testing.T) {
	p := mustPhone(t, pagetest.Many)
	view(t, p, func(v *replica.View) error {
		all, err := field.Homes(v, p.Me, today, "", 0, 2000)
		if err != nil {
			return err
		}
		if all.All != 1000 || len(all.Lines) != 1000 {
			t.Fatalf("%d of %d", len(all.Lines), all.All)
		}
		var groups []string
		for i, l := range all.Lines {
			if i == 0 || l.Group != all.Lines[i-1].Group {
				groups = append(groups, l.Group)
			}
		}
		if len(groups) != 15 || groups[1] != "第2组" || groups[9] != "第10组" {
			t.Errorf("the groups come as %q", groups)
		}
		part, err := field.Homes(v, p.Me, today, "", 60, 60)
		if err == nil && (len(part.Lines) != 60 || part.Lines[0].ID != all.Lines[60].ID) {
			t.Error("the second page is not what follows the first")
		}
		beyond, err2 := field.Homes(v, p.Me, today, "", 5000, 60)
		if err2 == nil && len(beyond.Lines) != 0 {
			t.Error("there is something beyond the end")
		}
		return cmpErr(err, err2)
	})
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestQuotasAndDaysOfTheMonth(t *testing.T) {
	p := mustPhone(t, pagetest.Done)
	for day, want := range map[string]struct{ left, done int }{"2026-11-30": {0, 20}, "2026-12-01": {30, 0}, "2026-11-23": {7, 20}} {
		view(t, p, func(v *replica.View) error {
			got, err := field.Today(v, p.Me, day, 40)
			if err == nil && (got.Left != want.left || got.Done != want.done || got.Total != 20) {
				t.Errorf("%s: %d days left, %d of %d done", day, got.Left, got.Done, got.Total)
			}
			return err
		})
	}
}

func TestQuotasAreSettingsOfPlaces(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	due := func() (done int, twice bool) {
		view(t, p, func(v *replica.View) error {
			d, err := field.Today(v, p.Me, today, 40)
			if err == nil {
				done, twice = d.Done, d.Twice
			}
			return err
		})
		return done, twice
	}
	set := func(place string, visits int64) {
		if _, err := p.Replica.Write(context.Background(), func(tx *replica.Tx) error {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			return tx.Create("team_quota", id, map[string]schema.Value{"place": schema.Text(string(p.Rows[place])), "team": schema.Text("member"), "visits": schema.Int(visits)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	if done, twice := due(); done != 18 || twice {
		t.Errorf("as the city sets it: %d done, twice %v", done, twice)
	}
	set("town", 3) // the township asks for more
	if done, twice := due(); done >= 18 || !twice {
		t.Errorf("three a month: %d done, twice %v", done, twice)
	}
	set("village", 1) // the village is nearer
	if done, twice := due(); done != 18 || twice {
		t.Errorf("one a month in the village: %d done, twice %v", done, twice)
	}
	set("group0", 0)
	if done, _ := due(); done != 18 {
		t.Errorf("none in one group: %d done", done)
	}
}

func TestAPromiseIsKeptByALaterVisit(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	why := func(day string) field.Reason {
		var out field.Reason
		view(t, p, func(v *replica.View) error {
			d, err := field.Today(v, p.Me, day, 40)
			if err != nil {
				return err
			}
			for _, g := range d.Groups {
				for _, due := range g.Due {
					if due.ID == p.Rows["home"] {
						out = due.Why
					}
				}
			}
			return nil
		})
		return out
	}
	if why(today) != field.Promised || why("2026-11-25") != field.Promised || why("2026-11-22") == field.Promised {
		t.Errorf("promised for the 23rd: %v, two days after %v, the day before %v", why(today), why("2026-11-25"), why("2026-11-22"))
	}
	if _, err := p.Replica.Write(context.Background(), func(tx *replica.Tx) error {
		id, err := tx.NewID()
		if err != nil {
			return err
		}
		return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(p.Rows["home"])), "author": schema.Text(string(p.Me)), "day": schema.Text(today)})
	}); err != nil {
		t.Fatal(err)
	}
	if why(today) == field.Promised {
		t.Error("the visit did not keep the promise")
	}
}

func TestAHouseholdIsForgottenWhole(t *testing.T) {
	p := mustPhone(t, pagetest.Full)
	if err := p.Forget(context.Background(), p.Rows["home"]); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"王桂芬", "wgf", "5621"} {
		if got := find(t, p, q); len(got) != 0 {
			t.Errorf("%q still finds %q", q, got)
		}
	}
	view(t, p, func(v *replica.View) error {
		_, ok, err := field.OneHousehold(v, p.Me, p.Rows["home"], today, 5)
		if ok {
			t.Error("the household still shows")
		}
		return err
	})
}

// BenchmarkPages measures the questions of the largest pages: 2,000 households, 10,000 people, 50,000 rows, encrypted.
func BenchmarkPages(b *testing.B) {
	p := mustPhone(b, pagetest.Huge)
	for name, f := range map[string]func(v *replica.View) error{
		"today":         func(v *replica.View) error { _, err := field.Today(v, p.Me, today, 40); return err },
		"homes":         func(v *replica.View) error { _, err := field.Homes(v, p.Me, today, "", 0, 60); return err },
		"search-1":      func(v *replica.View) error { _, err := field.Homes(v, p.Me, today, "王", 0, 60); return err },
		"search-3":      func(v *replica.View) error { _, err := field.Homes(v, p.Me, today, "wgf", 0, 60); return err },
		"journals":      func(v *replica.View) error { _, _, err := field.Journals(v, p.Me, 0, 50); return err },
		"journals-deep": func(v *replica.View) error { _, _, err := field.Journals(v, p.Me, 10_000, 50); return err },
		"household": func(v *replica.View) error {
			_, _, err := field.OneHousehold(v, p.Me, p.Rows["home"], today, 5)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				view(b, p, f)
			}
		})
	}
}

func TestGuidanceIsShownUntilItWasRead(t *testing.T) {
	p := mustPhone(t, pagetest.Done)
	waiting := func() (n int, due bool) {
		view(t, p, func(v *replica.View) (err error) {
			if n, err = field.JournalsWaiting(v, p.Me); err != nil {
				return err
			}
			d, err := field.Today(v, p.Me, today, 40)
			if err == nil {
				for _, g := range d.Groups {
					due = due || slices.ContainsFunc(g.Due, func(d field.Due) bool { return d.Why == field.Guided && d.Text == "多问一句用水" })
				}
			}
			return err
		})
		return n, due
	}
	if n, due := waiting(); n != 0 || due {
		t.Fatalf("before: %d, %v", n, due)
	}
	review, err := p.Guide(context.Background(), p.Rows["journal"], "多问一句用水")
	if err != nil {
		t.Fatal(err)
	}
	if n, due := waiting(); n != 1 || !due {
		t.Errorf("just in: %d, %v", n, due)
	}
	if err := p.Replica.PutLocal(context.Background(), "seen/"+string(review), []byte{1}); err != nil {
		t.Fatal(err)
	}
	if n, due := waiting(); n != 0 || due {
		t.Errorf("read: %d, %v", n, due)
	}
}

// TestJournalsInTheirOrder: those that came back first, then by the day of the visit and not by when it was written down, last those whose visit
// is gone; any page of the list is what lies there in the whole, on a phone with a few journals and on one with more than are sorted.
func TestJournalsInTheirOrder(t *testing.T) {
	for _, state := range []pagetest.State{pagetest.Full, pagetest.Many} {
		p := mustPhone(t, state)
		var late, gone syncproto.RowID
		write := func(day string) (visit, journal syncproto.RowID) {
			if _, err := p.Replica.Write(context.Background(), func(tx *replica.Tx) (err error) {
				if visit, err = tx.NewID(); err != nil {
					return err
				}
				if journal, err = tx.NewID(); err != nil {
					return err
				}
				return errors.Join(tx.Create("visit", visit, map[string]schema.Value{"household": schema.Text(string(p.Rows["home"])), "author": schema.Text(string(p.Me)), "day": schema.Text(day)}),
					tx.Create("journal", journal, map[string]schema.Value{"visit": schema.Text(string(visit)), "author": schema.Text(string(p.Me)), "text": schema.Text("写的"), "state": schema.Text("submitted")}))
			}); err != nil {
				t.Fatal(err)
			}
			return visit, journal
		}
		_, late = write("2025-12-24") // written last, of a day before all others
		visit, gone := write(today)
		if _, err := p.Replica.Write(context.Background(), func(tx *replica.Tx) error {
			f, err := tx.Form("visit", visit)
			if err != nil {
				return err
			}
			return tx.Delete(f)
		}); err != nil {
			t.Fatal(err)
		}
		view(t, p, func(v *replica.View) error {
			whole, all, err := field.Journals(v, p.Me, 0, 10_000)
			if err != nil || all != len(whole) || all < 10 || state == pagetest.Many && all < 1000 {
				t.Fatalf("%s: %d of %d, %v", state, len(whole), all, err)
			}
			rank := func(r field.Record) int {
				switch {
				case r.State == "returned":
					return 2
				case r.Day != "":
					return 1
				}
				return 0
			}
			if !slices.IsSortedFunc(whole, func(a, b field.Record) int {
				return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(b.Day, a.Day), cmp.Compare(b.ID, a.ID))
			}) {
				t.Errorf("%s: the journals stand in no order", state)
			}
			if state == pagetest.Full && whole[0].State != "returned" || whole[all-1].ID != gone || whole[all-2].ID != late {
				t.Errorf("%s: the first is %s of %s, the last two %s of %s and %s", state, whole[0].State, whole[0].Day, whole[all-2].ID, whole[all-2].Day, whole[all-1].ID)
			}
			for from := 0; from < all; from += 1 + all/100 {
				part, _, err := field.Journals(v, p.Me, from, 3)
				if err != nil || !slices.Equal(part, whole[from:min(all, from+3)]) {
					t.Fatalf("%s: from %d on: %v, %v", state, from, part, err)
				}
			}
			part, _, err := field.Journals(v, p.Me, all-2, 3)
			if err != nil || !slices.Equal(part, whole[all-2:]) {
				t.Errorf("%s: the end is %v, %v", state, part, err)
			}
			return nil
		})
	}
}
