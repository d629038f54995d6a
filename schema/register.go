package schema

// The population register 人口基础数据库: households, the people in them, who is assigned to visit them.

var contacts = []Role{RoleCadre, RoleSecretary, RoleTownship, RoleAdmin}

var sameDoor = l("量的是同一个门口，后一次不比前一次差", "the newer reading of the same door is as good as the older")

var householdTags = []Option{
	opt("hardship", "困难户", "Hardship"), opt("five_guarantee", "五保户", "Five-guarantee"), opt("low_income", "低保户", "Low-income allowance"),
	opt("disabled", "残疾", "Disabled"), opt("empty_nest", "空巢老人", "Empty-nest elder"), opt("left_behind", "留守儿童", "Left-behind child"),
	opt("old_member", "老党员", "Old party member"), opt("old_cadre", "老干部", "Old cadre"),
	opt("active", "参政议政能力强", "Active in village affairs"), opt("key", "重点联系", "Key follow-up"),
	opt("hardship_member", "困难党员", "Hardship party member"), opt("laid_off", "下岗失业", "Laid-off"),
	opt("disabled_elder", "残疾老人", "Disabled elder"), opt("infant", "婴幼儿", "Infant"),
}

var household = &Table{
	Name: "household", Label: l("户", "Household"), Parent: "place", Scope: ScopeOwn, Twin: "code",
	Create: []Permit{{Roles: []Role{RoleSecretary, RoleAdmin}}},
	// Who visits a household corrects what he sees there; its place and code are the office's.
	Change: []Permit{{Roles: contacts, Columns: []string{"head", "address", "phone", "lon", "lat", "tags", "low_income", "note"}},
		{Roles: []Role{RoleAdmin}}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "place", Label: l("小组", "Group"), Type: TypeRef, Ref: "place", Required: true, Rule: RuleManual,
			Headers: []string{"村民小组", "组", "组别", "楼栋", "街巷"}},
		{Name: "code", Label: l("户号", "Code"), Type: TypeText, Max: 40, Required: true, Rule: RuleOnce, Headers: []string{"户编号", "户编码"}},
		{Name: "head", Label: l("户主", "Head"), Type: TypeText, Max: 60, Rule: RuleManual, Privacy: Personal},
		{Name: "address", Label: l("住址", "Address"), Type: TypeText, Rule: RuleManual, Privacy: Personal, Headers: []string{"地址", "家庭住址"}},
		{Name: "phone", Label: l("电话", "Phone"), Type: TypePhone, Rule: RuleManual, Privacy: Masked, Headers: []string{"联系电话", "手机"}},
		// Degrees times ten million: a centimetre, and still an integer.
		{Name: "lon", Label: l("经度", "Longitude"), Type: TypeInt, Min: -1800000000, Max: 1800000000, Group: "position", Rule: RuleLatest,
			Why: sameDoor, Privacy: Personal},
		{Name: "lat", Label: l("纬度", "Latitude"), Type: TypeInt, Min: -900000000, Max: 900000000, Group: "position", Rule: RuleLatest,
			Why: sameDoor, Privacy: Personal},
		{Name: "tags", Label: l("户标签", "Tags"), Type: TypeTags, Options: householdTags, Rule: RuleSet, Privacy: Personal},
		{Name: "low_income", Label: l("低保", "Low-income allowance"), Type: TypeEnum, Rule: RuleManual, Privacy: Personal, Options: []Option{
			opt("none", "不是", "No"), opt("applied", "已申请", "Applied"), opt("granted", "享受", "Granted"), opt("ended", "已停", "Ended")}},
		{Name: "note", Label: l("备注", "Note"), Type: TypeLong, Max: 4000, Rule: RuleText, Privacy: Personal},
	},
}

