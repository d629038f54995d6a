package codec

import (
	"fmt"
	"strconv"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// The frames of an answer, verdicts apart.

func readWelcome(s *strict.Scanner) (syncproto.Welcome, error) {
	var w syncproto.Welcome
	err := s.Object(func(key string) (err error) {
		switch key {
		case "protocol":
			w.Protocol, err = readSmall(s)
		case "schema":
			w.Schema, err = readSmall(s)
		case "epoch":
			w.Epoch, err = readEpoch(s)
		case "now":
			w.Now, err = s.Int()
		case "grace":
			w.Grace, err = s.Int()
		case "lease":
			w.Lease, err = s.Int()
		case "resumed":
			w.Resumed, err = s.Bool()
		default:
			err = unknown(s, key)
		}
		return err
	})
	if err == nil && (w.Protocol == 0 || w.Epoch == "") {
		err = s.Fail("a welcome names its protocol and epoch")
	}
	return w, err
}

func readHead(s *strict.Scanner) (syncproto.Head, error) {
	var h syncproto.Head
	err := s.Object(func(key string) (err error) {
		switch key {
		case "epoch":
			h.Epoch, err = readEpoch(s)
		case "seal":
			h.Seal, err = readText(s, syncproto.MaxSeal)
		default:
			err = unknown(s, key)
		}
		return err
	})
	return h, err
}

func (r *Reader) readColumns(s *strict.Scanner) (syncproto.Columns, error) {
	var c syncproto.Columns
	err := s.Object(func(key string) (err error) {
		switch key {
		case "table":
			c.Table, err = readText(s, syncproto.MaxName)
		case "names":
			c.Names, err = readList(s, syncproto.MaxEdits, func() (string, error) { return readText(s, syncproto.MaxName) })
		default:
			err = unknown(s, key)
		}
		return err
	})
	if err == nil && r.columns[c.Table] != nil {
		err = s.Fail("the columns of %q a second time", strict.Clip(c.Table))
	}
	if err != nil {
		return c, err
	}
	h := &header{table: c.Table, names: c.Names, kinds: make([]schema.Kind, len(c.Names))}
	if r.book != nil {
		if t := r.book.Table(c.Table); t != nil {
			for i, name := range c.Names {
				if col := t.Column(name); col != nil {
					h.kinds[i] = col.Type.Kind()
				}
			}
		}
	}
	r.columns[c.Table], r.last = h, nil
	return c, nil
}

func readBucket(s *strict.Scanner) (syncproto.Bucket, error) {
	var b syncproto.Bucket
	err := s.Object(func(key string) (err error) {
		if key == "continues" {
			b.Continues, err = s.Bool()
			return err
		}
		return readBucketKey(s, key, &b.ID)
	})
	return b, err
}

func (r *Reader) gone(s *strict.Scanner) (syncproto.Gone, error) {
	var g syncproto.Gone
	err := s.Object(func(key string) (err error) {
		switch key {
		case "table":
			g.Table, err = readText(s, syncproto.MaxName)
		case "id":
			var id string
			id, err = readText(s, syncproto.MaxName)
			g.ID = syncproto.RowID(id)
		case "deleted":
			g.Deleted, err = s.Bool()
		case "epoch":
			g.Label.Epoch, err = readEpoch(s)
		case "rev":
			g.Label.Rev, err = readCount(s)
		default:
			err = unknown(s, key)
		}
		return err
	})
	if g.Deleted && g.Label.Epoch == "" {
		g.Label.Epoch = r.epoch
	}
	return g, err
}

func readForget(s *strict.Scanner) (syncproto.Forget, error) {
	id, err := readBucketID(s)
	return syncproto.Forget(id), err
}

func readMark(s *strict.Scanner) (syncproto.Mark, error) {
	var m syncproto.Mark
	err := s.Object(func(key string) (err error) {
		if key != "resume" {
			return unknown(s, key)
		}
		m.Resume, err = readText(s, syncproto.MaxSeal)
		return err
	})
	return m, err
}

func readRanges(s *strict.Scanner) (syncproto.Ranges, error) {
	var g syncproto.Ranges
	err := s.Object(func(key string) (err error) {
		switch key {
		case "prefix":
			g.Prefix, err = readPrefix(s)
		case "width":
			g.Width, err = readSmall(s)
		case "sums":
			var packed string
			if packed, err = s.Text(); err == nil {
				g.Sums, err = unpackSums(s, packed)
			}
		case "rows":
			g.Rows, err = readList(s, syncproto.MaxProbeRows, func() (syncproto.RowSum, error) { return readRowSum(s) })
		default:
			err = readBucketKey(s, key, &g.ID)
		}
		return err
	})
	if err == nil && (g.Width > 2 || len(g.Sums) != 0 && len(g.Sums) != 1<<(4*g.Width) || (g.Width == 0) != (len(g.Sums) == 0) || g.Width > 0 && g.Rows != nil) {
		err = s.Fail("ranges hold either rows, or sums of width 1 (16) or 2 (256)")
	}
	return g, err
}

func readRowSum(s *strict.Scanner) (row syncproto.RowSum, err error) {
	err = readTuple(s, 3, func(i int) (err error) {
		switch i {
		case 0:
			row.Table, err = readText(s, syncproto.MaxName)
		case 1:
			row.ID, err = readRowID(s)
		default:
			var hex string
			if hex, err = s.Text(); err == nil {
				row.Sum, err = strconv.ParseUint(hex, 16, 64)
				if len(hex) != 16 {
					err = s.Fail("a sum has 16 hex digits")
				}
			}
		}
		return err
	})
	return row, err
}

// readStates reads [["scope","period",rows,["s:…"]],…] and keeps them for the checkpoint that follows.
func (r *Reader) readStates(s *strict.Scanner) error {
	return s.Array(func(int) error {
		if len(r.states) >= syncproto.MaxHeld {
			return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "states", Message: syncproto.Both("数据分区太多。", "Too many buckets."),
				Hint: syncproto.Both(fmt.Sprintf("最多 %d 个。", syncproto.MaxHeld), fmt.Sprintf("At most %d.", syncproto.MaxHeld))}
		}
		var b syncproto.BucketState
		err := readTuple(s, 4, func(i int) (err error) {
			switch i {
			case 0:
				b.ID.Scope, err = readText(s, syncproto.MaxName)
			case 1:
				b.ID.Period, err = readText(s, syncproto.MaxName)
			case 2:
				b.Rows, err = readSmall(s)
			default:
				b.Digests, err = readList(s, syncproto.MaxEdits, func() (syncproto.Digest, error) { return readDigest(s) })
			}
			return err
		})
		r.states = append(r.states, b)
		return err
	})
}

