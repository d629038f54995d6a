package schema

// Matters: what a household raised, its one record, one discussion, one handling, one answer (DOMAIN system B).

var officers = []Role{RoleSecretary, RoleTownship, RoleCity, RoleHandler, RoleAdmin}

var matterFlow = &Flow{Initial: "recorded",
	States: []Option{opt("recorded", "已记录", "Recorded"), opt("discussing", "议事中", "Discussing"), opt("assigned", "已交办", "Assigned"),
		opt("handling", "办理中", "Handling"), opt("referred", "已上报", "Referred upward"), opt("handled", "已办结", "Handled"),
		opt("withdrawn", "已撤回", "Withdrawn"), opt("answered", "已答复", "Answered")},
	Moves: []Move{
		{"recorded", "discussing", officers}, {"recorded", "handled", contacts}, {"recorded", "withdrawn", contacts},
		{"discussing", "assigned", officers}, {"discussing", "referred", officers}, {"referred", "discussing", officers},
		{"assigned", "handling", officers}, {"handling", "handled", officers}, {"handling", "referred", officers},
		{"handled", "answered", contacts}}}

var matter = &Table{
	Name: "matter", Label: l("事项", "Matter"), Parent: "household", Scope: ScopeParent, Author: "author",
	Create: []Permit{{Roles: contacts, Own: true}},
	Change: []Permit{{Roles: contacts, Columns: []string{"title", "detail", "raised_by", "urgency", "state", "supporters"}}, {Roles: officers}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Rule: RuleOnce},
		{Name: "author", Label: l("记录人", "Recorded by"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "kind", Label: l("类别", "Kind"), Type: TypeEnum, Required: true, Rule: RuleManual, Options: []Option{
			opt("opinion", "意见建议", "Opinion"), opt("request", "诉求", "Request"), opt("difficulty", "困难", "Difficulty"), opt("hot", "热点", "Hot issue"),
			opt("dispute", "矛盾纠纷", "Dispute")}},
		{Name: "title", Label: l("标题", "Title"), Type: TypeText, Max: 40, Required: true, Rule: RuleManual},
		{Name: "detail", Label: l("详情", "Detail"), Type: TypeLong, Max: 20000, Rule: RuleText, Privacy: Personal},
		{Name: "raised_by", Label: l("反映人", "Raised by"), Type: TypeText, Max: 60, Rule: RuleManual, Privacy: Personal},
		{Name: "urgency", Label: l("紧急", "Urgency"), Type: TypeInt, Min: 0, Max: 3, Rule: RuleMax},
		{Name: "supporters", Label: l("附议人数", "Supporters"), Type: TypeInt, Min: 0, Max: 1000000, Rule: RuleSum},
		{Name: "due", Label: l("期限", "Due"), Type: TypeDate, Rule: RuleMin},
		{Name: "state", Label: l("状态", "State"), Type: TypeFlow, Rule: RuleFlow, Flow: matterFlow},
	},
	Locks: []Lock{{States: []string{"answered", "withdrawn"}, Columns: []string{"title", "detail", "kind", "urgency", "supporters", "due"},
		Except: []Role{RoleAdmin}}},
}

var matterStep = &Table{
	Name: "matter_step", Label: l("事项步骤", "Matter step"), Parent: "matter", Scope: ScopeParent, Author: "author", Append: true,
	Create: []Permit{{Roles: append([]Role{RoleCadre, RoleMediator}, officers...), Own: true}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "matter", Label: l("事项", "Matter"), Type: TypeRef, Ref: "matter", Required: true, Rule: RuleOnce},
		{Name: "author", Label: l("经手人", "By"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "kind", Label: l("环节", "Step"), Type: TypeEnum, Required: true, Rule: RuleOnce, Options: []Option{
			opt("record", "一记", "Record"), opt("discuss", "一议", "Discussion"), opt("handle", "一办", "Handling"), opt("answer", "一馈", "Answer"),
			opt("word", "群众评价", "The household's word")}},
		{Name: "day", Label: l("日期", "Day"), Type: TypeDate, Required: true, Rule: RuleOnce},
		{Name: "text", Label: l("内容", "Text"), Type: TypeLong, Max: 4000, Rule: RuleOnce, Privacy: Personal},
	},
}

// householdWord is what a household says itself, by the code of its contact card, without an account: what it thinks of the answer to a matter,
// or a message to those who contact it. What a cadre was told at the door is a step of the matter; this came past him.
var householdWord = &Table{
	Name: "household_word", Label: l("群众来话", "The household's own word"), Since: 4, Parent: "household", Scope: ScopeParent, Period: PeriodMonth, Keep: keepMonths, Append: true,
	Create: []Permit{{Roles: []Role{RoleServer}}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Since: 4, Rule: RuleOnce},
		{Name: "provenance", Label: l("谁说的", "Who says it"), Type: TypeEnum, Required: true, Since: 4, Rule: RuleOnce, Options: []Option{
			opt("resident", "群众本人", "The household itself")}},
		{Name: "card", Label: l("联系卡", "Contact card"), Type: TypeRef, Ref: "contact_card", Required: true, Since: 4, Rule: RuleOnce},
		{Name: "matter", Label: l("事项", "Matter"), Type: TypeRef, Ref: "matter", Since: 4, Rule: RuleOnce},
		{Name: "mark", Label: l("评价", "What it thinks"), Type: TypeEnum, Since: 4, Rule: RuleOnce, Options: []Option{
			opt("good", "满意", "Satisfied"), opt("fair", "基本满意", "Basically satisfied"), opt("bad", "不满意", "Dissatisfied")}},
		{Name: "day", Label: l("日期", "Day"), Type: TypeDate, Required: true, Since: 4, Rule: RuleOnce},
		{Name: "text", Label: l("原话", "In its own words"), Type: TypeLong, Max: 500, Since: 4, Rule: RuleOnce, Privacy: Personal},
	},
	Rules: []RowRule{{Name: "opinion_of_a_matter", Label: l("评价没有写明是哪件事", "The opinion names no matter"), Columns: []string{"matter", "mark"},
		Holds: func(get func(string) Value) bool { return get("mark").IsNull() || !get("matter").IsNull() }}},
}
