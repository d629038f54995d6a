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

// captureRounds is how often large transactions are repeated, for each time that anything is.
const captureRounds = 3

// benchCapture measures what the capture triggers cost: the same statements through the same driver on the bare table and on a
// replica's, in turn, so that whatever else the machine does hits both.
func benchCapture(ctx context.Context, r *run, _ database) error {
	paths, err := r.captureFiles(ctx)
	if err != nil {
		return err
	}
	if err := r.captureSingles(ctx, paths); err != nil {
		return err
	}
	return r.captureBatches(ctx, paths)
}

// captureSingles measures statements of one row, a durable transaction each.
func (r *run) captureSingles(ctx context.Context, paths [3]string) (err error) {
	var files [2]*sql.DB
	for i, path := range [2]string{paths[bareFile], paths[replicaFile]} {
		if files[i], err = openTool(path); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, files[i].Close()) }()
		if _, _, err := insertResidents(ctx, files[i], residents(0, 2000)); err != nil {
			return err
		}
	}
	var single [2][]float64
	var used [2]time.Duration
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
	count := time.Duration(max(1, r.single))
	r.say("a bare one-row update takes %s of processor time, a captured one %s", used[0]/count, used[1]/count)
	return r.print(line{name: "capture-single", value: median(single[1]), unit: "us", floor: median(single[0]), budget: timesFloor(captureSingle), cpu: used[1] / count})
}

// captureBatches measures large transactions. One file is open at a time: as the driver builds SQLite, all page caches of a process are
// one, and of two files open side by side the one whose turn comes first takes the whole of it. The other then reads every page anew, five
// reads a row, and takes twice as long, captured or not. The second bare file is there to show that no place in the turn costs anything.
func (r *run) captureBatches(ctx context.Context, paths [3]string) error {
	var insert, update [len(paths)]batchTime
	for round := range captureRounds * r.repeats {
		rows := residents((round+1)*100_000, r.batch)
		for k := range paths {
			i := (round + k) % len(paths)
			if err := captureBatchOf(ctx, paths[i], rows, &insert[i], &update[i]); err != nil {
				return err
			}
		}
	}
	for _, l := range []struct {
		name  string
		times [len(paths)]batchTime
	}{{"insert", insert}, {"update", update}} {
		bare, other, captured := l.times[bareFile], l.times[bareAgain], l.times[replicaFile]
		count := time.Duration(r.batch)
		r.say("to %s a row a bare file takes %s of processor time, a second bare one %s, a captured one %s; the second takes %.2f times as long as the first",
			l.name, bare.used/count, other.used/count, captured.used/count, median(other.took)/median(bare.took))
		if err := r.print(line{name: "capture-" + l.name, value: median(captured.took), unit: "ms", floor: median(bare.took), budget: timesFloor(captureBatch), cpu: captured.used / count}); err != nil {
			return err
		}
	}
	return nil
}

// batchTime is what one kind of statement took in one file: ms of every round, and the processor time of the cheapest.
type batchTime struct {
	took []float64
	used time.Duration
}

// add notes a round, unless it failed.
func (b *batchTime) add(took, used time.Duration, err error) error {
	if err == nil {
		b.took, b.used = append(b.took, ms(took)), cheapest(b.used, used)
	}
	return err
}

// captureBatchOf opens a file, writes the rows and changes them.
func captureBatchOf(ctx context.Context, path string, rows [][]any, insert, update *batchTime) (err error) {
	db, err := openTool(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := insert.add(insertResidents(ctx, db, rows)); err != nil {
		return err
	}
	return update.add(updateResidents(ctx, db, rows))
}

// The files of the bench.
const (
	bareFile    = iota
	bareAgain   // bare as well
	replicaFile // a replica's
)

// captureFiles makes two bare files and a replica's.
func (r *run) captureFiles(ctx context.Context) (paths [3]string, err error) {
	for i := range paths {
		dir, err := r.folder()
		if err != nil {
			return paths, err
		}
		paths[i] = filepath.Join(dir, "file.db")
		if i == replicaFile {
			p, err := replica.Open(ctx, replica.Options{Path: paths[i], Book: book, Now: nowMS, Rand: noDice{}})
			if err != nil {
				return paths, err
			}
			err = p.Enrol(ctx, replica.Device{ID: "01900000-0000-7000-8000-000000000001", User: "01900000-0000-7000-8000-000000000002", Server: "http://server.invalid", Seed: make([]byte, 32)})
			if err = errors.Join(err, p.Close()); err != nil {
				return paths, err
			}
			continue
		}
		db, err := openTool(paths[i])
		if err != nil {
			return paths, err
		}
		for _, q := range schema.DDL(schema.SQLite, book.Table("resident")) {
			if _, e := db.ExecContext(ctx, q); e != nil {
				err = errors.Join(err, e)
			}
		}
		if err = errors.Join(err, db.Close()); err != nil {
			return paths, err
		}
	}
	return paths, nil
}

// openTool opens a file as any tool would.
func openTool(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// noDice is the randomness of a replica that makes nothing up.
type noDice struct{}

// Read gives zeros.
func (noDice) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func residentID(i int) string { return fmt.Sprintf("01900000-0000-7%03x-8000-%012x", i%4096, i) }

// residents makes n rows up.
func residents(from, n int) [][]any {
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{residentID(from + i), residentID((from + i) / 8), words(3), words(2), words(16), words(16)}
	}
	return rows
}

// insertResidents writes rows; see inOne.
func insertResidents(ctx context.Context, db *sql.DB, rows [][]any) (took, used time.Duration, err error) {
	return inOne(ctx, db, `INSERT INTO resident (id, household, name, relation, work, away) VALUES (?, ?, ?, ?, ?, ?)`, rows)
}

// updateResidents changes rows by their ids; see inOne.
func updateResidents(ctx context.Context, db *sql.DB, rows [][]any) (took, used time.Duration, err error) {
	ids := make([][]any, len(rows))
	for i := range rows {
		ids[i] = rows[i][:1]
	}
	return inOne(ctx, db, `UPDATE resident SET work = work || 'x', relation = 'y' WHERE id = ?`, ids)
}

// inOne runs a statement with each of the arguments in one durable transaction, and tells what time that took, and of the processor.
func inOne(ctx context.Context, db *sql.DB, statement string, args [][]any) (took, used time.Duration, err error) {
	began, had := time.Now(), cpu()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	st, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return 0, 0, errors.Join(err, tx.Rollback())
	}
	for _, a := range args {
		if _, err := st.ExecContext(ctx, a...); err != nil {
			return 0, 0, errors.Join(err, tx.Rollback())
		}
	}
	err = tx.Commit()
	return time.Since(began), cpu() - had, err
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
