package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"minqing/schema/schematest"
)

// operation is one operation of a history: everything about it follows from its seed and from the state it meets.
type operation struct {
	Kind string
	Seed uint64
}

// phoneCase says what a phone is.
type phoneCase struct {
	User      string
	Version   int // of the rule book
	Encrypted bool
}

// history is a plan: what is done, by whom, in which order. It follows from the seed; a shrunk one leaves operations or faults out.
type history struct {
	Seed   uint64
	Phones []phoneCase
	Ops    []operation
	Skip   map[int]bool // operations left out
	Calm   map[int]bool // operations whose faults are left out
	Clocks bool         // whether wall clocks go wrong
	Wide   bool         // whether the kinds that came later are in it
	Half   bool         // whether it is one of a pair: whoever chooses at the desk chooses by nothing that hangs on clocks
	// Thorough looks at everything after each step: slower, and a failure shows where it began.
	Thorough bool
}

// plan makes the history of a seed.
func plan(seed uint64) *history {
	d := newDice(seed, 0)
	h := &history{Seed: seed, Skip: map[int]bool{}, Calm: map[int]bool{}, Clocks: true}
	people := []string{cadres[0], cadres[1], secretaries[0]}
	for range d.IntN(3) {
		people = append(people, pick(d, []string{cadres[0], cadres[1], cadres[2], cadres[3], secretaries[0], secretaries[1]}))
	}
	for _, user := range people {
		version := schematest.Version
		if d.chance(3) {
			version = 1 + d.IntN(schematest.Version)
		}
		h.Phones = append(h.Phones, phoneCase{User: user, Version: version, Encrypted: d.chance(3)})
	}
	// A history has a mood: what it does often, and what it leaves alone. Only so do long chains of one kind come about.
	weights := make([]int, len(kindNames))
	for i, name := range kindNames {
		weights[i] = kinds[name].weight * (1 + d.IntN(5))
		if !kinds[name].always && d.chance(3) {
			weights[i] = 0
		}
	}
	for range length(d) {
		h.Ops = append(h.Ops, operation{Kind: kindNames[d.weighed(weights)], Seed: d.Uint64()})
	}
	h.widen(newDice(seed, 15))
	h.erase(newDice(seed, 16))
	h.people(newDice(seed, 17))
	h.name(newDice(seed, 20))
	h.reconsider(newDice(seed, 19))
	h.letIn(newDice(seed, 18))
	return h
}

// name says of two households that they are one, in one history of ten, and decides something later; two times of three it is told of some again.
func (h *history) name(d *dice) {
	if !d.chance(10) {
		return
	}
	for at := d.IntN(len(h.Ops)); ; at += 1 + d.IntN(len(h.Ops)-at) {
		h.Ops = slices.Insert(h.Ops, at, operation{Kind: "name", Seed: d.Uint64()})
		h.Ops = slices.Insert(h.Ops, at+1+d.IntN(len(h.Ops)-at), operation{Kind: "decide", Seed: d.Uint64()})
		if d.chance(3) {
			return
		}
	}
}

// erase puts a lawful erasure into one history of ten, in the second half, where there is something to erase.
func (h *history) erase(d *dice) {
	if d.chance(10) {
		at := len(h.Ops)/2 + d.IntN(len(h.Ops)-len(h.Ops)/2)
		h.Ops = slices.Insert(h.Ops, at, operation{Kind: "erase", Seed: d.Uint64()})
	}
}

// people writes one number down for two things in one history of ten, and some time later says that the two are one: by then phones have written
// into either.
func (h *history) people(d *dice) {
	if d.chance(10) {
		at := d.IntN(len(h.Ops))
		h.Ops = slices.Insert(h.Ops, at, operation{Kind: "numbers", Seed: d.Uint64()})
		at += 1 + d.IntN(len(h.Ops)-at)
		h.Ops = slices.Insert(h.Ops, at, operation{Kind: "people", Seed: d.Uint64()})
	}
}

// reconsider lets decisions be made, made again and taken back, in one history of four, somewhere behind its middle.
func (h *history) reconsider(d *dice) {
	if !d.chance(4) {
		return
	}
	at := len(h.Ops) / 2
	for range 4 + d.IntN(8) {
		at += d.IntN(len(h.Ops) - at + 1)
		h.Ops = slices.Insert(h.Ops, at, operation{Kind: pick(d, []string{"decide", "again", "again", "take back", "take back", "sync", "edit"}), Seed: d.Uint64()})
		at = max(len(h.Ops)/2, at-3)
	}
}