func (r *Reader) checkpoint(s *strict.Scanner) (syncproto.Checkpoint, error) {
	var c syncproto.Checkpoint
	err := s.Object(func(key string) (err error) {
		switch key {
		case "cursor":
			c.Cursor, err = readText(s, syncproto.MaxSeal)
		case "buckets":
			err = r.readStates(s)
		case "root":
			c.Root, err = readDigest(s)
		case "safe":
			c.Safe, err = readIdentities(s)
		case "more":
			c.More, err = s.Bool()
		default:
			err = unknown(s, key)
		}
		return err
	})
	c.Buckets, r.states = r.states, nil
	r.inside = false
	return c, err
}

func readFailure(s *strict.Scanner) (syncproto.Failure, error) {
	var f syncproto.Failure
	err := s.Object(func(key string) (err error) {
		switch key {
		case "code":
			var code string
			code, err = readText(s, syncproto.MaxName)
			f.Code = syncproto.Code(code)
		case "message":
			f.Message, err = readText(s, syncproto.MaxText)
		case "hint":
			f.Hint, err = readText(s, syncproto.MaxText)
		case "retry":
			f.RetryAfter, err = readSmall(s)
		case "known":
			f.Known, err = readIdentities(s)
		case "ticket":
			f.Ticket, err = readText(s, syncproto.MaxSeal)
		default:
			err = unknown(s, key)
		}
		return err
	})
	return f, err
}

func (r *Reader) end(s *strict.Scanner) (syncproto.End, error) {
	var e syncproto.End
	err := s.Object(func(key string) (err error) {
		if key != "frames" {
			return unknown(s, key)
		}
		e.Frames, err = readSmall(s)
		return err
	})
	if err == nil && e.Frames != r.frames-1 {
		err = s.Fail("the end counts %d lines before it, there were %d", e.Frames, r.frames-1)
	}
	return e, err
}
