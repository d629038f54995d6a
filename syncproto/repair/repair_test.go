package repair_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/codec"
	"minqing/syncproto/internal/vectors"
	"minqing/syncproto/repair"
)

var bucket = syncproto.BucketID{Scope: "household:01935b7e-0000-7000-8000-000000000001", Period: "2026-11"}

func rows(r *rand.Rand, n int) []syncproto.RowSum {
	out := make([]syncproto.RowSum, n)
	for i := range out {
		out[i] = syncproto.RowSum{RowRef: syncproto.RowRef{Table: "visit", ID: syncproto.RowID(fmt.Sprintf("01935b7e-%04x-7%03x-8%03x-%012x", i>>8, r.IntN(1<<12), r.IntN(1<<12), r.Uint64N(1<<48)))},
			Sum: r.Uint64()}
	}
	return out
}

// wire gives a frame as the other side reads it, and what it cost.
func wire(t *testing.T, open syncproto.Frame, frames ...syncproto.Frame) ([]syncproto.Frame, int) {
	t.Helper()
	var packed bytes.Buffer
	zst, err := codec.Compress(codec.EncodingZstd, &packed)
	if err != nil {
		t.Fatal(err)
	}
	w := codec.NewWriter(zst)
	for _, f := range slices.Concat([]syncproto.Frame{open}, frames, []syncproto.Frame{syncproto.End{}}) {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := zst.Close(); err != nil {
		t.Fatal(err)
	}
	cost := packed.Len()
	plain, err := codec.Decompress(codec.EncodingZstd, &packed, syncproto.MaxAnswerBytes)
	if err != nil {
		t.Fatal(err)
	}
	r := codec.NewReader(plain, nil, codec.Limits{})
	var out []syncproto.Frame
	for {
		f, err := r.Next()
		if err != nil {
			break
		}
		out = append(out, f)
	}
	return out[1 : len(out)-1], cost
}

// heal runs rounds until both sides agree, and tells what that took. A round costs a sync with nothing new besides.
func heal(t *testing.T, server, device []syncproto.RowSum) (healed []syncproto.RowSum, rounds, cost int) {
	t.Helper()
	const idle = 1200
	tree := repair.New(server)
	probe := syncproto.Probe{ID: bucket, Prefixes: []string{""}}
	for ; ; rounds++ {
		if rounds > 20 {
			t.Fatal("no end")
		}
		asked, n := wire(t, syncproto.Hello{Protocol: 1}, probe)
		cost += n + idle
		probe = asked[0].(syncproto.Probe)
		if probe.Refill {
			return server, rounds + 1, cost
		}
		for _, ref := range probe.Rows {
			device = slices.DeleteFunc(device, func(r syncproto.RowSum) bool { return r.RowRef == ref })
			if at := slices.IndexFunc(server, func(r syncproto.RowSum) bool { return r.RowRef == ref }); at >= 0 {
				device = append(device, server[at])
				cost += 700
			}
		}
		ranges, err := tree.Answer(probe)
		if err != nil {
			t.Fatal(err)
		}
		var frames []syncproto.Frame
		for _, r := range ranges {
			frames = append(frames, r)
		}
		got, n := wire(t, syncproto.Welcome{Protocol: 1, Epoch: "00112233445566778899aabbccddeeff"}, frames...)
		cost += n
		ranges = nil
		for _, f := range got {
			ranges = append(ranges, f.(syncproto.Ranges))
		}
		step, err := repair.New(device).Compare(ranges)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range step.Drop {
			device = slices.DeleteFunc(device, func(r syncproto.RowSum) bool { return r.RowRef == ref })
		}
		if probe = step.Probe(bucket); len(probe.Prefixes)+len(probe.Rows) == 0 && !probe.Refill {
			return device, rounds + 1, cost
		}
	}
}

func same(a, b []syncproto.RowSum) bool {
	by := func(x, y syncproto.RowSum) int { return strings.Compare(string(x.ID), string(y.ID)) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), by), slices.SortedFunc(slices.Values(b), by))
}

func TestOneRowInFiftyThousandCostsLittle(t *testing.T) {
	for name, harm := range map[string]func(device []syncproto.RowSum) []syncproto.RowSum{
		"changed": func(d []syncproto.RowSum) []syncproto.RowSum { d[777].Sum++; return d },
		"missing": func(d []syncproto.RowSum) []syncproto.RowSum { return slices.Delete(d, 31000, 31001) },
		"extra": func(d []syncproto.RowSum) []syncproto.RowSum {
			return append(d, syncproto.RowSum{RowRef: syncproto.RowRef{Table: "visit", ID: "01935b7e-0000-7000-8000-0000000000ff"}, Sum: 5})
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := rows(rand.New(rand.NewPCG(1, 2)), 50000)
			healed, rounds, cost := heal(t, server, harm(slices.Clone(server)))
			if !same(healed, server) {
				t.Fatal("still differs")
			}
			t.Logf("%d rounds, %d bytes", rounds, cost)
			if cost > 20<<10 || rounds > 3 {
				t.Fatalf("%d rounds, %d bytes", rounds, cost)
			}
		})
	}
}

func TestEveryDifferenceHeals(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 200, 257, 5000} {
		for _, wrong := range []int{0, 1, 3, 100, 4000} {
			server := rows(r, n)
			device := slices.Clone(server)
			for range min(wrong, n) {
				switch i := r.IntN(len(device)); r.IntN(3) {
				case 0:
					device[i].Sum = r.Uint64()
				case 1:
					device = append(device, rows(r, 1)...)
				default:
					if len(device) > 1 {
						device = slices.Delete(device, i, i+1)
					}
				}
			}
			if healed, _, _ := heal(t, server, device); !same(healed, server) {
				t.Fatalf("%d rows, %d wrong: still differs", n, wrong)
			}
		}
	}
}

