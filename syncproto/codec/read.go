package codec

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/internal/strict"
)

// Limits bound what a Reader takes; a zero field stands for the limit of syncproto.
type Limits struct {
	FrameBytes int
	Frames     int
	Changes    int
}

// Reader reads the frames of one request or answer.
type Reader struct {
	in        *bufio.Reader
	book      *schema.Book
	limits    Limits
	device    syncproto.DeviceID
	epoch     syncproto.EpochID // of the Welcome: rows name theirs only when it differs
	long      []byte            // a line longer than the buffer of in
	frames    int
	changes   int
	testimony int // rows testified to so far
	seen      stage
	columns   map[string]*header
	last      *header
	at        syncproto.BucketID
	inside    bool
	states    []syncproto.BucketState // of lines that came before their checkpoint
}

// stage is how far a stream has got.
type stage byte

const (
	fresh stage = iota
	inRequest
	inAnswer
	ended
)

// header is a Columns frame, with the kinds of the columns that the book knows.
type header struct {
	table string
	names []string
	kinds []schema.Kind // KindNull where the book does not know the column
}

// gatherBytes is how much a Reader takes at a time. Most streams are short, and longer lines are put together: a larger buffer would be cleared, and
// collected, for nothing.
const gatherBytes = 16 << 10

// NewReader reads frames from plain (decompressed) in. Values are read by book; tables and columns that it does not know are carried
// through. A nil book knows nothing: cells of changes stay raw.
func NewReader(in io.Reader, book *schema.Book, limits Limits) *Reader {
	if limits.FrameBytes == 0 {
		limits.FrameBytes = syncproto.MaxFrameBytes
	}
	if limits.Frames == 0 {
		limits.Frames = syncproto.MaxFrames
	}
	if limits.Changes == 0 {
		limits.Changes = syncproto.MaxChanges
	}
	return &Reader{in: bufio.NewReaderSize(in, gatherBytes), book: book, limits: limits, columns: map[string]*header{}}
}

// ForDevice says whose request is read: a Hello may leave its device out, and may name no other.
func (r *Reader) ForDevice(id syncproto.DeviceID) { r.device = id }

// Next returns the next frame, io.EOF after End or Failure. When the stream breaks off before, the error has CodeUnavailable; every
// frame returned so far was whole and stands.
func (r *Reader) Next() (syncproto.Frame, error) {
	for {
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		f, err := r.parse(line)
		if err != nil {
			return nil, r.fault(err)
		}
		if f != nil {
			return f, nil
		}
	}
}

// line returns the next line without its end. It is valid until the next call.
func (r *Reader) line() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if r.seen == ended {
			if len(part) > 0 {
				return nil, r.fault(errors.New("something follows the last frame"))
			}
			if errors.Is(err, io.EOF) {
				return nil, io.EOF
			}
		}
		if len(r.long)+len(part) > r.limits.FrameBytes {
			return nil, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: r.op(), Message: syncproto.Both(fmt.Sprintf("第 %d 行太长。", r.frames+1), fmt.Sprintf("Line %d is too long.", r.frames+1)),
				Hint: syncproto.Both(fmt.Sprintf("一行最多 %d 字节。", r.limits.FrameBytes), fmt.Sprintf("A line has at most %d bytes.", r.limits.FrameBytes))}
		}
		switch {
		case err == nil && len(r.long) == 0:
			return part[:len(part)-1], r.count()
		case err == nil:
			r.long = append(r.long, part...)
			return r.long[:len(r.long)-1], r.count()
		case errors.Is(err, bufio.ErrBufferFull):
			r.long = append(r.long, part...)
		default:
			return nil, r.broken(err)
		}
	}
}

func (r *Reader) count() error {
	r.frames++
	if r.frames > r.limits.Frames {
		return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: r.op(), Message: syncproto.Both("一次同步的行数太多。", "Too many lines in one sync."),
			Hint: syncproto.Both(fmt.Sprintf("最多 %d 行；分几次同步。", r.limits.Frames), fmt.Sprintf("At most %d lines; sync in parts.", r.limits.Frames))}
	}
	return nil
}

// broken is the error for a stream that ends too early; errors of our own kind (a bomb, a wrong hash) pass as they are.
func (r *Reader) broken(err error) error {
	var own *syncproto.Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: r.op(), Message: syncproto.Both("连接中途断了，已收到的都留着。", "The connection broke; what arrived is kept."),
		Hint: syncproto.Both("稍后会自动接着同步。", "The next sync goes on from there."), Err: err}
}

