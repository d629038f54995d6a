package replica

import "strings"

// bookkeeping is the DDL of the tables beside the domain tables (DESIGN.md tells the whole). What stands there once for every
// row of the replica is kept small: bookkeeping may cost a tenth of the file.
var bookkeeping = []string{
	`CREATE TABLE IF NOT EXISTS mq_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,

	// While its one row is away, triggers are silent. It is taken away and put back inside one transaction, so no other connection ever
	// misses it, and a crash puts it back.
	`CREATE TABLE IF NOT EXISTS mq_guard (awake INTEGER) STRICT`,

	// What triggers captured and no seal has taken yet: at a time in days (julianday), what was done (capture.go), the values before. mask:
	// which of those are known, where not all are. Few columns and no AUTOINCREMENT: what other programs pay for a capture is mostly that
	// SQLite compiles this insert anew for every statement of theirs.
	`CREATE TABLE IF NOT EXISTS mq_log (ord INTEGER PRIMARY KEY, at REAL NOT NULL DEFAULT (julianday()), what TEXT NOT NULL, row TEXT NOT NULL,
		old TEXT, mask INTEGER) STRICT`,

	// Epochs by a small number; gen counts the forks that this file had met when it first heard of the epoch.
	`CREATE TABLE IF NOT EXISTS mq_epoch (id INTEGER PRIMARY KEY, name TEXT NOT NULL, gen INTEGER NOT NULL) STRICT`,

	// The buckets held, one for each scope and period, with count and digests (16 bytes each) of their acknowledged rows. differs: at the last
	// checkpoint they were not the server's. place is the scope with its id as bytes (buckets.go), found by its end, which is as good as
	// unique: an index of whole scopes would be two thirds as large as the table.
	`CREATE TABLE IF NOT EXISTS mq_bucket (id INTEGER PRIMARY KEY AUTOINCREMENT, place ANY NOT NULL, period TEXT NOT NULL, rows INTEGER NOT NULL,
		digests BLOB NOT NULL, differs INTEGER NOT NULL DEFAULT 0) STRICT`,
	`CREATE INDEX IF NOT EXISTS mq_bucket_end ON mq_bucket (substr(place, -3))`,
	`CREATE INDEX IF NOT EXISTS mq_bucket_differs ON mq_bucket (id) WHERE differs = 1`,

	// One for each acknowledged row, under six bytes of its id, or all sixteen where another row had those six first (held.go).
	`CREATE TABLE IF NOT EXISTS mq_held (id BLOB PRIMARY KEY, bucket INTEGER NOT NULL, epoch INTEGER NOT NULL, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID`,

	// The acknowledged values (by column, as JSON) of a row whose domain row shows something else; null when the server never sent it.
	`CREATE TABLE IF NOT EXISTS mq_under (row TEXT PRIMARY KEY, tbl TEXT NOT NULL, vals TEXT) STRICT, WITHOUT ROWID`,
	// Cells with an open item: the versions whose value shows.
	`CREATE TABLE IF NOT EXISTS mq_open (row TEXT PRIMARY KEY, cells TEXT NOT NULL) STRICT, WITHOUT ROWID`,

	// The changes of this device, in the order in which they were made. need: it must be pushed. state and verdict: as last told, at
	// server time told. absent: see told in verdict.go. labels: every (epoch, rev) that the change was ever given, by row. sealed: the content
	// for the server's eyes only, when its scope was forgotten (content is then empty).
	`CREATE TABLE IF NOT EXISTS mq_change (ord INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, number INTEGER NOT NULL, identity TEXT NOT NULL UNIQUE,
		first_device TEXT NOT NULL, first_number INTEGER NOT NULL, content TEXT NOT NULL, need INTEGER NOT NULL, state TEXT NOT NULL, mends TEXT NOT NULL,
		outside INTEGER NOT NULL DEFAULT 0, verdict TEXT, told INTEGER NOT NULL DEFAULT 0, absent INTEGER NOT NULL DEFAULT 0, labels TEXT,
		sealed BLOB) STRICT`,
	`CREATE INDEX IF NOT EXISTS mq_change_open ON mq_change (ord) WHERE need = 1 OR state = 'pending' OR state IN ('refused', 'withdrawn')`,

	// The edits of those changes. laid: the edit is laid over its row. settled: its row arrived with it, or is no longer held. away:
	// its row lies in a scope that was forgotten. epoch, rev: the label by the newest verdict.
	`CREATE TABLE IF NOT EXISTS mq_edit (row TEXT NOT NULL, change INTEGER NOT NULL, tbl TEXT NOT NULL, laid INTEGER NOT NULL, settled INTEGER NOT NULL,
		away INTEGER NOT NULL DEFAULT 0, epoch INTEGER, rev INTEGER, PRIMARY KEY (row, change)) STRICT, WITHOUT ROWID`,
	`CREATE INDEX IF NOT EXISTS mq_edit_change ON mq_edit (change)`,
	`CREATE INDEX IF NOT EXISTS mq_edit_off ON mq_edit (change) WHERE laid = 0 AND settled = 0`,

	// Deleted rows that changes of this device are about, and the bucket where each last lay: when that is forgotten, so are they.
	`CREATE TABLE IF NOT EXISTS mq_buried (row TEXT PRIMARY KEY, tbl TEXT NOT NULL, scope TEXT NOT NULL, period TEXT NOT NULL) STRICT, WITHOUT ROWID`,

	// Sealed chain heads received since the last checkpoint.
	`CREATE TABLE IF NOT EXISTS mq_head (epoch TEXT PRIMARY KEY, seal TEXT NOT NULL, ord INTEGER NOT NULL) STRICT, WITHOUT ROWID`,

	// Lines of answers whose checkpoint has not come; whole: up to a mark from which the answer can go on.
	`CREATE TABLE IF NOT EXISTS mq_stage (ord INTEGER PRIMARY KEY, answer INTEGER NOT NULL, whole INTEGER NOT NULL, frames BLOB NOT NULL) STRICT`,

	// What the author is to be told: words that left a row, captured values that could not be kept, triggers that were put back.
	`CREATE TABLE IF NOT EXISTS mq_notice (ord INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, identity TEXT NOT NULL, tbl TEXT NOT NULL,
		row TEXT NOT NULL, cell TEXT NOT NULL, text TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0) STRICT`,

	// The texts that documents are looked up by, the order in which they are listed, and those to be made anew (search.go).
	`CREATE TABLE IF NOT EXISTS mq_find (row TEXT PRIMARY KEY, grp TEXT NOT NULL, ord TEXT NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID`,
	`CREATE INDEX IF NOT EXISTS mq_find_order ON mq_find (grp, ord, row)`,
	`CREATE TABLE IF NOT EXISTS mq_find_stale (row TEXT PRIMARY KEY) STRICT, WITHOUT ROWID`,

	// What the app keeps of its own on this phone (local.go): never synced.
	`CREATE TABLE IF NOT EXISTS mq_local (key TEXT PRIMARY KEY, value BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID`,

	// Rows of others as they were held before a fork took them back, till the server has heard of them (testimony.go).
	`CREATE TABLE IF NOT EXISTS mq_testimony (row TEXT PRIMARY KEY, scope TEXT NOT NULL, epoch TEXT NOT NULL, rev INTEGER NOT NULL, content TEXT NOT NULL) STRICT, WITHOUT ROWID`,

	// Who syncs this file now, and until when nobody else may.
	`CREATE TABLE IF NOT EXISTS mq_lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT`,

	// Contents of attachments (content.go) by hash, of which the first here bytes are in mq_chunk. A row's content was made on this device
	// (own) or fetched; sent under gen (see mq_epoch), after every change up to mark was made; the rest is how its sending stands.
	`CREATE TABLE IF NOT EXISTS mq_content (hash TEXT PRIMARY KEY, bytes INTEGER NOT NULL, here INTEGER NOT NULL DEFAULT 0, thumb BLOB) STRICT`,
	`CREATE TABLE IF NOT EXISTS mq_chunk (hash TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (hash, at)) STRICT`,
	`CREATE TABLE IF NOT EXISTS mq_file (row TEXT PRIMARY KEY, hash TEXT NOT NULL, own INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
		gen INTEGER NOT NULL DEFAULT 0, mark INTEGER NOT NULL DEFAULT 0, path TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
		due INTEGER NOT NULL DEFAULT 0, leave INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID`,
	`CREATE INDEX IF NOT EXISTS mq_file_hash ON mq_file (hash)`,
	// Contents that went out of sight after they were sent, for the server's eyes only, until its backups must hold them (see mq_file).
	`CREATE TABLE IF NOT EXISTS mq_parting (row TEXT PRIMARY KEY, file BLOB NOT NULL, gen INTEGER NOT NULL, mark INTEGER NOT NULL) STRICT, WITHOUT ROWID`,

	// For people at a shell: SELECT id FROM mq_new_id gives an id for a row to insert.
	`CREATE VIEW IF NOT EXISTS mq_new_id AS WITH t(ms, r) AS (SELECT printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)), lower(hex(randomblob(10))))
		SELECT substr(ms, 1, 8) || '-' || substr(ms, 9) || '-7' || substr(r, 1, 3) || '-' || substr('89ab', 1 + (unicode(substr(r, 4, 1)) & 3), 1) ||
		substr(r, 5, 3) || '-' || substr(r, 8, 12) AS id FROM t`,
}

// fileVersion is the version of the tables above; a file of a newer one is not opened, one of an older is upgraded (upgrade.go).
const fileVersion = 3

// idGlob is the form of a row id as SQLite's GLOB says it.
var idGlob = func() string {
	hex := func(n int) string { return strings.Repeat("[0-9a-f]", n) }
	return hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12)
}()
