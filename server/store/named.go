package store

import "strings"

// “Who looked at this household?” A record of what was shown names rows: the one that a page was about, that was unmasked or deleted; a photo; the
// refused change that was read; the households of which a phone's sync carried something; and of an export the place that it was taken of.
// mq_disclosed_of finds it by each of them. It follows from what the records say and holds nothing else. A trigger keeps it, so that no writer can
// forget it: a sync, a restore, a program of the version before on the same database. So it is no part of a backup, and whoever verifies a chain
// finds what was taken out of it.

// namedVersion grows when what the table holds changes: it is then filled anew.
const namedVersion = "2"

const metaNamed = "named"

// namedTable is made with the other bookkeeping. Its key is the order in which it is read.
const namedTable = `CREATE TABLE IF NOT EXISTS mq_disclosed_of (named TEXT{c} NOT NULL, at {int} NOT NULL, chain TEXT{c} NOT NULL, pos {int} NOT NULL,
	PRIMARY KEY (named, at, chain, pos)) {key}`

// naming says how what a record {d} names is read from its value: a column from a source, where.
type naming struct{ column, from, where string }

// many tells a sync that carried many households: a line for each, all over the table, would cost more than the rest of the sync. It is found by the
// streams in which they lie, and there by what it says. Before records told their streams, each was named.
const many = `(length({d}.value) > 1000 AND {d}.value LIKE '%"stream%')`

// NamesMany is by what a sync is found that carried many households of a stream.
func NamesMany(stream string) string { return "many:" + stream }

// namings differ by how a database reads JSON. A scope stands there as “household:id”, a bucket with its period behind it; other scopes are of no
// household. PostgreSQL has no text for NUL: escaped it may stand in what people wrote, and stands in no name.
var namings = map[dialect]naming{
	sqliteDialect: {
		`CASE WHEN e.key = 'streams' THEN 'many:' || s.atom WHEN e.key = 'stream' THEN 'many:' || e.atom WHEN e.key IN ('changed', 'fill') THEN substr(s.atom, 11, 36)
			WHEN e.key = 'scope' THEN substr(e.atom, 11, 36) ELSE e.atom END`,
		// Whether there are many is asked once for each list, and not for each of the many.
		`json_each(CASE WHEN json_valid({d}.value) THEN {d}.value ELSE '{}' END) e LEFT JOIN json_each(CASE WHEN e.type = 'array' AND
			(e.key = 'streams' AND ` + many + ` OR e.key IN ('changed', 'fill') AND NOT ` + many + `) THEN e.value ELSE '[]' END) s`,
		`(e.key IN ('row', 'change', 'file') AND e.atom <> '' OR e.key = 'within' AND e.atom <> '' AND {d}.value LIKE '{"what":"export"%'
			OR e.key = 'scope' AND substr(e.atom, 1, 10) = 'household:' OR e.key = 'stream' AND e.atom <> '' AND ` + many + `
			OR e.key = 'streams' AND s.atom <> '' OR e.key IN ('changed', 'fill') AND substr(s.atom, 1, 10) = 'household:')`,
	},
	postgresDialect: {`(n.word COLLATE "C")`, "LATERAL unnest(mq_named({d}.value)) n (word)", "n.word <> ''"},
}

