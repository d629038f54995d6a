package main

import (
	"fmt"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// fates are what is known of the changes of this device, in words, by identity.
type fates map[syncproto.Identity]string

// fatesNow reads them, in the order in which the changes were made.
func (a *app) fatesNow(r *replica.Replica) (fates, []replica.Entry, error) {
	list, err := r.Entries(a.ctx)
	if err != nil {
		return nil, nil, err
	}
	out := fates{}
	for _, e := range list {
		out[e.Identity] = a.fate(e)
	}
	return out, list, nil
}

// tellFates prints what became of changes since before: a line each, in words.
func (a *app) tellFates(r *replica.Replica, before fates) error {
	now, list, err := a.fatesNow(r)
	if err != nil {
		return err
	}
	for _, e := range list {
		if f := now[e.Identity]; f != before[e.Identity] && f != "" {
			a.say("  第 %d 条（%s）：%s", "  change %d (%s): %s", e.Change.Name.Number, a.title(r.Book(), e), f)
		}
	}
	return nil
}

// title names a change by what it touched.
func (a *app) title(book *schema.Book, e replica.Entry) string {
	var out []string
	for _, edit := range e.Change.Edits {
		if t := book.Table(edit.Table); t != nil && !slices.Contains(out, a.label(t.Label)) {
			out = append(out, a.label(t.Label))
		}
	}
	if len(out) == 0 {
		return a.label(schema.Label{ZH: "那户已不在本机", EN: "of a household no longer here"})
	}
	return strings.Join(out, a.label(schema.Label{ZH: "、", EN: ", "}))
}

// fate is what became of a change: what happened, what holds now, who does what next. It is "" while nobody has said anything.
func (a *app) fate(e replica.Entry) string {
	v := e.Verdict
	if v == nil {
		return ""
	}
	out := a.label(statusWords[v.Status])
	switch v.Status {
	case syncproto.Merged:
		out += a.label(schema.Label{ZH: "，您和别人都改了，按规则合在一起，不用做什么", EN: "; you and others changed it, a rule joined them, nothing to do"})
	case syncproto.Conflicted:
		out = a.decision(v)
	case syncproto.Refused:
		out += a.label(schema.Label{ZH: "，", EN: ": "}) + a.label(schema.ReadBoth(v.Message))
	}
	if v.Late {
		out += a.label(schema.Label{ZH: "（晚到：这户已不归您联系。您是之前去的，照样算数。）", EN: " (late: this household is no longer yours; you went before that, so it counts)"})
	}
	return out
}

// outcomeWords are how an inbox item ended for an author.
var outcomeWords = map[string]schema.Label{
	"":         {ZH: "和别人写得不一样，先按原来的用，等管理员定", EN: "differs from another's; the old value holds until an administrator decides"},
	"kept":     {ZH: "管理员定了，采用您写的", EN: "decided: your words stand"},
	"outvoted": {ZH: "管理员定了，采用了别人写的，您写的留着", EN: "decided: another's words stand; yours are kept"},
	"third":    {ZH: "管理员定了，另写了一个，您写的留着", EN: "decided: a new value stands; yours are kept"},
}

func (a *app) decision(v *syncproto.Verdict) string {
	var out []string
	for _, i := range v.Items {
		words, known := outcomeWords[i.Outcome]
		if !known {
			words = schema.Label{ZH: i.Outcome, EN: i.Outcome}
		}
		name := i.Cell
		if cell := schema.Minqing().Cell(i.Table, i.Cell); cell != nil {
			name = a.label(cell.Columns[0].Label)
		}
		if i.Outcome == "" {
			out = append(out, fmt.Sprintf("%s“%s”%s", a.label(schema.Label{ZH: "等决定：", EN: "waits: "}), name, a.label(words)))
		} else {
			out = append(out, fmt.Sprintf("“%s”%s", name, a.label(words)))
		}
	}
	return strings.Join(out, a.label(schema.Label{ZH: "；", EN: "; "}))
}
