package store

import (
	"errors"
	"slices"
	"strings"

	"minqing/schema"
)

// What the consoles list by. A secretary's pages ask of a place and everything below it: which journals wait, which matters are open, how
// many of each kind. Asked of the rule book's tables alone, that is a walk over every household of the place, and for an administrator over
// all there are. So a few narrow tables say of each place, and of each place above it, what lies there, in the order in which pages list it:
// a page then is one range of an index, the last as fast as the first.
//
// They follow from the rule book's tables and hold nothing else; triggers keep them, as those of rights are kept, so that no writer can
// forget them: a push, an import, a restore, a program of the version before on the same database. They are no part of a backup. Journals
// that are accepted are not in them, nor visits: of a million rows, those that wait are few.

// overviewVersion grows when what the tables hold changes: they are then filled anew.
const overviewVersion = "3"

const metaOverview = "overview"

// overviewTables are made with the other bookkeeping.
var overviewTables = []string{
	// Every place with itself and those above it.
	`CREATE TABLE IF NOT EXISTS mq_above (place TEXT{c} NOT NULL, above TEXT{c} NOT NULL, PRIMARY KEY (place, above)) {key}`,
	`CREATE INDEX IF NOT EXISTS mq_above_down ON mq_above (above, place)`,
	// The journals that are not accepted yet, of what home.
	`CREATE TABLE IF NOT EXISTS mq_unread_of (journal TEXT{c} PRIMARY KEY, household TEXT{c} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_unread_of_home ON mq_unread_of (household)`,
	// The same by place, in the order in which they need eyes: rank is 0 back after it was returned, 1 of a home with an urgent matter, 2 of one
	// long unvisited, 3 a first visit, 4 any other.
	`CREATE TABLE IF NOT EXISTS mq_unread (above TEXT{c} NOT NULL, state TEXT{c} NOT NULL, rank {int} NOT NULL, day TEXT{c} NOT NULL, journal TEXT{c} NOT NULL,
		household TEXT{c} NOT NULL, PRIMARY KEY (above, state, rank, day, journal)) {key}`,
	`CREATE INDEX IF NOT EXISTS mq_unread_home ON mq_unread (household)`,
	// Matters by place. day is when it was first written down, solved when it was handled ("" for not yet), team that by which its author called
	// on the home.
	`CREATE TABLE IF NOT EXISTS mq_matter_at (above TEXT{c} NOT NULL, id TEXT{c} NOT NULL, household TEXT{c} NOT NULL, place TEXT{c} NOT NULL, kind TEXT{c} NOT NULL,
		state TEXT{c} NOT NULL, open {int} NOT NULL, urgency {int} NOT NULL, due TEXT{c} NOT NULL, author TEXT{c} NOT NULL, team TEXT{c} NOT NULL, day TEXT{c} NOT NULL,
		solved TEXT{c} NOT NULL, stepped TEXT{c} NOT NULL, steps {int} NOT NULL, PRIMARY KEY (above, id)) {key}`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_id ON mq_matter_at (id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_home ON mq_matter_at (household)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_open ON mq_matter_at (above, open, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_still ON mq_matter_at (above, open, steps, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_urgent ON mq_matter_at (above, open, urgency, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_state ON mq_matter_at (above, state, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_author ON mq_matter_at (above, author, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_kind ON mq_matter_at (above, kind, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_due ON mq_matter_at (above, open, due, id)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_day ON mq_matter_at (above, day, kind, team)`,
	`CREATE INDEX IF NOT EXISTS mq_matter_at_solved ON mq_matter_at (above, solved, kind, team)`,
	// How many of them a place reports, by month (“” for matters without a day): measure is collected, or the kind of those that were solved.
	// On PostgreSQL several parts make a sum: what writes at once counts in rows of its own, and need not wait for the row of the whole city.
	`CREATE TABLE IF NOT EXISTS mq_matter_sum (above TEXT{c} NOT NULL, month TEXT{c} NOT NULL, measure TEXT{c} NOT NULL, team TEXT{c} NOT NULL, part {int} NOT NULL,
		n {int} NOT NULL, PRIMARY KEY (above, month, measure, team, part)) {key}`,
	// How the households of a village, and of each of its groups, stood when they were last counted. No trigger keeps it, as it changes with the
	// day: the consoles count anew what is old, and say of when it is.
	`CREATE TABLE IF NOT EXISTS mq_cover (place TEXT{c} PRIMARY KEY, village TEXT{c} NOT NULL, day TEXT{c} NOT NULL, at_ms {int} NOT NULL,
		nobody {int} NOT NULL, overdue {int} NOT NULL, unvisited {int} NOT NULL, short {int} NOT NULL, enough {int} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_cover_village ON mq_cover (village)`,
}

// overviewRests are the columns that the tables follow from; a rule book without one of them has no overview.
var overviewRests = map[string][]string{
	"place": {"parent"}, "household": {"place"}, "visit": {"household", "day"}, "journal": {"visit", "state"}, "review": {"journal", "kind"},
	"matter": {"household", "kind", "state", "urgency", "due", "author"}, "matter_step": {"matter", "kind", "day"}, "assignment": {"household", "user", "team"},
}

func hasOverview(b *schema.Book) bool {
	for table, columns := range overviewRests {
		t := b.Table(table)
		if t == nil || slices.ContainsFunc(columns, func(c string) bool { return t.Column(c) == nil }) {
			return false
		}
	}
	return true
}

// What fills the tables; {which} says of what rows.
const (
	unreadOf = `INSERT INTO mq_unread_of (journal, household) SELECT j.id, v.household FROM journal j JOIN visit v ON v.id = j.visit
		WHERE v.household IS NOT NULL AND j.state IN ('submitted', 'returned') AND {which} ON CONFLICT DO NOTHING`
	unread = `INSERT INTO mq_unread (above, state, rank, day, journal, household) SELECT a.above, j.state,
		CASE WHEN EXISTS (SELECT 1 FROM review r WHERE r.journal = j.id AND r.kind = 'return') THEN 0
			WHEN EXISTS (SELECT 1 FROM matter m WHERE m.household = b.household AND m.urgency >= 2 AND COALESCE(m.state, '') NOT IN ('handled', 'answered', 'withdrawn')) THEN 1
			WHEN NOT EXISTS (SELECT 1 FROM visit p WHERE p.household = b.household AND p.day < v.day) THEN 3
			WHEN NOT EXISTS (SELECT 1 FROM visit p WHERE p.household = b.household AND p.day < v.day AND p.day > {sixty days before v.day}) THEN 2
			ELSE 4 END, COALESCE(v.day, ''), j.id, b.household
		FROM mq_unread_of b JOIN journal j ON j.id = b.journal JOIN visit v ON v.id = j.visit JOIN household h ON h.id = b.household JOIN mq_above a ON a.place = h.place
		WHERE {which} ON CONFLICT DO NOTHING`
	matterAt = `INSERT INTO mq_matter_at (above, id, household, place, kind, state, open, urgency, due, author, team, day, solved, stepped, steps)
		SELECT a.above, m.id, m.household, h.place, COALESCE(m.kind, ''), COALESCE(m.state, 'recorded'), CASE WHEN m.state IN ('answered', 'withdrawn') THEN 0 ELSE 1 END,
			COALESCE(m.urgency, 0), COALESCE(m.due, ''), COALESCE(m.author, ''),
			COALESCE((SELECT s.team FROM assignment s WHERE s.household = m.household AND s."user" = m.author ORDER BY s.id DESC LIMIT 1), ''),
			COALESCE((SELECT MIN(s.day) FROM matter_step s WHERE s.matter = m.id), ''),
			CASE WHEN m.state IN ('handled', 'answered') THEN COALESCE((SELECT MAX(s.day) FROM matter_step s WHERE s.matter = m.id AND s.kind = 'handle'),
				(SELECT MAX(s.day) FROM matter_step s WHERE s.matter = m.id), '') ELSE '' END,
			COALESCE((SELECT MAX(s.day) FROM matter_step s WHERE s.matter = m.id), ''), (SELECT COUNT(*) FROM matter_step s WHERE s.matter = m.id)
		FROM matter m JOIN household h ON h.id = m.household JOIN mq_above a ON a.place = h.place WHERE {which} ON CONFLICT DO NOTHING`
)

func which(stmt, where string) string { return strings.ReplaceAll(stmt, "{which}", where) }

// overviewTrigger keeps the tables after an event of one of the rule book's.
type overviewTrigger struct {
	table, event, column string // column of an update
	do                   []string
	only                 string // whether there is anything to do, "" for always: to ask costs less than to do nothing. Of no update of a column
}

// matterAnew lists matters anew, unreadAnew the journals of homes.
func matterAnew(column, of string) []string {
	return []string{"DELETE FROM mq_matter_at WHERE " + column + " = " + of, which(matterAt, "m."+column+" = "+of)}
}

func unreadAnew(home string) []string {
	return []string{"DELETE FROM mq_unread WHERE household = " + home, which(unread, "b.household = "+home)}
}

func overviewTriggers() []overviewTrigger {
	beneath := "(SELECT d.place FROM mq_above d WHERE d.above = NEW.id)"
	homes := "(SELECT x.id FROM household x WHERE x.place IN " + beneath + ")"
	readAnew := []string{"DELETE FROM mq_unread WHERE household IN (SELECT b.household FROM mq_unread_of b WHERE b.journal = NEW.id) AND journal = NEW.id",
		"DELETE FROM mq_unread_of WHERE journal = NEW.id", which(unreadOf, "j.id = NEW.id"), which(unread, "b.journal = NEW.id")}
	return []overviewTrigger{
		{"place", "insert", "", []string{"INSERT INTO mq_above (place, above) VALUES (NEW.id, NEW.id) ON CONFLICT DO NOTHING",
			"INSERT INTO mq_above (place, above) SELECT NEW.id, a.above FROM mq_above a WHERE a.place = NEW.parent ON CONFLICT DO NOTHING",
			// Places that come together come in the order of their ids, some before the place that they lie in.
			`INSERT INTO mq_above (place, above) SELECT d.place, u.above FROM place c JOIN mq_above d ON d.above = c.id JOIN mq_above u ON u.place = NEW.id
				WHERE c.parent = NEW.id ON CONFLICT DO NOTHING`}, ""},
		{"place", "delete", "", []string{"DELETE FROM mq_above WHERE place = OLD.id"}, ""},
		{"place", "update", "parent", []string{
			"DELETE FROM mq_above WHERE place IN " + beneath + " AND above NOT IN " + beneath,
			"INSERT INTO mq_above (place, above) SELECT d.place, u.above FROM mq_above d JOIN mq_above u ON u.place = NEW.parent WHERE d.above = NEW.id ON CONFLICT DO NOTHING",
			"DELETE FROM mq_matter_at WHERE household IN " + homes, which(matterAt, "m.household IN "+homes),
			"DELETE FROM mq_unread WHERE household IN " + homes, which(unread, "b.household IN "+homes)}, ""},
		{"household", "insert", "", append(matterAnew("household", "NEW.id"), unreadAnew("NEW.id")...), ""},
		{"household", "update", "place", append(matterAnew("household", "NEW.id"), unreadAnew("NEW.id")...), ""},
		{"household", "delete", "", []string{"DELETE FROM mq_matter_at WHERE household = OLD.id", "DELETE FROM mq_unread WHERE household = OLD.id"}, ""},
		{"matter", "insert", "", append(matterAnew("id", "NEW.id"), unreadAnew("NEW.household")...), ""},
		{"matter", "update", "", append(matterAnew("id", "NEW.id"), unreadAnew("NEW.household")...), ""},
		{"matter", "delete", "", append([]string{"DELETE FROM mq_matter_at WHERE id = OLD.id"}, unreadAnew("OLD.household")...), ""},
		{"matter_step", "insert", "", matterAnew("id", "NEW.matter"), ""},
		{"matter_step", "delete", "", matterAnew("id", "OLD.matter"), ""},
		{"visit", "insert", "", append([]string{which(unreadOf, "j.visit = NEW.id")}, unreadAnew("NEW.household")...),
			"EXISTS (SELECT 1 FROM mq_unread_of b WHERE b.household = NEW.household) OR EXISTS (SELECT 1 FROM journal j WHERE j.visit = NEW.id)"},
		{"visit", "delete", "", unreadAnew("OLD.household"), ""},
		{"journal", "insert", "", readAnew, ""},
		{"journal", "update", "state", readAnew, ""},
		{"journal", "delete", "", []string{"DELETE FROM mq_unread WHERE household IN (SELECT b.household FROM mq_unread_of b WHERE b.journal = OLD.id) AND journal = OLD.id",
			"DELETE FROM mq_unread_of WHERE journal = OLD.id"}, ""},
		{"review", "insert", "", []string{"DELETE FROM mq_unread WHERE household IN (SELECT b.household FROM mq_unread_of b WHERE b.journal = NEW.journal) AND journal = NEW.journal",
			which(unread, "b.journal = NEW.journal")}, ""},
	}
}

// summed are the measures of mq_matter_sum: what a matter counts as, by the month of which of its days.
var summed = []struct{ column, measure, only string }{{"day", "'collected'", ""}, {"solved", "{m}.kind", " AND {m}.solved <> '' AND {m}.kind IN ('difficulty', 'dispute')"}}

// sumTriggers count what comes into mq_matter_at and leaves it. A matter is listed anew by taking its lines out and putting them in.
func sumTriggers() (out []overviewTrigger) {
	for _, e := range [][3]string{{"insert", "NEW", "1"}, {"delete", "OLD", "-1"}} {
		t := overviewTrigger{table: "mq_matter_at", event: e[0]}
		for _, m := range summed {
			t.do = append(t.do, strings.ReplaceAll(`INSERT INTO mq_matter_sum (above, month, measure, team, part, n) SELECT {m}.above, substr({m}.`+m.column+`, 1, 7), `+m.measure+`, {m}.team, {part}, `+e[2]+
				` WHERE 1 = 1`+m.only+` ON CONFLICT (above, month, measure, team, part) DO UPDATE SET n = mq_matter_sum.n + excluded.n`, "{m}", e[1]))
		}
		out = append(out, t)
	}
	return out
}

// parts are how many rows make a sum at most, on PostgreSQL: connections are told apart by their process.
const parts = "32"

// foldOverview makes one row of many, of the same sum.
func (tx *Tx) foldOverview() error {
	if tx.ses.dialect == sqliteDialect || !hasOverview(tx.Book()) {
		return nil // there is one
	}
	return tx.Exec(`WITH gone AS (DELETE FROM mq_matter_sum WHERE part > 0 RETURNING above, month, measure, team, n)
		INSERT INTO mq_matter_sum (above, month, measure, team, part, n) SELECT above, month, measure, team, 0, SUM(n) FROM gone GROUP BY above, month, measure, team ORDER BY 1, 2, 3, 4
		ON CONFLICT (above, month, measure, team, part) DO UPDATE SET n = mq_matter_sum.n + excluded.n`)
}

var overviewWords = map[dialect]*strings.Replacer{
	sqliteDialect:   strings.NewReplacer("{sixty days before v.day}", "date(v.day, '-60 days')", "{part}", "0"),
	postgresDialect: strings.NewReplacer("{sixty days before v.day}", `to_char(v.day::date - 60, 'YYYY-MM-DD') COLLATE "C"`, "{part}", "1 + pg_backend_pid() % "+parts),
}

func (d dialect) overview(stmt string) string { return overviewWords[d].Replace(stmt) }

// keepOverview makes what keeps the tables, and fills them where they were never filled.
func (tx *Tx) keepOverview() error {
	if !hasOverview(tx.Book()) {
		return nil
	}
	have, err := tx.Meta(metaOverview)
	if err != nil {
		return err
	}
	for _, t := range append(overviewTriggers(), sumTriggers()...) {
		if have != "" && have != overviewVersion { // it may do something else by now
			if err := tx.unkeep(t); err != nil {
				return err
			}
		}
		if err := tx.keep(t); err != nil {
			return err
		}
	}
	if have == overviewVersion {
		return nil
	}
	if err := tx.fillOverview(); err != nil {
		return err
	}
	return tx.SetMeta(metaOverview, overviewVersion)
}

// PastOverviews has a transaction on PostgreSQL write past all triggers, and SQLite as ever: for who fills a database that nobody uses yet, where half
// of the time went to lists that a single statement reckons at the end. ReckonOverviews must follow; the next opening does the same.
func (tx *Tx) PastOverviews() error {
	if tx.ses.dialect == sqliteDialect || !hasOverview(tx.Book()) {
		return nil
	}
	if err := tx.Exec("SET LOCAL session_replication_role = replica"); err != nil {
		return err
	}
	return errors.Join(tx.SetMeta(metaOverview, ""), tx.SetMeta(metaNamed, ""))
}

// ReckonOverviews makes up for PastOverviews.
func (tx *Tx) ReckonOverviews() error {
	if err := tx.keepNamed(); err != nil {
		return err
	}
	have, err := tx.Meta(metaOverview)
	if err != nil || have == overviewVersion {
		return err
	}
	if err := tx.fillOverview(); err != nil {
		return err
	}
	return tx.SetMeta(metaOverview, overviewVersion)
}

// fillOverview reckons the tables anew from the rule book's.
func (tx *Tx) fillOverview() error {
	if !hasOverview(tx.Book()) {
		return nil
	}
	for _, stmt := range []string{"DELETE FROM mq_above", "DELETE FROM mq_unread_of", "DELETE FROM mq_unread", "DELETE FROM mq_matter_at", "DELETE FROM mq_matter_sum",
		`INSERT INTO mq_above (place, above) WITH RECURSIVE up(place, above, depth) AS (SELECT id, id, 0 FROM place
			UNION ALL SELECT up.place, p.parent, up.depth + 1 FROM up JOIN place p ON p.id = up.above WHERE p.parent IS NOT NULL AND up.depth < 32)
			SELECT DISTINCT place, above FROM up`,
		which(unreadOf, "1 = 1"), which(unread, "1 = 1"), which(matterAt, "1 = 1")} {
		if err := tx.Exec(tx.ses.dialect.overview(stmt)); err != nil {
			return err
		}
	}
	return tx.foldOverview()
}

func (t overviewTrigger) name() string { return "mq_overview_" + t.table + "_" + t.event }

// unkeep takes one trigger away.
func (tx *Tx) unkeep(t overviewTrigger) error {
	on := ""
	if tx.ses.dialect == postgresDialect {
		on = " ON " + schema.Quote(t.table)
	}
	return tx.Exec("DROP TRIGGER IF EXISTS " + t.name() + on)
}

// keep makes one trigger where it is missing.
func (tx *Tx) keep(t overviewTrigger) error {
	name := t.name()
	when := " AFTER " + t.event + " ON " + schema.Quote(t.table) + " FOR EACH ROW"
	if t.column != "" {
		column := schema.Quote(t.column)
		when = " AFTER UPDATE OF " + column + " ON " + schema.Quote(t.table) + " FOR EACH ROW WHEN "
		if tx.ses.dialect == postgresDialect {
			when += "(OLD." + column + " IS DISTINCT FROM NEW." + column + ")"
		} else {
			when += "OLD." + column + " IS NOT NEW." + column
		}
	}
	body := tx.ses.dialect.overview(strings.Join(t.do, ";\n") + ";")
	if tx.ses.dialect == sqliteDialect {
		if t.only != "" {
			when += " WHEN " + t.only
		}
		return tx.Exec("CREATE TRIGGER IF NOT EXISTS " + name + when + " BEGIN " + body + " END")
	}
	if t.only != "" { // no trigger of PostgreSQL asks a table when it is to run
		body = "IF " + t.only + " THEN\n" + body + "\nEND IF;"
	}
	// As with rights: making a trigger locks its table against writers.
	found, err := tx.One("SELECT 1 FROM pg_trigger WHERE tgname = ? AND tgrelid = to_regclass(?)", []any{name, schema.Quote(t.table)}, new(int))
	if err != nil || found {
		return err
	}
	if err := tx.Exec("CREATE OR REPLACE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n" + body + "\nRETURN NULL; END $$"); err != nil {
		return err
	}
	return tx.Exec("CREATE TRIGGER " + name + when + " EXECUTE FUNCTION " + name + "()")
}
