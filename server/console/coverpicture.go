package console

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"minqing/server/console/branch"
)

// picture collects marks, each a link. They are written here, as charts are: a template takes longer over the thousands of them than over all the rest
// of the page. A place has as many marks as households, so that a mark is as short as a link can be: no class and no element of its own for what it
// says when it is pointed at. Its address begins with the letter of how it looks (coverage.css), and names what it leads to by a few random digits.
type picture struct {
	page string // whose address the marks begin with; "" is the page that they are on
	out  strings.Builder
}

// looks are what marks look like, a letter each: how a household stands, and how much of a village or group is to be seen to.
var looks = map[string]string{"nobody": "n", "overdue": "o", "unvisited": "u", "short": "s", "enough": "e", "uncounted": "x"}

// mark adds one; to is what its address says behind the letter.
func (m *picture) mark(look, to, name string, on bool) {
	to, current := m.page+"?"+looks[look]+to, ""
	if strings.Contains(to, "=") { // else it needs no quotes
		to = `"` + template.HTMLEscapeString(to) + `"`
	}
	if on {
		current = " aria-current=true"
	}
	for _, s := range [...]string{"<a href=", to, current, ">", template.HTMLEscapeString(name), "</a>"} {
		m.out.WriteString(s)
	}
}

func (m *picture) marks() template.HTML {
	return template.HTML(m.out.String()) // #nosec G203 -- what is not our own was escaped by mark
}

// The last bytes of an id, which are random: a mark names a household of one picture by homeEnd of them, a place by placeEnd. What has the same end as
// something else of the picture is named in full.
const (
	homeEnd  = 3
	placeEnd = 6
)

// endOf gives the last bytes of an id, as an address holds them.
func endOf(id string, bytes int) string {
	raw, err := hex.DecodeString(id[max(0, len(id)-2*bytes):])
	if err != nil {
		return id
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ends counts what has which end.
type ends map[string]int

func (e ends) add(id string, bytes int) { e[endOf(id, bytes)]++ }

// aMark is the name in an address that a mark leads to: the letter, the end, and of a household a letter of what else is asked of the table (coverAsk.letter).
var aMark = regexp.MustCompile(`^[nousex](?:([\w-]{4})([\w-]?)|([\w-]{8}))$`)

// markIn finds what a mark's address asks for: the end of a household's id with what else it says, or that of a place's.
func markIn(q url.Values) (home, ask, place string) {
	for name := range q {
		if m := aMark.FindStringSubmatch(name); m != nil && q.Get(name) == "" {
			return m[1], m[2], m[3]
		}
	}
	return "", "", ""
}

// homeAt is the household that the address leads to, nil for none; when meanwhile another came whose id ends alike, it is none.
func homeAt(c *branch.Coverage, end string, q url.Values) (at *branch.Home) {
	if end == "" {
		return c.Find(q.Get("at"))
	}
	for _, g := range c.Groups {
		for _, h := range g.Homes {
			if endOf(string(h.ID), homeEnd) != end {
				continue
			}
			if at != nil {
				return nil
			}
			at = h
		}
	}
	return at
}

// letters are what coverAsk.letter writes.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// letter says in one letter which standings the table lists and whether one group alone; "" when neither was asked.
func (a coverAsk) letter() string {
	n := 0
	for i, s := range branch.Standings {
		if slices.Contains(a.show, s) {
			n |= 1 << i
		}
	}
	if a.group != "" {
		n |= 1 << len(branch.Standings)
	}
	if n == 0 {
		return ""
	}
	return letters[n : n+1]
}

// said adds what a letter says, given the group of the household whose mark it comes from.
func (a coverAsk) said(letter, group string) coverAsk {
	n := max(0, strings.Index(letters, letter))
	for i, s := range branch.Standings {
		if n&(1<<i) != 0 {
			a.show = append(a.show, s)
		}
	}
	if n&(1<<len(branch.Standings)) != 0 {
		a.group = group
	}
	return a
}

// marksOf draws the households of a group.
func (rq *request) marksOf(g *branch.CoverGroup, alike ends, ask coverAsk, at *branch.Home) template.HTML {
	out := picture{page: rq.coverNear("")}
	more := ask.letter()
	if ask.cadre != "" {
		more += "&cadre=" + ask.cadre
	}
	for _, h := range g.Homes {
		to := endOf(string(h.ID), homeEnd)
		if alike[to] > 1 {
			to = "&" + strings.TrimPrefix(ask.query("at", string(h.ID)), "?")
		} else {
			to += more
		}
		out.mark(string(h.Standing), to+"#r", h.Head+" "+rq.briefly(h), h == at)
	}
	return out.marks()
}

// briefly says how a household stands in a word or two.
func (rq *request) briefly(h *branch.Home) string {
	switch h.Standing {
	case branch.Overdue:
		return rq.words.say("coverage.brief.overdue", h.Days)
	case branch.Short:
		return rq.words.say("coverage.brief.short", h.Owed-h.Done)
	}
	return rq.words.say("coverage.brief." + string(h.Standing))
}

// coverNear begins an address that the page holds by the hundred: of another page of the place, or ("") of this one. It is short, save where the page
// answers a form, whose address lies further down.
func (rq *request) coverNear(page string) string {
	if rq.Method == http.MethodPost {
		return rq.at("/" + cmp.Or(page, "coverage"))
	}
	return page
}
