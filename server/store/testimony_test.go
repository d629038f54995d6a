package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"minqing/schema/schematest"
	"minqing/server/store"
	"minqing/syncproto"
)

// What was testified to is kept once, till it is closed.
func testimonyIsKept(t *testing.T, sub subject) {
	s := sub.open(schematest.Book())
	say := func(row syncproto.RowID, rev uint64, device syncproto.DeviceID) store.Testimony {
		return store.Testimony{Row: row, Table: "thing", Label: syncproto.Label{Epoch: "e", Rev: rev}, Device: device, User: "u", Content: []byte(`{"at":0}`)}
	}
	write(t, s, func(tx *store.Tx) error {
		_, err := tx.Erase([]*store.Row{{ID: "gone", Table: "thing"}}, nil, "boss", "law")
		return err
	})
	for range 2 {
		write(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.SaveTestimony([]store.Testimony{say("r", 3, "a"), say("r", 4, "b"), say("q", 1, "a"), say("gone", 2, "a")}),
				tx.NoteWentBack(7), tx.NoteWentBack(9))
		})
	}
	write(t, s, func(tx *store.Tx) error {
		open, err := tx.Testimonies()
		if len(open) != 3 || open[0].Row != "q" || open[1].Label.Rev != 4 || open[2].Label.Rev != 3 || open[1].Device != "b" || string(open[1].Content) != `{"at":0}` {
			t.Errorf("open: %+v", open)
		}
		n, err2 := tx.CountTestimony("a")
		at, err3 := tx.WentBack()
		if n != 2 || at != 7 {
			t.Errorf("of a: %d, want 2; went back at %d, want 7", n, at)
		}
		return errors.Join(err, err2, err3, tx.CloseTestimony("r", "boss", store.TestimonyAccepted), tx.CloseTestimony("q", "boss", store.TestimonyDismissed))
	})
	var dump bytes.Buffer
	if _, err := s.Dump(context.Background(), &dump); err != nil || !bytes.Contains(dump.Bytes(), []byte("mq_testimony")) {
		t.Errorf("a backup leaves testimony out: %v", err)
	}
	write(t, s, func(tx *store.Tx) error {
		open, err := tx.Testimonies()
		back, err2 := tx.Retaken()
		if len(open) != 0 || len(back) != 1 || len(back["r"]) != 1 || back["r"][0] != (syncproto.Label{Epoch: "e", Rev: 4}) {
			t.Errorf("open %+v, brought back %+v", open, back)
		}
		_, err3 := tx.Erase([]*store.Row{{ID: "r", Table: "thing"}}, nil, "boss", "law")
		left, err4 := tx.Retaken()
		if len(left) != 0 {
			t.Errorf("what was erased by law is still told of: %+v", left)
		}
		return errors.Join(err, err2, err3, err4)
	})
}
