package sim

import (
	"fmt"
	"math/rand/v2"
)

// dice is a stream of random choices of its own: taking one operation out of a history leaves the choices of all others as they were.
type dice struct{ *rand.Rand }

func newDice(seed uint64, salt uint64) *dice { return &dice{rand.New(rand.NewPCG(seed, salt))} }

// chance is true once in n times.
func (d *dice) chance(n int) bool { return d.IntN(n) == 0 }

// between gives a number from low to high, both included.
func (d *dice) between(low, high int64) int64 { return low + d.Int64N(high-low+1) }

// pick chooses one of a list that is not empty.
func pick[T any](d *dice, list []T) T { return list[d.IntN(len(list))] }

// weighed chooses an index by weight.
func (d *dice) weighed(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := d.IntN(total)
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	return len(weights) - 1
}

// entropy is randomness for production code: bytes in order, whatever the sizes in which they are read.
type entropy struct {
	r    *rand.Rand
	rest []byte
}

func newEntropy(seed, salt uint64) *entropy {
	return &entropy{r: rand.New(rand.NewPCG(seed, salt^0x9e3779b97f4a7c15))}
}

func (e *entropy) Read(p []byte) (int, error) {
	for i := range p {
		if len(e.rest) == 0 {
			x := e.r.Uint64()
			for range 8 {
				e.rest = append(e.rest, byte(x))
				x >>= 8
			}
		}
		p[i] = e.rest[0]
		e.rest = e.rest[1:]
	}
	return len(p), nil
}

// newID makes a row id as version 7 of UUIDs has it: of a time in Unix ms and randomness.
func newID(ms int64, d *dice) string {
	x, y := d.Uint64(), d.Uint64()
	return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x", uint32(ms>>16), uint16(ms), x&0xfff, 0x8000|y>>48&0x3fff, y&0xffffffffffff)
}
