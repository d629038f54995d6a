package schema_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"pgregory.net/rapid"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/schema/schematest"
)

// databases gives an empty real database of each dialect.
func databases(t *testing.T) map[schema.Dialect]*sql.DB {
	t.Helper()
	open := func(driver, dsn string) *sql.DB {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
	return map[schema.Dialect]*sql.DB{
		schema.SQLite:   open("sqlite", "file:"+filepath.Join(t.TempDir(), "t.db")),
		schema.Postgres: open("pgx", testenv.MustRelaxedPostgres(t)),
	}
}

func mustRun(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s\n%v", s, err)
		}
	}
}

func TestStatementsReadAsSQL(t *testing.T) {
	thing := schematest.Book().Table("thing")
	for _, d := range []schema.Dialect{schema.SQLite, schema.Postgres} {
		parts := append(schema.DDL(d, thing), d.Upsert(thing, 2), d.Update(thing, "name", "total"), d.Select(thing, "household"), d.Delete(thing), d.Page(thing))
		parts = append(parts, schema.Evolve(d, schematest.BookAt(1), schematest.Book())...)
		golden(t, "testdata/thing."+string(d)+".sql", strings.Join(parts, ";\n\n")+";\n", "read it and run go test ./schema -update")
	}
}

func TestBooksBecomeTablesInBothDatabases(t *testing.T) {
	for d, db := range databases(t) {
		for _, b := range []*schema.Book{schema.Minqing(), schematest.Book()} {
			for _, table := range b.Tables() {
				mustRun(t, db, schema.DDL(d, table)...)
			}
			for _, table := range b.Tables() {
				mustRun(t, db, "DROP TABLE "+schema.Quote(table.Name))
			}
		}
	}
}

