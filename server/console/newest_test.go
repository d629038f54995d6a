package console_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"minqing/server/console/consoletest"
	"minqing/server/console/work"
	"minqing/server/store"
)

// The newest record that fits is found however many came after it, also where it is the last of a full part; where none fits there is none.
func TestNewestLooksBehind(t *testing.T) { both(t, newestLooksBehind) }

func newestLooksBehind(t *testing.T, dsn string) {
	city, _ := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Empty, DSN: dsn})
	type order struct{ N int }
	made := func(r work.Record) (*order, error) {
		var o order
		return &o, json.Unmarshal(r.Body, &o)
	}
	err := city.Engine.Store.Write(t.Context(), func(tx *store.Tx) error {
		for n := range 45 {
			if err := work.Add(tx, "probe", fmt.Sprintf("probe-%02d", n), city.Places["village"], city.Users["admin"], work.Done, order{n}); err != nil {
				return err
			}
		}
		for _, want := range []int{44, 30, 25, 24, 5, 4, 0, -1} {
			looked := 0
			got, err := work.Newest(tx, "probe", city.Places["village"], made, func(o *order) (bool, error) {
				looked++
				return o.N == want, nil
			})
			if err != nil {
				return err
			}
			if (got == nil) != (want < 0) || got != nil && got.N != want || looked != 45-max(want, 0) {
				t.Errorf("for %d it found %+v after %d", want, got, looked)
			}
		}
		got, err := work.Newest(tx, "probe", city.Places["town"], made, func(*order) (bool, error) { return true, nil })
		if got != nil {
			t.Errorf("elsewhere it found %+v", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
