package admin

import (
	"context"
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/engine"
	"minqing/server/entitle"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Desk is where one administrator works: an engine, and who gives the commands.
type Desk struct {
	E  *engine.Engine
	As string // login; "" stands for the administrator who founded the city
}

// metaFounder is the mark under which the founding administrator is remembered.
const metaFounder = "founder"

func wrong(op, zh, en, hint string) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: op, Message: syncproto.Both(zh, en), Hint: hint}
}

func notFound(op, zh, en, hint string) error {
	return &syncproto.Error{Code: syncproto.CodeNotFound, Op: op, Message: syncproto.Both(zh, en), Hint: hint}
}

// actor is the user in whose name commands are given.
func (d *Desk) actor(tx *store.Tx) (syncproto.UserID, error) {
	if d.As != "" {
		u, err := findUser(tx, d.As)
		if err == nil && u.ended(d.today(tx)) {
			err = wrong("as "+d.As, "“"+d.As+"”已经停用。", "This user's account has ended.", syncproto.Both("请用另一个管理员的登录名。", "Use another administrator's login."))
		}
		return u.ID, err
	}
	id, err := tx.Meta(metaFounder)
	if err == nil && id == "" {
		err = notFound("actor", "这里还没有建立城市。", "No city was founded here yet.", syncproto.Both("先运行 minqing init。", "Run minqing init first."))
	}
	return syncproto.UserID(id), err
}

// today is the local date.
func (d *Desk) today(tx *store.Tx) string {
	return time.UnixMilli(tx.Now()).In(d.E.Zone).Format(time.DateOnly)
}

// write runs fn with the user who acts and submits the changes it wants, all or none of them.
func (d *Desk) write(ctx context.Context, fn func(tx *store.Tx, by syncproto.UserID) ([]judge.Draft, error)) error {
	return d.E.Store.Write(ctx, func(tx *store.Tx) error {
		by, err := d.actor(tx)
		if err != nil {
			return err
		}
		drafts, err := fn(tx, by)
		if err != nil || len(drafts) == 0 {
			return err
		}
		return d.submit(tx, by, drafts...)
	})
}

// read runs fn over a snapshot for an administrator: what no permit of the rule book speaks of is for nobody else to see.
func (d *Desk) read(ctx context.Context, fn func(tx *store.Tx, by syncproto.UserID) error) error {
	return d.E.Store.Read(ctx, func(tx *store.Tx) error {
		by, err := d.admin(tx)
		if err != nil {
			return err
		}
		return fn(tx, by)
	})
}

// admin is the actor, who must be an administrator over the city.
func (d *Desk) admin(tx *store.Tx) (syncproto.UserID, error) {
	by, err := d.actor(tx)
	if err != nil {
		return "", err
	}
	city := ""
	if _, err := tx.One("SELECT id FROM place WHERE parent IS NULL ORDER BY id LIMIT 1", nil, &city); err != nil {
		return "", err
	}
	r, err := entitle.For(tx, by)
	if err != nil {
		return "", err
	}
	if slices.Contains(r.Roles(tx.Now(), []string{city}), schema.RoleAdmin) {
		return by, nil
	}
	return "", &syncproto.Error{Code: syncproto.CodeForbidden, Op: "admin", Message: syncproto.Both("只有系统管理员能做这件事。", "Only an administrator may do this."),
		Hint: syncproto.Both("用 --as 写明管理员的登录名。", "Name an administrator with --as.")}
}

// submit submits changes; one refused is an error, so that none stands.
func (d *Desk) submit(tx *store.Tx, by syncproto.UserID, drafts ...judge.Draft) error {
	out, err := d.E.Judge.SubmitIn(tx, by, drafts...)
	if err != nil {
		return err
	}
	for _, v := range out.Verdicts {
		if v.Status == syncproto.Refused {
			return &syncproto.Error{Code: v.Code, Op: "submit", Message: v.Message}
		}
	}
	return nil
}

// pair is a column and what somebody typed for it.
type pair struct{ column, text string }

// create is the edit that makes a row of what people typed; blank columns are left out. It gives the row's new id.
func create(tx *store.Tx, table string, pairs ...pair) (syncproto.RowID, syncproto.Edit, error) {
	id, err := tx.NewID()
	if err != nil {
		return "", syncproto.Edit{}, err
	}
	t := tx.Book().Table(table)
	values := map[string]schema.Value{}
	for _, p := range pairs {
		if values[p.column], err = t.Column(p.column).Normalize(p.text); err != nil {
			return "", syncproto.Edit{}, badValue(table, err)
		}
	}
	if problems := t.CheckRow(func(c string) schema.Value { return values[c] }); len(problems) > 0 {
		return "", syncproto.Edit{}, badValue(table, problems[0])
	}
	e := syncproto.Edit{Table: table, Row: syncproto.RowID(id), Op: syncproto.OpCreate}
	for _, c := range tx.Book().Cells(table) {
		if v := c.Join(func(column string) schema.Value { return values[column] }); !v.IsNull() {
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: c.Name, Value: v})
		}
	}
	return e.Row, e, nil
}

// set is the edit that writes one cell of a row.
func set(tx *store.Tx, table string, id syncproto.RowID, column, text string) (syncproto.Edit, error) {
	v, err := tx.Book().Table(table).Column(column).Normalize(text)
	if err != nil {
		return syncproto.Edit{}, badValue(table, err)
	}
	return syncproto.Edit{Table: table, Row: id, Op: syncproto.OpUpdate, Cells: []syncproto.CellEdit{{Cell: column, Value: v}}}, nil
}

func badValue(table string, err error) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "value of " + table, Message: schema.Words(err), Err: err}
}

// row reads the living row of a table by id as text by column; found is false when there is none.
type row struct {
	t      *schema.Table
	values []schema.Value
}

func (r row) value(column string) schema.Value {
	for i := range r.t.Columns {
		if r.t.Columns[i].Name == column && r.values != nil {
			return r.values[i]
		}
	}
	return schema.Null
}

func (r row) text(column string) string { return r.value(column).Str() }

func rowsOf(tx *store.Tx, table string, ids ...string) (map[syncproto.RowID]row, error) {
	values, err := tx.Values(table, ids)
	out := make(map[syncproto.RowID]row, len(values))
	for id, v := range values {
		out[id] = row{tx.Book().Table(table), v}
	}
	return out, err
}
