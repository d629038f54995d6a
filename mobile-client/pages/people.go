package pages

import (
	"slices"
	"strings"
	"time"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

var peopleWords = words{
	"people.conflicted":  {ZH: "您和{0}写得不一样，先按原来的用。<b>{1}来定</b>，定了告诉您。", EN: "You and {0} wrote differently; the old value holds. <b>{1} decides</b>, and you will be told."},
	"people.decider":     {ZH: "您和别人写得不一样，先按原来的用。<b>{0}来定</b>，定了告诉您。", EN: "You and another wrote differently; the old value holds. <b>{0} decides</b>, and you will be told."},
	"people.beside":      {ZH: "您和{0}写得不一样，先按原来的用。<b>管理员来定</b>，定了告诉您。", EN: "You and {0} wrote differently; the old value holds. <b>An administrator decides</b>, and you will be told."},
	"people.merged":      {ZH: "您和{0}都补了内容，<b>大家的话都留着</b>，不用做什么。", EN: "You and {0} all added to it; <b>everything is kept</b>, nothing to do."},
	"people.merged.two":  {ZH: "您和{0}都补了内容，<b>两人的话都留着</b>，不用做什么。", EN: "You and {0} both added to it; <b>both are kept</b>, nothing to do."},
	"people.outvotes":    {ZH: "{0}这一项采用了{1}写的，您写的留着，点开能看。", EN: "{0}: what {1} wrote stands; yours is kept, tap to see it."},
	"people.kept":        {ZH: "{0}于{1}决定：采用您写的。", EN: "{0} decided on {1}: what you wrote stands."},
	"people.outvoted":    {ZH: "{0}于{1}决定：采用别人写的，您写的留着。", EN: "{0} decided on {1}: what another wrote stands; yours is kept."},
	"people.outvoted.by": {ZH: "{0}于{1}决定：采用{2}写的，您写的留着。", EN: "{0} decided on {1}: what {2} wrote stands; yours is kept."},
	"people.third":       {ZH: "{0}于{1}决定：另写了一个，您写的留着。", EN: "{0} decided on {1}: a new value stands; yours is kept."},
	"people.late":        {ZH: "到得晚，{0}于{1}看过，<b>收下了</b>，照样算数。", EN: "It came late; {0} looked at it on {1} and <b>took it</b>. It counts."},
	"people.letin":       {ZH: "没有通过的这条，{0}于{1}看过，<b>替您收下了</b>，不用再改。", EN: "It had been refused; {0} looked at it on {1} and <b>let it in for you</b>. Nothing to mend."},
	"people.toolate":     {ZH: "到得太晚，要{0}看过才能收。您写的都在。", EN: "It came too late; {0} has to look at it first. All you wrote is here."},
	"people.wrote":       {ZH: "别人也写了", EN: "Written too by"},
	"people.moved":       {ZH: "谁改的状态", EN: "Who changed the state"},
	"people.decided":     {ZH: "谁定的", EN: "Who decided"},
	"people.told":        {ZH: "{0}。定了会告诉您。", EN: "{0}. You will be told."},
	"people.or":          {ZH: "或", EN: " or "},
	"people.and":         {ZH: "、", EN: ", "},
	"people.at":          {ZH: "{0}，{1}", EN: "{0}, {1}"},
}

// names joins people: their names alone, or with what they are.
func (rq *request) names(list []syncproto.PersonNote, between string, whole bool) string {
	var out []string
	for _, n := range list {
		s := n.Name
		if whole {
			s = n.In(schema.Lang(rq.words))
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, rq.words.say(between))
}

// day writes the day of an instant, as sentences have it.
func (rq *request) day(ms int64) string {
	return rq.words.date(time.UnixMilli(ms).In(rq.app.opt.Zone).Format(time.DateOnly), rq.now)
}

// namedFate is the sentence of a fate with those who had to do with it; "" when the server named nobody, and the sentence without names stands.
func (rq *request) namedFate(v *syncproto.Verdict, kind string) string {
	decides, beside, decided := v.Who(syncproto.PersonDecides, "", ""), v.Who(syncproto.PersonBeside, "", ""), v.Who(syncproto.PersonDecided, "", "")
	switch {
	case kind == "conflicted" && len(decides) > 0 && len(beside) > 0:
		return rq.words.say("people.conflicted", rq.names(beside, "people.and", false), rq.names(decides, "people.or", true))
	case kind == "conflicted" && len(decides) > 0:
		return rq.words.say("people.decider", rq.names(decides, "people.or", true))
	case kind == "conflicted" && len(beside) > 0:
		return rq.words.say("people.beside", rq.names(beside, "people.and", false))
	case kind == "toolate" && len(decides) > 0:
		return rq.words.say("people.toolate", rq.names(decides, "people.or", true))
	case (kind == "late" || kind == "letin") && len(decided) > 0:
		return rq.words.say("people."+kind, rq.names(decided[:1], "people.and", true), rq.day(decided[0].At))
	case kind == "merged" && len(beside) > 0:
		key := "people.merged"
		if who := rq.names(beside, "people.and", false); who == beside[0].Name {
			key = "people.merged.two"
		}
		return rq.words.say(key, rq.names(beside, "people.and", false))
	case kind == "outvotes" && len(beside) > 0:
		var there []syncproto.PersonNote
		for _, m := range hidden(v) {
			there = append(there, v.Who(syncproto.PersonBeside, m.Row, m.Cell)...)
		}
		if len(there) > 0 {
			return rq.words.say("people.outvotes", rq.cellNames(hidden(v)), rq.names(there, "people.and", false))
		}
	case kind == "decided":
		return rq.decision(v)
	}
	return ""
}

// decision is who decided the last of the items that were decided, and how.
func (rq *request) decision(v *syncproto.Verdict) (text string) {
	for _, i := range v.Items {
		who := v.Who(syncproto.PersonDecided, i.Row, i.Cell)
		if len(who) == 0 || i.Outcome != "kept" && i.Outcome != "outvoted" && i.Outcome != "third" {
			continue
		}
		name, day := rq.names(who[:1], "people.and", true), rq.day(who[0].At)
		text = rq.words.say("people."+i.Outcome, name, day)
		if beside := v.Who(syncproto.PersonBeside, i.Row, i.Cell); i.Outcome == "outvoted" && len(beside) == 1 {
			text = rq.words.say("people.outvoted.by", name, day, beside[0].Name)
		}
	}
	return text
}

// peopleLines are those who had to do with a change, each with what they are and when: what the page of a change says beneath its sentence.
func (rq *request) peopleLines(e replica.Entry, kind string) (out [][2]string) {
	if e.Verdict == nil {
		return nil
	}
	line := func(label string, n syncproto.PersonNote) {
		text := n.In(schema.Lang(rq.words))
		if n.At != 0 {
			text = rq.words.say("people.at", text, rq.words.moment(time.UnixMilli(n.At).In(rq.app.opt.Zone), rq.now))
		}
		if l := [2]string{rq.words.say(label), text}; !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	for _, n := range e.Verdict.Who(syncproto.PersonBeside, "", "") {
		if kind == "refused" || kind == "letin" {
			line("people.moved", n)
		} else {
			line("people.wrote", n)
		}
	}
	for _, n := range e.Verdict.Who(syncproto.PersonDecided, "", "") {
		line("people.decided", n)
	}
	return out
}

// decider says who will decide.
func (rq *request) decider(e replica.Entry) string {
	if e.Verdict != nil {
		if list := e.Verdict.Who(syncproto.PersonDecides, "", ""); len(list) > 0 {
			return rq.words.say("people.told", rq.names(list, "people.or", true))
		}
	}
	return rq.words.say("when.admin")
}
