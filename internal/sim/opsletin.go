package sim

import (
	"context"

	"minqing/internal/sim/oracle"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/syncproto"
)

// doLetIn has somebody look at a change that was refused: he lets it in on its author's behalf, mends it before if he can, or returns it.
func (w *world) doLetIn(d *dice) {
	var open []*oracle.Change
	for _, c := range w.oracle.Changes() {
		if c.Status == syncproto.Refused && c.MendedBy == "" && c.Code != syncproto.CodeLate {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return
	}
	c := pick(d, open)
	how := judge.Letting{Why: pick(d, []string{"", "looked into"})}
	for i := range c.Edits {
		e := &c.Edits[i]
		for _, x := range e.Cells {
			switch {
			case x.Cell == "grade": // what tools write wrongly
				how.Write = map[syncproto.RowID]map[string]schema.Value{e.Row: {x.Cell: schema.Text(pick(d, []string{"a", "b", "c"}))}}
			case d.chance(6):
				how.Leave = map[syncproto.RowID][]string{e.Row: {x.Cell}}
			}
		}
	}
	user := pick(d, []string{adminUser, adminUser, secretaries[0]})
	if d.chance(5) {
		w.desk("return "+string(c.ID[:8]), func(j *judge.Judge) error {
			return j.Return(context.Background(), syncproto.UserID(user), c.ID, how.Why)
		})
		return
	}
	_ = w.letIn(user, c.ID, how) // what the desk may not do it is told
}

// letIn lets a refused change in at the desk: what looking at it said before is what comes of it, and afterwards it lies open nowhere.
func (w *world) letIn(user string, id syncproto.Identity, how judge.Letting) error {
	var weighed *judge.Weighed
	w.desk("look at "+string(id[:8]), func(j *judge.Judge) (err error) {
		weighed, err = j.Weigh(context.Background(), syncproto.UserID(user), id, how)
		return err
	})
	var failed error
	w.desk("let in "+string(id[:8]), func(j *judge.Judge) error {
		_, failed = j.LetIn(context.Background(), syncproto.UserID(user), id, how)
		return failed
	})
	if w.server.failing || weighed == nil {
		return failed
	}
	if (failed == nil) != (weighed.No == nil) || failed != nil && codeOf(failed) != weighed.No.Code {
		w.violate(iSound, "looked at, %s could be let in but for %v; letting it in ends with %v", id[:8], weighed.No, failed)
	}
	if failed != nil {
		return failed
	}
	w.count[cLetIn]++
	if c := w.oracle.Change(id); c.Status == syncproto.Refused && c.MendedBy == "" {
		w.violate(iNoLostEdit, "%s was let in and is refused still", id[:8])
	}
	return nil
}