// fault is the error for a line that breaks the protocol.
func (r *Reader) fault(err error) error {
	var own *syncproto.Error
	if errors.As(err, &own) {
		out := *own
		out.Op = r.op() + ": " + own.Op
		return &out
	}
	what := err.Error()
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: r.op(), Message: syncproto.Both(fmt.Sprintf("第 %d 行不合协议。", r.frames), fmt.Sprintf("Line %d breaks the protocol: %s.", r.frames, what)),
		Hint: syncproto.Both("这是程序的问题，请升级客户端或报告。", "This is a fault of the program: upgrade it, or report it."), Err: err}
}

func (r *Reader) op() string { return fmt.Sprintf("read frame %d", r.frames) }

// parse reads one line; the frame is nil for lines that only prepare the next.
func (r *Reader) parse(line []byte) (syncproto.Frame, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("the line is not UTF-8")
	}
	s := strict.New(string(line), syncproto.MaxDepth)
	if s.Peek() == '[' {
		if r.seen != inAnswer {
			return nil, errors.New("a row stands only in an answer, after welcome")
		}
		row, err := r.row(s)
		if err != nil {
			return nil, err
		}
		return row, s.End()
	}
	var f syncproto.Frame
	var kind string
	err := s.Object(func(key string) (err error) {
		if kind != "" {
			return s.Fail("a frame has one key, its kind")
		}
		kind = key
		if err = r.allowed(key); err != nil {
			return err
		}
		f, err = r.frame(s, key)
		return err
	})
	if err == nil {
		err = s.End()
	}
	if err == nil && kind == "" {
		err = errors.New("a frame without a kind")
	}
	return f, err
}

// The kinds of frame and where they may stand.
const (
	requestKinds = " held probe testimony change end "
	answerKinds  = " head verdict columns bucket at gone forget mark ranges states checkpoint failure end "
)

func (r *Reader) allowed(kind string) error {
	ok := false
	switch r.seen {
	case fresh:
		ok = kind == "hello" || kind == "welcome" || kind == "failure"
	case inRequest:
		ok = listed(requestKinds, kind)
	case inAnswer:
		ok = listed(answerKinds, kind)
	}
	if !ok {
		return fmt.Errorf("no frame of kind %q may stand here", strict.Clip(kind))
	}
	return nil
}

func (r *Reader) frame(s *strict.Scanner, kind string) (syncproto.Frame, error) {
	switch kind {
	case "hello":
		r.seen = inRequest
		return r.hello(s)
	case "welcome":
		r.seen = inAnswer
		w, err := readWelcome(s)
		r.epoch = w.Epoch
		return w, err
	case "held":
		return readHeld(s)
	case "probe":
		return readProbe(s)
	case "testimony":
		if r.testimony++; r.testimony > syncproto.MaxTestimony {
			return nil, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "testimony", Message: syncproto.Both("一次交的作证内容太多。", "Too much testimony in one request."),
				Hint: syncproto.Both(fmt.Sprintf("每次最多 %d 行。", syncproto.MaxTestimony), fmt.Sprintf("At most %d rows at a time.", syncproto.MaxTestimony))}
		}
		return r.readTestimony(s)
	case "change":
		if r.changes++; r.changes > r.limits.Changes {
			return nil, &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "push", Message: syncproto.Both("一次上传的改动太多。", "Too many changes in one push."),
				Hint: syncproto.Both(fmt.Sprintf("每次最多 %d 处。", r.limits.Changes), fmt.Sprintf("At most %d at a time.", r.limits.Changes))}
		}
		return r.change(s)
	case "head":
		return readHead(s)
	case "verdict":
		return readVerdict(s)
	case "columns":
		return r.readColumns(s)
	case "bucket":
		b, err := readBucket(s)
		r.at, r.inside = b.ID, true
		return b, err
	case "at":
		id, err := readBucketID(s)
		r.at, r.inside = id, true
		return nil, err
	case "gone":
		return r.gone(s)
	case "forget":
		return readForget(s)
	case "mark":
		return readMark(s)
	case "ranges":
		return readRanges(s)
	case "states":
		return nil, r.readStates(s)
	case "checkpoint":
		return r.checkpoint(s)
	case "failure":
		r.seen = ended
		return readFailure(s)
	case "end":
		r.seen = ended
		return r.end(s)
	}
	return nil, s.Fail("no frame of kind %q", strict.Clip(kind))
}
