// Package repair finds the rows of a bucket in which a device and the server differ, by narrowing down: rows are spread over ranges by
// a hash of their name, the server tells the sums of ranges, the device compares them with its own and asks deeper where they
// differ. It promises that both sides compare the same cut (the server answers at the cut of the checkpoint that follows, the
// device compares after applying it), and that one row in 50,000 costs three rounds and less than 20 KB.
package repair

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// listMost is how many rows are listed one by one instead of being summed: 256 lines cost about what a further round costs.
const listMost = 256

// wideFrom is from how many rows on a range is split into 256 instead of 16: the sums then cost 2 KB, a further round 1.3.
const wideFrom = 4096

// presence is the value of the pseudo-cell that every row has, so that rows without any other cell count.
var presence = schema.Text(syncproto.ExistenceCell)

// Sum is the sum of one row, for which h.Row has been called: the low half of the sum of the digests of its cells and of its
// presence. Only columns that the device knows take part.
func Sum(h *syncproto.CellHasher, columns []string, values []schema.Value) uint64 {
	sum := h.Cell(syncproto.ExistenceCell, presence).Lo
	for i, column := range columns {
		sum += h.Cell(column, values[i]).Lo
	}
	return sum
}

// Tree holds the rows of one bucket in order of their keys.
type Tree struct{ leaves []leaf }

type leaf struct {
	key uint64
	syncproto.RowSum
}

// New makes a tree of the rows of a bucket; each row stands in it once.
func New(rows []syncproto.RowSum) *Tree {
	t := &Tree{leaves: make([]leaf, len(rows))}
	for i, r := range rows {
		t.leaves[i] = leaf{key(r.RowRef), r}
	}
	sort.Slice(t.leaves, func(i, j int) bool {
		a, b := &t.leaves[i], &t.leaves[j]
		if a.key != b.key {
			return a.key < b.key
		}
		return a.Table+"\x00"+string(a.ID) < b.Table+"\x00"+string(b.ID)
	})
	return t
}

// key is the first eight bytes of SHA-256 over table and id, parted by a zero byte. The id itself would not spread: its first half
// is the time of birth.
func key(r syncproto.RowRef) uint64 {
	var buf [128]byte
	sum := sha256.Sum256(append(append(append(buf[:0], r.Table...), 0), r.ID...))
	return binary.BigEndian.Uint64(sum[:])
}

// under gives the leaves whose keys begin with a prefix of hex digits.
func (t *Tree) under(prefix string) ([]leaf, error) {
	if len(prefix) > 16 {
		return nil, fmt.Errorf("the prefix %q is longer than a key", prefix)
	}
	low, err := strconv.ParseUint((prefix + "0000000000000000")[:16], 16, 64)
	if err != nil || strings.ToLower(prefix) != prefix {
		return nil, fmt.Errorf("the prefix %q is not made of hex digits", prefix)
	}
	high := low
	if len(prefix) < 16 {
		high |= 1<<(64-4*len(prefix)) - 1
	}
	from := sort.Search(len(t.leaves), func(i int) bool { return t.leaves[i].key >= low })
	to := sort.Search(len(t.leaves), func(i int) bool { return t.leaves[i].key > high })
	return t.leaves[from:to], nil
}

// sums adds up leaves under a prefix of some length by the next width digits of their keys.
func sums(leaves []leaf, length, width int) []uint64 {
	out := make([]uint64, 1<<(4*width))
	for i := range leaves {
		out[child(leaves[i].key, length, width)] += leaves[i].Sum
	}
	return out
}

func child(key uint64, length, width int) uint64 {
	return key << (4 * length) >> (64 - 4*width)
}

// Answer is the server's part: one Ranges for each prefix of the probe.
func (t *Tree) Answer(p syncproto.Probe) ([]syncproto.Ranges, error) {
	var out []syncproto.Ranges
	for _, prefix := range p.Prefixes {
		leaves, err := t.under(prefix)
		if err != nil {
			return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "probe", Message: syncproto.Both("核对请求写得不对。", "A probe is wrong."),
				Hint: syncproto.Both("这是程序的问题，请升级客户端或报告。", "This is a fault of the program: upgrade it, or report it."), Err: err}
		}
		r := syncproto.Ranges{ID: p.ID, Prefix: prefix}
		switch {
		case len(leaves) <= listMost || len(prefix) > 14:
			for i := range leaves {
				r.Rows = append(r.Rows, leaves[i].RowSum)
			}
		case len(leaves) < wideFrom:
			r.Width = 1
		default:
			r.Width = 2
		}
		if r.Width > 0 {
			r.Sums = sums(leaves, len(prefix), r.Width)
		}
		out = append(out, r)
	}
	return out, nil
}

// Step is what the device does after a round.
type Step struct {
	Prefixes []string           // ask these next
	Fetch    []syncproto.RowRef // ask for these rows: they differ, or the device lacks them
	Drop     []syncproto.RowRef // the server has no such row in the bucket: drop them
}

// Same tells that nothing differs.
func (s *Step) Same() bool { return len(s.Prefixes)+len(s.Fetch)+len(s.Drop) == 0 }

// Probe is the next question about the bucket; past the limits of a probe it asks for the whole bucket again.
func (s *Step) Probe(id syncproto.BucketID) syncproto.Probe {
	if len(s.Prefixes) > syncproto.MaxPrefixes || len(s.Fetch) > syncproto.MaxProbeRows {
		return syncproto.Probe{ID: id, Refill: true}
	}
	return syncproto.Probe{ID: id, Prefixes: s.Prefixes, Rows: s.Fetch}
}

// Compare is the device's part: it holds the server's ranges of one bucket against its own rows at the same cut.
func (t *Tree) Compare(answer []syncproto.Ranges) (Step, error) {
	var step Step
	for _, r := range answer {
		own, err := t.under(r.Prefix)
		if err == nil && r.Width != 0 && (r.Width < 0 || r.Width > 2 || len(r.Prefix)+r.Width > 16 || len(r.Sums) != 1<<(4*r.Width)) {
			err = fmt.Errorf("%d sums of width %d below %q", len(r.Sums), r.Width, r.Prefix)
		}
		if err != nil {
			return Step{}, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "ranges", Message: syncproto.Both("服务器的核对答复写得不对。", "The server's answer to a probe is wrong."), Err: err}
		}
		if r.Width == 0 {
			compareRows(&step, own, r.Rows)
			continue
		}
		for i, sum := range sums(own, len(r.Prefix), r.Width) {
			if sum != r.Sums[i] {
				step.Prefixes = append(step.Prefixes, fmt.Sprintf("%s%0*x", r.Prefix, r.Width, i))
			}
		}
	}
	return step, nil
}

func compareRows(step *Step, own []leaf, theirs []syncproto.RowSum) {
	have := make(map[syncproto.RowRef]uint64, len(own))
	for i := range own {
		have[own[i].RowRef] = own[i].Sum
	}
	for _, r := range theirs {
		if sum, ok := have[r.RowRef]; !ok || sum != r.Sum {
			step.Fetch = append(step.Fetch, r.RowRef)
		}
		delete(have, r.RowRef)
	}
	for i := range own {
		if _, extra := have[own[i].RowRef]; extra {
			step.Drop = append(step.Drop, own[i].RowRef)
		}
	}
}
