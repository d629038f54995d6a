package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"minqing/internal/sqlitex"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// The rows of a household in a first sync.
const fillRows = 20

// benchApply measures how fast a phone takes a first sync, from the moment the whole answer has come to the end of the sync.
func benchApply(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	user, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	if _, err := t.houses(ctx, 2*r.firstRows/fillRows, fillRows, user); err != nil {
		return err
	}
	for _, kind := range []struct {
		name string
		key  []byte
		goal float64
	}{{"plain", nil, 30_000}, {"encrypted", make([]byte, sqlitex.KeySize), 12_000}} {
		if kind.key != nil {
			if _, err := rand.Read(kind.key); err != nil {
				return err
			}
		}
		var rates, floors []float64
		var price time.Duration
		for range r.repeats {
			p, err := r.phone(ctx, t, user, kind.key)
			if err != nil {
				return err
			}
			p.net.hold = true
			rep, took, used, err := p.apply(ctx)
			if err != nil {
				return err
			}
			rates, price = append(rates, float64(rep)/took.Seconds()), cheapest(price, used/time.Duration(rep))
			least, err := r.bareRows(ctx, p, kind.key)
			if err != nil {
				return err
			}
			floors = append(floors, least)
		}
		if err := r.print(line{name: "apply-" + kind.name, value: median(rates), unit: "rows/s", floor: median(floors), sense: more, budget: reach(kind.goal), cpu: price}); err != nil {
			return err
		}
	}
	return nil
}

// apply syncs, and tells how long the phone took once the answer had come. The network must hold answers.
func (p *phone) apply(ctx context.Context) (rows int, took, used time.Duration, err error) {
	rep, err := p.synced(ctx)
	took, used = time.Since(p.net.arrived), cpu()-p.net.used
	if err == nil && rep.Rows == 0 {
		err = errors.New("no row came")
	}
	return rep.Rows, took, used, err
}

// each gives every acknowledged row of a phone, table by table in the order of their ids.
func (p *phone) each(ctx context.Context, f func(t *schema.Table, id syncproto.RowID, values []schema.Value) error) error {
	for _, t := range book.Tables() {
		err := p.Records(ctx, t.Name, func(rec replica.Record) error {
			if rec.Acked == nil {
				return nil
			}
			return f(t, rec.Row, rec.Acked)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// bareRows writes the rows of a phone into the bare tables of a file of the same kind, in one transaction, and gives rows a second.
func (r *run) bareRows(ctx context.Context, p *phone, key []byte) (rate float64, err error) {
	type row struct {
		t    *schema.Table
		args []any
	}
	var rows []row
	err = p.each(ctx, func(t *schema.Table, id syncproto.RowID, values []schema.Value) error {
		rows = append(rows, row{t, schema.Args(string(id), values)})
		return nil
	})
	if err != nil {
		return 0, err
	}
	dir, err := r.folder()
	if err != nil {
		return 0, err
	}
	file, err := sqlitex.Open(sqlitex.Options{Path: filepath.Join(dir, "bare.db"), Key: key, SecureDelete: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, t := range book.Tables() {
		for _, q := range schema.DDL(schema.SQLite, t) {
			if _, err := file.Write.ExecContext(ctx, q); err != nil {
				return 0, fmt.Errorf("%s: %w", q, err)
			}
		}
	}
	began := time.Now()
	tx, err := file.Write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	prepared := map[*schema.Table]*sql.Stmt{}
	for _, row := range rows {
		if prepared[row.t] == nil {
			if prepared[row.t], err = tx.PrepareContext(ctx, schema.SQLite.Upsert(row.t, 1)); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
			defer prepared[row.t].Close()
		}
		if _, err := prepared[row.t].ExecContext(context.WithoutCancel(ctx), row.args...); err != nil {
			return 0, errors.Join(err, tx.Rollback())
		}
	}
	err = tx.Commit()
	return float64(len(rows)) / time.Since(began).Seconds(), err
}
