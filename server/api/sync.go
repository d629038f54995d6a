package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"minqing/server/auth"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// mediaType is that of both bodies of a sync.
const mediaType = "application/x-ndjson"

// handleSync is POST /v1/sync. The body is read whole before anything is taken from it: its signature covers all of it. It is small,
// being compressed and bounded; the answer is a stream.
func (s *Server) handleSync(c echo.Context) error {
	r := c.Request()
	if r.ContentLength > syncproto.MaxBodyBytes {
		return tooLarge(nil)
	}
	room := r.ContentLength
	if room < 0 {
		room = syncproto.MaxBodyBytes
	}
	place, err := s.gate.enter(r.Context(), room)
	if err != nil {
		return err
	}
	defer place.leave()
	body, err := readBody(r, syncproto.MaxBodyBytes)
	if err != nil {
		return err
	}
	who, err := s.identify(c, body)
	if err != nil {
		return err
	}
	if err := place.grow(codec.Window(r.Header.Get(echo.HeaderContentEncoding), body)); err != nil {
		return err
	}
	plain, err := codec.Decompress(r.Header.Get(echo.HeaderContentEncoding), bytes.NewReader(body), syncproto.MaxRequestBytes)
	if err != nil {
		return cutShort(err)
	}
	defer plain.Close()
	out := &answer{w: c.Response(), encoding: choose(r.Header.Get(echo.HeaderAcceptEncoding)), verdicts: map[syncproto.Status]int{}}
	in := codec.NewReader(&unpacking{in: plain, place: place}, s.cfg.Book, codec.Limits{})
	in.ForDevice(who.Device)
	err = s.cfg.Exchange.Sync(r.Context(), who, r.Header.Get(syncproto.NamesHeader) != "", in, out)
	s.metrics.count(out)
	if !out.begun {
		return cutShort(err)
	}
	// The answer is on its way: what went wrong was sent as a frame, or the link broke. Either is for the log.
	if err := errors.Join(err, out.close()); err != nil {
		s.cfg.Log.Info("sync ended early", "trace", traceOf(c), "device", who.Device, "error", err.Error())
	}
	return nil
}

// cutShort names a body that was sent whole and ends amid what it holds: no link broke, the client wrote it so.
func cutShort(err error) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "sync", Message: syncproto.Both("请求的内容不完整。", "The body ends amid its contents."), Hint: syncproto.Both("再传一次就行。", "Send it again."), Err: err}
}

func tooLarge(cause error) error {
	return &syncproto.Error{Code: syncproto.CodeTooLarge, Op: "sync", Message: syncproto.Both("一次传的内容太多。", "The request is too large."),
		Hint: syncproto.Both("分几次传。", "Send it in several pushes."), Err: cause}
}

func readBody(r *http.Request, most int64) ([]byte, error) {
	// A length that was told is taken at once: growing as bytes come would hold twice as many. The gate has room for it.
	held := bytes.NewBuffer(make([]byte, 0, max(0, min(r.ContentLength, most))+bytes.MinRead))
	_, err := held.ReadFrom(http.MaxBytesReader(nil, r.Body, most))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge(err)
	}
	if err != nil {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "read body", Message: syncproto.Both("请求没有传完。", "The request broke off."), Hint: syncproto.Both("再传一次就行。", "Send it again."), Err: err}
	}
	return held.Bytes(), nil
}

// identify says who sent the request; its body must be given as sent.
func (s *Server) identify(c echo.Context, body []byte) (auth.Who, error) {
	return s.cfg.Auth.Identify(c.Request().Context(), c.Request(), body)
}

// smallAnswer is up to how many plain bytes an answer is held back and sent in one piece, uncompressed and with its length: most
// syncs have nothing new, and what frames and compression cost would double them.
const smallAnswer = 1 << 10

// answer is the frame sink of one response. Headers go out with the first bytes, so that what fails before them is a proper problem
// document with its own status.
type answer struct {
	w        *echo.Response
	encoding string
	begun    bool // a frame was taken
	held     bytes.Buffer
	squeeze  codec.WriteFlushCloser // nil while held back
	frames   *codec.Writer
	rows     int
	verdicts map[syncproto.Status]int
}

