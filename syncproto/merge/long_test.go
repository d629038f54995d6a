package merge

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"minqing/schema"
	"minqing/syncproto"
)

// longHistories are rows with thousands of versions, by how they came to be.
var longHistories = map[string]func(s *store, n int){
	// Everybody counts at home and nobody has seen anybody.
	"sums that saw nobody": func(s *store, n int) {
		p := s.pulled()
		for i := range n {
			s.accept(p.edit(fmt.Sprint("n", i), int64(i), plus("count", 1)))
		}
	},
	// Thirty phones count, each a few dozen versions behind.
	"sums a little behind": func(s *store, n int) {
		r := rand.New(rand.NewPCG(1, 6))
		for i := range n {
			p := screen{at: syncproto.Label{Epoch: "e1", Rev: s.rev - min(s.rev-1, r.Uint64N(60))}}
			s.accept(p.edit(fmt.Sprint("n", i), int64(i), plus("count", 1)))
		}
	},
	// One after the other, several cells each time.
	"one after the other": func(s *store, n int) {
		for i := range n {
			p := screen{at: syncproto.Label{Epoch: "e1", Rev: s.rev}}
			s.accept(p.edit(fmt.Sprint("n", i), int64(-i), set1("a", fmt.Sprint(i)), set1("last", fmt.Sprint(i)), num("most", int64(i)), set1("state", "working"),
				set1("note", fmt.Sprintf("第%d次。", i)), plus("count", 1)))
		}
	},
	// A restart after every ten versions.
	"many epochs": func(s *store, n int) {
		for i := range n {
			if i%10 == 0 {
				s.epoch(syncproto.EpochID(fmt.Sprint("e", i+2)))
			}
			p := screen{at: syncproto.Label{Epoch: s.epochs.Current, Rev: s.rev}}
			s.accept(p.edit(fmt.Sprint("n", i), int64(i), set1("a", fmt.Sprint(i))))
		}
	},
	// Two write the same note every day, each over the merge of the day before: no day has a single head.
	"two at one note": func(s *store, n int) {
		lines := [2][]string{}
		for i := range n / 2 {
			at := syncproto.Label{Epoch: "e1", Rev: s.rev}
			shared := "记录：\n" + strings.Join(lines[0], "") + "----\n" + strings.Join(lines[1], "")
			for k := range 2 {
				line := fmt.Sprintf("%d号%d。\n", k, i)
				lines[k] = append(lines[k], line)
				if len(lines[k]) > 20 {
					lines[k] = lines[k][1:]
				}
				mine := "记录：\n" + strings.Join(lines[0], "") + "----\n" + strings.Join(lines[1], "")
				if k == 1 {
					mine = shared + line
				}
				p := screen{at: at}
				s.accept(p.edit(fmt.Sprint("n", i, "k", k), int64(i), set1("note", mine)))
			}
		}
	},
	// Somebody adds a tag, somebody else takes it away, most a little behind.
	"tags on and off": func(s *store, n int) {
		r := rand.New(rand.NewPCG(1, 7))
		for i := range n {
			p := screen{at: syncproto.Label{Epoch: "e1", Rev: s.rev - min(s.rev-1, r.Uint64N(20))}}
			e := syncproto.CellEdit{Cell: "tags"}
			if r.IntN(2) == 0 {
				e.Add = []string{"x"}
			} else {
				e.Del = []string{"x"}
			}
			s.accept(p.edit(fmt.Sprint("n", i), int64(i), e))
		}
	},
}

func longHistory(tb failer, make func(s *store, n int), n int) *store {
	s := newStore(tb)
	s.accept(RowVersion{ID: id("create"), Op: syncproto.OpCreate, Corrected: 1})
	make(s, n)
	return s
}

// TestLongHistoriesStayCheap: 5,000 versions of one row take milliseconds, and twice as many little more than twice the work. Work is
// counted in bytes allocated, which no busy neighbour changes.
func TestLongHistoriesStayCheap(t *testing.T) {
	for name, history := range longHistories {
		t.Run(name, func(t *testing.T) {
			work := func(n int) (uint64, time.Duration) {
				s := longHistory(t, history, n)
				var before, after runtime.MemStats
				took := processorTime(t, func() {
					runtime.ReadMemStats(&before)
					s.row()
					runtime.ReadMemStats(&after)
				})
				return after.TotalAlloc - before.TotalAlloc, took
			}
			half, _ := work(2500)
			whole, took := work(5000)
			t.Logf("2,500 versions: %d KB; 5,000 versions: %d KB, %v", half>>10, whole>>10, took)
			if whole > 3*half || took > bearable {
				t.Errorf("2,500 versions: %d KB; 5,000 versions: %d KB, %v", half>>10, whole>>10, took)
			}
		})
	}
	s := longHistory(t, longHistories["sums a little behind"], 5000)
	wantCell(t, s.row(), "count", schema.Int(5000), "")
	s = longHistory(t, longHistories["two at one note"], 400)
	if c := s.row().Cell("note"); c.Open != "" || c.MergedBy != schema.RuleText || strings.Count(c.Value.Str(), "199。") != 2 {
		t.Errorf("the note of 200 days: %+v", c)
	}
}

func BenchmarkRow(b *testing.B) {
	for name, history := range longHistories {
		for _, n := range []int{5, 5000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				s := longHistory(b, history, n)
				for b.Loop() {
					s.row()
				}
			})
		}
	}
}

func BenchmarkFast(b *testing.B) {
	s := created(b, set1("a", "p"), set1("b", "p"))
	p := s.pulled()
	v := p.edit("v", 10, set1("a", "q"))
	state := s.row().State
	v.Labels = []syncproto.Label{{Epoch: "e1", Rev: 2}}
	for b.Loop() {
		if _, _, ok := Fast(s.book, testTable, state, func(string) schema.Value { return schema.Null }, v, s.epochs); !ok {
			b.Fatal("the fast path must answer")
		}
	}
}

func BenchmarkText(b *testing.B) {
	var lines []string
	for i := range 600 {
		lines = append(lines, fmt.Sprintf("第%d句说了一些关于家里情况的话，不太长也不太短。", i))
	}
	base := strings.Join(lines, "")
	lines[100], lines[500] = "改了第一百句。", "改了第五百句。"
	one, two := strings.Join(lines, ""), base+"后来又补了一句。"
	for b.Loop() {
		if _, ok := mergeTexts(base, one, two); !ok {
			b.Fatal("must merge")
		}
	}
}
