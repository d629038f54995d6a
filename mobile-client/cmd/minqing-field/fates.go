package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

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
	out, mended := fates{}, replica.Mended(list)
	for _, e := range list {
		out[e.Identity] = a.fate(e)
		if e.LetIn() {
			out[e.Identity] = a.letIn(e.Verdict)
		} else if e.State == replica.Refused && mended[e.Identity] {
			out[e.Identity] = a.label(schema.Label{ZH: "没有通过，您改好又传了，不用做什么", EN: "refused and mended by you, nothing to do"})
		}
	}
	return out, list, nil
}

// letIn says who let a refused change in.
func (a *app) letIn(v *syncproto.Verdict) string {
	who := v.Who(syncproto.PersonDecided, "", "")
	in := func(lang schema.Lang, somebody string) string {
		if len(who) == 0 {
			return somebody
		}
		return who[0].In(lang) + schema.Label{ZH: "于" + day(who[0].At), EN: " on " + day(who[0].At)}.In(lang)
	}
	return a.label(schema.Label{ZH: "没有通过，" + in(schema.ZH, "管理员") + "看过，替您收下了，不用做什么", EN: "refused, then let in for you by " + in(schema.EN, "an administrator") + ", nothing to do"})
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
	if e.State == replica.Withdrawn {
		return a.label(schema.Label{ZH: "没有通过，您撤回了，不用做什么", EN: "refused and withdrawn by you, nothing to do"})
	}
	if v == nil {
		return ""
	}
	out := a.label(statusWords[v.Status])
	switch v.Status {
	case syncproto.Merged:
		out += a.label(schema.Label{ZH: "，您和" + a.others(v, schema.ZH) + "都改了，按规则合在一起，不用做什么",
			EN: "; you and " + a.others(v, schema.EN) + " changed it, a rule joined them, nothing to do"})
	case syncproto.Conflicted:
		out = a.decision(v)
	case syncproto.Refused:
		out += a.label(schema.Label{ZH: "，", EN: ": "}) + a.label(schema.ReadBoth(v.Message)) + a.movers(v)
	}
	if again, away := v.TakenAway(); away {
		if !again {
			return a.label(schema.Label{ZH: "晚到，管理员看过，没有收，不算数，您写的都在", EN: "late; an administrator has looked and did not take it, all you wrote is here"})
		}
		return a.label(schema.Label{ZH: "晚到，收下过，后来撤回了，现在不算数，等着再定，您写的都在", EN: "late; taken once, and that was taken back: it does not count now and waits for a decision, all you wrote is here"})
	}
	if v.Late {
		out += a.label(schema.Label{ZH: "（晚到：这户已不归您联系。您是之前去的，照样算数。）", EN: " (late: this household is no longer yours; you went before that, so it counts)"})
		for _, n := range v.Who(syncproto.PersonDecided, "", "") {
			out += a.label(schema.Label{ZH: "（" + n.In(schema.ZH) + "于" + day(n.At) + "看过，收下了）", EN: " (" + n.In(schema.EN) + " took it on " + day(n.At) + ")"})
		}
	}
	return out
}

// day is the date of an instant in the city.
func day(ms int64) string {
	return time.UnixMilli(ms).In(schema.CityZone).Format(time.DateOnly)
}

// named joins people with what they are.
func named(list []syncproto.PersonNote, lang schema.Lang) string {
	var out []string
	for _, n := range list {
		if s := n.In(lang); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return lang.Join(out)
}

// others are those who wrote beside the author, “others” where the server named nobody.
func (a *app) others(v *syncproto.Verdict, lang schema.Lang) string {
	if list := v.Who(syncproto.PersonBeside, "", ""); len(list) > 0 {
		return named(list, lang)
	}
	return schema.Label{ZH: "别人", EN: "others"}.In(lang)
}

// movers tells who brought about the state for which a change was refused, and who left late work refused.
func (a *app) movers(v *syncproto.Verdict) (out string) {
	for _, n := range v.Who(syncproto.PersonBeside, "", "") {
		out += a.label(schema.Label{ZH: "（" + n.In(schema.ZH) + "于" + day(n.At) + "改的状态）", EN: " (its state was changed by " + n.In(schema.EN) + " on " + day(n.At) + ")"})
	}
	for _, n := range v.Who(syncproto.PersonDecided, "", "") {
		out += a.label(schema.Label{ZH: "（" + n.In(schema.ZH) + "于" + day(n.At) + "定的）", EN: " (decided by " + n.In(schema.EN) + " on " + day(n.At) + ")"})
	}
	return out
}

// outcomeWords are how an inbox item ended for an author; {who} decides or decided, {beside} wrote too.
var outcomeWords = map[string]schema.Label{
	"":         {ZH: "和{beside}写得不一样，先按原来的用，等{who}定", EN: "differs from what {beside} wrote; the old value holds until {who} decides"},
	"kept":     {ZH: "{who}定了，采用您写的", EN: "decided by {who}: your words stand"},
	"outvoted": {ZH: "{who}定了，采用了{beside}写的，您写的留着", EN: "decided by {who}: what {beside} wrote stands; yours are kept"},
	"third":    {ZH: "{who}定了，另写了一个，您写的留着", EN: "decided by {who}: a new value stands; yours are kept"},
}

func (a *app) decision(v *syncproto.Verdict) string {
	var out []string
	for _, i := range v.Items {
		words, known := outcomeWords[i.Outcome]
		if !known {
			words = schema.Label{ZH: i.Outcome, EN: i.Outcome}
		}
		words = a.whose(v, i, words)
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

// whose puts people into the words about an item.
func (a *app) whose(v *syncproto.Verdict, i syncproto.ItemNote, words schema.Label) schema.Label {
	in := func(text string, lang schema.Lang, another, administrator string) string {
		beside, who := named(v.Who(syncproto.PersonBeside, i.Row, i.Cell), lang), named(v.Who(syncproto.PersonDecides, i.Row, i.Cell), lang)
		if decided := v.Who(syncproto.PersonDecided, i.Row, i.Cell); len(decided) > 0 {
			who = named(decided, lang) + schema.Label{ZH: "于" + day(decided[0].At), EN: " on " + day(decided[0].At)}.In(lang)
		}
		return strings.NewReplacer("{beside}", cmp.Or(beside, another), "{who}", cmp.Or(who, administrator)).Replace(text)
	}
	return schema.Label{ZH: in(words.ZH, schema.ZH, "别人", "管理员"), EN: in(words.EN, schema.EN, "another", "an administrator")}
}
