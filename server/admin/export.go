package admin

import (
	"context"
	"io"

	"minqing/syncproto"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
)

// ExportWhat says what is to be exported.
type ExportWhat struct {
	Table  string // a table by name or label, or "register"
	Within string // place; needed for a register
	Whole  bool   // ID and phone numbers in full
	Format sheet.Format
}

// registerTable is what ExportWhat.Table is for a register.
const registerTable = "register"

// Export writes a register or a table. That it is taken away is on record before the first row is written. It gives the number of rows.
func (d *Desk) Export(ctx context.Context, w io.Writer, what ExportWhat) (rows int, err error) {
	var within register.Place
	var t *schema.Table
	err = d.E.Store.Write(ctx, func(tx *store.Tx) error {
		by, err := d.admin(tx)
		if err != nil {
			return err
		}
		if what.Within != "" {
			if within, err = register.FindPlace(tx, what.Within); err != nil {
				return err
			}
		}
		if what.Table == registerTable {
			if within.ID == "" {
				return wrong("export", "没有写明哪个村。", "Which village is not said.", syncproto.Both("用 --within 写村的代码或名称。", "Name it with --within."))
			}
		} else if t, err = findTable(tx.Book(), what.Table); err != nil {
			return err
		}
		stream, err := register.StreamOf(tx, within.ID)
		if err != nil {
			return err
		}
		return disclose(tx, by, shown{What: "export", Table: what.Table, Within: within.ID, Whole: what.Whole, Stream: stream})
	})
	if err != nil {
		return 0, err
	}
	x := register.Export{Zone: d.E.Zone, Whole: what.Whole}
	err = d.E.Store.Read(ctx, func(tx *store.Tx) error {
		if t == nil {
			return writeSheet(w, what.Format, within.Name+"花名册", register.Columns(tx.Book()), func(out *sheet.Writer) (err error) {
				rows, err = x.Register(tx, out, within)
				return err
			})
		}
		scopes, err := scopesUnder(tx, within)
		if err != nil {
			return err
		}
		return writeSheet(w, what.Format, t.Label.ZH, register.TableColumns(t), func(out *sheet.Writer) (err error) {
			rows, err = x.Table(tx, out, t, scopes)
			return err
		})
	})
	return rows, err
}

func writeSheet(w io.Writer, format sheet.Format, name string, columns []sheet.Column, fill func(*sheet.Writer) error) error {
	out, err := sheet.NewWriter(w, format, name, columns...)
	if err != nil {
		return err
	}
	if err := fill(out); err != nil {
		return err
	}
	return out.Close()
}

// findTable finds a table by its name or label.
func findTable(b *schema.Book, name string) (*schema.Table, error) {
	if t := b.Table(name); t != nil {
		return t, nil
	}
	names := ""
	for _, t := range b.Tables() {
		if t.Label.ZH == name {
			return t, nil
		}
		names += " " + t.Name + "(" + t.Label.ZH + ")"
	}
	return nil, notFound("find table", "没有“"+name+"”这张表。", "There is no such table.", syncproto.Both("有这些表："+names+"。", "The tables: "+names+"."))
}

// scopesUnder lists the scopes of what lies in a place: those of its households, places and users, and what is narrower; nil for everything.
func scopesUnder(tx *store.Tx, within register.Place) (map[string]bool, error) {
	if within.ID == "" {
		return nil, nil
	}
	places, err := register.Beneath(tx, within.ID)
	if err != nil {
		return nil, err
	}
	var ids []string
	out := map[string]bool{}
	for _, p := range places {
		ids = append(ids, p.ID)
		out["place:"+p.ID] = true
	}
	for table, narrow := range map[string]string{"household": "identity", "user": "device"} {
		rows, err := tx.ValuesWhere(table, "place", ids)
		if err != nil {
			return nil, err
		}
		for id := range rows {
			out[table+":"+string(id)], out[narrow+":"+string(id)] = true, true
		}
	}
	return out, nil
}

// Masked tells whether an export of a table hides something unless it is asked for in full.
func Masked(b *schema.Book, table string) bool {
	tables := []string{table}
	if table == registerTable {
		tables = []string{"household", "resident", "identity"}
	}
	for _, name := range tables {
		if t := b.Table(name); t != nil {
			for i := range t.Columns {
				if t.Columns[i].Privacy == schema.Masked {
					return true
				}
			}
		}
	}
	return false
}
