package register

import (
	"slices"

	"minqing/internal/sheet"
	"minqing/schema"
)

// The tables that a register is of.
const (
	tableHousehold = "household"
	tableResident  = "resident"
	tableIdentity  = "identity"
	tablePlace     = "place"
)

// Keys of columns that are no column of a table.
const (
	keyVillage = "village"
	keyGroup   = "group"
	keyLon     = tableHousehold + ".lon"
	keyLat     = tableHousehold + ".lat"
	keyID      = tableIdentity + ".id_number"
	keyCode    = tableHousehold + ".code"
	keyName    = tableResident + ".name"
)

// more are names that registers use beside those of the rule book, by key. The first names the column in exports where the rule
// book's own word would be ambiguous in a register.
var more = map[string][]string{
	keyCode:              {"户口编号", "家庭编号", "户序号"},
	"household.head":     {"户主姓名"},
	"household.address":  {"现住址", "居住地址"},
	"household.tags":     {"标签", "户类别", "家庭类别", "户类型"},
	"household.note":     {"备注说明"},
	keyName:              {"人员姓名", "成员姓名"},
	"resident.birth":     {"出生年月日", "出生日", "生日"},
	"resident.relation":  {"关系", "与户主的关系", "家庭关系"},
	"resident.schooling": {"学历"},
	"resident.work":      {"职业", "工作单位", "就业情况", "从业情况"},
	"resident.away":      {"外出情况", "外出地点", "务工地"},
	keyID:                {"身份证", "证件号", "身份证件号码"},
}

// housePhone names the household's phone in a register of residents, where 电话 is the resident's.
var housePhone = []string{"户电话", "户主电话", "家庭电话", "户联系电话", "Household phone"}

// layout is what one form of register has: one row a resident, or one row a household.
type layout struct {
	people  bool
	headers []sheet.Header
}

// layouts of a book, the form with people first: a register of residents is one of households too.
func layouts(b *schema.Book) []layout {
	common := []sheet.Header{{Key: keyVillage, Names: []string{"村", "村(社区)", "村名", "所属村", "行政村", "社区", "Village"}, Kind: sheet.Name}}
	if h, ok := headerOf(b, tableHousehold, "code"); ok {
		common = append(common, h)
	}
	common = append(common, sheet.Header{Key: keyGroup, Names: append(groupNames(b), "小组名称", "组名", "自然村", "村组", "所在组"), Kind: sheet.Name})
	people := layout{people: true, headers: slices.Clone(common)}
	houses := layout{headers: slices.Clone(common)}
	for _, name := range []string{"head", "address", "phone", "lon", "lat", "tags", "low_income", "note"} {
		h, ok := headerOf(b, tableHousehold, name)
		if !ok {
			continue
		}
		houses.headers = append(houses.headers, h)
		if name == "phone" {
			h.Names = housePhone
		}
		people.headers = append(people.headers, h)
	}
	for _, c := range b.Table(tableResident).Columns {
		if c.Rule == schema.RuleServer || c.Name == b.Table(tableResident).Parent || c.Type == schema.TypeFlow {
			continue
		}
		h, _ := headerOf(b, tableResident, c.Name)
		people.headers = append(people.headers, h)
	}
	if h, ok := headerOf(b, tableIdentity, "id_number"); ok {
		h.Required = false // an ID number may be missing, its column too
		people.headers = append(people.headers, h)
	}
	return []layout{people, houses}
}

func groupNames(b *schema.Book) []string {
	if c := b.Table(tableHousehold).Column("place"); c != nil {
		return c.AllHeaders()
	}
	return nil
}

func headerOf(b *schema.Book, table, column string) (sheet.Header, bool) {
	c := b.Table(table).Column(column)
	if c == nil {
		return sheet.Header{}, false
	}
	h := sheet.HeaderOf(c)
	h.Key = table + "." + column
	h.Names = append(slices.Clone(h.Names), more[h.Key]...)
	switch h.Key {
	case keyCode:
		h.Kind = sheet.Code
	case keyName, "household.head":
		h.Kind = sheet.Name
	case keyLon, keyLat:
		h.Kind = sheet.Code
	case "household.phone":
		h.Names = append(h.Names, housePhone...)
	}
	return h, true
}
