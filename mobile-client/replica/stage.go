package replica

import (
	"bytes"
	"context"
	"errors"
	"io"

	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// Frames of an answer whose checkpoint is far away are staged as lines, a stream for each answer: epochs and columns are named once
// an answer. A small answer is never staged: its frames wait in memory.

// stager writes the stream of one answer between two checkpoints. Every chunk is a zstd frame of its own: a reader of the stream takes
// them as one, and what is not written needs not be wiped either.
type stager struct {
	lines bytes.Buffer
	w     *codec.Writer
}

// newStager begins a stream with what the answer said before.
func newStager(w syncproto.Welcome, columns []syncproto.Columns) (*stager, error) {
	g := &stager{}
	g.w = codec.NewWriter(&g.lines)
	if err := g.w.Write(w); err != nil {
		return nil, err
	}
	for _, c := range columns {
		if err := g.w.Write(c); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// stage writes the frames since the last mark to the file; resume is the mark that makes them whole, "" when it has not come yet.
func (s *Session) stage(ctx context.Context, resume string) error {
	an := &s.answer
	if an.stager == nil {
		var err error
		if an.stager, err = newStager(an.welcome, an.columns); err != nil {
			return err
		}
	}
	for _, f := range an.frames {
		if c, ok := f.(syncproto.Columns); ok {
			an.columns = append(an.columns, c)
		}
		if err := an.stager.w.Write(f); err != nil {
			return err
		}
	}
	an.frames = an.frames[:0]
	if err := an.stager.w.Flush(); err != nil {
		return err
	}
	chunk, err := squeeze(an.stager.lines.Bytes())
	if err != nil {
		return err
	}
	err = s.write(ctx, func() error {
		c := s.r.w
		if err := c.exec(`INSERT INTO mq_stage (answer, whole, frames) VALUES (?, ?, ?)`, an.stream, resume != "", chunk); err != nil {
			return err
		}
		if resume == "" {
			return nil
		}
		if err := c.exec(`UPDATE mq_stage SET whole = 1 WHERE whole = 0`); err != nil {
			return err
		}
		if err := s.stagedRows(); err != nil {
			return err
		}
		return (&meta{c: c}).set("resume", resume)
	})
	an.stager.lines.Reset()
	if err == nil && resume != "" {
		an.result.Marks++
	}
	return err
}

func squeeze(lines []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := codec.CompressQuickly(&out)
	if err != nil {
		return nil, err
	}
	_, err = z.Write(lines)
	err = errors.Join(err, z.Close())
	return out.Bytes(), err
}

// replay gives every frame of the cut in order: what was staged, then what waits in memory.
func (s *Session) replay(f func(syncproto.Frame) error) error {
	var streams []int64
	var n int64
	err := s.r.w.each(`SELECT DISTINCT answer FROM mq_stage ORDER BY answer`, nil, []any{&n}, func() error {
		streams = append(streams, n)
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range streams {
		if err := s.replayStream(n, f); err != nil {
			return err
		}
	}
	for _, c := range s.answer.columns {
		if err := f(c); err != nil {
			return err
		}
	}
	for _, frame := range s.answer.frames {
		if err := f(frame); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) replayStream(stream int64, f func(syncproto.Frame) error) error {
	in := &chunks{c: s.r.w, stream: stream}
	plain, err := codec.Decompress(codec.EncodingZstd, in, syncproto.MaxAnswerBytes)
	if err != nil {
		return err
	}
	defer plain.Close()
	frames := codec.NewReader(plain, s.r.book, codec.Limits{})
	for {
		frame, err := frames.Next()
		if err != nil && errors.Is(in.err, io.EOF) {
			return nil // a stage ends without an end
		}
		if err != nil {
			return errors.Join(err, in.err)
		}
		if err := f(frame); err != nil {
			return err
		}
	}
}

// chunks reads the chunks of one stream one after the other.
type chunks struct {
	c      *conn
	stream int64
	ord    int64
	rest   []byte
	err    error
}

func (k *chunks) Read(p []byte) (int, error) {
	for len(k.rest) == 0 && k.err == nil {
		found, err := k.c.one(`SELECT ord, frames FROM mq_stage WHERE answer = ? AND ord > ? ORDER BY ord LIMIT 1`, []any{k.stream, k.ord}, &k.ord, &k.rest)
		if err != nil {
			k.err = err
		} else if !found {
			k.err = io.EOF
		}
	}
	n := copy(p, k.rest)
	k.rest = k.rest[n:]
	if n > 0 {
		return n, nil
	}
	return 0, k.err
}
