package bench

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the bare statements go through database/sql on both databases

	"minqing/internal/sqlitex"
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// bare is the floor under a server: the product's own table in a database without anything beside it, behind a handler that reads the
// same bytes, runs the same statements, commits as durably and sends the same bytes. It knows no device, right, history or digest.
type bare struct {
	on     database
	db     *sql.DB
	url    string
	table  *schema.Table
	answer []byte // plain, of a push or a quiet sync
	copy   []byte // plain, of a first sync

	mu    sync.Mutex
	took  []float64 // ms in handlers
	wake  map[chan struct{}]bool
	row   []any // values of the rows that pushes bring
	taken int64
}

func (r *run) bare(ctx context.Context, on database) (*bare, error) {
	b := &bare{on: on, table: book.Table("visit"), wake: map[chan struct{}]bool{}}
	b.row = []any{"h", "a", "2026-11-02", words(8), "", words(24), nil, nil, nil}
	dialect := schema.SQLite
	if on == postgres {
		dialect = schema.Postgres
		dsn, err := r.dsn(on)
		if err != nil {
			return nil, err
		}
		if b.db, err = sql.Open("pgx", dsn); err != nil {
			return nil, err
		}
		b.db.SetMaxOpenConns(8)
		b.db.SetMaxIdleConns(8)
		r.after(b.db.Close)
	} else {
		dir, err := r.folder()
		if err != nil {
			return nil, err
		}
		file, err := sqlitex.Open(sqlitex.Options{Path: filepath.Join(dir, "bare.db")})
		if err != nil {
			return nil, err
		}
		b.db = file.Write
		r.after(file.Close)
	}
	for _, q := range schema.DDL(dialect, b.table) {
		if _, err := b.db.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.url = "http://" + l.Addr().String()
	mux := http.NewServeMux()
	for path, h := range map[string]func(http.ResponseWriter, *http.Request) error{"POST /push": b.push, "POST /quiet": b.quiet, "GET /copy": b.send, "GET /events": b.events, "GET /row": b.one} {
		mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
			if err := h(w, req); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	r.after(func() error {
		err := srv.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	})
	return b, nil
}

// insert writes n rows in one durable transaction, by the cheapest statements that each database has for it.
func (b *bare) insert(ctx context.Context, n int) (last string, err error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	b.mu.Lock()
	from := b.taken
	b.taken += int64(n)
	b.mu.Unlock()
	id := func(i int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012x", from+int64(i)) }
	row := func(i int) []any { return append([]any{id(i)}, b.row[:len(b.table.Columns)]...) }
	if b.on == postgres {
		var args []any
		for i := range n {
			args = append(args, row(i)...)
		}
		if _, err := tx.ExecContext(ctx, schema.Postgres.Upsert(b.table, n), args...); err != nil {
			return "", err
		}
		return id(n - 1), tx.Commit()
	}
	stmt, err := tx.PrepareContext(ctx, schema.SQLite.Upsert(b.table, 1))
	if err != nil {
		return "", err
	}
	defer stmt.Close()
	for i := range n {
		if _, err := stmt.ExecContext(context.WithoutCancel(ctx), row(i)...); err != nil {
			return "", err
		}
	}
	return id(n - 1), tx.Commit()
}

// push takes a request of changes as it travels.
func (b *bare) push(w http.ResponseWriter, req *http.Request) error {
	n, err := strconv.Atoi(req.URL.Query().Get("n"))
	if err != nil {
		return err
	}
	plain, err := codec.Decompress(codec.EncodingZstd, req.Body, syncproto.MaxRequestBytes)
	if err != nil {
		return err
	}
	defer plain.Close()
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return err
	}
	id, err := b.insert(req.Context(), n)
	if err != nil {
		return err
	}
	b.mu.Lock()
	for c := range b.wake {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	b.mu.Unlock()
	w.Header().Set("Row", id)
	return squeeze(w, b.answer)
}

// quiet is the least that a sync with nothing new can be: a look into the store and the same answer.
func (b *bare) quiet(w http.ResponseWriter, req *http.Request) error {
	began := time.Now()
	defer func() {
		b.mu.Lock()
		b.took = append(b.took, ms(time.Since(began)))
		b.mu.Unlock()
	}()
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return err
	}
	if err := b.look(req.Context(), "01900000-0000-7000-8000-000000000000"); err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(b.answer)))
	_, err := w.Write(b.answer)
	return err
}

func (b *bare) look(ctx context.Context, id string) error {
	param := map[database]string{sqlite: "?", postgres: "$1"}[b.on]
	var found string
	err := b.db.QueryRowContext(ctx, "SELECT met FROM visit WHERE id = "+param, id).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// send is the bare copy of an answer over HTTP with zstd.
func (b *bare) send(w http.ResponseWriter, _ *http.Request) error { return squeeze(w, b.copy) }

// one is what a woken device asks for.
func (b *bare) one(w http.ResponseWriter, req *http.Request) error {
	if err := b.look(req.Context(), req.URL.Query().Get("id")); err != nil {
		return err
	}
	_, err := w.Write(b.answer)
	return err
}

// events says something at each push.
func (b *bare) events(w http.ResponseWriter, req *http.Request) error {
	wake := make(chan struct{}, 1)
	b.mu.Lock()
	b.wake[wake] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.wake, wake)
		b.mu.Unlock()
	}()
	flush := http.NewResponseController(w)
	for {
		if _, err := io.WriteString(w, "event: sync\ndata:\n\n"); err != nil {
			return nil // the listener went away
		}
		if err := flush.Flush(); err != nil {
			return nil
		}
		select {
		case <-wake:
		case <-req.Context().Done():
			return nil
		}
	}
}

func squeeze(w io.Writer, plain []byte) error {
	s, err := codec.Compress(codec.EncodingZstd, w)
	if err != nil {
		return err
	}
	_, err = s.Write(plain)
	return errors.Join(err, s.Close())
}

// frames gives the last answer that a network held, without compression.
func (n *network) frames() ([]byte, error) {
	if !n.packed {
		return n.answer, nil
	}
	plain, err := codec.Decompress(codec.EncodingZstd, bytes.NewReader(n.answer), syncproto.MaxAnswerBytes)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return io.ReadAll(plain)
}

// ask sends a request to the bare server and reads the answer to its end; unpack takes zstd off it. It gives the row that a push made.
func (b *bare) ask(ctx context.Context, over http.RoundTripper, method, path string, body []byte, unpack bool) (row string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "")
	resp, err := over.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s", path, resp.Status)
	}
	if !unpack {
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.Header.Get("Row"), err
	}
	plain, err := codec.Decompress(codec.EncodingZstd, resp.Body, syncproto.MaxAnswerBytes)
	if err != nil {
		return "", err
	}
	defer plain.Close()
	_, err = io.Copy(io.Discard, plain)
	return resp.Header.Get("Row"), err
}
