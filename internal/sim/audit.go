package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"minqing/server/store"
	"minqing/syncproto"
)

func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// checkAudit wants one record for each change in a chain that verifies, and the state to follow from the history.
func (w *world) checkAudit() {
	records, once := map[syncproto.Identity]int{}, map[string]bool{}
	w.must(w.server.eng.Store.Read(context.Background(), func(tx *store.Tx) error {
		streams, err := tx.AllStreams()
		if err != nil {
			return err
		}
		for _, st := range streams {
			chain, err := tx.Chain(st.ID, 0, 1<<20)
			if err != nil {
				return err
			}
			head := []byte{}
			for i, r := range chain {
				if r.Pos != int64(i+1) {
					w.violate(iAudit, "the chain of %s lacks record %d", st.ID, i+1)
				}
				leaf, err := hex.DecodeString(r.Leaf)
				w.must(err, "a leaf")
				sum := sha256.New()
				sum.Write([]byte{1, 'h', byte(len(head))})
				sum.Write(head)
				sum.Write(binary.BigEndian.AppendUint64(nil, uint64(r.Pos)))
				sum.Write(leaf)
				head = sum.Sum(nil)
				if hex.EncodeToString(head) != r.Head {
					w.violate(iAudit, "record %d of the chain of %s does not follow the one before", r.Pos, st.ID)
				}
				records[r.Identity]++
				if told := string(r.Identity) + " " + r.Kind; once[told] && !strings.HasPrefix(r.Kind, "decided") {
					w.violate(iAudit, "the chain of %s tells twice that change %s was %s", st.ID, r.Identity, r.Kind)
				} else {
					once[told] = true
				}
			}
			if st.Head != hex.EncodeToString(head) {
				w.violate(iAudit, "the chain of %s does not end where its stream says", st.ID)
			}
		}
		return nil
	}), "read the chains")
	for _, c := range w.oracle.Changes() {
		if records[c.ID] == 0 {
			w.violate(iAudit, "no chain has a record of change %s", c.ID)
		}
	}
	report, err := w.server.eng.Judge.VerifyChain(context.Background())
	w.must(err, "verify the chains")
	for _, b := range report.Broken {
		w.violate(iAudit, "record %d of the chain of %s: %s", b.Pos, b.Stream, b.Why)
	}
	differences, err := w.server.eng.Judge.Rebuild(context.Background())
	w.must(err, "rebuild the state")
	for _, d := range differences {
		w.violate(iAudit, "%s is %s, by its history %s", d.Where, d.Is, d.Should)
	}
}
