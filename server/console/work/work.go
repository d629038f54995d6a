// Package work keeps the records of what is done at a place from the consoles, or goes on there: orders, moves and deletions, files that are
// taken in. Each kind says what its states are and what its body holds, as JSON; a record is found in its own place only.
package work

import (
	"encoding/json"

	"minqing/server/store"
	"minqing/syncproto"
)

// States of what can be taken back. Partly is what broke off before all of it was done.
const (
	Done   = "done"
	Partly = "partly"
	Undone = "undone"
)

// listed is how many a page of a list shows.
const listed = 20

// Record is one of them.
type Record struct {
	ID, Place, State string
	By               syncproto.UserID
	ByName           string
	At               int64 // Unix ms
	Beat             int64 // when whoever is at it last said so, Unix ms; 0 where nobody is
	Body             []byte
}

// Undone tells whether it was taken back.
func (r *Record) Undone() bool { return r.State == Undone }

// Add keeps a new one, made now by somebody, under an id of its own.
func Add(tx *store.Tx, kind, id, place string, by syncproto.UserID, state string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return tx.Exec("INSERT INTO mq_work (id, kind, place, user_id, at_ms, state, beat_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		id, kind, place, string(by), tx.Now(), state, int64(0), string(raw))
}

// Last lists the last of a kind at a place, newest first, each made of its record.
func Last[T any](tx *store.Tx, kind, place string, made func(Record) (*T, error)) ([]*T, error) {
	list, _, err := Page(tx, kind, place, "", made)
	return list, err
}

// Page lists those of a kind at a place before an id, newest first; "" begins with the last. more tells that there are others.
func Page[T any](tx *store.Tx, kind, place, before string, made func(Record) (*T, error)) (list []*T, more bool, err error) {
	list, err = part(tx, kind, place, before, listed+1, made)
	if more = len(list) > listed; more {
		list = list[:listed]
	}
	return list, more, err
}

// part is at most n of a kind at a place before an id, newest first; "" begins with the last.
func part[T any](tx *store.Tx, kind, place, before string, n int, made func(Record) (*T, error)) ([]*T, error) {
	where, args := "w.place = ? AND w.kind = ?", []any{place, kind}
	if before != "" {
		where, args = where+" AND w.id < ?", append(args, before)
	}
	return Find(tx, made, where+" ORDER BY w.id DESC LIMIT ?", append(args, int64(n))...)
}

// Newest is the newest of a kind at a place that fits, however many came after it; nil when none does.
func Newest[T any](tx *store.Tx, kind, place string, made func(Record) (*T, error), fits func(*T) (bool, error)) (*T, error) {
	last := ""
	noted := func(r Record) (*T, error) { last = r.ID; return made(r) }
	for {
		list, err := part(tx, kind, place, last, listed, noted)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if ok, err := fits(x); err != nil || ok {
				return x, err
			}
		}
		if len(list) < listed {
			return nil, nil
		}
	}
}

// Read reads one; nil when there is none of that kind and id at the place.
func Read[T any](tx *store.Tx, kind, place, id string, made func(Record) (*T, error)) (*T, error) {
	list, err := Find(tx, made, "w.id = ? AND w.place = ? AND w.kind = ?", id, place, kind)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// Find reads those that a condition over mq_work, by the name w, holds for.
func Find[T any](tx *store.Tx, made func(Record) (*T, error), where string, args ...any) (out []*T, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		r, body := Record{}, ""
		if err := scan(&r.ID, &r.Place, &r.By, &r.At, &r.State, &r.Beat, &body, &r.ByName); err != nil {
			return err
		}
		r.Body = []byte(body)
		x, err := made(r)
		out = append(out, x)
		return err
	}, `SELECT w.id, w.place, w.user_id, w.at_ms, w.state, w.beat_ms, w.body, COALESCE(u.name, '') FROM mq_work w LEFT JOIN "user" u ON u.id = w.user_id WHERE `+where, args...)
	return out, err
}
