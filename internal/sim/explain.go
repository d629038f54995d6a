package sim

import (
	"database/sql"
	"fmt"

	"minqing/internal/sqlitex"
	"minqing/syncproto"
)

// explain writes what a phone's file keeps of a row into the trace, for whoever reads a failure.
func (p *phone) explain(id syncproto.RowID) {
	w := p.w
	if w.trace.echo == nil {
		return
	}
	opt := sqlitex.Options{Path: phonePath, FS: p.disk.VFS(), ReadOnly: true, Readers: 1}
	if p.kind.encrypted {
		opt.Key = phoneKey
	}
	db, err := sqlitex.Open(opt)
	if err != nil {
		w.trace.note("%s cannot be read: %v", p.name, err)
		return
	}
	defer db.Close()
	show := func(query string, args ...any) {
		rows, err := db.Read.Query(query, args...)
		if err != nil {
			w.trace.note("  %s: %v", query, err)
			return
		}
		defer rows.Close()
		columns, _ := rows.Columns()
		for rows.Next() {
			values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				w.trace.note("  %s: %v", query, err)
				return
			}
			line := ""
			for i, v := range values {
				line += fmt.Sprintf(" %s=%s", columns[i], v.String)
			}
			w.trace.note("  %s", line)
		}
		if err := rows.Err(); err != nil {
			w.trace.note("  %s: %v", query, err)
		}
	}
	w.trace.note("%s keeps of %s:", p.name, id)
	show("SELECT 'under', * FROM mq_under WHERE row = ?", string(id))
	show("SELECT 'held', hex(id), bucket, epoch, rev FROM mq_held WHERE id IN (unhex(?1, '-'), unhex(substr(?1, 7, 2) || substr(?1, 10, 4) || substr(?1, -6)))", string(id))
	show("SELECT 'edit', * FROM mq_edit WHERE row = ?", string(id))
	show("SELECT 'change', ord, number, identity, state, need, verdict, labels FROM mq_change WHERE ord IN (SELECT change FROM mq_edit WHERE row = ?)", string(id))
	show("SELECT 'epoch', * FROM mq_epoch")
	show("SELECT 'meta', key, value FROM mq_meta WHERE key <> 'seed'")
}
