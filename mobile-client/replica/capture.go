package replica

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
)

// The triggers that capture what any program writes to the domain tables: one log row a change, with a bit mask of the changed
// columns and the old values of just those. Measured against a row a column, the preupdate hook and the session extension it is
// the cheapest, and the only one that captures the sqlite3 shell too.
//
// Operations in the log: c a row appeared; u columns changed; d a row went, with all its values; r a row of that id is about to
// be replaced, with all its values (REPLACE tells nobody that it deletes, unless recursive_triggers is on).

// maxColumns is how many columns fit the mask.
const maxColumns = 62

// capture lists the triggers of a table by name.
func capture(book *schema.Book, t *schema.Table) (map[string]string, error) {
	if len(t.Columns) > maxColumns {
		return nil, fmt.Errorf("replica: table %s has %d columns, and capture knows %d", t.Name, len(t.Columns), maxColumns)
	}
	const loud = "NOT EXISTS (SELECT 1 FROM mq_guard)"
	name := func(kind string) string { return "mq_" + kind + "_" + t.Name }
	tbl := schema.Quote(t.Name)
	log := "INSERT INTO mq_log (book, tbl, row, op, mask, old) "
	head := strconv.Itoa(book.Version) + ", '" + t.Name + "', "
	var mask, changed, all, same []string
	for i := range t.Columns {
		c := schema.Quote(t.Columns[i].Name)
		mask = append(mask, fmt.Sprintf("((OLD.%s IS NOT NEW.%s) << %d)", c, c, i))
		changed = append(changed, fmt.Sprintf("CASE WHEN OLD.%s IS NOT NEW.%s THEN OLD.%s END", c, c, c))
		all = append(all, "OLD."+c)
		same = append(same, c)
	}
	badID := fmt.Sprintf("SELECT RAISE(ABORT, 'id must be a lower-case UUID: SELECT id FROM mq_new_id gives one') WHERE NEW.id IS NULL OR NEW.id NOT GLOB '%s';", idGlob)
	replaced := log + "SELECT " + head + "id, 'r', NULL, json_array(" + strings.Join(same, ", ") + ") FROM " + tbl + " WHERE id = NEW.id;"
	return map[string]string{
		name("c"): "CREATE TRIGGER " + name("c") + " AFTER INSERT ON " + tbl + " WHEN " + loud + " BEGIN " + badID + " " +
			log + "VALUES (" + head + "NEW.id, 'c', NULL, NULL); END",
		name("r"): "CREATE TRIGGER " + name("r") + " BEFORE INSERT ON " + tbl + " WHEN " + loud + " AND EXISTS (SELECT 1 FROM " + tbl +
			" WHERE id = NEW.id) BEGIN " + replaced + " END",
		name("u"): "CREATE TRIGGER " + name("u") + " AFTER UPDATE ON " + tbl + " WHEN OLD.id IS NEW.id AND " + loud + " BEGIN " +
			log + "SELECT " + head + "OLD.id, 'u', m, json_array(" + strings.Join(changed, ", ") + ") FROM (SELECT " +
			strings.Join(mask, " | ") + " AS m) WHERE m <> 0; END",
		// An update of the id is one row gone and another come; under OR REPLACE a third may have stood there.
		name("k"): "CREATE TRIGGER " + name("k") + " BEFORE UPDATE OF id ON " + tbl + " WHEN OLD.id IS NOT NEW.id AND " + loud + " BEGIN " + badID + " " +
			replaced + " " + log + "VALUES (" + head + "OLD.id, 'd', NULL, json_array(" + strings.Join(all, ", ") + ")); " +
			log + "VALUES (" + head + "NEW.id, 'c', NULL, NULL); END",
		name("d"): "CREATE TRIGGER " + name("d") + " AFTER DELETE ON " + tbl + " WHEN " + loud + " BEGIN " +
			log + "VALUES (" + head + "OLD.id, 'd', NULL, json_array(" + strings.Join(all, ", ") + ")); END",
	}, nil
}

// audit puts back every capture trigger that is missing or not as it should be, and removes those of books past. It gives the
// names of those it mended. Run in a write transaction.
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
		want, err := capture(book, t)
		if err != nil {
			return nil, err
		}
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
	return mended, nil
}
