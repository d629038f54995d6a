package field

import (
	"cmp"
	"strings"

	"minqing/mobile-client/replica"
)

// places are the places on this phone by id: its own village and what is above and below it, a few dozen.
type places map[string]place

type place struct{ name, parent, level, code string }

func loadPlaces(v *replica.View) (places, error) {
	out := places{}
	var id string
	var p place
	err := v.Each(`SELECT id, coalesce(name, ''), coalesce(parent, ''), coalesce(level, ''), coalesce(code, '') FROM place`, nil,
		[]any{&id, &p.name, &p.parent, &p.level, &p.code}, func() error {
			out[id] = p
			return nil
		})
	return out, err
}

// maxDepth bounds the way up the tree: places are six levels deep, and a tree bent into a ring must not hang the phone.
const maxDepth = 10

// up lists a place and those above it, from the narrowest.
func (p places) up(id string) (out []place) {
	for range maxDepth {
		at, ok := p[id]
		if !ok {
			break
		}
		out = append(out, at)
		id = at.parent
	}
	return out
}

// group names where a household stands as its neighbours do: “第7组 上湾” with the natural village above a group.
func (p places) group(id string) string {
	chain := p.up(id)
	switch {
	case len(chain) == 0:
		return ""
	case len(chain) > 1 && chain[1].level == "natural":
		return chain[0].name + " " + chain[1].name
	}
	return chain[0].name
}

// door is the part of an address that tells houses of one group apart: without the places around it, whichever comes first in it, and
// without a note in brackets.
func (p places) door(id, address string) string {
	chain := p.up(id)
	for cut := true; cut; {
		cut = false
		for _, at := range chain {
			if rest, ok := strings.CutPrefix(address, at.name); ok && at.name != "" && rest != "" {
				address, cut = strings.TrimPrefix(rest, "自然村"), true
			}
		}
	}
	if at := strings.IndexAny(address, "（("); at > 0 {
		address = address[:at]
	}
	return strings.TrimSpace(address)
}

// byPlace compares two places as people count them: 第2组 before 第10组.
func (p places) byPlace(a, b string) int {
	x, y := p[a], p[b]
	return cmp.Or(natural(x.code, y.code), natural(x.name, y.name), cmp.Compare(a, b))
}

// natural compares texts, numbers in them by size.
func natural(a, b string) int { return cmp.Compare(sortKey(a), sortKey(b)) }

// sortKey writes a text so that bytewise order is the order in which people count: every number in it with as many digits.
func sortKey(s string) string {
	const wide = 10
	var b strings.Builder
	for s != "" {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 0 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		b.WriteString(strings.Repeat("0", max(0, wide-n)))
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}
