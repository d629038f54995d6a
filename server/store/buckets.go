package store

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"minqing/syncproto"
)

// Bucket is the count and digests of the living rows of one bucket. Digests has one entry for each since-version of the newest
// book that wrote here, ascending.
type Bucket struct {
	ID      syncproto.BucketID
	Rows    int64
	Digests []syncproto.Digest
}

// Buckets reads all buckets of scopes, in the order of their names.
func (tx *Tx) Buckets(scopes []string) ([]Bucket, error) {
	if len(scopes) == 0 {
		return nil, nil
	}
	var out []Bucket
	err := tx.Each(func(scan func(...any) error) error {
		var b Bucket
		var digests string
		if err := scan(&b.ID.Scope, &b.ID.Period, &b.Rows, &digests); err != nil {
			return err
		}
		var err error
		b.Digests, err = parseDigests(digests)
		out = append(out, b)
		return err
	}, "SELECT scope, period, rows, digests FROM mq_bucket WHERE scope = ANY(?) ORDER BY scope, period", scopes)
	return out, err
}

// CountRows counts the living rows of some tables, by bucket.
func (tx *Tx) CountRows(scopes, tables []string) (map[syncproto.BucketID]int64, error) {
	out := map[syncproto.BucketID]int64{}
	if len(scopes) == 0 || len(tables) == 0 {
		return out, nil
	}
	err := tx.Each(func(scan func(...any) error) error {
		var id syncproto.BucketID
		var n int64
		err := scan(&id.Scope, &id.Period, &n)
		out[id] = n
		return err
	}, "SELECT scope, period, COUNT(*) FROM mq_row WHERE scope = ANY(?) AND tbl = ANY(?) AND dead = 0 GROUP BY scope, period", scopes, tables)
	return out, err
}

// SaveBuckets writes buckets. Those of one scope are only ever written under the lock of its root's stream.
func (tx *Tx) SaveBuckets(buckets []Bucket) error {
	slices.SortFunc(buckets, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(a.ID.Scope, b.ID.Scope), cmp.Compare(a.ID.Period, b.ID.Period))
	})
	out := make([][]any, len(buckets))
	for i, b := range buckets {
		out[i] = []any{b.ID.Scope, b.ID.Period, b.Rows, formatDigests(b.Digests)}
	}
	return tx.insertMany("mq_bucket", "scope,period,rows,digests", "text,text,bigint,text",
		"ON CONFLICT (scope, period) DO UPDATE SET rows = excluded.rows, digests = excluded.digests", out)
}

// formatDigests writes each digest as 32 hex digits, high limb first, with commas between.
func formatDigests(ds []syncproto.Digest) string {
	out := make([]byte, 0, len(ds)*(digestDigits+1))
	for i, d := range ds {
		if i > 0 {
			out = append(out, ',')
		}
		var raw [digestDigits / 2]byte
		binary.BigEndian.PutUint64(raw[:], d.Hi)
		binary.BigEndian.PutUint64(raw[8:], d.Lo)
		out = hex.AppendEncode(out, raw[:])
	}
	return string(out)
}

const digestDigits = 32

// parseDigests reads what formatDigests wrote. A sync of a phone that holds a town reads thousands: nothing here is scanned by a format.
func parseDigests(s string) ([]syncproto.Digest, error) {
	if s == "" {
		return nil, nil
	}
	out := make([]syncproto.Digest, 0, (len(s)+1)/(digestDigits+1))
	for part := range strings.SplitSeq(s, ",") {
		var raw [digestDigits / 2]byte
		if len(part) != digestDigits {
			return nil, fmt.Errorf("store: digest %q has %d digits, not %d", part, len(part), digestDigits)
		}
		if _, err := hex.Decode(raw[:], []byte(part)); err != nil {
			return nil, fmt.Errorf("store: digest %q: %w", part, err)
		}
		out = append(out, syncproto.Digest{Hi: binary.BigEndian.Uint64(raw[:]), Lo: binary.BigEndian.Uint64(raw[8:])})
	}
	return out, nil
}

// ScopeSeq is the newest seq that a stream has in a scope.
type ScopeSeq struct {
	Scope, Stream string
	Seq           int64
}

// ScopeSeqs reads the newest seqs of scopes.
func (tx *Tx) ScopeSeqs(scopes []string) ([]ScopeSeq, error) {
	if len(scopes) == 0 {
		return nil, nil
	}
	var out []ScopeSeq
	err := tx.Each(func(scan func(...any) error) error {
		var s ScopeSeq
		if err := scan(&s.Scope, &s.Stream, &s.Seq); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	}, "SELECT scope, stream, seq FROM mq_scope WHERE scope = ANY(?) ORDER BY scope, stream", scopes)
	return out, err
}

// ScopesSince reads which scopes have something of streams after a seq of each, whoever may see them; at most limit, in no order.
func (tx *Tx) ScopesSince(after map[string]int64, limit int) ([]ScopeSeq, error) {
	var out []ScopeSeq
	take := func(scan func(...any) error) error {
		var s ScopeSeq
		err := scan(&s.Scope, &s.Stream, &s.Seq)
		out = append(out, s)
		return err
	}
	streams := slices.Sorted(maps.Keys(after))
	if tx.ses.dialect == postgresDialect && len(streams) > 1 { // one way there and back, however many phones pushed meanwhile
		seqs := make([]int64, len(streams))
		for i, id := range streams {
			seqs[i] = after[id]
		}
		return out, tx.Each(take, `SELECT s.scope, s.stream, s.seq FROM unnest(?::text[], ?::bigint[]) w(stream, seq), mq_scope s
			WHERE s.stream = w.stream COLLATE "C" AND s.seq > w.seq LIMIT ?`, streams, seqs, int64(limit))
	}
	for _, id := range streams {
		if err := tx.Each(take, "SELECT scope, stream, seq FROM mq_scope WHERE stream = ? AND seq > ? LIMIT ?", id, after[id], int64(limit-len(out))); err != nil || len(out) == limit {
			return out, err
		}
	}
	return out, nil
}

// SaveScopeSeqs writes newest seqs.
func (tx *Tx) SaveScopeSeqs(seqs []ScopeSeq) error {
	slices.SortFunc(seqs, func(a, b ScopeSeq) int { return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Stream, b.Stream)) })
	out := make([][]any, len(seqs))
	for i, s := range seqs {
		out[i] = []any{s.Scope, s.Stream, s.Seq}
		tx.Touch(s.Scope)
	}
	return tx.insertMany("mq_scope", "scope,stream,seq", "text,text,bigint", "ON CONFLICT (scope, stream) DO UPDATE SET seq = excluded.seq", out)
}
