package sqlitex

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// pragmas hold on every connection, the pools' own included: a PRAGMA sent through a pool would reach one connection only.
// This list is the one place that says how durable a commit is.
var pragmas = []string{
	// Readers never wait for the writer, nor it for them.
	"journal_mode(WAL)",
	// A commit returns after the log is synced: what was acknowledged survives a power cut.
	"synchronous(FULL)",
	// Rules between rows are the rule book's, judged before the write; dead parents may have living children for a while.
	"foreign_keys(OFF)",
	// REPLACE fires delete triggers, so that captured changes miss nothing.
	"recursive_triggers(ON)",
	// The log of a first sync may grow to the size of the database; this gives the space back at the next checkpoint.
	"journal_size_limit(16777216)",
	// KiB of page cache for each connection. It matters twice for an encrypted file, where every page that is not in it has to
	// be decrypted; four connections full to the brim take a third of the phone's memory budget.
	"cache_size(-4096)",
}

// noTempFiles keeps sorts and statement journals of an encrypted database in memory. Temporary files would be encrypted
// too; this way they are not there at all.
const noTempFiles = "temp_store(MEMORY)"

// wipeOnDelete overwrites what is deleted with zeros, in free pages and within pages.
const wipeOnDelete = "secure_delete(ON)"

// dsn is what the driver opens. Its keys are the driver's (underscore) and SQLite's own (mode, vfs).
func (o *Options) dsn(vfsName string, write bool) string {
	q := url.Values{}
	q.Set("_busy_timeout", strconv.FormatInt(o.busyTimeout().Milliseconds(), 10))
	q.Set("_dqs", "0")      // "x" is a column or an error, never silently a string
	q.Set("_error_rc", "1") // an error's text belongs to its code
	for _, p := range pragmas {
		if o.ReadOnly && strings.HasPrefix(p, "journal_mode") {
			continue // it would write
		}
		q.Add("_pragma", p)
	}
	if o.Key != nil {
		q.Add("_pragma", noTempFiles)
	}
	if o.SecureDelete {
		q.Add("_pragma", wipeOnDelete)
	}
	if write {
		q.Set("_txlock", "immediate") // a transaction that will write must not find out late that another one does
	} else {
		q.Set("_query_only", "1")
	}
	if o.ReadOnly || o.MustExist {
		q.Set("mode", "rw") // a log to recover must be written even by a reader; but nothing is created
	}
	if vfsName != "" {
		q.Set("vfs", vfsName)
	}
	return "file:" + uriPath(o.Path) + "?" + q.Encode()
}

// uriPath escapes a file name for SQLite's URI syntax; a Windows drive needs a slash before it.
func uriPath(path string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}
