package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/syncproto"
)

// What a first sync may cost: times the compressed CSV of the same rows, seconds at p95 of a hundred at once; and how well the CSV may
// compress for the first to say anything.
const firstTimes, firstSeconds, firstRatio = 1.1, 15, 3

// benchFirst measures the bytes of a first sync beside a CSV of the same rows, and many at once.
func benchFirst(ctx context.Context, r *run, on database) error {
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
	p.net.hold = true
	rep, err := p.synced(ctx)
	if err != nil {
		return err
	}
	plain, err := p.net.frames()
	if err != nil {
		return err
	}
	answer := p.net.answer
	table, err := p.csv(ctx)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := squeeze(&packed, table); err != nil {
		return err
	}
	by := float64(len(table)) / float64(packed.Len())
	r.say("%d rows: CSV of %d bytes, which compresses %.2f:1", rep.Rows, len(table), by)
	if by > firstRatio {
		return fmt.Errorf("the rows compress %.2f:1: too well to say anything about real ones", by)
	}
	if err := r.print(line{name: "first-bytes-" + string(on), value: float64(len(answer)), unit: "bytes", floor: float64(packed.Len()), budget: timesFloor(firstTimes)}); err != nil {
		return err
	}
	return r.together(ctx, t, user, on, plain, len(answer))
}

// csv writes everything that a phone holds as one CSV file, table after table.
func (p *phone) csv(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	head := ""
	err := p.each(ctx, func(t *schema.Table, id syncproto.RowID, values []schema.Value) error {
		if head != t.Name {
			head = t.Name
			if err := w.Write(strings.Split(strings.ReplaceAll(schema.Names(t), `"`, ""), ", ")); err != nil {
				return err
			}
		}
		record := []string{string(id)}
		for _, a := range schema.Args(string(id), values)[1:] {
			switch a := a.(type) {
			case nil:
				record = append(record, "")
			case int64:
				record = append(record, strconv.FormatInt(a, 10))
			default:
				record = append(record, fmt.Sprint(a))
			}
		}
		return w.Write(record)
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return out.Bytes(), err
}

// together measures first syncs at once; their devices only receive.
func (r *run) together(ctx context.Context, t *town, user syncproto.UserID, on database, plain []byte, packed int) error {
	var all []*wire
	for range r.fillers {
		w, err := t.wire(ctx, user)
		if err != nil {
			return err
		}
		r.after(w.close)
		all = append(all, w)
	}
	seconds := make([]float64, len(all))
	took, used, err := each(all, func(i int, w *wire) error {
		began := time.Now()
		body, err := w.body(nil)
		if err != nil {
			return err
		}
		resp, err := w.post(ctx, body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		seconds[i] = time.Since(began).Seconds()
		if err == nil && n < int64(packed/2) {
			err = fmt.Errorf("an answer of %d bytes instead of %d", n, packed)
		}
		return err
	})
	if err != nil {
		return err
	}
	floor, err := r.bare(ctx, on)
	if err != nil {
		return err
	}
	floor.copy = plain
	least := make([]float64, len(all))
	if _, _, err := each(all, func(i int, w *wire) error {
		began := time.Now()
		_, err := floor.ask(ctx, w.http, "GET", "/copy", nil, false)
		least[i] = time.Since(began).Seconds()
		return err
	}); err != nil {
		return err
	}
	r.say("%d first syncs at once: all done after %.1f s", len(all), took.Seconds())
	return r.print(line{name: "first-together-" + string(on), value: quantile(seconds, 0.95), unit: "s", floor: quantile(least, 0.95), budget: reach(firstSeconds),
		cpu: used / time.Duration(len(all))})
}
