package codec

import (
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// row reads ["table","id",rev,[values…]] with an optional object behind: first fills are made of hardly anything else, so this is the
// path that has to be fast: one string for the line, one slice for the values, no copy of a text without escapes.
func (r *Reader) row(s *strict.Scanner) (*syncproto.Row, error) {
	if !r.inside {
		return nil, s.Fail("a row before any bucket")
	}
	row := &syncproto.Row{Bucket: r.at, Label: syncproto.Label{Epoch: r.epoch}}
	var h *header
	n := 0
	err := s.Array(func(i int) (err error) {
		n++
		switch i {
		case 0:
			if row.Table, err = s.Text(); err != nil {
				return err
			}
			if h = r.last; h == nil || h.table != row.Table {
				if h = r.columns[row.Table]; h == nil {
					return s.Fail("a row of %q before its columns", strict.Clip(row.Table))
				}
				r.last = h
			}
			row.Table = h.table
		case 1:
			var id string
			id, err = s.Text()
			row.ID = syncproto.RowID(id)
		case 2:
			row.Label.Rev, err = readCount(s)
		case 3:
			row.Values = make([]schema.Value, 0, len(h.names))
			err = s.Array(func(k int) error {
				if k >= len(h.names) {
					return s.Fail("more values than columns")
				}
				v, err := readValue(s)
				if err != nil {
					return err
				}
				if !v.IsNull() && h.kinds[k] != schema.KindNull && v.Kind() != h.kinds[k] {
					return s.Fail("the value of %s.%s is of another kind", h.table, h.names[k])
				}
				row.Values = append(row.Values, v)
				return nil
			})
			if err == nil && len(row.Values) != len(h.names) {
				err = s.Fail("%d values for %d columns", len(row.Values), len(h.names))
			}
		case 4:
			err = readRowExtras(s, row)
		default:
			err = s.Fail("a row has at most five parts")
		}
		return err
	})
	if err == nil && n < 4 {
		err = s.Fail("a row has table, id, rev and values")
	}
	return row, err
}

func readRowExtras(s *strict.Scanner, row *syncproto.Row) error {
	return s.Object(func(key string) (err error) {
		switch key {
		case "epoch":
			row.Label.Epoch, err = readEpoch(s)
		case "open":
			row.Open = map[string][]syncproto.Identity{}
			err = s.Object(func(cell string) (err error) {
				row.Open[cell], err = readIdentities(s)
				return err
			})
		default:
			err = unknown(s, key)
		}
		return err
	})
}

// readValue reads null, a whole number, a text or a set of texts.
func readValue(s *strict.Scanner) (schema.Value, error) {
	switch s.Peek() {
	case '"':
		t, err := s.Text()
		return schema.Text(t), err
	case '[':
		var elements []string
		err := s.Array(func(int) error {
			t, err := s.Text()
			elements = append(elements, t)
			return err
		})
		return schema.Set(elements...), err
	case 'n':
		if s.Null() {
			return schema.Null, nil
		}
		return schema.Null, s.Fail("want a value")
	}
	n, err := s.Int()
	return schema.Int(n), err
}
