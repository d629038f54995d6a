package merge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestSetsAgainstMaps holds the compressed sets to plain maps.
func TestSetsAgainstMaps(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 8))
		type pair struct {
			s set
			m map[int]bool
		}
		pairs := []pair{{m: map[int]bool{}}, {m: map[int]bool{}}, {s: firstN(130), m: map[int]bool{}}}
		for i := range 130 {
			pairs[2].m[i] = true
		}
		for range 60 {
			p, o := &pairs[r.IntN(3)], &pairs[r.IntN(3)]
			switch r.IntN(5) {
			case 0:
				i := r.IntN(300)
				p.s.add(i)
				p.m[i] = true
			case 1:
				from := r.IntN(200)
				for i := from; i < from+80; i++ {
					p.s.add(i)
					p.m[i] = true
				}
			case 2:
				p.s.or(&o.s)
				for i := range o.m {
					p.m[i] = true
				}
			case 3:
				p.s = p.s.and(&o.s)
				kept := map[int]bool{}
				for i := range p.m {
					if o.m[i] {
						kept[i] = true
					}
				}
				p.m = kept
			case 4:
				*p = pair{o.s.clone(), maps.Clone(o.m)}
			}
		}
		for _, p := range pairs {
			n := 0
			p.s.each(func(i int) {
				n++
				if !p.m[i] {
					t.Fatalf("seed %d: %d is in the set", seed, i)
				}
			})
			var plain set
			for i := range 400 {
				if p.s.has(i) != p.m[i] {
					t.Fatalf("seed %d: has(%d) = %v", seed, i, p.s.has(i))
				}
				if p.m[i] {
					plain.add(i)
				}
			}
			if n != len(p.m) || !plain.equal(&p.s) || fmt.Sprint(plain.dense()) != fmt.Sprint(p.s.dense()) {
				t.Fatalf("seed %d: %v and %v are the same set", seed, plain, p.s)
			}
		}
	}
}
