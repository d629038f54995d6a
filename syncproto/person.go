package syncproto

import "minqing/schema"

// TakenAway tells of work that came late and took effect whether that was taken back; open that somebody has to decide about it again. Otherwise it
// was left refused.
func (v *Verdict) TakenAway() (open, away bool) {
	for _, i := range v.Items {
		if i.Kind == ItemLate && v.Late && v.Status != Refused {
			open, away = i.Outcome == "", i.Outcome != "kept"
		}
	}
	return open, away
}

// Who lists the people of a verdict that had a part about a cell of a row; with no row, about whatever cell.
func (v *Verdict) Who(part PersonPart, row RowID, cell string) []PersonNote {
	var out []PersonNote
	for _, n := range v.People {
		if n.Part == part && (row == "" || n.Row == row && n.Cell == cell) {
			out = append(out, n)
		}
	}
	return out
}

// In is the person as a language names people: 王芳（支部书记）, Wang Fang (Secretary). A post is written as it was typed, in Chinese as a rule.
func (n *PersonNote) In(lang schema.Lang) string {
	post := n.Post
	if n.Role != "" && (post == "" || lang == schema.EN) {
		post = schema.RoleLabel(n.Role).In(lang)
	}
	switch {
	case post == "":
		return n.Name
	case lang == schema.EN:
		return n.Name + " (" + post + ")"
	}
	return n.Name + "（" + post + "）"
}
