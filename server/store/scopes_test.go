package store_test

import (
	"fmt"
	"slices"
	"testing"

	"minqing/schema/schematest"
	"minqing/server/store"
)

// streamsAsked: where the streams asked for stand and no others, however many they are. None are none: a device that has no stream must not be told
// of the whole city.
func streamsAsked(t *testing.T, s subject) {
	st := s.open(schematest.Book())
	var streams []string
	for i := range 12 {
		streams = append(streams, fmt.Sprintf("stream%02d", i))
	}
	write(t, st, func(tx *store.Tx) error { return takeSeq(tx, streams...) })
	read(t, st, func(tx *store.Tx) error {
		for _, asked := range [][]string{nil, {}, {"strange"}, streams[3:5], streams} {
			got, err := tx.Streams(asked)
			if err != nil {
				return err
			}
			var ids []string
			for _, g := range got {
				if ids = append(ids, g.ID); g.Seq != 1 {
					t.Errorf("the stream %s stands at %d", g.ID, g.Seq)
				}
			}
			if want := slices.DeleteFunc(slices.Clone(asked), func(id string) bool { return id == "strange" }); !slices.Equal(ids, want) {
				t.Errorf("of the streams %v it gave %v", asked, ids)
			}
		}
		all, err := tx.AllStreams()
		if len(all) != len(streams) {
			t.Errorf("all streams are %v", all)
		}
		return err
	})
}
