package pagetest

import (
	"context"
	"math/rand/v2"
	"time"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// dice are for invented texts.
func (p *Phone) dice() *rand.Rand { return rand.New(p.rng) }

// failures are one change of each fate that its author is told of, one that waits, and one in the hand-over box.
func (p *Phone) failures(ctx context.Context) error {
	home := p.Rows["home"]
	refused, err := p.write(ctx, func(tx *replica.Tx, id syncproto.RowID) error {
		return tx.Create("resident", id, map[string]schema.Value{"household": schema.Text(string(home)), "name": schema.Text("李沐辰"), "relation": schema.Text("孙子")})
	})
	if err != nil {
		return err
	}
	conflicted, err := p.edit(ctx, "household", home, map[string]schema.Value{"phone": schema.Text("12800005621"), "address": schema.Text("石桥村第7组上湾老供销社后排")})
	if err != nil {
		return err
	}
	merged, err := p.edit(ctx, "household", home, map[string]schema.Value{"note": schema.Text("腿疼，走路不便。")})
	if err != nil {
		return err
	}
	late, err := p.write(ctx, func(tx *replica.Tx, id syncproto.RowID) error {
		return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(home)), "author": schema.Text(string(p.Me)), "day": schema.Text("2026-11-19")})
	})
	if err != nil {
		return err
	}
	decided, err := p.edit(ctx, "household", home, map[string]schema.Value{"low_income": schema.Text("none")})
	if err != nil {
		return err
	}
	hidden, err := p.edit(ctx, "resident", p.Rows["resident"], map[string]schema.Value{"phone": schema.Text("12800005622")})
	if err != nil {
		return err
	}
	letIn, err := p.edit(ctx, "household", home, map[string]schema.Value{"head": schema.Text("王桂芬（户主）")})
	if err != nil {
		return err
	}
	var back [2]*syncproto.Change // late work that was taken, which was taken back: one waits again, one was left
	for i, day := range []string{"2026-11-17", "2026-11-18"} {
		if back[i], err = p.write(ctx, func(tx *replica.Tx, id syncproto.RowID) error {
			return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(home)), "author": schema.Text(string(p.Me)), "day": schema.Text(day)})
		}); err != nil {
			return err
		}
	}
	boxed := p.Rows["li"]
	if _, err := p.write(ctx, func(tx *replica.Tx, id syncproto.RowID) error {
		return tx.Create("visit", id, map[string]schema.Value{"household": schema.Text(string(boxed)), "author": schema.Text(string(p.Me)), "day": schema.Text("2026-11-22"), "met": schema.Text("户主")})
	}); err != nil {
		return err
	}
	if err := p.unsent(ctx); err != nil {
		return err
	}
	verdict := func(ch *syncproto.Change, s syncproto.Status) *syncproto.Verdict {
		v := &syncproto.Verdict{Number: ch.Name.Number, Identity: ch.Identity(), Status: s}
		if s != syncproto.Refused {
			for _, e := range ch.Edits {
				v.Labels = append(v.Labels, syncproto.RowLabel{Row: e.Row, Label: syncproto.Label{Epoch: epoch, Rev: 1}})
			}
		}
		return v
	}
	for name, ch := range map[string]*syncproto.Change{"refused": refused, "conflicted": conflicted, "merged": merged, "late": late, "decided": decided, "hidden": hidden, "letin": letIn, "away": back[0], "left": back[1]} {
		p.Rows[name] = syncproto.RowID(ch.Identity())
	}
	no := verdict(refused, syncproto.Refused)
	no.Code, no.Message = syncproto.CodeInvalid, syncproto.Both("身份证号最后一位对不上。", "The last digit of the ID number does not fit.")
	in := verdict(letIn, syncproto.Refused)
	in.Code, in.Message, in.MendedBy = syncproto.CodeForbidden, syncproto.Both("您没有这项权限。", "You have no right to do this."), merged.Identity()
	in.Items = []syncproto.ItemNote{{Item: "l", Table: "household", Row: home, Kind: syncproto.ItemLate, Outcome: "kept"}}
	in.People = []syncproto.PersonNote{p.person("he", home, "", syncproto.PersonDecided, 2*time.Hour)}
	open := verdict(conflicted, syncproto.Conflicted)
	open.Items = []syncproto.ItemNote{{Table: "household", Row: home, Cell: "address"}}
	open.People = []syncproto.PersonNote{p.person("zhao", home, "address", syncproto.PersonBeside, 21*time.Hour), p.person("he", home, "address", syncproto.PersonDecides, 0)}
	both := verdict(merged, syncproto.Merged)
	both.Merges = []syncproto.MergeNote{{Table: "household", Row: home, Cell: "note", Rule: schema.RuleText, Shows: true}}
	both.People = []syncproto.PersonNote{p.person("liu", home, "note", syncproto.PersonBeside, 26*time.Hour)}
	after := verdict(late, syncproto.Applied)
	after.Late = true
	again, left := verdict(back[0], syncproto.Applied), verdict(back[1], syncproto.Applied)
	again.Late, left.Late = true, true
	again.Items = []syncproto.ItemNote{{Item: "a", Table: "visit", Row: back[0].Edits[0].Row, Kind: syncproto.ItemLate}}
	again.People = []syncproto.PersonNote{p.person("he", back[0].Edits[0].Row, "", syncproto.PersonDecides, 0)}
	left.Items = []syncproto.ItemNote{{Item: "b", Table: "visit", Row: back[1].Edits[0].Row, Kind: syncproto.ItemLate, Outcome: "outvoted"}}
	lost := verdict(decided, syncproto.Conflicted)
	lost.Items = []syncproto.ItemNote{{Item: "i", Table: "household", Row: home, Cell: "low_income", Outcome: "outvoted"}}
	lost.People = []syncproto.PersonNote{p.person("zhao", home, "low_income", syncproto.PersonBeside, 50*time.Hour), p.person("he", home, "low_income", syncproto.PersonDecided, time.Hour)}
	under := verdict(hidden, syncproto.Merged)
	under.People = []syncproto.PersonNote{p.person("sun", p.Rows["resident"], "phone", syncproto.PersonBeside, 30*time.Hour)}
	under.Merges = []syncproto.MergeNote{{Table: "resident", Row: p.Rows["resident"], Cell: "phone", Rule: schema.RuleLatest}}
	if err := p.cloud.Send(ctx, p.Replica, p.Now.UnixMilli(), no, open, both, after, lost, under, in, again, left); err != nil {
		return err
	}
	return p.Forget(ctx, boxed) // what was written for it waits in the hand-over box
}

// person is somebody as verdicts name him, who did his part some time ago; 0: he has not yet.
func (p *Phone) person(name string, row syncproto.RowID, cell string, part syncproto.PersonPart, ago time.Duration) syncproto.PersonNote {
	n := syncproto.PersonNote{Row: row, Cell: cell, Part: part, Role: schema.RoleCadre}
	switch name {
	case "he":
		n.Name, n.Post, n.Role = "何婉清", "镇管理员", schema.RoleAdmin
	case "sun":
		n.Role = schema.RoleSecretary
		fallthrough
	default:
		values := p.cloud.Row(p.Rows[name]).Values
		for i, c := range p.cloud.Book.Table("user").Columns {
			switch c.Name {
			case "name":
				n.Name = values[i].Str()
			case "post":
				n.Post = values[i].Str()
			}
		}
	}
	if ago > 0 {
		n.At = p.Now.Add(-ago).UnixMilli()
	}
	return n
}
