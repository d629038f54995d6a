package store

// storeVersion is the version of the mq_* tables; it grows when they change.
const storeVersion = 9

// upgrades are what brings older mq_* tables to a store version, beside the tables and indexes that are new (9: named.go). They only add: a server of the
// version before works on beside this one while an upgrade rolls.
var upgrades = map[int][]string{
	6: {`ALTER TABLE mq_name ADD COLUMN renamed {int} NOT NULL DEFAULT 1`, `DROP INDEX IF EXISTS mq_name_identity`, `DROP INDEX IF EXISTS mq_history_identity`},
	7: {`ALTER TABLE mq_disclosure ADD COLUMN stream TEXT{c} NOT NULL DEFAULT ''`},
	8: {`DROP INDEX IF EXISTS mq_disclosure_stream`},
}

// bookkeeping is the DDL of the mq_* tables. The words {int} and {blob} stand for the database's own type names. All text is
// compared bytewise ({c} asks PostgreSQL for the C collation, as canonical orders are bytewise on both). {key} keeps a table in the order
// of its key, without a second tree beside it, on SQLite: for narrow rows. Of wide ones too few fit a page, and each that is appended there
// has three pages shuffled; as a plain table they are simply put behind the last.
var bookkeeping = []string{
	`CREATE TABLE IF NOT EXISTS mq_meta (key TEXT{c} PRIMARY KEY, value TEXT NOT NULL)`,

	// The line of epochs of this database, oldest first; began says where each stream stood when the epoch was minted, and holds only
	// streams that had moved since the epoch before.
	`CREATE TABLE IF NOT EXISTS mq_epoch (id TEXT{c} PRIMARY KEY, parent TEXT{c} NOT NULL, ord {int} NOT NULL, began_ms {int} NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS mq_epoch_stream (stream TEXT{c} NOT NULL, ord {int} NOT NULL, seq {int} NOT NULL, pos {int} NOT NULL,
		PRIMARY KEY (stream, ord)) {key}`,

	// Epochs that a restore cut off, as the cursors of devices tell of them: began is JSON, stream to seq.
	`CREATE TABLE IF NOT EXISTS mq_epoch_lost (id TEXT{c} PRIMARY KEY, parent TEXT{c} NOT NULL, began TEXT NOT NULL)`,

	// The lock row of a stream. seq numbers accepted changes; pos, head and at are the newest record of the chain.
	`CREATE TABLE IF NOT EXISTS mq_stream (id TEXT{c} PRIMARY KEY, seq {int} NOT NULL, pos {int} NOT NULL, head TEXT{c} NOT NULL, at {int} NOT NULL)`,

	// One for every row that ever was, dead ones too (till the horizon). state is what the merge model keeps beside a row (JSON), open
	// the cells with an open item and what shows in them.
	`CREATE TABLE IF NOT EXISTS mq_row (id TEXT{c} PRIMARY KEY, tbl TEXT{c} NOT NULL, parent TEXT{c} NOT NULL, stream TEXT{c} NOT NULL,
		scope TEXT{c} NOT NULL, period TEXT{c} NOT NULL, epoch TEXT{c} NOT NULL, rev {int} NOT NULL, seq {int} NOT NULL, dead {int} NOT NULL,
		alias TEXT{c} NOT NULL, state TEXT NOT NULL, open TEXT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_row_scope ON mq_row (scope, stream, seq)`,
	`CREATE INDEX IF NOT EXISTS mq_row_bucket ON mq_row (scope, period, id)`,
	`CREATE INDEX IF NOT EXISTS mq_row_parent ON mq_row (parent)`,
	`CREATE INDEX IF NOT EXISTS mq_row_dead ON mq_row (dead) WHERE dead > 0`,
	`CREATE INDEX IF NOT EXISTS mq_row_alias ON mq_row (alias) WHERE alias <> ''`,

	// A row left that scope at that seq; silent about where to.
	`CREATE TABLE IF NOT EXISTS mq_left (scope TEXT{c} NOT NULL, stream TEXT{c} NOT NULL, seq {int} NOT NULL, id TEXT{c} NOT NULL, tbl TEXT{c} NOT NULL,
		PRIMARY KEY (scope, stream, seq, id)) {key}`,
	// What a row lay beneath before it moved, and until when (server time): who may change it is judged by where it lay at capture.
	`CREATE TABLE IF NOT EXISTS mq_moved (row_id TEXT{c} NOT NULL, until_ms {int} NOT NULL, parent TEXT{c} NOT NULL, PRIMARY KEY (row_id, until_ms)) {key}`,
	// The last seq of each stream in a scope: one small query answers “anything new?”.
	`CREATE TABLE IF NOT EXISTS mq_scope (scope TEXT{c} NOT NULL, stream TEXT{c} NOT NULL, seq {int} NOT NULL, PRIMARY KEY (scope, stream)) {key}`,
	// “Which scopes have something new?”, whoever asks and however many he may see.
	`CREATE INDEX IF NOT EXISTS mq_scope_stream ON mq_scope (stream, seq)`,
	// Count and digests of the living rows of a bucket, kept in the transaction that changes them.
	`CREATE TABLE IF NOT EXISTS mq_bucket (scope TEXT{c} NOT NULL, period TEXT{c} NOT NULL, rows {int} NOT NULL, digests TEXT{c} NOT NULL,
		PRIMARY KEY (scope, period)) {key}`,

	// Every change ever received, accepted or refused, whole; captured is the server time of the cursor it was captured under (0: none),
	// verdict is as it now stands.
	`CREATE TABLE IF NOT EXISTS mq_change (identity TEXT{c} PRIMARY KEY, device TEXT{c} NOT NULL, number {int} NOT NULL, user_id TEXT{c} NOT NULL,
		status TEXT{c} NOT NULL, code TEXT{c} NOT NULL, late {int} NOT NULL, body {blob} NOT NULL, at {int} NOT NULL, corrected {int} NOT NULL,
		received {int} NOT NULL, captured {int} NOT NULL, verdict TEXT NOT NULL, mends TEXT{c} NOT NULL, mended_by TEXT{c} NOT NULL, stream TEXT{c} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_change_refused ON mq_change (received) WHERE status = 'refused'`,
	`CREATE INDEX IF NOT EXISTS mq_change_late ON mq_change (received) WHERE late = 1`,
	// “Who changed what?”, newest first: of the city, of a place, of a person. Within a millisecond pages go by identity, which is not in the
	// indexes: few changes share one and are sorted when asked for, while every change would pay for a long text in each.
	`CREATE INDEX IF NOT EXISTS mq_change_received ON mq_change (received)`,
	`CREATE INDEX IF NOT EXISTS mq_change_stream ON mq_change (stream, received)`,
	`CREATE INDEX IF NOT EXISTS mq_change_user ON mq_change (user_id, received)`,
	// Every name a change was known under. vseq counts, device by device, the verdicts that a device has still to hear of. renamed is 0
	// for the first name of the change, which mq_change has too: only the others, which are few, need an index by the change. Identities are
	// random, and each index by them costs a page for every change.
	`CREATE TABLE IF NOT EXISTS mq_name (device TEXT{c} NOT NULL, number {int} NOT NULL, identity TEXT{c} NOT NULL, vseq {int} NOT NULL,
		renamed {int} NOT NULL DEFAULT 1, PRIMARY KEY (device, number)) {key}`,
	`CREATE INDEX IF NOT EXISTS mq_name_renamed ON mq_name (identity) WHERE renamed = 1`,
	`CREATE INDEX IF NOT EXISTS mq_name_vseq ON mq_name (device, vseq) WHERE vseq > 0`,

	// Every accepted edit of a row: the version store of the merge model. roles are what the author was over the row, depends the
	// changes that it builds on.
	`CREATE TABLE IF NOT EXISTS mq_history (stream TEXT{c} NOT NULL, seq {int} NOT NULL, ord {int} NOT NULL, identity TEXT{c} NOT NULL, tbl TEXT{c} NOT NULL,
		row_id TEXT{c} NOT NULL, op TEXT{c} NOT NULL, cells TEXT NOT NULL, base TEXT NOT NULL, decides TEXT NOT NULL, undo_of TEXT{c} NOT NULL,
		roles TEXT NOT NULL, depends TEXT NOT NULL,		epoch TEXT{c} NOT NULL, rev {int} NOT NULL, author TEXT{c} NOT NULL, device TEXT{c} NOT NULL, at {int} NOT NULL, corrected {int} NOT NULL,
		received {int} NOT NULL, PRIMARY KEY (stream, seq, ord))`,
	`CREATE INDEX IF NOT EXISTS mq_history_row ON mq_history (row_id, rev)`,
	// What a change did is found by when it was received (VersionsOf): such an index grows at its end, one by identity everywhere.
	`CREATE INDEX IF NOT EXISTS mq_history_received ON mq_history (received)`,
	// Labels that versions were given elsewhere: by the server before a fork.
	`CREATE TABLE IF NOT EXISTS mq_label (row_id TEXT{c} NOT NULL, identity TEXT{c} NOT NULL, epoch TEXT{c} NOT NULL, rev {int} NOT NULL,
		PRIMARY KEY (row_id, identity, epoch)) {key}`,
	// The chain of a stream: one record for each accepted, refused or resolved change. The leaf is the salted hash of what mq_change
	// and mq_history say of it for ever, so an altered one shows; lawful
	// erasure empties them and the salt, and leaves the leaf.
	`CREATE TABLE IF NOT EXISTS mq_chain (stream TEXT{c} NOT NULL, pos {int} NOT NULL, kind TEXT{c} NOT NULL, identity TEXT{c} NOT NULL, salt TEXT{c} NOT NULL,
		leaf TEXT{c} NOT NULL, head TEXT{c} NOT NULL, at {int} NOT NULL, PRIMARY KEY (stream, pos))`,
	`CREATE INDEX IF NOT EXISTS mq_chain_decided ON mq_chain (identity) WHERE kind >= 'decided ' AND kind < 'decided!'`,
	// What was shown to whom: chains of their own, one record a sync. stream is that of what was shown, as the value says it, "" where it names
	// none; several, which the value of a large phone's sync names, stand in mq_disclosed_in.
	`CREATE TABLE IF NOT EXISTS mq_disclosure (chain TEXT{c} NOT NULL, pos {int} NOT NULL, device TEXT{c} NOT NULL, user_id TEXT{c} NOT NULL, salt TEXT{c} NOT NULL,
		value TEXT NOT NULL, leaf TEXT{c} NOT NULL, head TEXT{c} NOT NULL, at {int} NOT NULL, stream TEXT{c} NOT NULL DEFAULT '', PRIMARY KEY (chain, pos)) {key}`,

	`CREATE TABLE IF NOT EXISTS mq_disclosed_in (stream TEXT{c} NOT NULL, at {int} NOT NULL, chain TEXT{c} NOT NULL, pos {int} NOT NULL, PRIMARY KEY (stream, at, chain, pos)) {key}`,

	// “Who saw what?”, in the same way; what was shown at the consoles is little beside the syncs.
	`CREATE INDEX IF NOT EXISTS mq_disclosure_at ON mq_disclosure (at, chain, pos)`,
	`CREATE INDEX IF NOT EXISTS mq_disclosure_user ON mq_disclosure (user_id, at, chain, pos)`,
	// Of a place, what phones were shown apart: it is many times what is looked at on the consoles, and is not to be waded through for that.
	`CREATE INDEX IF NOT EXISTS mq_disclosure_stream ON mq_disclosure (stream, at, chain, pos) WHERE stream <> '' AND device = ''`,
	`CREATE INDEX IF NOT EXISTS mq_disclosure_phone ON mq_disclosure (stream, at, chain, pos) WHERE stream <> '' AND device <> ''`,
	`CREATE INDEX IF NOT EXISTS mq_disclosure_console ON mq_disclosure (at, chain, pos) WHERE device = ''`,
	// The few among them that are asked for by their kind: photos alone come to millions. Whoever asks says it in the same words (console/audit).
	`CREATE INDEX IF NOT EXISTS mq_disclosure_exported ON mq_disclosure (at, chain, pos) WHERE device = '' AND value LIKE '%"what":"export"%'`,
	`CREATE INDEX IF NOT EXISTS mq_disclosure_settings ON mq_disclosure (at, chain, pos) WHERE device = '' AND value LIKE '%"what":"setting"%'`,
	`CREATE INDEX IF NOT EXISTS mq_disclosure_unmasked ON mq_disclosure (at, chain, pos) WHERE device = '' AND (value LIKE '%"whole":true%' OR value LIKE '%"what":"unmask%')`,

	// What a human must decide. A cell has at most one open item (closed_ms 0). other is the second row of a twin, the dead parent of
	// a living child, or "".
	`CREATE TABLE IF NOT EXISTS mq_item (id TEXT{c} PRIMARY KEY, kind TEXT{c} NOT NULL, tbl TEXT{c} NOT NULL, row_id TEXT{c} NOT NULL, cell TEXT{c} NOT NULL,
		other TEXT{c} NOT NULL, scope TEXT{c} NOT NULL, stream TEXT{c} NOT NULL, opened_ms {int} NOT NULL, closed_ms {int} NOT NULL, heads TEXT NOT NULL,
		base TEXT NOT NULL, decided_by TEXT{c} NOT NULL, outcome TEXT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_item_row ON mq_item (row_id, cell)`,
	`CREATE INDEX IF NOT EXISTS mq_item_open ON mq_item (closed_ms, scope)`,
	`CREATE INDEX IF NOT EXISTS mq_item_opened ON mq_item (opened_ms)`,
	`CREATE INDEX IF NOT EXISTS mq_item_twin ON mq_item (other) WHERE kind = 'twin'`,
	// A refused change that waits for another change (on_identity) or for a row that is not there yet (on_row).
	`CREATE TABLE IF NOT EXISTS mq_wait (identity TEXT{c} NOT NULL, on_identity TEXT{c} NOT NULL, on_row TEXT{c} NOT NULL,
		PRIMARY KEY (identity, on_identity, on_row)) {key}`,
	`CREATE INDEX IF NOT EXISTS mq_wait_identity ON mq_wait (on_identity)`,
	`CREATE INDEX IF NOT EXISTS mq_wait_row ON mq_wait (on_row)`,
	// Rows that a refused change would have made: who builds on one waits for that change.
	`CREATE TABLE IF NOT EXISTS mq_unmade (row_id TEXT{c} NOT NULL, identity TEXT{c} NOT NULL, PRIMARY KEY (row_id, identity)) {key}`,

	// Which household scopes a user could see when, by which assignment or role row: server time, until exclusive.
	`CREATE TABLE IF NOT EXISTS mq_grant (user_id TEXT{c} NOT NULL, scope TEXT{c} NOT NULL, source TEXT{c} NOT NULL, since_ms {int} NOT NULL, until_ms {int} NOT NULL,
		PRIMARY KEY (user_id, scope, source, since_ms)) {key}`,
	`CREATE INDEX IF NOT EXISTS mq_grant_source ON mq_grant (source)`,
	`CREATE INDEX IF NOT EXISTS mq_grant_scope ON mq_grant (scope, user_id)`,
	// The sum of n is the version of everybody's rights: triggers move it (rights.go).
	`CREATE TABLE IF NOT EXISTS mq_rights (n {int} NOT NULL)`,

	`CREATE TABLE IF NOT EXISTS mq_device (id TEXT{c} PRIMARY KEY, user_id TEXT{c} NOT NULL, key TEXT{c} NOT NULL, next {int} NOT NULL, nonce TEXT{c} NOT NULL,
		nonce_prev TEXT{c} NOT NULL, cursor_ms {int} NOT NULL, last_contact {int} NOT NULL, client TEXT NOT NULL, clock_offset {int} NOT NULL,
		waiting {int} NOT NULL, revoked {int} NOT NULL, vseq {int} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_device_user ON mq_device (user_id)`,
	// Whether what a device holds is what the server says it should (the digest of all its buckets), since when, and when that was last said.
	`CREATE TABLE IF NOT EXISTS mq_proof (device TEXT{c} PRIMARY KEY, equal {int} NOT NULL, since_ms {int} NOT NULL, at_ms {int} NOT NULL)`,
	// Enrolment codes, by their hash.
	`CREATE TABLE IF NOT EXISTS mq_ticket (hash TEXT{c} PRIMARY KEY, user_id TEXT{c} NOT NULL, made_ms {int} NOT NULL, expires_ms {int} NOT NULL,
		device TEXT{c} NOT NULL)`,
	// Lists of buckets held, by their digest: many phones hold the same.
	`CREATE TABLE IF NOT EXISTS mq_held (digest TEXT{c} PRIMARY KEY, list TEXT NOT NULL, used_ms {int} NOT NULL)`,
	// Rows as devices held them before a restore took them back: testimony, till it is accepted or dismissed, or the row came back.
	`CREATE TABLE IF NOT EXISTS mq_testimony (row_id TEXT{c} NOT NULL, tbl TEXT{c} NOT NULL, epoch TEXT{c} NOT NULL, rev {int} NOT NULL, device TEXT{c} NOT NULL,
		user_id TEXT{c} NOT NULL, at {int} NOT NULL, content TEXT NOT NULL, closed_ms {int} NOT NULL, closed_by TEXT{c} NOT NULL, outcome TEXT{c} NOT NULL,
		PRIMARY KEY (row_id, epoch, rev, device)) {key}`,
	// What lawful erasure took away, and on whose word.
	`CREATE TABLE IF NOT EXISTS mq_erased (row_id TEXT{c} PRIMARY KEY, tbl TEXT{c} NOT NULL, at {int} NOT NULL, by_user TEXT{c} NOT NULL, reason TEXT NOT NULL)`,

	// The contents of attachments (server/files), by hash; object is the name under which their storage has them.
	`CREATE TABLE IF NOT EXISTS mq_object (hash TEXT{c} PRIMARY KEY, object TEXT{c} NOT NULL, bytes {int} NOT NULL, at {int} NOT NULL)`,
	// The rows whose content has come, and who proved to have it: a hash alone opens nothing.
	`CREATE TABLE IF NOT EXISTS mq_file (row_id TEXT{c} PRIMARY KEY, hash TEXT{c} NOT NULL, user_id TEXT{c} NOT NULL, at {int} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_file_hash ON mq_file (hash, user_id)`,
	// What storage holds beside: uploads under way, by the name that was chosen for them (fullname is as storage names them), and contents
	// to be removed (row_id ""). Both go once expires has passed.
	`CREATE TABLE IF NOT EXISTS mq_upload (object TEXT{c} PRIMARY KEY, fullname TEXT{c} NOT NULL, row_id TEXT{c} NOT NULL, user_id TEXT{c} NOT NULL,
		device TEXT{c} NOT NULL, hash TEXT{c} NOT NULL, bytes {int} NOT NULL, media TEXT{c} NOT NULL, expires_ms {int} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_upload_user ON mq_upload (user_id)`,
	`CREATE INDEX IF NOT EXISTS mq_upload_expires ON mq_upload (expires_ms)`,

	// Who signs in to the consoles, and how (server/console/account): a password's hash, a sealed key of one-time codes with the last step
	// used, and the hashes of recovery codes that are left.
	`CREATE TABLE IF NOT EXISTS mq_login (user_id TEXT{c} PRIMARY KEY, password TEXT{c} NOT NULL, changed_ms {int} NOT NULL, totp TEXT{c} NOT NULL,
		totp_step {int} NOT NULL, recovery TEXT{c} NOT NULL)`,
	// Sessions of browsers, by the hash of what their cookie holds; stage says what is still to be proven.
	`CREATE TABLE IF NOT EXISTS mq_session (hash TEXT{c} PRIMARY KEY, user_id TEXT{c} NOT NULL, stage TEXT{c} NOT NULL, made_ms {int} NOT NULL,
		seen_ms {int} NOT NULL, expires_ms {int} NOT NULL, address TEXT{c} NOT NULL, agent TEXT NOT NULL, how TEXT{c} NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_session_user ON mq_session (user_id)`,
	`CREATE INDEX IF NOT EXISTS mq_session_expires ON mq_session (expires_ms)`,
	// One-time links that set a password, by their hash; forget tells that the second factor goes with the old password.
	`CREATE TABLE IF NOT EXISTS mq_link (hash TEXT{c} PRIMARY KEY, user_id TEXT{c} NOT NULL, made_ms {int} NOT NULL, expires_ms {int} NOT NULL,
		by_user TEXT{c} NOT NULL, forget {int} NOT NULL)`,
	// Failed attempts, by the hash of who tried what from where.
	`CREATE TABLE IF NOT EXISTS mq_throttle (key TEXT{c} PRIMARY KEY, fails {int} NOT NULL, until_ms {int} NOT NULL, at_ms {int} NOT NULL)`,
	// Who somebody is at the provider of identities that a city brings.
	`CREATE TABLE IF NOT EXISTS mq_subject (issuer TEXT{c} NOT NULL, subject TEXT{c} NOT NULL, user_id TEXT{c} NOT NULL, PRIMARY KEY (issuer, subject)) {key}`,

	// What an administrator had done to many rows at once, and how far it is: assignments (server/console/assign), files brought in
	// (server/console/intake). body is JSON; parts are what is too much for it, in the order of their numbers.
	`CREATE TABLE IF NOT EXISTS mq_work (id TEXT{c} PRIMARY KEY, kind TEXT{c} NOT NULL, place TEXT{c} NOT NULL, user_id TEXT{c} NOT NULL, at_ms {int} NOT NULL,
		state TEXT{c} NOT NULL, beat_ms {int} NOT NULL, body TEXT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS mq_work_place ON mq_work (place, kind, id)`,
	`CREATE TABLE IF NOT EXISTS mq_work_part (work TEXT{c} NOT NULL, kind TEXT{c} NOT NULL, n {int} NOT NULL, body {blob} NOT NULL, PRIMARY KEY (work, kind, n)) {key}`,
}
