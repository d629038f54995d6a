package schema

// Visits and what is written about them: the daily work of a cadre (DOMAIN system A).

const keepMonths = 13 // a year back, so that the same month last year can be looked at

var visit = &Table{
	Name: "visit", Label: l("走访", "Visit"), Parent: "household", Scope: ScopeParent, Period: PeriodMonth, Keep: keepMonths,
	Author: "author", Append: true,
	Create: []Permit{{Roles: contacts, Own: true}},
	Delete: []Permit{{Roles: contacts, Own: true}, {Roles: []Role{RoleAdmin}}},
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Rule: RuleOnce},
		{Name: "author", Label: l("走访人", "Visited by"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "day", Label: l("日期", "Day"), Type: TypeDate, Required: true, Rule: RuleOnce},
		{Name: "met", Label: l("见到的人", "Met"), Type: TypeText, Max: 200, Rule: RuleOnce, Privacy: Personal},
		{Name: "tasks", Label: l("任务", "Tasks"), Type: TypeTags, Rule: RuleSet, Options: []Option{
			opt("policy", "送政策", "Bring policy"), opt("listen", "听民声", "Listen"), opt("relieve", "解民忧", "Relieve worries")}},
		{Name: "place_note", Label: l("地点", "Where"), Type: TypeText, Rule: RuleOnce, Privacy: Personal},
		{Name: "lon", Label: l("经度", "Longitude"), Type: TypeInt, Min: -1800000000, Max: 1800000000, Group: "position", Rule: RuleOnce, Privacy: Personal},
		{Name: "lat", Label: l("纬度", "Latitude"), Type: TypeInt, Min: -900000000, Max: 900000000, Group: "position", Rule: RuleOnce, Privacy: Personal},
		{Name: "next_day", Label: l("下次约定", "Promised return"), Type: TypeDate, Rule: RuleOnce},
	},
	Rules: []RowRule{{Name: "promise_after_visit", Label: l("约定的日期早于走访日期", "The promised return lies before the visit"),
		Columns: []string{"day", "next_day"}, Holds: func(get func(string) Value) bool {
			return get("next_day").IsNull() || get("day").Str() <= get("next_day").Str()
		}}},
}

// reviewers read and answer journals: the branch (DOMAIN A4), and above it the township.
var reviewers = []Role{RoleSecretary, RoleTownship, RoleAdmin}

var journalFlow = &Flow{Initial: "draft",
	States: []Option{opt("draft", "草稿", "Draft"), opt("submitted", "已提交", "Submitted"), opt("returned", "退回", "Returned"),
		opt("accepted", "已阅", "Accepted")},
	Moves: []Move{{"draft", "submitted", contacts}, {"submitted", "returned", reviewers},
		{"submitted", "accepted", reviewers}, {"returned", "submitted", contacts}}}

var journal = &Table{
	Name: "journal", Label: l("民情工作日志", "Work journal"), Parent: "visit", Scope: ScopeParent, Period: PeriodParent, Keep: keepMonths, Author: "author",
	Create: []Permit{{Roles: contacts, Own: true}},
	// A journal is its author's words; those who review it only move its state and write a review.
	Change: []Permit{{Roles: contacts, Columns: []string{"text", "state"}, Own: true},
		{Roles: reviewers, Columns: []string{"state"}}},
	// Who takes back a visit just saved takes back its journal with it; one that the branch has answered stays.
	Delete: []Permit{{Roles: contacts, Own: true, States: []string{"draft", "submitted"}}, {Roles: []Role{RoleAdmin}}},
	Columns: []Column{
		{Name: "visit", Label: l("走访", "Visit"), Type: TypeRef, Ref: "visit", Required: true, Rule: RuleOnce},
		{Name: "author", Label: l("记录人", "Written by"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "text", Label: l("内容", "Text"), Type: TypeLong, Max: 20000, Rule: RuleText, Privacy: Personal},
		{Name: "state", Label: l("状态", "State"), Type: TypeFlow, Rule: RuleFlow, Flow: journalFlow},
	},
	Locks: []Lock{{States: []string{"accepted"}, Columns: []string{"text"}}},
}

var review = &Table{
	Name: "review", Label: l("审阅", "Review"), Parent: "journal", Scope: ScopeParent, Period: PeriodParent, Keep: keepMonths, Author: "author", Append: true,
	Create: []Permit{{Roles: reviewers, Own: true}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "journal", Label: l("日志", "Journal"), Type: TypeRef, Ref: "journal", Required: true, Rule: RuleOnce},
		{Name: "author", Label: l("审阅人", "Reviewed by"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "kind", Label: l("意见", "Kind"), Type: TypeEnum, Required: true, Rule: RuleOnce, Options: []Option{
			opt("accept", "已阅", "Accepted"), opt("return", "退回", "Returned"), opt("guide", "指导意见", "Guidance")}},
		{Name: "comment", Label: l("批注", "Comment"), Type: TypeLong, Max: 4000, Rule: RuleOnce},
	},
}

var attachment = &Table{
	Name: "attachment", Label: l("附件", "Attachment"), Parent: "visit", Scope: ScopeParent, Period: PeriodParent, Keep: keepMonths, Author: "author",
	Append: true,
	Create: []Permit{{Roles: contacts, Own: true}},
	Delete: []Permit{{Roles: contacts, Own: true}, {Roles: []Role{RoleAdmin}}},
	Columns: []Column{
		{Name: "visit", Label: l("走访", "Visit"), Type: TypeRef, Ref: "visit", Required: true, Rule: RuleOnce},
		{Name: "author", Label: l("上传人", "Added by"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "hash", Label: l("内容摘要", "Content hash"), Type: TypeHash, Required: true, Rule: RuleOnce},
		{Name: "media", Label: l("类型", "Media type"), Type: TypeText, Max: 60, Required: true, Rule: RuleOnce},
		{Name: "bytes", Label: l("大小", "Bytes"), Type: TypeInt, Min: 1, Max: 64 << 20, Required: true, Rule: RuleOnce},
	},
}

// reminder is a word of the branch to one of a household's contacts that it waits for him. It is a row of the household's, one for each contact,
// so that it goes where the household goes and says nothing of any other; the contact's next visit answers it.
var reminder = &Table{
	Name: "reminder", Label: l("提醒", "Reminder"), Since: 4, Parent: "household", Scope: ScopeParent, Period: PeriodMonth, Keep: keepMonths, Author: "author", Append: true,
	Create: []Permit{{Roles: reviewers, Own: true}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Since: 4, Rule: RuleOnce},
		{Name: "author", Label: l("谁提醒的", "Reminded by"), Type: TypeRef, Ref: "user", Required: true, Since: 4, Rule: RuleOnce},
		{Name: "user", Label: l("提醒谁", "Who is reminded"), Type: TypeRef, Ref: "user", Required: true, Since: 4, Rule: RuleOnce},
		{Name: "day", Label: l("日期", "Day"), Type: TypeDate, Required: true, Since: 4, Rule: RuleOnce},
		{Name: "text", Label: l("提醒的话", "What it says"), Type: TypeText, Max: 200, Required: true, Since: 4, Rule: RuleOnce},
	},
}
