package codec

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// The parts that frames are made of. Each reader reads one value and says what it wanted.

func unknown(s *strict.Scanner, key string) error {
	return s.Fail("no key %s here", strconv.Quote(strict.Clip(key)))
}

func listed(list, word string) bool {
	return word != "" && !strings.Contains(word, " ") && strings.Contains(list, " "+word+" ")
}

// readList reads an array of at most most elements.
func readList[T any](s *strict.Scanner, most int, one func() (T, error)) ([]T, error) {
	var out []T
	err := s.Array(func(i int) error {
		if i >= most {
			return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "list", Message: syncproto.Both("一个列表太长。", "A list is too long."),
				Hint: syncproto.Both("最多 "+strconv.Itoa(most)+" 项。", "At most "+strconv.Itoa(most)+" entries.")}
		}
		v, err := one()
		out = append(out, v)
		return err
	})
	return out, err
}

// readTuple reads an array of exactly n elements.
func readTuple(s *strict.Scanner, n int, each func(i int) error) error {
	got := 0
	err := s.Array(func(i int) error {
		if got++; i >= n {
			return s.Fail("more than %d parts", n)
		}
		return each(i)
	})
	if err == nil && got != n {
		err = s.Fail("%d parts where %d belong", got, n)
	}
	return err
}

func readText(s *strict.Scanner, most int) (string, error) {
	t, err := s.Text()
	if err == nil && len(t) > most {
		err = s.Fail("a text of %d bytes where %d are the most", len(t), most)
	}
	return t, err
}

func readCount(s *strict.Scanner) (uint64, error) {
	n, err := s.Int()
	if err == nil && n < 0 {
		err = s.Fail("%d where a count belongs", n)
	}
	return uint64(max(n, 0)), err
}

// readSmall reads a count that fits 31 bits.
func readSmall(s *strict.Scanner) (int, error) {
	n, err := readCount(s)
	if err == nil && n > 1<<31-1 {
		err = s.Fail("%d is too large here", n)
	}
	return int(n), err
}

func readDigest(s *strict.Scanner) (d syncproto.Digest, err error) {
	t, err := s.Text()
	if err == nil {
		if d, err = syncproto.ParseDigest(t); err != nil {
			err = s.Fail("%s", err)
		}
	}
	return d, err
}

func readEpoch(s *strict.Scanner) (syncproto.EpochID, error) {
	t, err := s.Text()
	if err == nil && !syncproto.ValidIdentity(t) {
		err = s.Fail("%q is no epoch", strict.Clip(t))
	}
	return syncproto.EpochID(t), err
}

func readIdentity(s *strict.Scanner) (syncproto.Identity, error) {
	t, err := s.Text()
	if err == nil && !syncproto.ValidIdentity(t) {
		err = s.Fail("%q is no identity", strict.Clip(t))
	}
	return syncproto.Identity(t), err
}

func readIdentities(s *strict.Scanner) ([]syncproto.Identity, error) {
	return readList(s, syncproto.MaxHeld, func() (syncproto.Identity, error) { return readIdentity(s) })
}

func readDevice(s *strict.Scanner) (syncproto.DeviceID, error) {
	t, err := s.Text()
	if err == nil && !schema.ValidID(t) {
		err = s.Fail("%q is no id of a device", strict.Clip(t))
	}
	return syncproto.DeviceID(t), err
}

func readRowID(s *strict.Scanner) (syncproto.RowID, error) {
	t, err := s.Text()
	if err == nil && !schema.ValidID(t) {
		err = s.Fail("%q is no id of a row", strict.Clip(t))
	}
	return syncproto.RowID(t), err
}

// readBytes reads bytes in base64url; none is an error.
func readBytes(s *strict.Scanner) ([]byte, error) {
	t, err := s.Text()
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(t)
	if err != nil || len(raw) == 0 {
		return nil, s.Fail("want bytes in base64url without padding")
	}
	return raw, nil
}

// readPrefix reads the prefix of a repair key.
func readPrefix(s *strict.Scanner) (string, error) {
	t, err := readText(s, 16)
	if err == nil && strings.Trim(t, "0123456789abcdef") != "" {
		err = s.Fail("%q is no prefix of hex digits", t)
	}
	return t, err
}

// readBucketID reads {"scope":…,"period":…}.
func readBucketID(s *strict.Scanner) (id syncproto.BucketID, err error) {
	err = s.Object(func(key string) error { return readBucketKey(s, key, &id) })
	return id, err
}

func readBucketKey(s *strict.Scanner, key string, id *syncproto.BucketID) (err error) {
	switch key {
	case "scope":
		id.Scope, err = readText(s, syncproto.MaxName)
	case "period":
		id.Period, err = readText(s, syncproto.MaxName)
	default:
		err = unknown(s, key)
	}
	return err
}

// packSums is the form of sums on the wire: eight bytes each, most significant first, in base64url.
func packSums(sums []uint64) string {
	raw := make([]byte, 0, 8*len(sums))
	for _, n := range sums {
		raw = binary.BigEndian.AppendUint64(raw, n)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func unpackSums(s *strict.Scanner, packed string) ([]uint64, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(packed)
	if err != nil || len(raw)%8 != 0 {
		return nil, s.Fail("sums are eight bytes each, in base64url without padding")
	}
	out := make([]uint64, len(raw)/8)
	for i := range out {
		out[i] = binary.BigEndian.Uint64(raw[8*i:])
	}
	return out, nil
}