var resident = &Table{
	Name: "resident", Label: l("人", "Resident"), Parent: "household", Scope: ScopeParent,
	Create: []Permit{{Roles: contacts}},
	Change: []Permit{{Roles: contacts, Columns: []string{"name", "sex", "birth", "relation", "phone", "schooling", "work", "away", "party_member",
		"disability", "insurance", "skills", "life"}}, {Roles: []Role{RoleSecretary, RoleAdmin}}},
	Delete: []Permit{{Roles: []Role{RoleSecretary, RoleAdmin}}},
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Rule: RuleManual},
		{Name: "name", Label: l("姓名", "Name"), Type: TypeText, Max: 60, Required: true, Rule: RuleManual, Privacy: Personal},
		{Name: "sex", Label: l("性别", "Sex"), Type: TypeEnum, Rule: RuleManual, Privacy: Personal,
			Options: []Option{opt("m", "男", "Male"), opt("f", "女", "Female")}},
		{Name: "birth", Label: l("出生日期", "Birth date"), Type: TypeDate, Rule: RuleManual, Privacy: Personal, Headers: []string{"出生年月"}},
		{Name: "id_masked", Label: l("证件号(遮)", "ID number, masked"), Type: TypeText, Max: 18, Rule: RuleServer, Privacy: Personal},
		{Name: "relation", Label: l("与户主关系", "Relation to head"), Type: TypeText, Max: 20, Rule: RuleManual, Privacy: Personal},
		{Name: "phone", Label: l("电话", "Phone"), Type: TypePhone, Rule: RuleManual, Privacy: Masked, Headers: []string{"联系电话", "手机"}},
		{Name: "schooling", Label: l("文化程度", "Schooling"), Type: TypeText, Max: 20, Rule: RuleLatest, Privacy: Personal,
			Why: l("文化程度只升不降，后写的知道得更多", "a level of schooling only rises; the later word has seen more")},
		{Name: "work", Label: l("就业", "Work"), Type: TypeText, Max: 100, Rule: RuleLatest, Privacy: Personal,
			Why: l("工作会变，后写的更准", "work changes; the later word is the truer one")},
		{Name: "away", Label: l("外出", "Away from home"), Type: TypeText, Max: 100, Rule: RuleLatest, Privacy: Personal,
			Why: l("去向会变，后写的更准", "whereabouts change; the later word is the truer one")},
		{Name: "party_member", Label: l("党员", "Party member"), Type: TypeBool, Rule: RuleManual, Privacy: Personal},
		{Name: "disability", Label: l("残疾", "Disability"), Type: TypeText, Max: 60, Rule: RuleManual, Privacy: Personal},
		{Name: "insurance", Label: l("参保", "Insurance"), Type: TypeTags, Rule: RuleSet, Privacy: Personal, Options: []Option{
			opt("medical", "医保", "Medical"), opt("pension", "养老", "Pension"), opt("work_injury", "工伤", "Work injury")}},
		{Name: "skills", Label: l("技能", "Skills"), Type: TypeTags, Rule: RuleSet, Privacy: Personal},
		{Name: "life", Label: l("状态", "State"), Type: TypeFlow, Rule: RuleFlow, Privacy: Personal, Flow: &Flow{Initial: "living",
			States: []Option{opt("living", "在册", "On the register"), opt("moved", "迁出", "Moved away"), opt("died", "去世", "Died")},
			Moves:  []Move{{"living", "moved", contacts}, {"moved", "living", contacts}, {"living", "died", contacts}, {"moved", "died", contacts}}}},
	},
	Locks: []Lock{{States: []string{"died"}, Columns: []string{"phone", "work", "away", "household"}, Except: []Role{RoleAdmin}}},
}

var identity = &Table{
	Name: "identity", Label: l("证件", "Identity"), Parent: "resident", Scope: ScopeNarrow, Twin: "id_number", TwinAbove: true,
	Readers: []Role{RoleSecretary, RoleAdmin},
	Create:  []Permit{{Roles: []Role{RoleSecretary, RoleAdmin}}},
	Change:  []Permit{{Roles: []Role{RoleSecretary, RoleAdmin}}},
	Delete:  byAdmin,
	Columns: []Column{
		{Name: "resident", Label: l("人", "Resident"), Type: TypeRef, Ref: "resident", Required: true, Rule: RuleOnce},
		{Name: "id_number", Label: l("身份证号", "ID number"), Type: TypeIDNumber, Required: true, Rule: RuleManual, Privacy: Masked,
			Headers: []string{"身份证号码", "公民身份号码", "证件号码"}},
	},
}