// Write takes a frame.
func (a *answer) Write(f syncproto.Frame) error {
	if !a.begun {
		a.begun = true
		a.frames = codec.NewWriter(lines{a})
	}
	switch f := f.(type) {
	case *syncproto.Row:
		a.rows++
	case *syncproto.Verdict:
		a.verdicts[f.Status]++
	}
	return a.frames.Write(f)
}

// Expect takes how many rows of whole buckets will come, and how many households with them. Where the headers are out already, the client goes
// without.
func (a *answer) Expect(rows, homes int) {
	if a.squeeze == nil {
		a.w.Header().Set(syncproto.HomesHeader, strconv.Itoa(homes))
		a.w.Header().Set(syncproto.RowsHeader, strconv.Itoa(rows))
	}
}

// Flush sends what was taken, once it is more than a small answer.
func (a *answer) Flush() error {
	if !a.begun {
		return nil
	}
	if err := a.frames.Flush(); err != nil || a.squeeze == nil {
		return err
	}
	if err := a.squeeze.Flush(); err != nil {
		return err
	}
	a.w.Flush()
	return nil
}

// line is where the lines go: held back first, then through the compressor.
func (a *answer) line(p []byte) (int, error) {
	if a.squeeze != nil {
		return a.squeeze.Write(p)
	}
	n, err := a.held.Write(p)
	if err != nil || a.held.Len() <= smallAnswer {
		return n, err
	}
	h := a.w.Header()
	h.Set(echo.HeaderContentType, mediaType)
	if a.encoding != codec.EncodingPlain {
		h.Set(echo.HeaderContentEncoding, a.encoding)
	}
	a.w.WriteHeader(http.StatusOK)
	if a.squeeze, err = codec.Compress(a.encoding, a.w); err != nil {
		return 0, err
	}
	_, err = a.squeeze.Write(a.held.Bytes())
	return n, err
}

func (a *answer) close() error {
	if err := a.frames.Flush(); err != nil {
		return err
	}
	if a.squeeze != nil {
		return a.squeeze.Close()
	}
	h := a.w.Header()
	h["Date"] = nil // the welcome tells the time to the millisecond; what most syncs cost is headers
	h.Set(echo.HeaderContentType, mediaType)
	h.Set(echo.HeaderContentLength, strconv.Itoa(a.held.Len()))
	a.w.WriteHeader(http.StatusOK)
	_, err := a.w.Write(a.held.Bytes())
	return err
}

// lines is the io.Writer behind an answer's frames.
type lines struct{ a *answer }

func (l lines) Write(p []byte) (int, error) { return l.a.line(p) }

// choose picks the encoding of an answer: zstd where the client takes it, else gzip, else none.
func choose(accept string) string {
	best := codec.EncodingPlain
	for _, part := range strings.Split(accept, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") == "" && weight != "" {
			continue // q=0: not acceptable (RFC 9110, 12.4.2)
		}
		switch strings.TrimSpace(name) {
		case codec.EncodingZstd:
			return codec.EncodingZstd
		case codec.EncodingGzip:
			best = codec.EncodingGzip
		}
	}
	return best
}

func (m *metrics) count(a *answer) {
	m.rows.Add(float64(a.rows))
	for status, n := range a.verdicts {
		m.verdicts.WithLabelValues(string(status)).Add(float64(n))
	}
}

// maxSmallBody bounds the JSON bodies of enrolment and sign-in.
const maxSmallBody = 16 << 10

func decode(c echo.Context, into any) error {
	return decodeSmall(c.Request().Body, c.Path(), into)
}

func decodeSmall(in io.ReadCloser, path string, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, in, maxSmallBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "decode " + path, Message: syncproto.Both("请求的写法不对。", "The body is not what this address takes."),
			Hint: syncproto.Both("看 /v1/openapi.json。", "See /v1/openapi.json."), Err: err}
	}
	return nil
}

func (s *Server) handleEnrol(c echo.Context) error {
	var r syncproto.EnrolRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.cfg.Auth.Enrol(c.Request().Context(), r)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, out)
}

func (s *Server) handleChallenge(c echo.Context) error {
	var r syncproto.ChallengeRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.cfg.Auth.Challenge(r)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) handleToken(c echo.Context) error {
	var r syncproto.TokenRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.cfg.Auth.Token(c.Request().Context(), r)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}
