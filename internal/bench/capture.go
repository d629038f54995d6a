package bench

import (
	"context"
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

// What capture may cost, as times the bare table, and the bookkeeping in % of the replica.
const captureSingle, captureBatch, roomPercent = 1.2, 3, 10

// benchCapture measures what the capture triggers cost: the same statements through the same driver on the bare table and on a
// replica's, in turn, so that whatever else the machine does hits both.
func benchCapture(ctx context.Context, r *run, _ database) error {
	files, err := r.captureFiles(ctx)
	if err != nil {
		return err
	}
	names := [2]string{"bare", "captured"}
	var single, insert, update [2][]float64
	var used [2]time.Duration
	for i, db := range files {
		if _, err := residents(ctx, db, 0, 2000); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
	}
	for n := range r.single {
		for i, db := range files {
			began, had := time.Now(), cpu()
			if _, err := db.ExecContext(ctx, `UPDATE resident SET work = ?, away = ? WHERE id = ?`, words(16), words(8), residentID(n%2000)); err != nil {
				return err
			}
			single[i] = append(single[i], float64(time.Since(began))/float64(time.Microsecond))
			used[i] += cpu() - had
		}
	}
	for round := range r.repeats {
		for i, db := range files {
			took, err := residents(ctx, db, (round+1)*100_000, r.batch)
			if err != nil {
				return err
			}
			insert[i] = append(insert[i], ms(took))
		}
	}
	for round := range r.repeats {
		for i, db := range files {
			began := time.Now()
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			st, err := tx.PrepareContext(ctx, `UPDATE resident SET work = work || 'x', relation = 'y' WHERE id = ?`)
			if err != nil {
				return errors.Join(err, tx.Rollback())
			}
			for k := range r.batch {
				if _, err := st.ExecContext(ctx, residentID((round+1)*100_000+k)); err != nil {
					return errors.Join(err, tx.Rollback())
				}
			}
			if err := tx.Commit(); err != nil {
				return err
			}
			update[i] = append(update[i], ms(time.Since(began)))
		}
	}
	count := time.Duration(max(1, r.single))
	r.say("a bare one-row update takes %s of processor time, a captured one %s", used[0]/count, used[1]/count)
	for _, l := range []line{
		{name: "capture-single", value: median(single[1]), unit: "us", floor: median(single[0]), budget: timesFloor(captureSingle), cpu: used[1] / count},
		{name: "capture-insert", value: median(insert[1]), unit: "ms", floor: median(insert[0]), budget: timesFloor(captureBatch)},
		{name: "capture-update", value: median(update[1]), unit: "ms", floor: median(update[0]), budget: timesFloor(captureBatch)},
	} {
		if err := r.print(l); err != nil {
			return err
		}
	}
	return nil
}

// captureFiles opens a bare file and a replica's as any tool would.
func (r *run) captureFiles(ctx context.Context) (files [2]*sql.DB, err error) {
	for i := range files {
		dir, err := r.folder()
		if err != nil {
			return files, err
		}
		path := filepath.Join(dir, "file.db")
		if i == 1 {
			p, err := replica.Open(ctx, replica.Options{Path: path, Book: book, Now: nowMS, Rand: noDice{}})
			if err != nil {
				return files, err
			}
			err = p.Enrol(ctx, replica.Device{ID: "01900000-0000-7000-8000-000000000001", User: "01900000-0000-7000-8000-000000000002", Server: "http://server.invalid", Seed: make([]byte, 32)})
			if err = errors.Join(err, p.Close()); err != nil {
				return files, err
			}
		}
		if files[i], err = sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate"); err != nil {
			return files, err
		}
		files[i].SetMaxOpenConns(1)
		r.after(files[i].Close)
	}
	for _, q := range schema.DDL(schema.SQLite, book.Table("resident")) {
		if _, err := files[0].ExecContext(ctx, q); err != nil {
			return files, err
		}
	}
	return files, nil
}

// noDice is the randomness of a replica that makes nothing up.
type noDice struct{}

// Read gives zeros.
func (noDice) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func residentID(i int) string { return fmt.Sprintf("01900000-0000-7%03x-8000-%012x", i%4096, i) }

// residents writes n rows in one transaction.
func residents(ctx context.Context, db *sql.DB, from, n int) (took time.Duration, err error) {
	began := time.Now()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	st, err := tx.PrepareContext(ctx, `INSERT INTO resident (id, household, name, relation, work, away) VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return 0, errors.Join(err, tx.Rollback())
	}
	for i := from; i < from+n; i++ {
		if _, err := st.ExecContext(ctx, residentID(i), residentID(i/8), words(3), words(2), words(16), words(16)); err != nil {
			return 0, errors.Join(err, tx.Rollback())
		}
	}
	return time.Since(began), tx.Commit()
}

// benchRoom measures how much of a phone's file is the sync's own. The floor is one key and one number for each row.
func benchRoom(ctx context.Context, r *run, on database) error {
	t, err := r.town(ctx, on)
	if err != nil {
		return err
	}
	user, err := t.cadre(ctx)
	if err != nil {
		return err
	}
	if _, err := t.houses(ctx, r.firstRows/fillRows, fillRows, user); err != nil {
		return err
	}
	p, err := r.phone(ctx, t, user, nil)
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := p.synced(ctx); err != nil {
			return err
		}
	}
	var ids []any
	if err := p.each(ctx, func(_ *schema.Table, id syncproto.RowID, _ []schema.Value) error {
		ids = append(ids, string(id))
		return nil
	}); err != nil {
		return err
	}
	if err := p.Close(); err != nil { // the log goes into the file
		return err
	}
	books, all, err := sizeOf(ctx, p.path, `mq_*`)
	if err != nil {
		return err
	}
	dir, err := r.folder()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "keys.db")
	file, err := sqlitex.Open(sqlitex.Options{Path: path})
	if err != nil {
		return err
	}
	_, err = file.Write.ExecContext(ctx, `CREATE TABLE keys (id BLOB PRIMARY KEY, rev INTEGER NOT NULL) WITHOUT ROWID`)
	for _, id := range ids {
		if err == nil {
			_, err = file.Write.ExecContext(ctx, `INSERT INTO keys VALUES (unhex(?, '-'), 1)`, id)
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	keys, _, err := sizeOf(ctx, path, `keys`)
	if err != nil {
		return err
	}
	r.say("bookkeeping takes %d of %d bytes", books, all)
	return r.print(line{name: "room", value: 100 * float64(books) / float64(all), unit: "%", floor: 100 * float64(keys) / float64(all), budget: reach(roomPercent)})
}

// sizeOf gives the bytes of the tables of a file whose name is like a pattern, and of all.
func sizeOf(ctx context.Context, path, pattern string) (some, all int64, err error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return 0, 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT sum(pgsize) FILTER (WHERE name GLOB ? OR name GLOB 'sqlite_autoindex_' || ?), sum(pgsize) FROM dbstat`, pattern, pattern).Scan(&some, &all)
	return some, all, errors.Join(err, db.Close())
}
