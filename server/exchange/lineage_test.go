package exchange_test

import (
	"context"
	"errors"
	"testing"

	"minqing/server/store"
	"minqing/syncproto"
)

// TestSayingAThingTwiceIsNoTwin: an answer that is lost, a request that the network repeats though its answer arrived, the same of a first sync
// and of a file that took a new id: the phone goes on as the device it is. Only two files that both go on are told apart.
func TestSayingAThingTwiceIsNoTwin(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		news := func(say string) { w.do(w.update("household", "h1", "address", say)) }
		again := func(was phone) { // the network repeats what the phone said when it was so, and nobody hears the answer
			was.rows, was.columns = map[syncproto.RowID]*syncproto.Row{}, map[string][]string{}
			if err := was.sync(3); err != nil && !errors.Is(err, errCut) {
				t.Errorf("repeated: %v", err)
			}
		}
		lost := func() {
			if err := p.sync(0); !errors.Is(err, errCut) {
				t.Errorf("an answer that was lost: %v", err)
			}
		}
		lost()
		lost()
		p.must()
		again(phone{w: w, who: p.who, schema: p.schema, number: p.number})
		for _, say := range []string{"one", "two", "three"} {
			news(say)
			lost()
			before := *p
			p.must()
			again(before)
			news(say + " again")
			again(before)
			p.must()
		}
		renamed := w.phone("ann")
		renamed.cursor, renamed.root, renamed.rows, renamed.columns = p.cursor, p.root, p.rows, p.columns
		old := *renamed
		p = renamed
		news("under the new id")
		lost()
		p.must()
		again(old)
		news("at the end")
		p.must()
	})
}

// TestWhatARestoreForgot: the server went back to a backup in which the device had used another nonce. Who is ahead of it goes on; what he
// offers begins anew, and neither an offer that comes again nor what he said before the restore takes that from him.
func TestWhatARestoreForgot(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.phone("ann")
		device := func() (d store.Device) {
			if err := w.e.Store.Read(context.Background(), func(tx *store.Tx) (err error) {
				d, _, err = tx.Device(p.who.Device)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return d
		}
		news := func(say string) { w.do(w.update("household", "h1", "address", say)) }
		p.must()
		news("one")
		p.must()
		backup, early := device(), *p
		for _, say := range []string{"two", "three", "four"} {
			news(say)
			p.must()
		}
		forget := func() {
			if err := w.e.Store.Write(context.Background(), func(tx *store.Tx) error { return tx.SaveDevice(backup) }); err != nil {
				t.Fatal(err)
			}
		}
		forget()
		news("after the restore")
		p.must()
		copied := func(q *phone) {
			t.Helper()
			q.rows, q.columns = map[syncproto.RowID]*syncproto.Row{}, map[string][]string{}
			if err := q.sync(-1); err == nil {
				t.Error("a void nonce was taken")
			}
			if f, ok := q.got[len(q.got)-1].(syncproto.Failure); !ok || f.Code != syncproto.CodeCopied {
				t.Errorf("a void nonce is answered by %v", q.got)
			}
		}
		twin := early
		copied(&twin)

		forget()
		var epoch syncproto.EpochID
		if err := w.e.Store.Read(context.Background(), func(tx *store.Tx) error {
			e, err := tx.Epoch()
			epoch = e.ID
			return err
		}); err != nil {
			t.Fatal(err)
		}
		p.offer, p.cursor, p.root = epoch, "", syncproto.Digest{}
		p.rows, p.columns = map[syncproto.RowID]*syncproto.Row{}, map[string][]string{}
		first := *p
		p.must(syncproto.Held{})
		said := func(q phone) {
			q.rows, q.columns = map[syncproto.RowID]*syncproto.Row{}, map[string][]string{}
			if err := q.sync(-1, syncproto.Held{}); err != nil {
				t.Errorf("an offer that came again: %v", err)
			}
		}
		said(first)
		twin = early
		copied(&twin)
		p.offer = ""
		for _, say := range []string{"five", "six"} {
			news(say)
			p.must()
			said(first)
		}
		p.offer = "ffeeddccbbaa99887766554433221100"
		if err := p.sync(-1); err == nil {
			t.Error("an offer to an epoch that never was is taken")
		}
		if f, ok := p.got[len(p.got)-1].(syncproto.Failure); !ok || f.Code != syncproto.CodeFork {
			t.Errorf("an offer to an epoch that never was is answered by %v", p.got)
		}
	})
}