// letIn has somebody look at what was refused in one history of three, several times in the second half: then there is something.
func (h *history) letIn(d *dice) {
	if !d.chance(3) {
		return
	}
	for range 3 + d.IntN(4) {
		at := len(h.Ops)/2 + d.IntN(len(h.Ops)-len(h.Ops)/2)
		h.Ops = slices.Insert(h.Ops, at, operation{Kind: "let in", Seed: d.Uint64()})
	}
}

// widen puts operations of the kinds that came later in between, in every other history.
func (h *history) widen(d *dice) {
	if h.Wide = d.chance(2); !h.Wide {
		return
	}
	weights := make([]int, len(laterKinds))
	for i, name := range laterKinds {
		weights[i] = kinds[name].weight
	}
	var ops []operation
	for _, op := range h.Ops {
		if d.chance(4) {
			ops = append(ops, operation{Kind: laterKinds[d.weighed(weights)], Seed: d.Uint64()})
		}
		ops = append(ops, op)
	}
	h.Ops = ops
}

// length is how many operations a history holds. Most are short, and so there can be many: what few operations bring about is found by trying
// many of them. What needs a long past (chains of mends, an image put back late, months) comes in the tail.
func length(d *dice) int {
	switch n := d.IntN(20); {
	case n < 14:
		return 12 + d.IntN(24)
	case n < 19:
		return 36 + d.IntN(48)
	default:
		return 84 + d.IntN(96)
	}
}

func (h *history) skips(i int) bool { return h.Skip[i] }
func (h *history) calm(i int) bool  { return h.Calm[i] }

// copy is a history that can be altered by itself.
func (h *history) copy() *history {
	c := *h
	c.Skip, c.Calm = maps.Clone(h.Skip), maps.Clone(h.Calm)
	return &c
}

// same tells whether two histories of one seed do the same.
func (h *history) same(o *history) bool {
	return h.Clocks == o.Clocks && maps.Equal(h.Skip, o.Skip) && maps.Equal(h.Calm, o.Calm)
}

// operations counts those that are not left out.
func (h *history) operations() int { return len(h.Ops) - len(h.Skip) }

// Replay is the command that runs this history again.
func (h *history) Replay() string {
	s := fmt.Sprintf("minqing-sim -seed %d", h.Seed)
	if len(h.Skip) > 0 {
		var kept []int
		for i := range h.Ops {
			if !h.Skip[i] {
				kept = append(kept, i)
			}
		}
		s += " -keep " + formatRanges(kept)
	}
	if len(h.Calm) > 0 {
		var calm []int
		for i := range h.Ops {
			if h.Calm[i] && !h.Skip[i] {
				calm = append(calm, i)
			}
		}
		if len(calm) > 0 {
			s += " -calm " + formatRanges(calm)
		}
	}
	if !h.Clocks {
		s += " -right-clocks"
	}
	return s
}

// Only leaves out all operations but those of a list like “3,7-9”.
func (h *history) Only(list string) error {
	keep, err := h.parseRanges(list)
	if err != nil {
		return err
	}
	for i := range h.Ops {
		if !slices.Contains(keep, i) {
			h.Skip[i] = true
		}
	}
	return nil
}

// Quiet leaves the faults of the operations of a list out.
func (h *history) Quiet(list string) error {
	calm, err := h.parseRanges(list)
	for _, i := range calm {
		h.Calm[i] = true
	}
	return err
}

func formatRanges(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		end := i
		for end+1 < len(list) && list[end+1] == list[end]+1 {
			end++
		}
		if end == i {
			parts = append(parts, strconv.Itoa(list[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", list[i], list[end]))
		}
		i = end + 1
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ",")
}

// parseRanges reads a list like “3,7-9” of operations of the history.
func (h *history) parseRanges(list string) ([]int, error) {
	var out []int
	if list == "" || list == "none" {
		return nil, nil
	}
	for _, part := range strings.Split(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		low, err := strconv.Atoi(from)
		high := low
		if err == nil && ranged {
			high, err = strconv.Atoi(to)
		}
		if err != nil || high < low {
			return nil, fmt.Errorf("%q is no list like 3,7-9", list)
		}
		if high >= len(h.Ops) {
			return nil, fmt.Errorf("the history of seed %d has no operation %d, only 0 to %d", h.Seed, high, len(h.Ops)-1)
		}
		for i := low; i <= high; i++ {
			out = append(out, i)
		}
	}
	return out, nil
}
