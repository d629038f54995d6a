package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
)

// The triggers that capture what any program writes to the domain tables: one log row a change, with the values before. Measured against
// a row a column, the preupdate hook and the session extension it is the cheapest, and the only one that captures the sqlite3 shell too.
//
// SQLite compiles a trigger anew for each statement that another program prepares, and that was three quarters of what a single captured
// update cost. So the triggers say as little as can be: all old values instead of a mask of what changed (three expressions a column),
// the guard as the table that the log row is selected from, one constant for what was done.
//
// What the log says was done is “u7:visit”: an operation, the version of the book whose columns the values follow, the table.
// Operations: c a row appeared; u columns changed; d a row went; r a row of that id is about to be replaced (REPLACE tells nobody that it
// deletes, unless recursive_triggers is on).

// capture lists the triggers of a table by name.
func capture(book *schema.Book, t *schema.Table) map[string]string {
	const awake = "EXISTS (SELECT 1 FROM mq_guard)"
	name := func(kind string) string { return "mq_" + kind + "_" + t.Name }
	tbl := schema.Quote(t.Name)
	const log = "INSERT INTO mq_log (what, row, old) "
	did := func(op string) string { return "'" + logged(op, book.Version, t.Name) + "', " }
	var all, same []string
	for i := range t.Columns {
		c := schema.Quote(t.Columns[i].Name)
		all = append(all, "OLD."+c)
		same = append(same, c)
	}
	gone := "OLD.id, json_array(" + strings.Join(all, ", ") + ")"
	come := log + "VALUES (" + did("c") + "NEW.id, NULL); "
	badID := fmt.Sprintf("SELECT RAISE(ABORT, 'id must be a lower-case UUID: SELECT id FROM mq_new_id gives one') WHERE NEW.id IS NULL OR NEW.id NOT GLOB '%s';", idGlob)
	replaced := log + "SELECT " + did("r") + "id, json_array(" + strings.Join(same, ", ") + ") FROM " + tbl + " WHERE id = NEW.id; "
	return map[string]string{
		name("c"): "CREATE TRIGGER " + name("c") + " AFTER INSERT ON " + tbl + " WHEN " + awake + " BEGIN " + badID + " " + come + "END",
		name("r"): "CREATE TRIGGER " + name("r") + " BEFORE INSERT ON " + tbl + " WHEN " + awake + " AND EXISTS (SELECT 1 FROM " + tbl +
			" WHERE id = NEW.id) BEGIN " + replaced + "END",
		name("u"): "CREATE TRIGGER " + name("u") + " AFTER UPDATE ON " + tbl + " BEGIN " + log + "SELECT " + did("u") + gone + " FROM mq_guard; END",
		// An update of the id is one row gone and another come; under OR REPLACE a third may have stood there. What u says of it afterwards
		// is not news.
		name("k"): "CREATE TRIGGER " + name("k") + " BEFORE UPDATE OF id ON " + tbl + " WHEN OLD.id IS NOT NEW.id AND " + awake + " BEGIN " + badID + " " +
			replaced + log + "VALUES (" + did("d") + gone + "); " + come + "END",
		name("d"): "CREATE TRIGGER " + name("d") + " AFTER DELETE ON " + tbl + " BEGIN " + log + "SELECT " + did("d") + gone + " FROM mq_guard; END",
	}
}

// logged is what the log says was done.
func logged(op string, book int, table string) string { return op + strconv.Itoa(book) + ":" + table }

// audit puts back every capture trigger that is missing or not as it should be, removes those of books past, and wakes the guard. It
// gives the names of what it mended. Run in a write transaction.
func audit(c *conn, book *schema.Book) (mended []string, err error) {
	have := map[string]string{}
	var name, text string
	err = c.each(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'mq_*'`, nil, []any{&name, &text}, func() error {
		have[name] = text
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range book.Tables() {
		want := capture(book, t)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			text := want[name]
			if have[name] == text {
				delete(have, name)
				continue
			}
			if _, there := have[name]; there {
				if err := c.exec("DROP TRIGGER " + name); err != nil {
					return nil, err
				}
			}
			delete(have, name)
			mended = append(mended, name)
			if err := c.exec(text); err != nil {
				return nil, err
			}
		}
	}
	var rows int
	if _, err := c.one(`SELECT count(*) FROM mq_guard`, nil, &rows); err != nil || rows == 1 {
		return mended, err
	}
	return append(mended, "mq_guard"), errors.Join(c.exec(`DELETE FROM mq_guard`), c.exec(`INSERT INTO mq_guard VALUES (1)`))
}
