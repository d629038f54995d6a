package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

// recordsAreFoundByName: what was shown is found by all that it names, whoever wrote it; so are records that were there before the table was, and those
// that were written past all triggers. What was taken out is told.
func recordsAreFoundByName(t *testing.T, sub subject) {
	s := sub.open(schematest.Book())
	id := func(n int) string { return fmt.Sprintf("019ec1dd-c1cd-7000-8000-%012d", n) }
	var buckets, early []string
	for n := range 40 {
		buckets = append(buckets, fmt.Sprintf("%q", "household:"+id(100+n)+" 2026-11"))
		early = append(early, "household:"+id(100+n))
	}
	fill := strings.Join(buckets, ",")
	for n := range early {
		early[n] = strings.TrimPrefix(early[n], "household:")
	}
	for i, x := range []struct {
		value string
		names []string
	}{
		{`{"what":"page","page":"homes","table":"household","row":"` + id(1) + `","stream":"v"}`, []string{id(1)}},
		{`{"what":"page","page":"refused","change":"abc","stream":"v"}`, []string{"abc"}},
		{`{"file":"` + id(2) + `","scope":"household:` + id(1) + `","bytes":1,"stream":"v"}`, []string{id(2), id(1)}},
		{`{"file":"` + id(2) + `","scope":"user:` + id(1) + `","bytes":1}`, []string{id(2)}},
		{`{"what":"export","table":"coverage","within":"p","rows":3,"stream":"v"}`, []string{"p"}},
		{`{"what":"list","page":"coverage","within":"p","stream":"v"}`, nil},
		{`{"changed":["household:` + id(3) + `","place:` + id(4) + `"],"fill":["household:` + id(3) + ` -","household:` + id(5) + ` 2026-11"],"rows":1,"stream":"v"}`, []string{id(3), id(5)}},
		{`{"what":"unmask","table":"resident","row":"` + id(6) + `","why":"a\u0000b \\u0000 \"row\":\"` + id(7) + `\" household:` + id(7) + `"}`, []string{id(6)}},
		{`{"what":"setting","setting":"grace","from":1,"to":2}`, nil},
		{`{"fill":[` + fill + `],"rows":0,"streams":["v","w"]}`, []string{"many:v", "many:w"}},
		{`{"fill":[` + fill + `],"rows":0,"stream":"v"}`, []string{"many:v"}},
		{`{"fill":[` + fill + `],"rows":0}`, early}, // before records told their streams
	} {
		chain := fmt.Sprintf("chain %d", i)
		write(t, s, func(tx *store.Tx) error { return tx.Disclose(chain, "d", "u", []byte(x.value)) })
		check := func(when string, pos int64) {
			t.Helper()
			var got []string
			read(t, s, func(tx *store.Tx) error {
				return tx.Each(func(scan func(...any) error) error {
					var name string
					err := scan(&name)
					got = append(got, name)
					return err
				}, "SELECT named FROM mq_disclosed_of WHERE chain = ? AND pos = ? ORDER BY named", chain, pos)
			})
			if want := slices.Sorted(slices.Values(x.names)); !slices.Equal(got, want) {
				t.Errorf("%s, %s names %q, want %q", when, x.value, got, want)
			}
		}
		check("written", 1)
		if len(x.names) == 0 {
			continue
		}
		write(t, s, func(tx *store.Tx) error {
			return tx.Exec("DELETE FROM mq_disclosed_of WHERE chain = ? AND named = ?", chain, x.names[0])
		})
		read(t, s, func(tx *store.Tx) error {
			at, err := tx.Unnamed(chain, 0, 1)
			if at != 1 {
				t.Errorf("taken out of %s, record %d is told", x.names[0], at)
			}
			return err
		})
		// A database from before the table, and one that was planted past all triggers, is brought.
		write(t, s, func(tx *store.Tx) error { return tx.SetMeta("named", "") })
		if i%4 == 0 {
			write(t, s, func(tx *store.Tx) error { return tx.Exec("DROP TABLE mq_disclosed_of") })
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = sub.open(schematest.Book())
		check("brought", 1)
		read(t, s, func(tx *store.Tx) error {
			at, err := tx.Unnamed(chain, 0, 1)
			if at != 0 {
				t.Errorf("brought, record %d of %s is told", at, x.value)
			}
			return err
		})
	}
	// A program that knows nothing of the table writes the record alone.
	write(t, s, func(tx *store.Tx) error {
		return tx.Exec("INSERT INTO mq_disclosure (chain, pos, device, user_id, salt, value, leaf, head, at) VALUES ('old', 1, ?, 'u', '', ?, '', '', 7)", string(syncproto.DeviceID("d")),
			`{"changed":["household:`+id(9)+`"],"rows":1}`)
	})
	read(t, s, func(tx *store.Tx) error {
		var n int64
		_, err := tx.One("SELECT COUNT(*) FROM mq_disclosed_of WHERE named = ? AND at = 7", []any{id(9)}, &n)
		if n != 1 {
			t.Error("what another program wrote is not found")
		}
		return err
	})
}
