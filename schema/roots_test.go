package schema_test

import "minqing/schema"

// rootTables are the tables that every book of these tests stands on: places, users, households.
func rootTables() []*schema.Table {
	b := schema.Minqing()
	return []*schema.Table{b.Table("place"), b.Table("user"), b.Table("household")}
}
