package schematest

import "minqing/schema"

// Well is the literal of the tests that show that adding a table is one literal: nothing else in the repository knows of wells. The
// rule book has such a test, and so has the whole of server and phones (internal/e2e).
func Well() *schema.Table {
	return &schema.Table{
		Name: "well", Label: schema.Label{ZH: "水井", EN: "Well"}, Since: Version, Parent: "household", Scope: schema.ScopeParent,
		Author: "author", Twin: "number",
		Create: []schema.Permit{{Roles: workers, Own: true}},
		Change: []schema.Permit{{Roles: workers, Columns: []string{"kind", "uses", "state", "remark"}}, {Roles: heads}},
		Delete: []schema.Permit{{Roles: heads}},
		Columns: []schema.Column{
			{Name: "household", Label: schema.Label{ZH: "户", EN: "Household"}, Type: schema.TypeRef, Ref: "household", Required: true,
				Rule: schema.RuleManual, Since: Version},
			{Name: "author", Label: schema.Label{ZH: "登记人", EN: "Recorded by"}, Type: schema.TypeRef, Ref: "user", Required: true,
				Rule: schema.RuleOnce, Since: Version},
			{Name: "number", Label: schema.Label{ZH: "井号", EN: "Number"}, Type: schema.TypeText, Max: 20, Required: true, Rule: schema.RuleManual,
				Since: Version, Headers: []string{"编号"}},
			{Name: "kind", Label: schema.Label{ZH: "种类", EN: "Kind"}, Type: schema.TypeEnum, Rule: schema.RuleManual, Since: Version,
				Options: []schema.Option{{Value: "dug", Label: schema.Label{ZH: "土井", EN: "Dug"}}, {Value: "drilled", Label: schema.Label{ZH: "机井", EN: "Drilled"}}}},
			{Name: "depth", Label: schema.Label{ZH: "深度", EN: "Depth"}, Type: schema.TypeInt, Min: 1, Max: 999, Rule: schema.RuleMax, Since: Version},
			{Name: "uses", Label: schema.Label{ZH: "用途", EN: "Uses"}, Type: schema.TypeTags, Rule: schema.RuleSet, Since: Version,
				Options: []schema.Option{{Value: "drink", Label: schema.Label{ZH: "饮用", EN: "Drinking"}}, {Value: "field", Label: schema.Label{ZH: "灌溉", EN: "Irrigation"}}}},
			{Name: "dug_on", Label: schema.Label{ZH: "打井日期", EN: "Dug on"}, Type: schema.TypeDate, Rule: schema.RuleMin, Since: Version},
			{Name: "keeper_phone", Label: schema.Label{ZH: "看井人电话", EN: "Keeper's phone"}, Type: schema.TypePhone, Rule: schema.RuleManual,
				Privacy: schema.Masked, Since: Version},
			{Name: "state", Label: schema.Label{ZH: "状态", EN: "State"}, Type: schema.TypeFlow, Rule: schema.RuleFlow, Since: Version,
				Flow: &schema.Flow{Initial: "used", States: []schema.Option{{Value: "used", Label: schema.Label{ZH: "在用", EN: "In use"}},
					{Value: "sealed", Label: schema.Label{ZH: "已封", EN: "Sealed"}}},
					Moves: []schema.Move{{From: "used", To: "sealed", Roles: workers}}}},
			{Name: "remark", Label: schema.Label{ZH: "备注", EN: "Remark"}, Type: schema.TypeLong, Max: 500, Rule: schema.RuleText, Since: Version},
		},
		Locks: []schema.Lock{{States: []string{"sealed"}, Columns: []string{"kind", "uses"}}},
	}
}
