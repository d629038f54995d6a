package oracle

import (
	"slices"
	"strings"
	"unicode/utf8"

	"minqing/schema"
)

// The oracle merges texts made of sentences that each occur once: then who kept, dropped and put in what is plain, and no search for the
// likeliest difference is needed. A text in which a sentence occurs twice, or whose sentences changed places, is vague.

// sentences splits a text behind each full stop.
func sentences(s string) []string {
	var out []string
	for s != "" {
		end := strings.Index(s, "。")
		if end < 0 {
			return append(out, s)
		}
		end += len("。")
		out = append(out, s[:end])
		s = s[end:]
	}
	return out
}

// change is a stretch of the base, from up to to, that a side made into put.
type change struct {
	side     int
	from, to int
	put      []string
}

// mergeTexts merges two texts made from one base, the sides in canonical order. ok is false where they overlap.
func mergeTexts(base, first, second schema.Value, most int64) (merged schema.Value, ok, vague bool) {
	switch {
	case first == second || second == base:
		return first, true, false
	case first == base:
		return second, true, false
	}
	b, sides := sentences(base.Str()), [2][]string{sentences(first.Str()), sentences(second.Str())}
	var changes []change
	for side, text := range sides {
		made, plain := changesOf(side, b, text)
		vague = vague || !plain
		changes = append(changes, made...)
	}
	out, ok := weave(b, changes)
	if repeats(b) || repeats(out) {
		vague = true
	}
	text := strings.Join(out, "")
	for _, s := range append(slices.Clone(b), out...) {
		// Only whole sentences stand by themselves whatever they are put beside.
		vague = vague || !strings.HasSuffix(s, "。") || strings.ContainsAny(s, "！？；”’\n")
	}
	if int64(utf8.RuneCountInString(text)) > most {
		ok = false
	}
	if !ok {
		return schema.Null, false, vague
	}
	return schema.Text(text), true, vague
}

func repeats(list []string) bool {
	for i, s := range list {
		if slices.Contains(list[i+1:], s) {
			return true
		}
	}
	return false
}

// changesOf finds what a side changed; plain is false when sentences occur twice or changed places.
func changesOf(side int, base, text []string) (out []change, plain bool) {
	plain = !repeats(base) && !repeats(text)
	from, at := 0, 0
	for i := 0; i <= len(text); i++ {
		kept := len(base)
		if i < len(text) {
			if kept = slices.Index(base, text[i]); kept < 0 {
				continue
			}
			if kept < from {
				plain = false
				continue
			}
		}
		if from < kept || at < i {
			out = append(out, change{side, from, kept, slices.Clone(text[at:i])})
		}
		from, at = kept+1, i+1
	}
	return out, plain
}

// touch tells whether two changes are about the same place.
func touch(a, b change) bool {
	switch {
	case a.from == a.to && b.from == b.to:
		return a.from == b.from
	case a.from == a.to:
		return b.from < a.from && a.from < b.to
	case b.from == b.to:
		return a.from < b.from && b.from < a.to
	}
	return max(a.from, b.from) < min(a.to, b.to)
}

// weave applies the changes of both sides to the base, cluster by cluster of those that touch.
func weave(base []string, changes []change) (out []string, ok bool) {
	at := 0
	for len(changes) > 0 {
		slices.SortStableFunc(changes, func(a, b change) int {
			if a.from != b.from {
				return a.from - b.from
			}
			return a.to - b.to
		})
		cluster := []change{changes[0]}
		changes = changes[1:]
		for grown := true; grown; {
			grown = false
			changes = slices.DeleteFunc(changes, func(c change) bool {
				joins := slices.ContainsFunc(cluster, func(o change) bool { return o.side != c.side && touch(o, c) })
				if joins {
					cluster = append(cluster, c)
					grown = true
				}
				return joins
			})
		}
		lo, hi := cluster[0].from, cluster[0].to
		for _, c := range cluster {
			lo, hi = min(lo, c.from), max(hi, c.to)
		}
		out = append(out, base[at:lo]...)
		piece, fits := settle(base, lo, hi, cluster)
		if !fits {
			return nil, false
		}
		out, at = append(out, piece...), hi
	}
	return append(out, base[at:]...), true
}

// settle is what a stretch becomes where changes touch.
func settle(base []string, lo, hi int, cluster []change) ([]string, bool) {
	version := func(side int) ([]string, bool) {
		var text []string
		at, any := lo, false
		for _, c := range cluster {
			if c.side == side {
				text = append(append(text, base[at:c.from]...), c.put...)
				at, any = c.to, true
			}
		}
		return append(text, base[at:hi]...), any
	}
	slices.SortStableFunc(cluster, func(a, b change) int { return a.from - b.from })
	first, one := version(0)
	second, two := version(1)
	deletes := func(side int) bool {
		return !slices.ContainsFunc(cluster, func(c change) bool { return c.side == side && len(c.put) > 0 })
	}
	switch {
	case !two || slices.Equal(first, second):
		return first, true
	case !one:
		return second, true
	case lo == hi: // both put something in at one point
		alike := 0
		for alike < min(len(first), len(second)) && first[alike] == second[alike] {
			alike++
		}
		return slices.Concat(first, second[alike:]), true
	case deletes(0) && deletes(1):
		return slices.DeleteFunc(slices.Clone(base[lo:hi]), func(s string) bool {
			return !slices.Contains(first, s) || !slices.Contains(second, s)
		}), true
	}
	return nil, false
}
