package console_test

import (
	"fmt"
	"slices"
	"testing"

	"minqing/server/console/audit"
	"minqing/server/console/consoletest"
	"minqing/server/store"
)

// TestAuditOfParts: what is listed of a place comes out of many ranges of an index, by each of its streams, by each of its people, of syncs that showed
// several villages. Leafed through in small parts it is all there, each record once, the newest first, and what is of elsewhere is not.
func TestAuditOfParts(t *testing.T) { both(t, auditOfParts) }

func auditOfParts(t *testing.T, dsn string) {
	city, _ := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	village, other, town := city.Places["village"], city.Places["other"], city.Places["town"]
	const many = 120
	kinds := []struct {
		device, user, stream, value string
		in                          []string // places that list it
	}{
		{"", "nobody", village, `{"what":"page","page":"visits"}`, []string{village, town}},
		{"phone", "nobody", village, `{"what":"sync"}`, []string{village, town}},
		{"phone", "nobody", "", fmt.Sprintf(`{"streams":[%q,%q]}`, village, other), []string{village, town, other}},
		{"phone", "nobody", "", fmt.Sprintf(`{"streams":[%q,%q]}`, village, town), []string{village, town}},
		{"", string(city.Users["secretary"]), "", `{"what":"page"}`, []string{village, town}},
		{"", "nobody", town, `{"what":"page"}`, []string{town}},
		{"", "nobody", town, `{"what":"list"}`, []string{village, town}},
		{"", "nobody", other, `{"what":"list"}`, []string{other}},
	}
	want := map[string][]int64{} // by place, newest first
	if err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		clear(want)
		for pos := int64(many); pos > 0; pos-- {
			k := kinds[pos%int64(len(kinds))]
			at := city.Now().UnixMilli() + pos/3 // three of one moment
			if err := tx.Exec("INSERT INTO mq_disclosure (chain, pos, device, user_id, salt, value, leaf, head, at, stream) VALUES ('parts', ?, ?, ?, '', ?, '', '', ?, ?)", pos, k.device, k.user, k.value, at, k.stream); err != nil {
				return err
			}
			for _, place := range k.in {
				want[place] = append(want[place], pos)
			}
			if k.stream != "" || k.device == "" {
				continue
			}
			for _, in := range k.in {
				if err := tx.Exec("INSERT INTO mq_disclosed_in (stream, at, chain, pos) VALUES (?, ?, 'parts', ?)", in, at, pos); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 7, 1000} {
		for place, want := range want {
			var got []int64
			if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
				got = nil
				a := audit.Ask{Kind: audit.Seen}
				if err := a.In(tx, place, false); err != nil {
					return err
				}
				for {
					shown, next, err := a.Shown(tx, limit)
					for _, s := range shown {
						if s.Chain == "parts" {
							got = append(got, s.Pos)
						}
					}
					if a.After = next; err != nil || next == "" {
						return err
					}
				}
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("by parts of %d, %s lists %v, want %v", limit, place, got, want)
			}
		}
	}
}

// TestAuditOfChanges: the changes of a place of several streams are all there, part by part, in the order in which they came.
func TestAuditOfChanges(t *testing.T) { both(t, auditOfChanges) }

func auditOfChanges(t *testing.T, dsn string) {
	city, _ := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	for _, limit := range []int{1, 7, 1000} {
		var got, want []string
		if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
			got, want = nil, nil
			if err := tx.Each(func(scan func(...any) error) error {
				var id string
				err := scan(&id)
				want = append(want, id)
				return err
			}, "SELECT identity FROM mq_change WHERE stream = ? OR stream = ? ORDER BY received DESC, identity DESC", city.Places["town"], city.Places["village"]); err != nil {
				return err
			}
			a := audit.Ask{Kind: audit.Changed}
			if err := a.In(tx, city.Places["town"], false); err != nil {
				return err
			}
			for {
				found, next, err := a.Changes(tx, limit)
				for _, c := range found {
					got = append(got, string(c.Identity))
				}
				if a.After = next; err != nil || next == "" {
					return err
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if len(want) < 20 || !slices.Equal(got, want) {
			t.Errorf("by parts of %d there are %d changes, want %d: %v, want %v", limit, len(got), len(want), got, want)
		}
	}
}
