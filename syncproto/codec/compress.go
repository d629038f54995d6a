package codec

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"minqing/syncproto"
)

// The content encodings, as HTTP names them. "" and EncodingPlain are the same.
const (
	EncodingZstd  = "zstd"
	EncodingGzip  = "gzip"
	EncodingPlain = "identity"
)

// Both sides make many short streams; an encoder costs a megabyte to make, so they are kept.
var (
	encoders      = sync.Pool{}
	quickEncoders = sync.Pool{}
	decoders      = sync.Pool{}
)

// Compress gives a writer that compresses into w; closing it ends the stream and leaves w open.
func Compress(encoding string, w io.Writer) (WriteFlushCloser, error) {
	switch encoding {
	case EncodingZstd:
		return encoder(&encoders, w, zstd.SpeedDefault)
	case EncodingGzip:
		return gzip.NewWriter(w), nil
	case "", EncodingPlain:
		return plainWriter{w}, nil
	}
	return nil, unknownEncoding(encoding)
}

// CompressQuickly compresses by zstd with the least work: for what stays on the device and is soon gone.
func CompressQuickly(w io.Writer) (WriteFlushCloser, error) {
	return encoder(&quickEncoders, w, zstd.SpeedFastest)
}

func encoder(kept *sync.Pool, w io.Writer, level zstd.EncoderLevel) (WriteFlushCloser, error) {
	if enc, ok := kept.Get().(*zstd.Encoder); ok {
		enc.Reset(w)
		return &pooledEncoder{enc, kept}, nil
	}
	enc, err := zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(syncproto.WindowBytes),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	return &pooledEncoder{enc, kept}, nil
}

// WriteFlushCloser is a compressor: Flush hands on what has been written so far.
type WriteFlushCloser interface {
	io.WriteCloser
	Flush() error
}

type plainWriter struct{ io.Writer }

func (plainWriter) Flush() error { return nil }
func (plainWriter) Close() error { return nil }

type pooledEncoder struct {
	*zstd.Encoder
	kept *sync.Pool
}

func (p *pooledEncoder) Close() error {
	if p.Encoder == nil {
		return nil
	}
	err := p.Encoder.Close()
	p.Reset(nil)
	p.kept.Put(p.Encoder)
	p.Encoder = nil
	return err
}

func unknownEncoding(encoding string) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "content encoding", Message: syncproto.Both(fmt.Sprintf("不认识压缩方式 %q。", encoding), fmt.Sprintf("Unknown content encoding %q.", encoding)),
		Hint: syncproto.Both("用 zstd、gzip 或不压缩。", "Use zstd, gzip or none.")}
}

// Decompress gives a reader of what r holds in the encoding. It never gives more than most bytes, then fails with CodeTooLarge; the
// memory it takes is bounded by the window, whatever the stream asks for. Close it to give its buffers back; r stays open.
func Decompress(encoding string, r io.Reader, most int64) (io.ReadCloser, error) {
	src := &source{in: r}
	switch encoding {
	case EncodingZstd:
		dec, err := zstdReader(src)
		if err != nil {
			return nil, src.sort(err)
		}
		return &bounded{in: dec, src: src, left: most, most: most, close: func() error {
			// A decoder must let go of r before it is kept.
			if err := dec.Reset(nil); err != nil {
				return fmt.Errorf("codec: %w", err)
			}
			decoders.Put(dec)
			return nil
		}}, nil
	case EncodingGzip:
		dec, err := gzip.NewReader(src)
		if err != nil {
			return nil, src.sort(err)
		}
		// Closing it would only say again how reading ended.
		return &bounded{in: dec, src: src, left: most, most: most, close: func() error { return nil }}, nil
	case "", EncodingPlain:
		return &bounded{in: src, src: src, left: most, most: most, close: func() error { return nil }}, nil
	}
	return nil, unknownEncoding(encoding)
}

// Window is what decompressing a body holds of what came out of it, by what the body says at its beginning: for a server that counts its memory.
func Window(encoding string, body []byte) int64 {
	const flate = 64 << 10
	var h zstd.Header
	switch {
	case encoding == EncodingGzip:
		return flate
	case encoding != EncodingZstd || h.Decode(body) != nil:
		return 0 // what cannot be read takes nothing
	}
	return int64(min(max(h.WindowSize, flate), 8*syncproto.WindowBytes))
}

func zstdReader(r io.Reader) (*zstd.Decoder, error) {
	if dec, ok := decoders.Get().(*zstd.Decoder); ok {
		return dec, dec.Reset(r)
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8*syncproto.WindowBytes),
		zstd.WithDecoderMaxMemory(64<<20))
}

// source remembers how the compressed stream itself ended: a link that broke is told from a body that is garbled.
type source struct {
	in  io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err != nil {
		s.err = err
	}
	return n, err
}

// sort gives the error that reading a compressed stream ended with its place among the codes.
func (s *source) sort(err error) error {
	switch {
	case s.err != nil && !errors.Is(s.err, io.EOF):
		return s.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "decompress", Message: syncproto.Both("压缩窗口太大。", "The window of the compressed stream is too large."),
			Hint: syncproto.Both("zstd 窗口最大 8 MiB。", "A zstd window has at most 8 MiB."), Err: err}
	}
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "decompress", Message: syncproto.Both("压缩的内容坏了。", "The compressed body is garbled."),
		Hint: syncproto.Both("重新发送。", "Send it again."), Err: err}
}

// bounded stops a bomb: it reads one byte past the limit to tell a stream that fits from one that does not.
type bounded struct {
	in         io.Reader
	src        *source
	left, most int64
	close      func() error
	closed     bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.closed {
		return 0, errors.New("codec: read after close")
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.in.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "decompress", Message: syncproto.Both(fmt.Sprintf("解压后超过 %d 字节。", b.most), fmt.Sprintf("More than %d bytes after decompression.", b.most)),
			Hint: syncproto.Both("分几次同步。", "Sync in parts.")}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.src.sort(err)
	}
	return n, err
}

func (b *bounded) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	return b.close()
}
