package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// The keys of mq_meta that the store itself keeps.
const (
	metaSchema = "schema_version"
	metaStore  = "store_version"
)

// migrateLock is the PostgreSQL advisory lock under which one process at a time makes and alters tables.
const migrateLock = 0x6d696e71 // “minq”

// migrate makes the tables, or brings those of an older schema version to the book's. Two neighbouring versions may run on one
// database while an upgrade rolls, so a database one version newer is taken as it is; evolution only adds.
func (s *Store) migrate(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		if s.dialect == postgresDialect {
			if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(migrateLock)); err != nil {
				return err
			}
		}
		if err := tx.Exec(s.dialect.ddl(bookkeeping[0])); err != nil { // it tells what there is
			return err
		}
		have, err := tx.metaInt(metaSchema)
		if err != nil {
			return err
		}
		stored, err := tx.metaInt(metaStore)
		if err != nil {
			return err
		}
		book := s.opt.Book
		if have > book.Version+1 || stored > storeVersion+1 {
			return &syncproto.Error{Code: syncproto.CodeUpgrade, Op: fmt.Sprintf("store.Open: database at schema %d, store %d", have, stored),
				Message: syncproto.Both(fmt.Sprintf("数据库版本 %d 比本程序的 %d 新不止一版。", have, book.Version), fmt.Sprintf("The database is at version %d, this program knows %d.", have, book.Version)),
				Hint:    syncproto.Both("请用新版程序打开。", "Open it with a newer program.")}
		}
		if err := s.keepBooks(tx, stored); err != nil {
			return err
		}
		if have < book.Version {
			if err := s.evolve(tx, have); err != nil {
				return err
			}
			if err := tx.SetMeta(metaSchema, strconv.Itoa(book.Version)); err != nil {
				return err
			}
		}
		if err := tx.indexLookups(); err != nil {
			return err
		}
		if err := tx.watchRights(); err != nil {
			return err
		}
		if err := tx.keepOverview(); err != nil {
			return err
		}
		if err := tx.keepNamed(); err != nil || stored >= storeVersion {
			return err
		}
		return tx.SetMeta(metaStore, strconv.Itoa(storeVersion))
	})
}

// keepBooks makes the mq_* tables, or brings those of an older version to this one.
func (s *Store) keepBooks(tx *Tx, stored int) error {
	var stmts []string
	for v := stored + 1; stored > 0 && v <= storeVersion; v++ {
		stmts = append(stmts, upgrades[v]...)
	}
	for _, stmt := range slices.Concat(stmts, bookkeeping, overviewTables, []string{namedTable}) {
		if err := tx.Exec(s.dialect.ddl(stmt)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) evolve(tx *Tx, have int) error {
	d, book := s.schemaDialect(), s.opt.Book
	var stmts []string
	if have == 0 {
		for _, t := range book.Tables() {
			stmts = append(stmts, schema.DDL(d, t)...)
		}
	} else {
		old, err := book.At(have)
		if err != nil {
			return err
		}
		stmts = schema.Evolve(d, old, book)
	}
	for _, stmt := range stmts {
		if err := tx.Exec(stmt); err != nil {
			return err
		}
	}
	return nil
}

// lookups are columns that only the server asks by: the index of the rule book, which phones have too, is none for them.
var lookups = [][]string{
	{"contact_card", "serial"},                // the page that a contact card opens
	{"assignment", "user"}, {"role", "place"}, // whose households, whose place
	{"household", "head"}, {"resident", "name"}, {"user", "name"}, {"user", "login"}, // search by how a name begins
	{"visit", "household", "day"}, {"visit", "author", "day"}, {"journal", "author", "state"}, {"review", "author", "id"}, // what a branch asks of its cadres
	{"matter", "author"}, {"matter_step", "author", "day"},
}

func (tx *Tx) indexLookups() error {
	for _, l := range lookups {
		t := tx.Book().Table(l[0])
		if t == nil || slices.ContainsFunc(l[1:], func(c string) bool { return c != "id" && t.Column(c) == nil }) {
			continue
		}
		columns := make([]string, len(l)-1)
		for i, c := range l[1:] {
			columns[i] = schema.Quote(c)
		}
		if err := tx.Exec("CREATE INDEX IF NOT EXISTS mq_look_" + strings.Join(l, "_") + " ON " + schema.Quote(l[0]) + " (" + strings.Join(columns, ", ") + ")"); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) schemaDialect() schema.Dialect {
	if s.dialect == postgresDialect {
		return schema.Postgres
	}
	return schema.SQLite
}

// Meta reads a setting or mark of the database, "" when there is none.
func (tx *Tx) Meta(key string) (string, error) {
	var v string
	_, err := tx.One("SELECT value FROM mq_meta WHERE key = ?", []any{key}, &v)
	return v, err
}

// SetMeta writes a setting or mark.
func (tx *Tx) SetMeta(key, value string) error {
	return tx.Exec("INSERT INTO mq_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

// Behind tells that a newer program has brought the database's tables past this one's rule book, as happens while an upgrade rolls. It is
// an error to be told to devices that know more than this program: rows that it reads for them would lack cells, and edits over such rows
// would claim to have seen what was never shown.
func (tx *Tx) Behind() error {
	have, err := tx.metaInt(metaSchema)
	if err != nil || have <= tx.s.opt.Book.Version {
		return err
	}
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: fmt.Sprintf("store: database at schema %d, program at %d", have, tx.s.opt.Book.Version),
		Message: syncproto.Both("服务器正在升级，过一会儿自动再试。", "The servers are being upgraded."), Hint: syncproto.Both("不用做什么，写的都在手机上。", "Nothing to do; all that was written is on the phone."), RetryAfter: 5}
}

// FirstMeta writes a mark that nobody wrote before, and gives the one that stands: of two processes at once one is the first.
func (tx *Tx) FirstMeta(key, value string) (kept string, err error) {
	if err := tx.Exec("INSERT INTO mq_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", key, value); err != nil {
		return "", err
	}
	return tx.Meta(key)
}

func (tx *Tx) metaInt(key string) (int, error) {
	v, err := tx.Meta(key)
	if err != nil || v == "" {
		return 0, err
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "store: meta " + key, Message: syncproto.Both("数据库标记损坏。", "A mark of the database is damaged."), Err: err}
	}
	return n, nil
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
