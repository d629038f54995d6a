package merge

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"minqing/syncproto"
)

// cuts are versions in the order in which bases come to have seen them. A base has seen the first so many of one or two such
// orders: the versions labelled in its epoch, by rev, and those that stood in the store when its epoch began, by seq.
type cuts struct {
	revs  []uint64 // from which a base has seen each; nil for the order by seq
	index []int    // the versions, nil for the order by seq, which is that of the indexes
	nodes map[int]int
	at    []int // the cuts asked for, ascending: how many versions lie before
}

// cut is the first versions of an order.
type cut struct {
	c  *cuts
	at int
}

func (c *cuts) versions(from, to int) []int {
	if c.index != nil {
		return slices.Clone(c.index[from:to])
	}
	out := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// labels is the index of the labels of one view.
type labels struct {
	v       *view
	epoch   map[syncproto.EpochID]*cuts // by what versions are labelled with
	whole   map[syncproto.EpochID]*cuts // by what bases name; the slow way, for histories that no store makes
	before  *cuts                       // by seq
	seenAll []uint64                    // the least rev from which a base that took over the first i versions has seen all of them
}

// of gives the cuts of a base.
func (l *labels) of(base *syncproto.Base) []cut {
	if base.Epoch == "" || len(l.v.w) == 0 {
		return nil
	}
	l.build()
	var out []cut
	c := l.epoch[base.Epoch]
	if c == nil || len(l.epoch) > 1 {
		limit := l.v.h.lineage.reach(base.Epoch).limit
		taken := sort.Search(len(l.v.w), func(i int) bool { return l.v.w[i].by.Seq > limit })
		if taken > 0 && l.allSeen(taken) > base.Rev {
			c = l.slow(base.Epoch)
		} else if taken > 0 {
			out = append(out, cut{l.before, taken})
		}
	}
	if c != nil {
		if at := sort.Search(len(c.revs), func(i int) bool { return c.revs[i] > base.Rev }); at > 0 {
			out = append(out, cut{c, at})
		}
	}
	return out
}

func (l *labels) build() {
	if l.epoch != nil {
		return
	}
	l.epoch, l.before = map[syncproto.EpochID]*cuts{}, &cuts{nodes: map[int]int{}}
	for i, w := range l.v.w {
		for _, label := range w.by.Labels {
			c := l.epoch[label.Epoch]
			if c == nil {
				c = &cuts{nodes: map[int]int{}}
				l.epoch[label.Epoch] = c
			}
			c.revs, c.index = append(c.revs, label.Rev), append(c.index, i)
		}
	}
	for _, c := range l.epoch {
		if !slices.IsSorted(c.revs) {
			c.sort()
		}
	}
}

func (c *cuts) sort() {
	order := make([]int, len(c.revs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.revs[a], c.revs[b]), cmp.Compare(c.index[a], c.index[b]))
	})
	revs, index := make([]uint64, len(order)), make([]int, len(order))
	for i, k := range order {
		revs[i], index[i] = c.revs[k], c.index[k]
	}
	c.revs, c.index = revs, index
}

// allSeen is the least rev from which a base that took over the first n versions by seq has seen all of them: revs go on from epoch
// to epoch, so it is the greatest under which this store accepted one. It is beyond every rev where a version lacks the
// label of its acceptance or the epochs do not ascend; no store makes such a history, and slow takes care of it.
func (l *labels) allSeen(n int) uint64 {
	if l.seenAll == nil {
		lineage := l.v.h.lineage
		lineage.build()
		began := func(i int) uint64 { return lineage.epochs.All[lineage.own[i]].Began }
		top := uint64(0)
		for i := 1; i < len(lineage.own); i++ {
			if began(i) > began(i-1) {
				top = math.MaxUint64
			}
		}
		l.seenAll = []uint64{top}
		epoch := len(lineage.own) - 1
		for _, w := range l.v.w {
			for epoch > 0 && began(epoch-1) < w.by.Seq {
				epoch--
			}
			accepted := slices.IndexFunc(w.by.Labels, func(label syncproto.Label) bool { return epoch >= 0 && label.Epoch == lineage.own[epoch] })
			if accepted < 0 {
				top = math.MaxUint64
			} else {
				top = max(top, w.by.Labels[accepted].Rev)
			}
			l.seenAll = append(l.seenAll, top)
		}
	}
	return l.seenAll[n]
}

// slow lists the versions for one epoch one by one.
func (l *labels) slow(e syncproto.EpochID) *cuts {
	if c := l.whole[e]; c != nil {
		return c
	}
	c := &cuts{nodes: map[int]int{}}
	for i, w := range l.v.w {
		if rev, ok := l.v.h.lineage.rev(e, w.by.Labels, w.by.Seq); ok {
			c.revs, c.index = append(c.revs, rev), append(c.index, i)
		}
	}
	c.sort()
	if l.whole == nil {
		l.whole = map[syncproto.EpochID]*cuts{}
	}
	l.whole[e] = c
	return c
}

// all lists every order of the view.
func (l *labels) all() []*cuts {
	if l.epoch == nil {
		return nil
	}
	out := []*cuts{l.before}
	for _, m := range []map[syncproto.EpochID]*cuts{l.epoch, l.whole} {
		for _, c := range m {
			out = append(out, c)
		}
	}
	return out
}
