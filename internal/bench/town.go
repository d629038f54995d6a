package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/engine"
	"minqing/server/judge"
	"minqing/syncproto"
)

// town is a server with one village, serving on the loopback interface.
type town struct {
	e       *engine.Engine
	url     string
	dir     string
	dsn     string
	group   syncproto.RowID
	village syncproto.RowID
	admin   syncproto.UserID
	n       int // names given out
	stop    func() error
}

func nowMS() int64 { return time.Now().UnixMilli() }

// town starts a server on a database of its own.
func (r *run) town(ctx context.Context, on database) (*town, error) {
	dir, err := r.folder()
	if err != nil {
		return nil, err
	}
	dsn, err := r.dsn(on)
	if err != nil {
		return nil, err
	}
	t := &town{dir: dir, dsn: dsn}
	if err := t.start(ctx); err != nil {
		return nil, err
	}
	r.after(func() error { return t.stop() })
	return t, t.found(ctx)
}

func (t *town) start(ctx context.Context) error {
	var err error
	t.e, err = engine.Open(ctx, engine.Config{Dir: t.dir, DSN: t.dsn, Book: schema.Minqing(), Now: nowMS, Rand: rand.Reader, Serve: true, Version: "bench"})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, t.e.Close())
	}
	t.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- t.e.Run(ctx, l) }()
	t.stop = func() error {
		cancel()
		return errors.Join(<-ended, t.e.Close())
	}
	return nil
}

// found makes the places and an administrator.
func (t *town) found(ctx context.Context) error {
	city, township := t.id(), t.id()
	t.village, t.group, t.admin = t.id(), t.id(), syncproto.UserID(t.id())
	place := func(id, parent syncproto.RowID, level, name string) syncproto.Edit {
		return create("place", id, "parent", string(parent), "level", level, "name", name)
	}
	return t.make(ctx, []syncproto.Edit{place(city, "", "city", "临江市")}, []syncproto.Edit{place(township, city, "township", "河湾镇")},
		[]syncproto.Edit{place(t.village, township, "village", "柳溪村")}, []syncproto.Edit{place(t.group, t.village, "group", "一组")},
		[]syncproto.Edit{create("user", syncproto.RowID(t.admin), "place", string(city), "login", "boss", "name", "何婉清"),
			create("role", t.id(), "user", string(t.admin), "role", "admin", "place", string(city))})
}

// id makes a row's id.
func (t *town) id() syncproto.RowID {
	id, err := syncproto.NewID(nowMS(), rand.Reader)
	if err != nil {
		panic(err) // the system's randomness does not fail
	}
	return syncproto.RowID(id)
}

// create is an edit that makes a row of texts; empty ones are left out.
func create(table string, id syncproto.RowID, pairs ...string) syncproto.Edit {
	e := syncproto.Edit{Table: table, Row: id, Op: syncproto.OpCreate}
	e.Cells = cells(table, pairs...)
	return e
}

// book is the product's, whose columns say how a text becomes a value.
var book = schema.Minqing()

// cells are texts as cell edits, in schema order.
func cells(table string, pairs ...string) (out []syncproto.CellEdit) {
	t := book.Table(table)
	for i := range t.Columns {
		for k := 0; k < len(pairs); k += 2 {
			if t.Columns[i].Name != pairs[k] || pairs[k+1] == "" {
				continue
			}
			v, err := t.Columns[i].Normalize(pairs[k+1])
			if err != nil {
				panic(fmt.Sprintf("%s.%s: %v", table, pairs[k], err)) // the bench wrote it
			}
			out = append(out, syncproto.CellEdit{Cell: pairs[k], Value: v})
		}
	}
	return out
}

// make has the server itself make changes.
func (t *town) make(ctx context.Context, changes ...[]syncproto.Edit) error {
	return t.submit(ctx, "", changes...)
}