// shape describes a table as its database does: columns in order with their types, and its indexes.
func shape(t *testing.T, d schema.Dialect, db *sql.DB, table string) []string {
	t.Helper()
	query := `SELECT cid || ' ' || name || ' ' || type || ' ' || pk FROM pragma_table_info(?1)
		UNION ALL SELECT coalesce(sql, 'unique: ' || name) FROM sqlite_schema WHERE tbl_name = ?1 AND type = 'index'`
	if d == schema.Postgres {
		query = `SELECT ordinal_position || ' ' || column_name || ' ' || data_type || ' ' || coalesce(collation_name, '')
			FROM information_schema.columns WHERE table_name = $1
			UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename = $1`
	}
	rows, err := db.Query(query, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestAGrownDatabaseEqualsAFreshOne(t *testing.T) {
	grown, fresh := databases(t), databases(t)
	for d := range grown {
		old := schematest.BookAt(1)
		for _, table := range old.Tables() {
			mustRun(t, grown[d], schema.DDL(d, table)...)
		}
		for version := 2; version <= schematest.Version; version++ {
			b := schematest.BookAt(version)
			if err := schema.CheckEvolution(old, b); err != nil {
				t.Fatal(err)
			}
			mustRun(t, grown[d], schema.Evolve(d, old, b)...)
			old = b
		}
		for _, table := range old.Tables() {
			mustRun(t, fresh[d], schema.DDL(d, table)...)
			if a, b := shape(t, d, grown[d], table.Name), shape(t, d, fresh[d], table.Name); !slices.Equal(a, b) {
				t.Errorf("%s %s\ngrown %s\nfresh %s", d, table.Name, strings.Join(a, "\n      "), strings.Join(b, "\n      "))
			}
		}
		if again := schema.Evolve(d, old, old); len(again) != 0 {
			t.Errorf("%s: nothing changed, yet %v", d, again)
		}
	}
}

// rowsOf draws a value that each column may hold.
func rowOf(table *schema.Table) *rapid.Generator[[]schema.Value] {
	return rapid.Custom(func(t *rapid.T) []schema.Value {
		var out []schema.Value
		for _, c := range table.Columns {
			out = append(out, values(c.Type.Kind()).Draw(t, c.Name))
		}
		return out
	})
}

// What Upsert writes is what Select and Page read, whatever the values: both databases keep every text, integer and set exactly.
func TestRowsComeBackAsTheyWent(t *testing.T) {
	table := schematest.Book().Table("thing")
	for d, db := range databases(t) {
		mustRun(t, db, schema.DDL(d, table)...)
		rapid.Check(t, func(rt *rapid.T) {
			want := map[string][]schema.Value{}
			var args []any
			n := rapid.IntRange(1, 4).Draw(rt, "rows")
			for i := range n {
				id := fmt.Sprintf("019abcde-0000-7000-8000-%012x", i)
				want[id] = rowOf(table).Draw(rt, id)
				args = append(args, schema.Args(id, want[id])...)
			}
			if _, err := db.Exec(d.Upsert(table, n), args...); err != nil {
				rt.Fatal(err)
			}
			ids := make([]string, 0, n)
			for id := range want {
				ids = append(ids, id)
			}
			for _, q := range []struct {
				query string
				args  []any
			}{{d.Select(table, "id"), []any{d.Among(ids)}}, {d.Page(table), []any{"", n}}} {
				got := read(rt, db, table, q.query, q.args...)
				for id := range want {
					if !slices.Equal(got[id], want[id]) {
						rt.Fatalf("%s: %s\nwrote %v\nread  %v", d, q.query, want[id], got[id])
					}
				}
			}
		})
	}
}

type fataler interface{ Fatal(args ...any) }

func read(t fataler, db *sql.DB, table *schema.Table, query string, args ...any) map[string][]schema.Value {
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(query, err)
	}
	defer rows.Close()
	sc := schema.NewScanner(table)
	out := map[string][]schema.Value{}
	for rows.Next() {
		if err := rows.Scan(sc.Dest()...); err != nil {
			t.Fatal(err)
		}
		out[sc.ID] = slices.Clone(sc.Values)
		if sc.Get(table.Columns[0].Name) != sc.Values[0] || !sc.Get("nosuch").IsNull() {
			t.Fatal("Get does not agree with Values")
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUpdateDeleteAndChildren(t *testing.T) {
	table := schematest.Book().Table("thing")
	for d, db := range databases(t) {
		mustRun(t, db, schema.DDL(d, table)...)
		row := make([]schema.Value, len(table.Columns))
		for i, parent := range []string{"p1", "p1", "p2", "p3"} {
			row[0] = schema.Text(parent)
			if _, err := db.Exec(d.Upsert(table, 1), schema.Args(fmt.Sprint("r", i), row)...); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(d.Update(table, "total", "name"), int64(7), "名", "r1"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(d.Delete(table), d.Among([]string{"r0", "nosuch"})); err != nil {
			t.Fatal(err)
		}
		got := read(t, db, table, d.Select(table, "household"), d.Among([]string{"p1", "p2"}))
		if len(got) != 2 || got["r1"] == nil || got["r2"] == nil {
			t.Fatalf("%s: children of p1 and p2 after deleting r0: %v", d, got)
		}
		cell := func(name string) schema.Value {
			return got["r1"][slices.IndexFunc(table.Columns, func(c schema.Column) bool { return c.Name == name })]
		}
		if cell("total") != schema.Int(7) || cell("name") != schema.Text("名") || !cell("stamp").IsNull() {
			t.Errorf("%s: r1 is %v", d, got["r1"])
		}
		if none := read(t, db, table, d.Select(table, "id"), d.Among(nil)); len(none) != 0 {
			t.Errorf("%s: among nothing there was %v", d, none)
		}
		if page := read(t, db, table, d.Page(table), "r1", 1); len(page) != 1 || page["r2"] == nil {
			t.Errorf("%s: the page of one after r1 is %v", d, page)
		}
	}
}

func TestWhatADriverCannotMean(t *testing.T) {
	thing := schematest.Book().Table("thing")
	for _, c := range []struct {
		column string
		src    any
	}{{"total", "7"}, {"total", 1.5}, {"total", int64(1) << 53}, {"name", int64(1)}, {"tags", "red"}, {"tags", `[1]`}, {"tags", int64(1)}, {"name", true}} {
		if v, err := thing.Column(c.column).FromDriver(c.src); err == nil {
			t.Errorf("%s took %T %v as %s", c.column, c.src, c.src, v)
		}
	}
	if v, err := thing.Column("tags").FromDriver([]byte(`["red", "blue"]`)); err != nil || v != schema.Set("blue", "red") {
		t.Errorf("a set that a tool wrote: %s, %v", v, err)
	}
}

func TestOneStatementHoldsItsParameters(t *testing.T) {
	for _, b := range []*schema.Book{schema.Minqing(), schematest.Book()} {
		for _, table := range b.Tables() {
			if len(table.Columns)+1 > schema.MaxParams/100 {
				t.Errorf("%s: fewer than 100 rows fit into one statement", table.Name)
			}
		}
	}
}
