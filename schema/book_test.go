package schema_test

import (
	"testing"

	"minqing/schema"
)

func TestCellsOfABook(t *testing.T) {
	b := schema.Minqing()
	position := b.Cell("household", "position")
	if position == nil || len(position.Columns) != 2 || position.Kind() != schema.KindTuple || position.Since() != 1 {
		t.Fatalf("the group position of household: %+v", position)
	}
	if b.CellOf("household", "lat") != position || b.Cell("household", "lat") != nil || b.CellOf("household", "nosuch") != nil || b.Cell("nosuch", "x") != nil {
		t.Error("a column of a group is found by CellOf, its cell by the name of the group")
	}
	if tags := b.CellOf("household", "tags"); tags == nil || tags.Name != "tags" || tags.Kind() != schema.KindSet {
		t.Errorf("the cell of a column without group is the column: %+v", tags)
	}
	if b.Table("nosuch") != nil || b.Table("household").Column("nosuch") != nil || b.Table("household").FlowColumn() != nil {
		t.Error("what is not there is nil")
	}
}