// submit has a user make changes at the console; all must be applied.
func (t *town) submit(ctx context.Context, user syncproto.UserID, changes ...[]syncproto.Edit) error {
	drafts := make([]judge.Draft, len(changes))
	for i, edits := range changes {
		drafts[i].Edits = edits
	}
	out, err := t.e.Judge.Submit(ctx, user, drafts...)
	if err != nil {
		return err
	}
	for i, v := range out.Verdicts {
		if v.Status != syncproto.Applied {
			return fmt.Errorf("%s was %s: %s %s", changes[i][0].Table, v.Status, v.Code, v.Message)
		}
	}
	return nil
}

// cadre makes a user who visits households.
func (t *town) cadre(ctx context.Context) (syncproto.UserID, error) {
	id := t.id()
	t.n++
	return syncproto.UserID(id), t.make(ctx, []syncproto.Edit{create("user", id, "place", string(t.group), "login", fmt.Sprintf("cadre%d", t.n), "name", words(3)),
		create("role", t.id(), "user", string(id), "role", "cadre", "place", string(t.group))})
}

// house is a household of a number of rows, assigned to users: itself, their assignments, then residents and visits in turn.
type house struct {
	id        syncproto.RowID
	assigned  []syncproto.RowID
	residents []syncproto.RowID
	edits     []syncproto.Edit
}

func (t *town) house(rows int, users ...syncproto.UserID) *house {
	t.n++
	h := &house{id: t.id()}
	h.edits = append(h.edits, create("household", h.id, "place", string(t.group), "code", fmt.Sprintf("H%07d", t.n), "head", words(3), "address", words(12), "note", words(30)))
	for _, u := range users {
		id := t.id()
		h.assigned = append(h.assigned, id)
		h.edits = append(h.edits, t.assignment(id, h.id, u))
	}
	for i := len(h.edits); i < rows; i++ {
		if i%2 == 0 {
			h.edits = append(h.edits, t.visit(h.id, users[0]))
			continue
		}
		id := t.id()
		h.residents = append(h.residents, id)
		h.edits = append(h.edits, create("resident", id, "household", string(h.id), "name", words(3), "sex", "m", "birth", fmt.Sprintf("19%02d-%02d-%02d", t.n%90+10, i%12+1, i%28+1),
			"relation", words(2), "schooling", words(4), "work", words(16), "away", words(16), "life", "living"))
	}
	return h
}

func (t *town) assignment(id, household syncproto.RowID, u syncproto.UserID) syncproto.Edit {
	return create("assignment", id, "household", string(household), "user", string(u), "team", "cadre", "since", "2026-01-01")
}

func (t *town) visit(household syncproto.RowID, author syncproto.UserID) syncproto.Edit {
	return create("visit", t.id(), "household", string(household), "author", string(author), "day", time.UnixMilli(nowMS()).Format(time.DateOnly), "met", words(8), "place_note", words(24))
}

// submitRows bounds the rows of one transaction while a town is filled.
const submitRows = 2000

// houses makes households of a number of rows each.
func (t *town) houses(ctx context.Context, n, rows int, users ...syncproto.UserID) (out []*house, err error) {
	var waiting [][]syncproto.Edit
	for i := range n {
		h := t.house(rows, users...)
		out = append(out, h)
		if waiting = append(waiting, h.edits); len(waiting)*rows >= submitRows || i == n-1 {
			if err := t.make(ctx, waiting...); err != nil {
				return nil, err
			}
			waiting = nil
		}
		h.edits = nil
	}
	return out, nil
}

// served tells how often a route was asked and how long the server took in all, by the server's own measure.
func (t *town) served(ctx context.Context, route string) (n int, took time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue
		}
		switch name {
		case `minqing_request_seconds_sum{route="` + route + `"}`:
			took = time.Duration(v * float64(time.Second))
		case `minqing_request_seconds_count{route="` + route + `"}`:
			n = int(v)
		}
	}
	return n, took, lines.Err()
}

// update is an edit of a row by the server or a console, which sees it as it stands.
func update(table string, id syncproto.RowID, pairs ...string) syncproto.Edit {
	return syncproto.Edit{Table: table, Row: id, Op: syncproto.OpUpdate, Cells: cells(table, pairs...)}
}

func columnOf(table, name string) int {
	t := book.Table(table)
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}
