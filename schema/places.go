package schema

// Places and people who work in them: the roots of streams and of rights. Only administrators write here.

func l(zh, en string) Label           { return Label{zh, en} }
func opt(value, zh, en string) Option { return Option{value, Label{zh, en}} }

var byAdmin = []Permit{{Roles: []Role{RoleAdmin}}}

var adminOnly = l("都是管理员的更正，两次都在历史里", "one administrator's correction over another's; the history keeps both")

var place = &Table{
	Name: "place", Label: l("地方", "Place"), Parent: "parent", Scope: ScopeOwn, Place: true, Directory: true,
	Create: byAdmin, Change: byAdmin, Delete: byAdmin,
	Columns: []Column{
		{Name: "parent", Label: l("上级", "Parent"), Type: TypeRef, Ref: "place", Rule: RuleManual},
		{Name: "level", Label: l("级别", "Level"), Type: TypeEnum, Required: true, Rule: RuleOnce, Options: []Option{
			opt("city", "市", "City"), opt("township", "乡镇(街道)", "Township"), opt("district", "管理区", "District"),
			opt("village", "村(社区)", "Village"), opt("natural", "自然村", "Natural village"), opt("group", "村民小组", "Group"),
			opt("building", "楼栋", "Building"), opt("street", "街巷", "Street")}},
		{Name: "name", Label: l("名称", "Name"), Type: TypeText, Max: 60, Required: true, Rule: RuleLatest, Why: adminOnly},
		{Name: "code", Label: l("代码", "Code"), Type: TypeText, Max: 20, Rule: RuleLatest, Why: adminOnly},
		{Name: "lagging", Label: l("后进村", "Lagging"), Type: TypeBool, Rule: RuleLatest, Why: adminOnly},
	},
}

var user = &Table{
	Name: "user", Label: l("用户", "User"), Parent: "place", Scope: ScopeOwn, Directory: true,
	Create: byAdmin, Change: byAdmin, Delete: byAdmin,
	Columns: []Column{
		{Name: "place", Label: l("所属", "Home place"), Type: TypeRef, Ref: "place", Required: true, Rule: RuleLatest, Why: adminOnly},
		{Name: "login", Label: l("登录名", "Login"), Type: TypeText, Max: 40, Required: true, Rule: RuleOnce},
		{Name: "name", Label: l("姓名", "Name"), Type: TypeText, Max: 60, Required: true, Rule: RuleLatest, Why: adminOnly},
		{Name: "post", Label: l("职务", "Post"), Type: TypeText, Max: 60, Rule: RuleLatest, Why: adminOnly},
		{Name: "phone", Label: l("电话", "Phone"), Type: TypePhone, Rule: RuleLatest, Why: adminOnly, Privacy: Personal},
		{Name: "ended", Label: l("停用日期", "Ended on"), Type: TypeDate, Rule: RuleMin},
	},
}

var role = &Table{
	Name: "role", Label: l("角色", "Role"), Parent: "user", Scope: ScopeParent,
	Create: byAdmin, Change: byAdmin, Delete: byAdmin,
	Columns: []Column{
		{Name: "user", Label: l("用户", "User"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "role", Label: l("角色", "Role"), Type: TypeEnum, Required: true, Rule: RuleOnce, Options: roleOptions()},
		{Name: "place", Label: l("范围", "Over"), Type: TypeRef, Ref: "place", Required: true, Rule: RuleOnce},
		{Name: "until", Label: l("止于", "Until"), Type: TypeDate, Rule: RuleMin},
	},
}

var device = &Table{
	Name: "device", Label: l("设备", "Device"), Parent: "user", Scope: ScopeNarrow, // no Readers: the keys are the user's own
	Create: []Permit{{Roles: []Role{RoleServer, RoleAdmin}}}, Change: byAdmin, Delete: byAdmin,
	Columns: []Column{
		{Name: "user", Label: l("用户", "User"), Type: TypeRef, Ref: "user", Required: true, Rule: RuleOnce},
		{Name: "label", Label: l("名称", "Label"), Type: TypeText, Max: 60, Rule: RuleLatest, Why: adminOnly},
		{Name: "platform", Label: l("平台", "Platform"), Type: TypeText, Max: 60, Rule: RuleOnce},
		{Name: "key", Label: l("公钥", "Public key"), Type: TypeText, Max: 200, Required: true, Rule: RuleOnce},
		{Name: "revoked", Label: l("吊销", "Revoked"), Type: TypeInstant, Min: 0, Max: MaxInt, Rule: RuleMin},
	},
}

// ownExport is one time that somebody took what he wrote out of his phone, as a file that nothing protects any more. The phone writes it before it
// gives the file away, so that it goes up with what comes next and stands in the history for ever.
var ownExport = &Table{
	Name: "own_export", Label: l("导出记录", "Export"), Since: 3, Parent: "user", Scope: ScopeNarrow, Period: PeriodMonth, Keep: keepMonths, Author: "user", Append: true,
	Create: []Permit{{Roles: Roles, Own: true}},
	Columns: []Column{
		{Name: "user", Label: l("导出人", "By"), Type: TypeRef, Ref: "user", Required: true, Since: 3, Rule: RuleOnce},
		{Name: "day", Label: l("日期", "Day"), Type: TypeDate, Required: true, Since: 3, Rule: RuleOnce},
		{Name: "rows", Label: l("条数", "Rows"), Type: TypeInt, Min: 1, Max: MaxInt, Required: true, Since: 3, Rule: RuleOnce},
		{Name: "hash", Label: l("文件摘要", "Hash of the file"), Type: TypeHash, Required: true, Since: 3, Rule: RuleOnce},
	},
}

func roleOptions() []Option {
	var out []Option
	for _, r := range Roles {
		out = append(out, Option{string(r), RoleLabel(r)})
	}
	return out
}
