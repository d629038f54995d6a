package merge

// hunk is one difference: a[a0:a1] became b[b0:b1]. Between two hunks both sides are equal.
type hunk struct{ a0, a1, b0, b1 int }

const (
	// maxEdits bounds the search for the shortest edit script between two stretches without a unique common unit: its square is
	// the memory and time taken. Texts that differ more count as wholly different there, which can cost an inbox item and nothing
	// else.
	maxEdits = 600
	// maxDepth bounds the splitting at unique units; ordinary texts need two or three levels.
	maxDepth = 40
)

// hunks compares two sequences. It anchors on what occurs once on both sides, as a reader does, and falls back on the shortest
// edit script between the anchors.
func hunks(a, b []string) []hunk {
	ids := map[string]int{}
	number := func(list []string) []int {
		out := make([]int, len(list))
		for i, s := range list {
			id, ok := ids[s]
			if !ok {
				id = len(ids)
				ids[s] = id
			}
			out[i] = id
		}
		return out
	}
	d := differ{a: number(a), b: number(b)}
	d.compare(hunk{0, len(a), 0, len(b)}, maxDepth)
	return d.out
}

type differ struct {
	a, b []int
	out  []hunk
}

// emit adds a difference, joining it to the last one where nothing lies between.
func (d *differ) emit(h hunk) {
	if h.a0 == h.a1 && h.b0 == h.b1 {
		return
	}
	if n := len(d.out); n > 0 && d.out[n-1].a1 == h.a0 && d.out[n-1].b1 == h.b0 {
		d.out[n-1].a1, d.out[n-1].b1 = h.a1, h.b1
		return
	}
	d.out = append(d.out, h)
}

func (d *differ) compare(h hunk, depth int) {
	for h.a0 < h.a1 && h.b0 < h.b1 && d.a[h.a0] == d.b[h.b0] {
		h.a0++
		h.b0++
	}
	for h.a0 < h.a1 && h.b0 < h.b1 && d.a[h.a1-1] == d.b[h.b1-1] {
		h.a1--
		h.b1--
	}
	if h.a0 == h.a1 || h.b0 == h.b1 {
		d.emit(h)
		return
	}
	anchors := d.anchors(h)
	if len(anchors) == 0 || depth == 0 {
		d.shortest(h)
		return
	}
	for _, p := range anchors {
		d.compare(hunk{h.a0, p[0], h.b0, p[1]}, depth-1)
		h.a0, h.b0 = p[0]+1, p[1]+1
	}
	d.compare(h, depth-1)
}

// anchors are pairs of positions of units that occur once on each side, as many as keep their order.
func (d *differ) anchors(h hunk) [][2]int {
	const many = -2
	inA, inB := map[int]int{}, map[int]int{}
	count := func(in map[int]int, list []int, from, to int) {
		for i := from; i < to; i++ {
			if _, seen := in[list[i]]; seen {
				in[list[i]] = many
			} else {
				in[list[i]] = i
			}
		}
	}
	count(inA, d.a, h.a0, h.a1)
	count(inB, d.b, h.b0, h.b1)
	var pairs [][2]int
	for i := h.a0; i < h.a1; i++ {
		if inA[d.a[i]] != many {
			if k, ok := inB[d.a[i]]; ok && k != many {
				pairs = append(pairs, [2]int{i, k})
			}
		}
	}
	return rising(pairs)
}

// rising is a longest subsequence of pairs whose second members ascend.
func rising(pairs [][2]int) [][2]int {
	var tops []int // index into pairs of the top of each pile
	before := make([]int, len(pairs))
	for i, p := range pairs {
		lo, hi := 0, len(tops)
		for lo < hi {
			mid := (lo + hi) / 2
			if pairs[tops[mid]][1] < p[1] {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		before[i] = -1
		if lo > 0 {
			before[i] = tops[lo-1]
		}
		if lo == len(tops) {
			tops = append(tops, i)
		} else {
			tops[lo] = i
		}
	}
	out := make([][2]int, len(tops))
	if len(tops) > 0 {
		for i, k := tops[len(tops)-1], len(tops)-1; k >= 0; i, k = before[i], k-1 {
			out[k] = pairs[i]
		}
	}
	return out
}

// shortest is Myers' greedy search within h; beyond maxEdits the whole stretch is one difference.
func (d *differ) shortest(h hunk) {
	n, m := h.a1-h.a0, h.b1-h.b0
	most := min(n+m, maxEdits)
	furthest := make([]int, 2*most+2) // x by diagonal, offset most
	var trace [][]int
	for edits := 0; edits <= most; edits++ {
		trace = append(trace, append([]int(nil), furthest[most-edits:most+edits+1]...))
		for k := -edits; k <= edits; k += 2 {
			var x int
			if k == -edits || k != edits && furthest[most+k-1] < furthest[most+k+1] {
				x = furthest[most+k+1]
			} else {
				x = furthest[most+k-1] + 1
			}
			for x < n && x-k < m && d.a[h.a0+x] == d.b[h.b0+x-k] {
				x++
			}
			furthest[most+k] = x
			if x >= n && x-k >= m {
				d.walk(h, trace, edits)
				return
			}
		}
	}
	d.emit(h)
}

// walk goes back through the trace of shortest and emits the differences from the front.
func (d *differ) walk(h hunk, trace [][]int, edits int) {
	x, y := h.a1-h.a0, h.b1-h.b0
	var steps []hunk
	for ; edits > 0; edits-- {
		k := x - y
		before := trace[edits]
		at := func(k int) int { return before[edits+k] }
		from := k - 1
		if k == -edits || k != edits && at(k-1) < at(k+1) {
			from = k + 1
		}
		px := at(from)
		py := px - from
		if from == k+1 {
			steps = append(steps, hunk{h.a0 + px, h.a0 + px, h.b0 + py, h.b0 + py + 1})
		} else {
			steps = append(steps, hunk{h.a0 + px, h.a0 + px + 1, h.b0 + py, h.b0 + py})
		}
		x, y = px, py
	}
	for i := len(steps) - 1; i >= 0; i-- {
		d.emit(steps[i])
	}
}
