package store

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// A dump is lines of JSON: a header, then for each table a line that names it and its columns, and a line for each row. It is the same for
// both databases, so that one can be restored into the other.
type dumpHeader struct {
	Format string `json:"format"`
	Schema int    `json:"schema"`
	Store  int    `json:"store"`
	At     int64  `json:"at"`
}

type dumpTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Blobs   []int    `json:"blobs,omitempty"` // columns whose values are base64
}

// maxQueued and maxQueuedBytes bound the rows held in memory while a dump is loaded.
const (
	maxQueued      = 500
	maxQueuedBytes = 16 << 20
)

const dumpFormat = "minqing dump 1"

// maxDumpLine bounds one row: the largest is a change with its content.
const maxDumpLine = 64 << 20

// dumpTables are the tables in the order in which they are written: the bookkeeping, then the rule book's. The version of rights is each
// database's own: loading moves it like any other writing.
func dumpTables(book *schema.Book) []string {
	var out []string
	for _, stmt := range bookkeeping {
		if rest, ok := strings.CutPrefix(stmt, "CREATE TABLE IF NOT EXISTS "); ok {
			if name, _, _ := strings.Cut(rest, " "); name != tableRights {
				out = append(out, name)
			}
		}
	}
	for _, t := range book.Tables() {
		out = append(out, t.Name)
	}
	return out
}

// Dump writes the whole database as it is at one moment, while others go on writing. at is that moment.
func (s *Store) Dump(ctx context.Context, w io.Writer) (at int64, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		at = tx.Now()
		return tx.dump(w)
	})
	return at, err
}

func (tx *Tx) dump(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(dumpHeader{dumpFormat, tx.Book().Version, storeVersion, tx.Now()}); err != nil {
		return err
	}
	for _, table := range dumpTables(tx.Book()) {
		if err := tx.dumpTable(enc, table); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (tx *Tx) dumpTable(enc *json.Encoder, table string) error {
	query := "SELECT * FROM " + schema.Quote(table)
	if err := tx.send(); err != nil {
		return err
	}
	rows, err := tx.ses.query(tx.stmtContext(), query)
	if err != nil {
		return wrap(query, err)
	}
	defer rows.Close()
	head := dumpTable{Table: table}
	types, err := rows.ColumnTypes()
	if err != nil {
		return wrap(query, err)
	}
	for i, t := range types {
		head.Columns = append(head.Columns, t.Name())
		if name := strings.ToUpper(t.DatabaseTypeName()); name == "BLOB" || name == "BYTEA" {
			head.Blobs = append(head.Blobs, i)
		}
	}
	if err := enc.Encode(head); err != nil {
		return err
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return wrap(query, err)
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
				if slices.Contains(head.Blobs, i) {
					values[i] = base64.StdEncoding.EncodeToString(b)
				}
			}
		}
		if err := enc.Encode(values); err != nil {
			return err
		}
	}
	return wrap(query, rows.Err())
}

// Load fills a database that holds nothing yet from a dump, and begins a new epoch: what the dump did not know, devices offer again. The
// rule book must be the dump's or newer.
func (s *Store) Load(ctx context.Context, r io.Reader) error {
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.load(r); err != nil {
			return err
		}
		return tx.MintEpoch()
	})
}

func (tx *Tx) load(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	var head dumpHeader
	line, err := readLine(in)
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil || head.Format != dumpFormat {
		return damaged("it does not begin like a backup", err)
	}
	if head.Schema > tx.Book().Version || head.Store > storeVersion {
		return &syncproto.Error{Code: syncproto.CodeUpgrade, Op: "load", Message: syncproto.Both("备份来自更新的版本。", "The backup is of a newer version."), Hint: syncproto.Both("请用新版程序恢复。", "Restore with a newer program.")}
	}
	var n int64
	if _, err := tx.One("SELECT COUNT(*) FROM mq_change", nil, &n); err != nil {
		return err
	}
	if n > 0 {
		return &syncproto.Error{Code: syncproto.CodeConflict, Op: "load", Message: syncproto.Both("目标数据库不是空的。", "The database is not empty."), Hint: syncproto.Both("恢复到一个新的数据库。", "Restore into a new one.")}
	}
	if err := tx.Exec("DELETE FROM mq_epoch"); err != nil {
		return err
	}
	if err := tx.loadTables(in); err != nil {
		return err
	}
	if err := tx.fillOverview(); err != nil { // rows came in any order
		return err
	}
	return tx.send()
}

// maxDumpColumns is more than any table has, and what either database takes.
const maxDumpColumns = 1000

func damaged(why string, err error) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "load: " + why, Message: syncproto.Both("备份文件损坏。", "The backup is damaged."), Hint: syncproto.Both("换一份备份。", "Use another backup."), Err: err}
}

func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxDumpLine {
			return nil, fmt.Errorf("a line of more than %d bytes", maxDumpLine)
		}
		if err == nil || (errors.Is(err, io.EOF) && len(line) > 0) {
			return line, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

func (tx *Tx) loadTables(in *bufio.Reader) error {
	known := dumpTables(tx.Book())
	var insert string
	var head dumpTable
	held := 0 // bytes of the rows queued
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged("a line cannot be read", err)
		}
		if len(line) > 0 && line[0] == '{' {
			head = dumpTable{}
			if err := json.Unmarshal(line, &head); err != nil {
				return damaged("a table has no head", err)
			}
			if insert, err = loadStatement(head, known); err != nil {
				return err
			}
			continue
		}
		values, err := loadRow(line, head)
		if err != nil || insert == "" {
			return damaged("a row of "+head.Table, err)
		}
		if err := tx.Exec(insert, values...); err != nil {
			return err
		}
		if held += len(line); len(tx.queued) >= maxQueued || held >= maxQueuedBytes {
			held = 0
			if err := tx.send(); err != nil {
				return err
			}
		}
	}
}

func loadStatement(head dumpTable, known []string) (string, error) {
	if !slices.Contains(known, head.Table) {
		return "", damaged("unknown table", nil)
	}
	if len(head.Columns) == 0 || len(head.Columns) > maxDumpColumns {
		return "", damaged("a table has no columns, or too many", nil)
	}
	columns := make([]string, len(head.Columns))
	for i, c := range head.Columns {
		if strings.ContainsRune(c, '"') {
			return "", damaged("a column's name", nil)
		}
		columns[i] = schema.Quote(c)
	}
	conflict := ""
	if head.Table == "mq_meta" {
		conflict = " ON CONFLICT (key) DO NOTHING" // versions are those of the database
	}
	return "INSERT INTO " + schema.Quote(head.Table) + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")" + conflict, nil
}

func loadRow(line []byte, head dumpTable) ([]any, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil || len(raw) != len(head.Columns) {
		return nil, fmt.Errorf("%d values for %d columns: %w", len(raw), len(head.Columns), err)
	}
	out := make([]any, len(raw))
	for i, r := range raw {
		switch {
		case string(r) == "null":
		case r[0] == '"':
			var s string
			if err := json.Unmarshal(r, &s); err != nil {
				return nil, err
			}
			out[i] = s
			if slices.Contains(head.Blobs, i) {
				b, err := base64.StdEncoding.DecodeString(s)
				if err != nil {
					return nil, err
				}
				out[i] = b
			}
		default:
			var n int64
			if err := json.Unmarshal(r, &n); err != nil {
				return nil, err
			}
			out[i] = n
		}
	}
	return out, nil
}
