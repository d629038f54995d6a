package replica

// upgrades bring a file from the version before to that of their place: what the tables of ddl.go are not made of anew. Each runs inside
// the transaction that opens the file, on whatever an earlier program left there.
var upgrades = map[int][]string{
	// The log says in one word what was done, and triggers listen while the guard has its row. Audit makes the triggers anew, so those of
	// version 1, which would do the contrary of both, are gone before anybody writes.
	2: {
		`CREATE TABLE mq_log_1 AS SELECT ord, at / 86400000.0 + 2440587.5 AS at, op || book || ':' || tbl AS what, row, old, mask FROM mq_log`,
		`DROP TABLE mq_log`,
		`CREATE TABLE mq_log (ord INTEGER PRIMARY KEY, at REAL NOT NULL DEFAULT (julianday()), what TEXT NOT NULL, row TEXT NOT NULL, old TEXT, mask INTEGER) STRICT`,
		`INSERT INTO mq_log (ord, at, what, row, old, mask) SELECT ord, at, what, row, old, mask FROM mq_log_1`,
		`DROP TABLE mq_log_1`,
		`DROP TABLE mq_guard`,
		`CREATE TABLE mq_guard (awake INTEGER) STRICT`,
		`INSERT INTO mq_guard VALUES (1)`,
		// Digests were text, and an index held the whole names of the buckets.
		`CREATE TABLE mq_bucket_1 AS SELECT id, scope, period, rows, unhex(digests, 's: ') AS digests, differs FROM mq_bucket`,
		`DROP TABLE mq_bucket`,
		`CREATE TABLE mq_bucket (id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, period TEXT NOT NULL, rows INTEGER NOT NULL,
			digests BLOB NOT NULL, differs INTEGER NOT NULL DEFAULT 0) STRICT`,
		`INSERT INTO mq_bucket (id, scope, period, rows, digests, differs) SELECT id, scope, period, rows, digests, differs FROM mq_bucket_1`,
		`DROP TABLE mq_bucket_1`,
	},
	// Rows are held under a part of their ids, without their table, and buckets under scopes whose ids are bytes. What changed its meaning has a
	// new name too: a program of version 2 that has the file open meanwhile fails, instead of finding nothing held.
	3: {
		`CREATE TABLE mq_held (id BLOB PRIMARY KEY, bucket INTEGER NOT NULL, epoch INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
		`INSERT INTO mq_held (id, bucket, epoch, rev) SELECT iif(row_number() OVER (PARTITION BY part ORDER BY id) = 1, part, id) AS key, bucket, epoch, rev
			FROM (SELECT id, unhex(substr(hex(id), 7, 6) || substr(hex(id), -6)) AS part, bucket, epoch, rev FROM mq_row) ORDER BY key`,
		`DROP TABLE mq_row`,
		`DROP TABLE mq_table`,
		`CREATE TABLE mq_bucket_2 AS SELECT id, iif(substr(scope, instr(scope, ':') + 1) GLOB '` + idGlob + `',
			unhex(hex(substr(scope, 1, instr(scope, ':'))) || replace(substr(scope, instr(scope, ':') + 1), '-', '')), scope) AS place,
			period, rows, digests, differs FROM mq_bucket`,
		`DROP TABLE mq_bucket`,
		`CREATE TABLE mq_bucket (id INTEGER PRIMARY KEY AUTOINCREMENT, place ANY NOT NULL, period TEXT NOT NULL, rows INTEGER NOT NULL,
			digests BLOB NOT NULL, differs INTEGER NOT NULL DEFAULT 0) STRICT`,
		`INSERT INTO mq_bucket (id, place, period, rows, digests, differs) SELECT id, place, period, rows, digests, differs FROM mq_bucket_2`,
		`DROP TABLE mq_bucket_2`,
		// Indexes that an index of few rows, or none, serves as well as.
		`CREATE TABLE mq_epoch_2 AS SELECT id, name, gen FROM mq_epoch`,
		`DROP TABLE mq_epoch`,
		`CREATE TABLE mq_epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL, gen INTEGER NOT NULL) STRICT`,
		`INSERT INTO mq_epoch (id, name, gen) SELECT id, name, gen FROM mq_epoch_2`,
		`DROP TABLE mq_epoch_2`,
		`CREATE TABLE IF NOT EXISTS mq_parting (row TEXT PRIMARY KEY, file BLOB NOT NULL, gen INTEGER NOT NULL, mark INTEGER NOT NULL) STRICT`,
		`CREATE TABLE mq_parting_2 AS SELECT row, file, gen, mark FROM mq_parting`,
		`DROP TABLE mq_parting`,
		`CREATE TABLE mq_parting (row TEXT PRIMARY KEY, file BLOB NOT NULL, gen INTEGER NOT NULL, mark INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
		`INSERT INTO mq_parting (row, file, gen, mark) SELECT row, file, gen, mark FROM mq_parting_2`,
		`DROP TABLE mq_parting_2`,
		`DROP INDEX IF EXISTS mq_change_need`,
		`DROP INDEX IF EXISTS mq_change_pending`,
		`DROP INDEX IF EXISTS mq_change_refused`,
	},
}

// upgrade brings the tables beside the domain tables from a version of the file to fileVersion; 0 is a new file.
func (r *Replica) upgrade(from int) error {
	if from == 0 {
		return nil
	}
	for v := from + 1; v <= fileVersion; v++ {
		for _, q := range upgrades[v] {
			if err := r.w.exec(q); err != nil {
				return err
			}
		}
	}
	return nil
}
