package store

import "minqing/schema"

// What a user may see rests on the grants and on where places, users and households lie. Whoever has reckoned it once need not do so
// again as long as nobody touched any of these: the version of rights tells. It moves by triggers, in the transaction that touches them
// and whatever statement does: a push, an erasure, a dump being loaded, a program of the version before on the same PostgreSQL, a shell.
// So nobody can forget to move it.

const tableRights = "mq_rights"

// rightsRestOn are the columns of the rule book's tables from which it follows what a user may see (package entitle), beside mq_grant.
var rightsRestOn = [][2]string{{"place", "parent"}, {"user", "place"}, {"household", "place"}}

// rightsMoved moves the version. SQLite has one writer. On PostgreSQL a counter in one row would have writers wait for each other, so each
// transaction adds a row of its own, once; the steps are random, so that a database that went back never comes to a version that it
// had in the life it lost.
const rightsMoved = `CREATE OR REPLACE FUNCTION mq_rights_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('mq.rights', true) IS DISTINCT FROM txid_current()::text THEN
		INSERT INTO mq_rights (n) VALUES (1 + floor(random() * 4294967296)::bigint);
		PERFORM set_config('mq.rights', txid_current()::text, true);
	END IF;
	RETURN NULL;
END $$`

// watchRights makes what moves the version of rights.
func (tx *Tx) watchRights() error {
	var n int64
	if _, err := tx.One("SELECT COUNT(*) FROM mq_rights", nil, &n); err != nil {
		return err
	}
	if n == 0 {
		if err := tx.Exec("INSERT INTO mq_rights (n) VALUES (1)"); err != nil {
			return err
		}
	}
	watched := [][2]string{{"mq_grant", "until_ms"}}
	for _, w := range rightsRestOn {
		if t := tx.Book().Table(w[0]); t != nil && t.Column(w[1]) != nil {
			watched = append(watched, w)
		}
	}
	events := []string{"insert", "delete", "update"}
	if tx.ses.dialect == postgresDialect {
		events = append(events, "truncate")
	}
	for _, w := range watched {
		for _, event := range events {
			if err := tx.watch(w[0], w[1], event); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch makes one trigger where it is missing. A grant's key never changes; every other column of the tables may, and mostly tells nothing
// of rights.
func (tx *Tx) watch(table, column, event string) error {
	name, when := "mq_rights_"+table+"_"+event, " AFTER "+event+" ON "+schema.Quote(table)+" FOR EACH ROW"
	switch event {
	case "truncate":
		when = " AFTER TRUNCATE ON " + schema.Quote(table) + " FOR EACH STATEMENT"
	case "update":
		column = schema.Quote(column)
		when = " AFTER UPDATE OF " + column + " ON " + schema.Quote(table) + " FOR EACH ROW WHEN "
		if tx.ses.dialect == postgresDialect {
			when += "(OLD." + column + " IS DISTINCT FROM NEW." + column + ")"
		} else {
			when += "OLD." + column + " IS NOT NEW." + column
		}
	}
	if tx.ses.dialect == sqliteDialect {
		return tx.Exec("CREATE TRIGGER IF NOT EXISTS " + name + when + " BEGIN UPDATE mq_rights SET n = n + 1; END")
	}
	// Making a trigger locks its table against writers: not for nothing at every start.
	found, err := tx.One("SELECT 1 FROM pg_trigger WHERE tgname = ? AND tgrelid = to_regclass(?)", []any{name, schema.Quote(table)}, new(int))
	if err != nil || found {
		return err
	}
	if err := tx.Exec(rightsMoved); err != nil {
		return err
	}
	return tx.Exec("CREATE TRIGGER " + name + when + " EXECUTE FUNCTION mq_rights_moved()")
}

// RightsVersion tells, within a snapshot, whether anything that anybody's rights rest on was touched since another one: then it differs.
func (tx *Tx) RightsVersion() (v int64, err error) {
	_, err = tx.One("SELECT CAST(SUM(n) AS BIGINT) FROM mq_rights", nil, &v)
	return v, err
}

// foldRights makes one row of many, of the same sum.
func (tx *Tx) foldRights() error {
	if tx.ses.dialect == sqliteDialect {
		return nil // there is one
	}
	return tx.Exec("WITH gone AS (DELETE FROM mq_rights RETURNING n) INSERT INTO mq_rights (n) SELECT COALESCE(SUM(n), 0) FROM gone")
}
