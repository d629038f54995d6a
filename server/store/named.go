package store

import "strings"

// “Who looked at this household?” A record of what was shown names rows: the one that a page was about, that was unmasked or deleted; a photo; the
// refused change that was read; the households of which a phone's sync carried something; and of an export the place that it was taken of.
// mq_disclosed_of finds it by each of them. It follows from what the records say and holds nothing else. A trigger keeps it, so that no writer can
// forget it: a sync, a restore, a program of the version before on the same database. So it is no part of a backup, and whoever verifies a chain
// finds what was taken out of it.

// namedVersion grows when what the table holds changes: it is then filled anew.
const namedVersion = "1"

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
		"CASE WHEN t.path = '$.streams' OR t.key = 'stream' THEN 'many:' || t.atom WHEN substr(t.atom, 1, 10) = 'household:' THEN substr(t.atom, 11, 36) ELSE t.atom END",
		"json_tree(CASE WHEN json_valid({d}.value) THEN {d}.value ELSE '{}' END) t",
		`t.type = 'text' AND t.atom <> '' AND (t.path = '$' AND (t.key IN ('row', 'change', 'file') OR t.key = 'within' AND {d}.value LIKE '{"what":"export"%'
				OR t.key = 'scope' AND substr(t.atom, 1, 10) = 'household:' OR t.key = 'stream' AND ` + many + `)
			OR t.path = '$.streams' AND ` + many + ` OR t.path IN ('$.changed', '$.fill') AND substr(t.atom, 1, 10) = 'household:' AND NOT ` + many + `)`,
	},
	postgresDialect: {
		`(CASE WHEN starts_with(t.word, 'household:') THEN substr(t.word, 11, 36) ELSE t.word END COLLATE "C")`,
		`LATERAL (SELECT w.word FROM (SELECT CASE WHEN {d}.value LIKE '{%' THEN replace(replace({d}.value, '\\', ''), '\u0000', '')::jsonb ELSE '{}' END AS said, ` + many + ` AS many) j
			CROSS JOIN LATERAL (SELECT unnest(ARRAY[j.said->>'row', j.said->>'change', j.said->>'file', CASE WHEN {d}.value LIKE '{"what":"export"%' THEN j.said->>'within' END,
					CASE WHEN starts_with(j.said->>'scope', 'household:') THEN j.said->>'scope' END, CASE WHEN j.many AND j.said->>'stream' <> '' THEN 'many:' || (j.said->>'stream') END])
				UNION ALL SELECT 'many:' || (s #>> '{}') FROM jsonb_path_query(j.said, '$.streams[*]') s WHERE j.many
				UNION ALL SELECT x.s #>> '{}' FROM (SELECT jsonb_path_query(j.said, '$.changed[*]') UNION ALL SELECT jsonb_path_query(j.said, '$.fill[*]')) x (s)
					WHERE NOT j.many AND starts_with(x.s #>> '{}', 'household:')) w (word)) t`,
		"t.word <> ''",
	},
}

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
