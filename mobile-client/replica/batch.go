package replica

import (
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

// batch gathers rows to be written, several to a statement: a statement's own cost is a third of what a row costs. Whoever reads a
// row must flush first when it waits here.
type batch struct {
	c       *conn
	waiting map[[shortKey]byte]bool
	rows    map[*schema.Table][]any
	order   []*schema.Table
	marks   []any
}

// How many rows go into one statement: past these the gain is gone.
const (
	batchRows  = 16
	batchMarks = 32
)

func newBatch(c *conn) *batch {
	return &batch{c: c, waiting: map[[shortKey]byte]bool{}, rows: map[*schema.Table][]any{}}
}

// add takes a domain row, values nil when the domain row shows something else, and the columns of mq_held.
func (b *batch) add(t *schema.Table, id syncproto.RowID, values []schema.Value, s [shortKey]byte, marks ...any) error {
	b.waiting[s] = true
	b.marks = append(b.marks, marks...)
	if values != nil {
		if b.rows[t] == nil {
			b.order = append(b.order, t)
		}
		b.rows[t] = append(b.rows[t], string(id))
		for _, v := range values {
			b.rows[t] = append(b.rows[t], schema.Arg(v))
		}
		if len(b.rows[t]) >= batchRows*(len(t.Columns)+1) {
			return b.flush()
		}
	}
	if len(b.marks) >= batchMarks*markWidth {
		return b.flush()
	}
	return nil
}

// flush writes what waits.
func (b *batch) flush() error {
	for _, t := range b.order {
		args, width := b.rows[t], len(t.Columns)+1
		for len(args) > 0 {
			n := batchRows
			if len(args) < n*width {
				n = 1
			}
			if err := b.c.exec(b.c.upsert(t, n), args[:n*width]...); err != nil {
				return err
			}
			args = args[n*width:]
		}
		b.rows[t] = b.rows[t][:0]
	}
	for marks := b.marks; len(marks) > 0; {
		n := batchMarks
		if len(marks) < n*markWidth {
			n = 1
		}
		if err := b.c.exec(markText(n), marks[:n*markWidth]...); err != nil {
			return err
		}
		marks = marks[n*markWidth:]
	}
	b.marks = b.marks[:0]
	clear(b.waiting)
	return nil
}

// settled flushes when a row of a short key waits.
func (b *batch) settled(s [shortKey]byte) error {
	if !b.waiting[s] {
		return nil
	}
	return b.flush()
}

// markWidth is the number of columns of mq_held.
const markWidth = 4

var markTexts = [...]string{makeMarkText(1), makeMarkText(batchMarks)}

func markText(n int) string {
	if n == 1 {
		return markTexts[0]
	}
	return markTexts[1]
}

func makeMarkText(n int) string {
	return `INSERT INTO mq_held (id, bucket, epoch, rev) VALUES (?, ?, ?, ?)` + strings.Repeat(`, (?, ?, ?, ?)`, n-1) +
		` ON CONFLICT (id) DO UPDATE SET bucket = excluded.bucket, epoch = excluded.epoch, rev = excluded.rev`
}
