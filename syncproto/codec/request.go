package codec

import (
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// The frames of a request.

func (r *Reader) hello(s *strict.Scanner) (syncproto.Hello, error) {
	var h syncproto.Hello
	err := s.Object(func(key string) (err error) {
		switch key {
		case "protocol":
			h.Protocol, err = readSmall(s)
		case "schema":
			h.Schema, err = readSmall(s)
		case "device":
			h.Device, err = readDevice(s)
		case "cursor":
			h.Cursor, err = readText(s, syncproto.MaxSeal)
		case "resume":
			h.Resume, err = readText(s, syncproto.MaxSeal)
		case "root":
			h.Root, err = readDigest(s)
		case "next":
			h.Next, err = readCount(s)
		case "heads":
			h.Heads, err = readList(s, syncproto.MaxHeads, func() (string, error) { return readText(s, syncproto.MaxSeal) })
		case "offer":
			h.Offer, err = readEpoch(s)
		case "waiting":
			h.Waiting, err = readSmall(s)
		case "client":
			h.Client, err = readText(s, syncproto.MaxName)
		default:
			err = unknown(s, key)
		}
		return err
	})
	if err == nil && h.Protocol == 0 {
		err = s.Fail("a hello names its protocol")
	}
	if err == nil && r.device != "" && h.Device != "" && h.Device != r.device {
		err = &syncproto.Error{Code: syncproto.CodeForbidden, Op: "hello", Message: syncproto.Both("这不是本机的身份。", "The hello names another device than the token."),
			Hint: syncproto.Both("用本机的身份重新同步。", "Sync with this device's own token.")}
	}
	if h.Device == "" {
		h.Device = r.device
	}
	r.device = h.Device
	return h, err
}

func readHeld(s *strict.Scanner) (syncproto.Held, error) {
	buckets, err := readList(s, syncproto.MaxHeld, func() (syncproto.BucketID, error) { return readPair(s) })
	return syncproto.Held{Buckets: buckets}, err
}

// readPair reads ["scope","period"].
func readPair(s *strict.Scanner) (id syncproto.BucketID, err error) {
	n := 0
	err = s.Array(func(i int) (err error) {
		n++
		switch i {
		case 0:
			id.Scope, err = readText(s, syncproto.MaxName)
		case 1:
			id.Period, err = readText(s, syncproto.MaxName)
		default:
			err = s.Fail("want scope and period")
		}
		return err
	})
	if err == nil && n != 2 {
		err = s.Fail("want scope and period")
	}
	return id, err
}

func readProbe(s *strict.Scanner) (syncproto.Probe, error) {
	var p syncproto.Probe
	err := s.Object(func(key string) (err error) {
		switch key {
		case "scope":
			p.ID.Scope, err = readText(s, syncproto.MaxName)
		case "period":
			p.ID.Period, err = readText(s, syncproto.MaxName)
		case "prefixes":
			p.Prefixes, err = readList(s, syncproto.MaxPrefixes, func() (string, error) { return readPrefix(s) })
		case "rows":
			p.Rows, err = readList(s, syncproto.MaxProbeRows, func() (ref syncproto.RowRef, err error) {
				err = readTuple(s, 2, func(i int) (err error) {
					if i == 0 {
						ref.Table, err = readText(s, syncproto.MaxName)
						return err
					}
					ref.ID, err = readRowID(s)
					return err
				})
				return ref, err
			})
		case "refill":
			p.Refill, err = s.Bool()
		default:
			err = unknown(s, key)
		}
		return err
	})
	return p, err
}

// change reads the envelope of a change and hands its content to syncproto.ParseContent.
func (r *Reader) change(s *strict.Scanner) (*syncproto.Change, error) {
	name := syncproto.Name{Device: r.device}
	var first syncproto.Name
	var labels map[syncproto.RowID][]syncproto.Label
	content := ""
	var sealed []byte
	err := s.Object(func(key string) (err error) {
		switch key {
		case "number":
			name.Number, err = readCount(s)
		case "first":
			first, err = readName(s)
		case "labels":
			labels, err = readLabels(s)
		case "content":
			content, err = s.Raw()
		case "sealed":
			sealed, err = readBytes(s)
		default:
			err = unknown(s, key)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if name.Number == 0 || (content == "") == (sealed == nil) {
		return nil, s.Fail("a change has a number from 1 and either a content or a sealed one")
	}
	if first == (syncproto.Name{}) {
		first = name
	}
	if sealed != nil {
		return &syncproto.Change{Name: name, First: first, Labels: labels, Sealed: sealed}, nil
	}
	c, err := syncproto.ParseContent(r.book, name, first, content)
	if err != nil {
		return nil, err
	}
	c.Labels = labels
	return c, nil
}

// readTestimony reads a row of others as it was held before a fork.
func (r *Reader) readTestimony(s *strict.Scanner) (*syncproto.Testimony, error) {
	var label syncproto.Label
	content := ""
	err := s.Object(func(key string) (err error) {
		switch key {
		case "epoch":
			label.Epoch, err = readEpoch(s)
		case "rev":
			label.Rev, err = readCount(s)
		case "content":
			content, err = s.Raw()
		default:
			err = unknown(s, key)
		}
		return err
	})
	if err == nil && (label.Epoch == "" || label.Rev == 0 || content == "") {
		err = s.Fail("a testimony has an epoch, a rev from 1 and a content")
	}
	if err != nil {
		return nil, err
	}
	return syncproto.ParseTestimony(r.book, label, content)
}

func readName(s *strict.Scanner) (n syncproto.Name, err error) {
	err = readTuple(s, 2, func(i int) (err error) {
		if i == 0 {
			n.Device, err = readDevice(s)
			return err
		}
		n.Number, err = readCount(s)
		return err
	})
	if err == nil && n.Number == 0 {
		err = s.Fail("numbers of changes begin at 1")
	}
	return n, err
}

func readLabels(s *strict.Scanner) (map[syncproto.RowID][]syncproto.Label, error) {
	out := map[syncproto.RowID][]syncproto.Label{}
	err := s.Object(func(row string) error {
		if len(out) >= syncproto.MaxEdits || !schema.ValidID(row) {
			return s.Fail("labels for %q, or for too many rows", strict.Clip(row))
		}
		list, err := readList(s, syncproto.MaxOver, func() (syncproto.Label, error) { return readLabel(s) })
		out[syncproto.RowID(row)] = list
		return err
	})
	return out, err
}

func readLabel(s *strict.Scanner) (l syncproto.Label, err error) {
	err = readTuple(s, 2, func(i int) (err error) {
		if i == 0 {
			l.Epoch, err = readEpoch(s)
			return err
		}
		l.Rev, err = readCount(s)
		return err
	})
	return l, err
}
