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
