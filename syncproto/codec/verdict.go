package codec

import (
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

func readVerdict(s *strict.Scanner) (*syncproto.Verdict, error) {
	v := &syncproto.Verdict{}
	err := s.Object(func(key string) (err error) {
		switch key {
		case "number":
			v.Number, err = readCount(s)
		case "identity":
			v.Identity, err = readIdentity(s)
		case "status":
			v.Status, err = readStatus(s)
		case "late":
			v.Late, err = s.Bool()
		case "code":
			var code string
			code, err = readText(s, syncproto.MaxName)
			v.Code = syncproto.Code(code)
		case "message":
			v.Message, err = readText(s, syncproto.MaxText)
		case "waits":
			v.Waits, err = readIdentity(s)
		case "items":
			v.Items, err = readList(s, syncproto.MaxOver, func() (syncproto.ItemNote, error) { return readItem(s) })
		case "merges":
			v.Merges, err = readList(s, syncproto.MaxOver, func() (syncproto.MergeNote, error) { return readMerge(s) })
		case "labels":
			v.Labels, err = readList(s, syncproto.MaxOver, func() (syncproto.RowLabel, error) { return readRowLabel(s) })
		case "mended":
			v.MendedBy, err = readIdentity(s)
		case "people":
			v.People, err = readList(s, syncproto.MaxOver, func() (syncproto.PersonNote, error) { return readPerson(s) })
		default:
			err = unknown(s, key)
		}
		return err
	})
	if err == nil && (v.Identity == "" || v.Status == "") {
		err = s.Fail("a verdict names its change and status")
	}
	return v, err
}

func readStatus(s *strict.Scanner) (syncproto.Status, error) {
	t, err := readText(s, syncproto.MaxName)
	status := syncproto.Status(t)
	switch status {
	case syncproto.Applied, syncproto.Merged, syncproto.Conflicted, syncproto.Refused:
		return status, err
	}
	if err == nil {
		err = s.Fail("no status %q", strict.Clip(t))
	}
	return "", err
}

func readItem(s *strict.Scanner) (syncproto.ItemNote, error) {
	var n syncproto.ItemNote
	err := s.Object(func(key string) (err error) {
		if key == "kind" {
			var kind string
			kind, err = readText(s, syncproto.MaxName)
			n.Kind = syncproto.ItemKind(kind)
			return err
		}
		var at *string
		var row string
		switch key {
		case "item":
			at = &n.Item
		case "table":
			at = &n.Table
		case "row":
			at = &row
		case "cell":
			at = &n.Cell
		case "outcome":
			at = &n.Outcome
		default:
			return unknown(s, key)
		}
		*at, err = readText(s, syncproto.MaxName)
		if row != "" {
			n.Row = syncproto.RowID(row)
		}
		return err
	})
	return n, err
}

func readMerge(s *strict.Scanner) (syncproto.MergeNote, error) {
	var n syncproto.MergeNote
	err := s.Object(func(key string) (err error) {
		var t string
		if key == "shows" {
			n.Shows, err = s.Bool()
			return err
		}
		if t, err = readText(s, syncproto.MaxName); err != nil {
			return err
		}
		switch key {
		case "table":
			n.Table = t
		case "row":
			n.Row = syncproto.RowID(t)
		case "cell":
			n.Cell = t
		case "rule":
			n.Rule = schema.Rule(t)
		default:
			return unknown(s, key)
		}
		return nil
	})
	return n, err
}

func readPerson(s *strict.Scanner) (syncproto.PersonNote, error) {
	var n syncproto.PersonNote
	err := s.Object(func(key string) (err error) {
		if key == "at" {
			n.At, err = s.Int()
			return err
		}
		var t string
		if t, err = readText(s, syncproto.MaxName); err != nil {
			return err
		}
		switch key {
		case "row":
			n.Row = syncproto.RowID(t)
		case "cell":
			n.Cell = t
		case "part":
			n.Part = syncproto.PersonPart(t)
		case "name":
			n.Name = t
		case "post":
			n.Post = t
		case "role":
			n.Role = schema.Role(t)
		default:
			return unknown(s, key)
		}
		return nil
	})
	return n, err
}

// readRowLabel reads ["row","epoch",rev].
func readRowLabel(s *strict.Scanner) (l syncproto.RowLabel, err error) {
	err = readTuple(s, 3, func(i int) (err error) {
		switch i {
		case 0:
			l.Row, err = readRowID(s)
		case 1:
			l.Label.Epoch, err = readEpoch(s)
		default:
			l.Label.Rev, err = readCount(s)
		}
		return err
	})
	return l, err
}
