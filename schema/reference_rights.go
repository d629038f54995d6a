package schema

import (
	"fmt"
	"strings"
)

// flow writes the states of a table and who may move between them, and what states lock.
func (r *reference) flow(t *Table) {
	c := t.FlowColumn()
	if c == nil {
		return
	}
	r.line("### %s", r.t("状态", "States"))
	r.line("")
	r.line(r.t("先后（合并时后者优先）：%s。新记录从“%s”开始。", "In order, later ones standing when moves meet: %s. A new row begins as %s."),
		r.states(c, stateNames(c.Flow)), c.optionLabel(c.Flow.Initial, r.lang))
	r.line("")
	r.header(r.t("从", "from"), r.t("到", "to"), r.t("谁", "who"))
	for _, m := range c.Flow.Moves {
		r.row(c.optionLabel(m.From, r.lang), c.optionLabel(m.To, r.lang), r.roles(m.Roles))
	}
	r.line("")
	for _, l := range t.Locks {
		what := r.t("所有列", "every column")
		if l.Columns != nil {
			what = "`" + strings.Join(l.Columns, "`, `") + "`"
		}
		except := ""
		if len(l.Except) > 0 {
			except = fmt.Sprintf(r.t("（%s除外）", ", save by %s"), r.roles(l.Except))
		}
		r.line(r.t("在 %s 时不能再改：%s%s。", "In %s these can no longer be changed: %s%s."), r.states(c, l.States), what, except)
		r.line("")
	}
}

func stateNames(f *Flow) []string {
	var out []string
	for _, s := range f.States {
		out = append(out, s.Value)
	}
	return out
}

func (r *reference) states(c *Column, states []string) string {
	var words []string
	for _, s := range states {
		words = append(words, c.optionLabel(s, r.lang))
	}
	return r.lang.Join(words)
}

func (r *reference) roles(roles []Role) string {
	var words []string
	for _, role := range roles {
		words = append(words, RoleLabel(role).In(r.lang))
	}
	return r.lang.Join(words)
}

// rights writes the permission matrix of one table, roles with the same right in one line.
func (r *reference) rights(t *Table) {
	type line struct {
		grant Grant
		roles []Role
	}
	var lines []line
	at := map[string]int{}
	for _, role := range Roles { // the server may do everything, which says nothing of this table
		for _, g := range r.book.grants(t, role) {
			if g.Op == OpMove {
				continue // said under the states
			}
			g.Role = ""
			key := fmt.Sprint(g)
			i, ok := at[key]
			if !ok {
				i = len(lines)
				at[key] = i
				lines = append(lines, line{grant: g})
			}
			lines[i].roles = append(lines[i].roles, role)
		}
	}
	r.line("### %s", r.t("权限", "Rights"))
	r.line("")
	if len(lines) == 0 {
		r.line("%s", r.t("只有服务器写。", "Only the server writes here."))
		r.line("")
		return
	}
	r.header(r.t("谁", "who"), r.t("能", "may"), r.t("哪些格", "which cells"), r.t("何时", "when"))
	for _, l := range lines {
		r.row(r.roles(l.roles), r.op(l.grant), r.cells(t, l.grant), r.when(t, l.grant))
	}
	r.line("")
}

func (r *reference) op(g Grant) string {
	return map[Op]string{OpCreate: r.t("新建", "create"), OpChange: r.t("修改", "change"), OpDelete: r.t("删除", "delete")}[g.Op]
}

func (r *reference) cells(t *Table, g Grant) string {
	if g.Op == OpDelete {
		return ""
	}
	writable := 0
	for _, c := range r.book.Cells(t.Name) {
		if c.Rule != RuleServer && (g.Op == OpCreate || c.Name != t.Author) {
			writable++
		}
	}
	if len(g.Cells) == writable {
		return r.t("全部", "all")
	}
	return "`" + strings.Join(g.Cells, "`, `") + "`"
}

func (r *reference) when(t *Table, g Grant) string {
	var parts []string
	if g.Own {
		parts = append(parts, r.t("自己写的", "one's own"))
	}
	if g.States != nil {
		parts = append(parts, r.t("状态为 ", "in ")+r.states(t.FlowColumn(), g.States))
	}
	return strings.Join(parts, r.t("，", ", "))
}