var teams = []Option{opt("leading", "领导干部包村联户", "Leading cadres"), opt("cadre", "镇村干部结对包户", "Township and village cadres"),
	opt("member", "无职党员分片帮户", "Party members without office")}

// usualVisits are what each team owes a household in a month where no place has set another number (DOMAIN A1).
var usualVisits = map[string]int{"leading": 1, "cadre": 2, "member": 2}

// UsualVisits is how many visits a month a team owes a household where no place above it has set another number.
func UsualVisits(team string) int { return usualVisits[team] }

// usualHomes are how many households each team gives one of its people (DOMAIN A1).
const usualHomes = 10

// UsualHomes is how many households somebody of a team is to have; a cadre of the village may have all of one group instead.
func UsualHomes(team string) int {
	if _, known := usualVisits[team]; !known {
		return 0
	}
	return usualHomes
}

// teamQuota is how many visits a month a team owes each of its households in a place and below it, where no place nearer to the
// household says otherwise (DOMAIN A1: quotas are settings).
var teamQuota = &Table{
	Name: "team_quota", Label: l("走访要求", "Visit quota"), Since: 2, Parent: "place", Scope: ScopeParent,
	Create: []Permit{{Roles: []Role{RoleTownship, RoleAdmin}}},
	Change: []Permit{{Roles: []Role{RoleTownship, RoleAdmin}, Columns: []string{"visits"}}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "place", Label: l("地方", "Place"), Type: TypeRef, Ref: "place", Required: true, Since: 2, Rule: RuleOnce},
		{Name: "team", Label: l("队伍", "Team"), Type: TypeEnum, Required: true, Since: 2, Rule: RuleOnce, Options: teams},
		{Name: "visits", Label: l("每月走访次数", "Visits a month"), Type: TypeInt, Min: 0, Max: 31, Required: true, Since: 2, Rule: RuleLatest,
			Why: l("都是上级定的要求，后定的算数，两次都在历史里", "both are the office's word and the later one counts; the history keeps both")},
	},
}

var assignment = &Table{
	Name: "assignment", Label: l("联系", "Assignment"), Parent: "household", Scope: ScopeParent,
	Create: []Permit{{Roles: []Role{RoleTownship, RoleAdmin}}},
	Change: []Permit{{Roles: []Role{RoleTownship, RoleAdmin}}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Rule: RuleOnce},
		{Name: "user", Label: l("联系人", "Contact"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "team", Label: l("队伍", "Team"), Type: TypeEnum, Required: true, Rule: RuleOnce, Options: teams},
		{Name: "since", Label: l("起", "Since"), Type: TypeDate, Required: true, Rule: RuleOnce},
		{Name: "until", Label: l("止", "Until"), Type: TypeDate, Rule: RuleMin},
	},
}

var contactCard = &Table{
	Name: "contact_card", Label: l("民情联系卡", "Contact card"), Parent: "household", Scope: ScopeParent, Append: true,
	Create: []Permit{{Roles: []Role{RoleSecretary, RoleTownship, RoleAdmin}}},
	Delete: byAdmin,
	Columns: []Column{
		{Name: "household", Label: l("户", "Household"), Type: TypeRef, Ref: "household", Required: true, Rule: RuleOnce},
		{Name: "serial", Label: l("编号", "Serial"), Type: TypeText, Max: 40, Required: true, Rule: RuleOnce},
		{Name: "issued", Label: l("发卡日期", "Issued on"), Type: TypeDate, Required: true, Rule: RuleOnce},
		{Name: "contacts", Label: l("联系人", "Contacts"), Type: TypeLong, Max: 2000, Rule: RuleOnce},
	},
}
