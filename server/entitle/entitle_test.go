package entitle

import (
	"testing"

	"pgregory.net/rapid"

	"minqing/server/store"
)

// TestRegrantTellsThePast: however a source's interval is changed over time, the records say of each past moment what stood then, and from
// now on what stands now.
func TestRegrantTellsThePast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 60
		at := key{"u", "household:h", "a"}
		var have []store.Grant
		var truth [most]bool // what was open at each moment
		for now := int64(0); now < most; {
			want := span{now, now}
			if rapid.Bool().Draw(t, "wanted") {
				want.since = int64(rapid.IntRange(0, most).Draw(t, "since"))
				want.until = int64(rapid.IntRange(0, most).Draw(t, "until"))
			}
			have = apply(have, regrant(at, have, want, now))
			for m := now; m < most; m++ {
				truth[m] = want.since <= m && m < want.until
			}
			now += int64(rapid.IntRange(0, 9).Draw(t, "wait"))
			if rapid.IntRange(0, 20).Draw(t, "end") == 0 {
				break
			}
		}
		for m := range int64(most) {
			open := 0
			for _, g := range have {
				if g.Since <= m && m < g.Until {
					open++
				}
			}
			if (open == 1) != truth[m] || open > 1 {
				t.Fatalf("at %d %d records are open, the truth is %v: %+v", m, open, truth[m], have)
			}
		}
	})
}

// apply does to a list what SaveGrants does to the table.
func apply(have, save []store.Grant) []store.Grant {
	byStart := map[int64]store.Grant{}
	for _, g := range append(have, save...) {
		byStart[g.Since] = g
		if g.Until <= g.Since {
			delete(byStart, g.Since)
		}
	}
	var out []store.Grant
	for m := int64(0); m <= 1000; m++ {
		if g, ok := byStart[m]; ok {
			out = append(out, g)
		}
	}
	return out
}

func TestRoleScopeComesBack(t *testing.T) {
	r, place, ok := parseRole(roleScope("secretary", "p"))
	if r != "secretary" || place != "p" || !ok {
		t.Errorf("got %s %s %v", r, place, ok)
	}
	if _, _, ok := parseRole("household:h"); ok {
		t.Error("a household's scope was taken for a role")
	}
}
