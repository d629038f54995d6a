package codec

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"

	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// flushBytes is how much a Writer gathers before it hands it on: enough for compression to work in peace, little enough that a
// slow link has something to do.
const flushBytes = 32 << 10

// Writer writes frames as lines. It sees to the “at” lines before rows, to long lists and to the count in End.
type Writer struct {
	w       io.Writer
	b       []byte
	lines   int
	epoch   syncproto.EpochID
	columns map[string]int
	at      syncproto.BucketID
	inside  bool
}

// NewWriter writes to w, plain; compression is the caller's (Compress).
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, columns: map[string]int{}}
}

// Flush hands on what has been gathered.
func (w *Writer) Flush() error {
	if len(w.b) == 0 {
		return nil
	}
	_, err := w.w.Write(w.b)
	w.b = w.b[:0]
	return err
}

// Lines tells how many lines have been written.
func (w *Writer) Lines() int { return w.lines }

// Write writes one frame. An error of CodeInternal is a fault of the caller: a row without columns, a change without content.
func (w *Writer) Write(f syncproto.Frame) error {
	if err := w.frame(f); err != nil {
		return &syncproto.Error{Code: syncproto.CodeInternal, Op: fmt.Sprintf("write %T", f), Err: err}
	}
	if _, last := f.(syncproto.End); last || len(w.b) >= flushBytes {
		return w.Flush()
	}
	return nil
}

func (w *Writer) frame(f syncproto.Frame) error {
	switch f := f.(type) {
	case *syncproto.Row:
		return w.row(f)
	case *syncproto.Change:
		return w.change(f)
	case *syncproto.Testimony:
		return w.testimony(f)
	case *syncproto.Verdict:
		w.verdict(f)
	case syncproto.Hello:
		w.hello(&f)
	case syncproto.Held:
		w.held(f.Buckets)
	case syncproto.Probe:
		w.probe(&f)
	case syncproto.Welcome:
		w.epoch = f.Epoch
		w.welcome(&f)
	case syncproto.Head:
		w.open("head").textKey("epoch", string(f.Epoch)).textKey("seal", f.Seal).close(w)
	case syncproto.Columns:
		w.columns[f.Table] = len(f.Names)
		o := w.open("columns").textKey("table", f.Table)
		o.key("names")
		writeTexts(o, f.Names)
		o.close(w)
	case syncproto.Bucket:
		w.at, w.inside = f.ID, true
		w.open("bucket").bucket(f.ID).flag("continues", f.Continues).close(w)
	case syncproto.Gone:
		w.gone(&f)
	case syncproto.Forget:
		w.open("forget").textKey("scope", f.Scope).textKey("period", f.Period).close(w)
	case syncproto.Mark:
		w.open("mark").textKey("resume", f.Resume).close(w)
	case syncproto.Ranges:
		w.ranges(&f)
	case syncproto.Checkpoint:
		w.checkpoint(&f)
	case syncproto.Failure:
		w.failure(&f)
	case syncproto.End:
		o := w.open("end")
		o.key("frames")
		w.b = strconv.AppendInt(w.b, int64(w.lines), 10)
		o.close(w)
	default:
		return fmt.Errorf("no such frame")
	}
	return nil
}

func (w *Writer) endLine() {
	w.b = append(w.b, '\n')
	w.lines++
}

// object writes the members of one object, leaving out what is zero.
type object struct {
	w     *Writer
	began bool
}

// open begins the line {"kind":{…}}.
func (w *Writer) open(kind string) *object {
	w.b = append(append(append(w.b, `{"`...), kind...), `":{`...)
	return &object{w: w}
}

// close ends the line.
func (o *object) close(w *Writer) {
	w.b = append(w.b, '}', '}')
	w.endLine()
}

func (o *object) key(name string) {
	if o.began {
		o.w.b = append(o.w.b, ',')
	}
	o.began = true
	o.w.b = append(append(append(o.w.b, '"'), name...), '"', ':')
}

func (o *object) textKey(name, value string) *object {
	if value != "" {
		o.key(name)
		o.w.b = strict.AppendText(o.w.b, value)
	}
	return o
}

func (o *object) count(name string, n uint64) *object {
	if n != 0 {
		o.key(name)
		o.w.b = strconv.AppendUint(o.w.b, n, 10)
	}
	return o
}

func (o *object) number(name string, n int64) *object {
	if n != 0 {
		o.key(name)
		o.w.b = strconv.AppendInt(o.w.b, n, 10)
	}
	return o
}