// namedInPostgres is a function there: one statement that says the same is planned again and again, for longer than it runs.
var namedInPostgres = `CREATE OR REPLACE FUNCTION mq_named(value text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	said jsonb;
	names text[];
	listed text;
BEGIN
	IF value NOT LIKE '{%' THEN
		RETURN names;
	END IF;
	said := replace(replace(value, '\\', ''), '\u0000', '')::jsonb;
	names := ARRAY[said->>'row', said->>'change', said->>'file'];
	IF value LIKE '{"what":"export"%' THEN
		names := array_append(names, said->>'within');
	END IF;
	IF starts_with(said->>'scope', 'household:') THEN
		names := array_append(names, substr(said->>'scope', 11, 36));
	END IF;
	IF ` + strings.ReplaceAll(many, "{d}.value", "value") + ` THEN
		names := array_append(names, 'many:' || nullif(said->>'stream', ''));
		IF jsonb_typeof(said->'streams') = 'array' THEN
			FOR listed IN SELECT jsonb_array_elements_text(said->'streams') LOOP
				names := array_append(names, 'many:' || listed);
			END LOOP;
		END IF;
		RETURN names;
	END IF;
	IF jsonb_typeof(said->'changed') = 'array' THEN
		FOR listed IN SELECT jsonb_array_elements_text(said->'changed') LOOP
			IF starts_with(listed, 'household:') THEN
				names := array_append(names, substr(listed, 11, 36));
			END IF;
		END LOOP;
	END IF;
	IF jsonb_typeof(said->'fill') = 'array' THEN
		FOR listed IN SELECT jsonb_array_elements_text(said->'fill') LOOP
			IF starts_with(listed, 'household:') THEN
				names := array_append(names, substr(listed, 11, 36));
			END IF;
		END LOOP;
	END IF;
	RETURN names;
END $$`

// namesOf is how what a record names is read.
func (tx *Tx) namesOf(record string) naming {
	n := namings[tx.ses.dialect]
	of := func(s string) string { return strings.ReplaceAll(s, "{d}", record) }
	return naming{of(n.column), of(n.from), of(n.where)}
}

// keepNamed makes what keeps the table, and fills it where it was never filled.
func (tx *Tx) keepNamed() error {
	have, err := tx.Meta(metaNamed)
	if err != nil {
		return err
	}
	if tx.ses.dialect == postgresDialect && have != namedVersion {
		if err := tx.Exec(namedInPostgres); err != nil {
			return err
		}
	}
	n := tx.namesOf("NEW")
	t := overviewTrigger{table: "mq_disclosure", event: "insert", do: []string{
		"INSERT INTO mq_disclosed_of (named, at, chain, pos) SELECT DISTINCT " + n.column + ", NEW.at, NEW.chain, NEW.pos FROM " + n.from + " WHERE " + n.where + " ON CONFLICT DO NOTHING"}}
	if have != "" && have != namedVersion { // it may do something else by now
		if err := tx.unkeep(t); err != nil {
			return err
		}
	}
	if err := tx.keep(t); err != nil || have == namedVersion {
		return err
	}
	return tx.fillNamed()
}

// fillNamed reckons the table anew from all records, in the order of its key.
func (tx *Tx) fillNamed() error {
	n := tx.namesOf("d")
	if tx.ses.dialect == postgresDialect { // it sorts what they name, which is much in little room
		if err := tx.Exec("SET LOCAL work_mem = '256MB'"); err != nil {
			return err
		}
	}
	for _, stmt := range []string{"DELETE FROM mq_disclosed_of",
		"INSERT INTO mq_disclosed_of (named, at, chain, pos) SELECT DISTINCT " + n.column + ", d.at, d.chain, d.pos FROM mq_disclosure d CROSS JOIN " + n.from + " WHERE " + n.where + " ORDER BY 1, 2, 3, 4"} {
		if err := tx.Exec(stmt); err != nil {
			return err
		}
	}
	if tx.ses.dialect == postgresDialect { // which else would take a table that nobody counted for one that holds a little of everything
		if err := tx.Exec("ANALYZE mq_disclosed_of"); err != nil {
			return err
		}
	}
	return tx.SetMeta(metaNamed, namedVersion)
}

// Unnamed is the first record of a chain, of those behind one position and up to another, that is not found by all that it names; 0 for none.
func (tx *Tx) Unnamed(chain string, after, upTo int64) (pos int64, err error) {
	n := tx.namesOf("d")
	_, err = tx.One("SELECT d.pos FROM mq_disclosure d CROSS JOIN "+n.from+" WHERE d.chain = ? AND d.pos > ? AND d.pos <= ? AND "+n.where+
		" AND NOT EXISTS (SELECT 1 FROM mq_disclosed_of o WHERE o.named = "+n.column+" AND o.at = d.at AND o.chain = d.chain AND o.pos = d.pos) ORDER BY d.pos LIMIT 1",
		[]any{chain, after, upTo}, &pos)
	return pos, err
}