func TestAgreementIsSeenInOneRound(t *testing.T) {
	server := rows(rand.New(rand.NewPCG(5, 6)), 5000)
	tree := repair.New(server)
	ranges, err := tree.Answer(syncproto.Probe{ID: bucket, Prefixes: []string{""}})
	if err != nil {
		t.Fatal(err)
	}
	if step, err := repair.New(slices.Clone(server)).Compare(ranges); err != nil || !step.Same() {
		t.Fatalf("%+v %v", step, err)
	}
}

func TestWrongPrefixesAreRefused(t *testing.T) {
	for _, prefix := range []string{"g", "F", "-1", "+1", strings.Repeat("0", 17), "0x"} {
		if _, err := repair.New(nil).Answer(syncproto.Probe{Prefixes: []string{prefix}}); err == nil {
			t.Errorf("%q passed", prefix)
		}
		if _, err := repair.New(nil).Compare([]syncproto.Ranges{{Prefix: prefix}}); err == nil {
			t.Errorf("ranges of %q passed", prefix)
		}
	}
	if _, err := repair.New(nil).Compare([]syncproto.Ranges{{Prefix: strings.Repeat("0", 16), Width: 1, Sums: make([]uint64, 16)}}); err == nil {
		t.Error("sums below a whole key passed")
	}
}

func TestSumCountsRowsWithoutCells(t *testing.T) {
	var h syncproto.CellHasher
	h.Row("visit", "01935b7e-0000-7000-8000-000000000001")
	bare := repair.Sum(&h, []string{"note"}, []schema.Value{schema.Null})
	full := repair.Sum(&h, []string{"note"}, []schema.Value{schema.Text("x")})
	if bare == 0 || bare == full {
		t.Fatalf("%x %x", bare, full)
	}
}

// FuzzCompare: whatever a server answers, the device neither panics nor asks for something without end.
func FuzzCompare(f *testing.F) {
	f.Add("3f", 1, uint64(7), 3)
	f.Add("0", -92, uint64(7), 9)
	f.Fuzz(func(t *testing.T, prefix string, width int, sum uint64, n int) {
		r := syncproto.Ranges{ID: bucket, Prefix: prefix, Width: width}
		if width != 0 {
			r.Sums = make([]uint64, min(max(n, 0), 300))
			for i := range r.Sums {
				r.Sums[i] = sum
			}
		} else {
			r.Rows = []syncproto.RowSum{{Sum: sum}}
		}
		step, err := repair.New(rows(rand.New(rand.NewPCG(1, sum)), 20)).Compare([]syncproto.Ranges{r})
		if err != nil {
			return
		}
		for _, deeper := range step.Prefixes {
			if !strings.HasPrefix(deeper, prefix) || len(deeper) != len(prefix)+width {
				t.Fatalf("%q below %q", deeper, prefix)
			}
		}
	})
}

func TestRepairVectors(t *testing.T) {
	for _, v := range vectors.MustRead(t, os.DirFS("../testdata"), "repair.txt") {
		if v.Has("table") {
			var h syncproto.CellHasher
			h.Row(v.Get("table"), syncproto.RowID(v.Get("id")))
			var columns []string
			var values []schema.Value
			for _, cell := range v.All("cell") {
				column, raw, _ := strings.Cut(cell, " ")
				kind := schema.KindInt
				if raw[0] == '"' {
					kind = schema.KindText
				}
				value, err := schema.ParseValue(kind, []byte(raw))
				if err != nil {
					t.Fatal(err)
				}
				columns, values = append(columns, column), append(values, value)
			}
			v.Want("sum", fmt.Sprintf("%016x", repair.Sum(&h, columns, values)))
			continue
		}
		var list []syncproto.RowSum
		for _, line := range v.All("row") {
			list = append(list, rowSum(t, line))
		}
		if v.Has("count") {
			n, err := strconv.Atoi(v.Get("count"))
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				list = append(list, rowSum(t, fmt.Sprintf("visit 01935b7e-0000-7000-8000-%012x %016x", i, i+1)))
			}
		}
		got, err := repair.New(list).Answer(syncproto.Probe{ID: bucket, Prefixes: []string{v.Get("prefix")}})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v %v", got, err)
		}
		if v.Has("sums") {
			v.Want("width", strconv.Itoa(got[0].Width))
			var raw []byte
			for _, n := range got[0].Sums {
				raw = binary.BigEndian.AppendUint64(raw, n)
			}
			v.Want("sums", base64.RawURLEncoding.EncodeToString(raw))
			continue
		}
		var listed []syncproto.RowSum
		for _, line := range v.All("listed") {
			listed = append(listed, rowSum(t, line))
		}
		if !slices.Equal(got[0].Rows, listed) || got[0].Width != 0 {
			t.Errorf("prefix %q: %+v, want %+v", v.Get("prefix"), got[0].Rows, listed)
		}
	}
}

func rowSum(t *testing.T, line string) syncproto.RowSum {
	t.Helper()
	parts := strings.Fields(line)
	sum, err := strconv.ParseUint(parts[2], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return syncproto.RowSum{RowRef: syncproto.RowRef{Table: parts[0], ID: syncproto.RowID(parts[1])}, Sum: sum}
}