func (o *object) flag(name string, is bool) *object {
	if is {
		o.key(name)
		o.w.b = append(o.w.b, "true"...)
	}
	return o
}

func (o *object) digest(name string, d syncproto.Digest) *object {
	if d != (syncproto.Digest{}) {
		o.textKey(name, d.String())
	}
	return o
}

func (o *object) bucket(id syncproto.BucketID) *object {
	return o.textKey("scope", id.Scope).textKey("period", id.Period)
}

func writeTexts[T ~string](o *object, list []T) {
	o.w.list(len(list), func(i int) { o.w.text(string(list[i])) })
}

// list writes an array.
func (w *Writer) list(n int, one func(i int)) {
	w.b = append(w.b, '[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		one(i)
	}
	w.b = append(w.b, ']')
}

func (w *Writer) text(s string) { w.b = strict.AppendText(w.b, s) }

func (w *Writer) texts(list ...string) { w.list(len(list), func(i int) { w.text(list[i]) }) }

// row writes ["table","id",rev,[values…]] and, where there is need, an object behind; before it the bucket, when that is another.
func (w *Writer) row(r *syncproto.Row) error {
	if n, ok := w.columns[r.Table]; !ok || n != len(r.Values) {
		return fmt.Errorf("a row of %s with %d values, its columns are %d", r.Table, len(r.Values), n)
	}
	if !w.inside || r.Bucket != w.at {
		w.at, w.inside = r.Bucket, true
		w.open("at").bucket(r.Bucket).close(w)
	}
	w.b = append(w.b, '[')
	w.text(r.Table)
	w.b = append(w.b, ',')
	w.text(string(r.ID))
	w.b = strconv.AppendUint(append(w.b, ','), r.Label.Rev, 10)
	w.b = append(w.b, ',')
	w.list(len(r.Values), func(i int) { w.b = r.Values[i].AppendJSON(w.b) })
	if r.Label.Epoch != w.epoch || len(r.Open) > 0 {
		w.b = append(w.b, ',', '{')
		o := object{w: w}
		if r.Label.Epoch != w.epoch {
			o.textKey("epoch", string(r.Label.Epoch))
		}
		if len(r.Open) > 0 {
			o.key("open")
			w.b = append(w.b, '{')
			inner := object{w: w}
			for _, cell := range sortedKeys(r.Open) {
				inner.key(escaped(cell))
				writeTexts(&inner, r.Open[cell])
			}
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
	w.endLine()
	return nil
}

// escaped is a name from outside as it stands between the quotes of a key.
func escaped(name string) string {
	quoted := strict.AppendText(nil, name)
	return string(quoted[1 : len(quoted)-1])
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *Writer) change(c *syncproto.Change) error {
	if len(c.Content) == 0 && len(c.Sealed) == 0 {
		return fmt.Errorf("change %d was not sealed", c.Name.Number)
	}
	o := w.open("change").count("number", c.Name.Number)
	if c.First != c.Name && c.First != (syncproto.Name{}) {
		o.key("first")
		w.b = append(w.b, '[')
		w.text(string(c.First.Device))
		w.b = strconv.AppendUint(append(w.b, ','), c.First.Number, 10)
		w.b = append(w.b, ']')
	}
	if len(c.Labels) > 0 {
		o.key("labels")
		w.b = append(w.b, '{')
		inner := object{w: w}
		for _, row := range sortedKeys(c.Labels) {
			inner.key(string(row))
			w.list(len(c.Labels[row]), func(i int) {
				l := c.Labels[row][i]
				w.b = append(w.b, '[')
				w.text(string(l.Epoch))
				w.b = strconv.AppendUint(append(w.b, ','), l.Rev, 10)
				w.b = append(w.b, ']')
			})
		}
		w.b = append(w.b, '}')
	}
	if len(c.Content) == 0 {
		o.textKey("sealed", base64.RawURLEncoding.EncodeToString(c.Sealed)).close(w)
		return nil
	}
	o.key("content")
	w.b = append(w.b, c.Content...)
	o.close(w)
	return nil
}

func (w *Writer) testimony(t *syncproto.Testimony) error {
	if len(t.Content) == 0 {
		return fmt.Errorf("a testimony of %s was not sealed", t.Edit.Row)
	}
	o := w.open("testimony").textKey("epoch", string(t.Label.Epoch)).count("rev", t.Label.Rev)
	o.key("content")
	w.b = append(w.b, t.Content...)
	o.close(w)
	return nil
}
