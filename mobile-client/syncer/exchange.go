package syncer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"minqing/syncproto"
	"minqing/syncproto/codec"
)

const mediaType = "application/x-ndjson"

// request builds the body of one request and tells how many changes it carries.
func (r *run) request(ctx context.Context) (body []byte, pushed int, err error) {
	hello, err := r.session.Hello(ctx)
	if err != nil {
		return nil, 0, err
	}
	// The device goes without saying (the token names it), and the program was named when the token was asked for: a sync with
	// nothing new is mostly headers, and happens most.
	hello.Protocol, hello.Device = syncproto.ProtocolVersion, ""
	changes, waiting, err := r.session.Outbox(ctx, r.most, pushBytes)
	if err != nil {
		return nil, 0, err
	}
	hello.Waiting = waiting
	frames := []syncproto.Frame{hello}
	compares, err := r.session.Compares(ctx)
	if err != nil {
		return nil, 0, err
	}
	if r.held || compares || hello.Cursor == "" { // a phone that holds a town has a long list: it is read where it is needed
		held, err := r.session.Held(ctx)
		if err != nil {
			return nil, 0, err
		}
		if r.held || compares || len(held) > 0 {
			frames = append(frames, syncproto.Held{Buckets: held})
		}
	}
	probes, err := r.session.Probes(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range probes {
		frames = append(frames, p)
	}
	told, _, err := r.session.Testimony(ctx, syncproto.MaxTestimony, testimonyBytes)
	if err != nil {
		return nil, 0, err
	}
	for _, t := range told {
		frames = append(frames, t)
	}
	r.rep.Testified += len(told)
	for _, c := range changes {
		frames = append(frames, c)
	}
	r.pushing = changes
	body, err = encode(frames)
	return body, len(changes), err
}

// smallBody is from how many plain bytes on compression pays for its header.
const smallBody = 1 << 10

// encode writes a request as it travels, compressed when that is worth it.
func encode(frames []syncproto.Frame) ([]byte, error) {
	var plain bytes.Buffer
	w := codec.NewWriter(&plain)
	for _, f := range append(frames, syncproto.End{}) {
		if err := w.Write(f); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil || plain.Len() < smallBody {
		return plain.Bytes(), err
	}
	var out bytes.Buffer
	squeeze, err := codec.Compress(codec.EncodingZstd, &out)
	if err != nil {
		return nil, err
	}
	_, err = squeeze.Write(plain.Bytes())
	err = errors.Join(err, squeeze.Close()) // before its bytes are looked at
	return out.Bytes(), err
}

// encodingOf tells how encode wrote a body: a plain one begins with a frame.
func encodingOf(body []byte) string {
	if len(body) > 0 && body[0] == '{' {
		return codec.EncodingPlain
	}
	return codec.EncodingZstd
}

// exchange sends a request and takes its answer frame by frame.
func (r *run) exchange(ctx context.Context, body []byte) error {
	header := http.Header{"Content-Type": {mediaType}, "Accept-Encoding": {codec.EncodingZstd}, "User-Agent": {""}}
	keeps, err := r.session.Keeps(ctx)
	if err != nil {
		return err
	}
	if keeps { // a sync with nothing to hear of does without, as it is mostly headers
		header.Set(syncproto.NamesHeader, "1")
	}
	if encoding := encodingOf(body); encoding != codec.EncodingPlain {
		header.Set("Content-Encoding", encoding)
	}
	resp, err := r.s.send(ctx, http.MethodPost, "/v1/sync", body, header)
	r.rep.Sent += len(body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return problem(resp)
	}
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, mediaType) {
		return broken(strange(resp)) // a network's own page, say: 200 and HTML
	}
	counted := &counter{in: resp.Body}
	defer func() { r.rep.Received += counted.n }()
	plain, err := codec.Decompress(resp.Header.Get("Content-Encoding"), counted, syncproto.MaxAnswerBytes)
	if err != nil {
		return broken(err)
	}
	defer plain.Close()
	return r.answer(ctx, codec.NewReader(plain, r.s.opt.Replica.Book(), codec.Limits{}), coming{rows: expected(resp, syncproto.RowsHeader), homes: expected(resp, syncproto.HomesHeader)}, counted)
}

// coming is what an answer says that its whole buckets bring.
type coming struct{ rows, homes int }

// expected is a number of them; 0 when the answer says nothing.
func expected(resp *http.Response, header string) int {
	n, err := strconv.ParseUint(resp.Header.Get(header), 10, 31)
	if err != nil {
		return 0 // it is for a person to look at, and worth no error
	}
	return int(n)
}

// answer takes every frame that comes whole, whatever comes after it.
func (r *run) answer(ctx context.Context, in *codec.Reader, coming coming, received *counter) error {
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(err, r.session.Break(ctx))
		}
		switch f := f.(type) {
		case *syncproto.Verdict:
			r.rep.Verdicts[f.Status]++
			r.rep.Told = append(r.rep.Told, f.Identity)
		case syncproto.Failure:
			err := &failure{err: &syncproto.Error{Code: f.Code, Op: "sync", Message: f.Message, Hint: f.Hint, RetryAfter: f.RetryAfter}, ticket: f.Ticket}
			return errors.Join(err, r.session.Break(ctx))
		}
		if err := r.session.Take(ctx, f); err != nil {
			return err
		}
		if coming.rows > 0 {
			if err := r.filling(ctx, f, coming, received.n); err != nil {
				return err
			}
		}
	}
}

// filling tells how far the buckets have come that an answer brings.
func (r *run) filling(ctx context.Context, f syncproto.Frame, coming coming, received int) error {
	if _, begins := f.(syncproto.Welcome); begins {
		if err := r.session.Expect(ctx, coming.rows, coming.homes); err != nil {
			return err
		}
	}
	now := r.session.Filling(received)
	if r.s.opt.Filling != nil {
		r.s.opt.Filling(now)
	}
	return nil
}

// counter counts the bytes that came.
type counter struct {
	in io.Reader
	n  int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += n
	return n, err
}

// problem reads the error of an answer that has no frames.
func problem(resp *http.Response) error {
	const most = 64 << 10
	var p struct {
		Title      string         `json:"title"`
		Code       syncproto.Code `json:"code"`
		Hint       string         `json:"hint"`
		RetryAfter int            `json:"retryAfter"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return broken(err)
	}
	if json.Unmarshal(raw, &p) != nil || p.Code == "" {
		// Not our server's words: a proxy's, or a wrong address.
		e := &syncproto.Error{Code: syncproto.CodeUnavailable, Op: fmt.Sprintf("sync: status %d", resp.StatusCode), Message: syncproto.Both("服务器现在没有回应。", "The server does not answer now."),
			Hint: syncproto.Both("过一会儿再同步。", "Sync again later."), Err: strange(resp)}
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			e.RetryAfter = n
		}
		return e
	}
	return &syncproto.Error{Code: p.Code, Op: "sync", Message: p.Title, Hint: p.Hint, RetryAfter: p.RetryAfter}
}

// Strange is the cause of an error when something answered that is not our server: the sign-in page of a network, a proxy, another
// machine at the same address.
type Strange struct {
	Status int
	Page   bool // it sent a page for people
}

func (s *Strange) Error() string {
	return fmt.Sprintf("a strange answer: status %d, page %t", s.Status, s.Page)
}

func strange(resp *http.Response) *Strange {
	return &Strange{Status: resp.StatusCode, Page: strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")}
}

// broken is the error for a link that broke.
func broken(err error) error {
	if codeOf(err) != "" {
		return err
	}
	return &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "sync", Err: err, Message: syncproto.Both("连不上服务器。", "No connection to the server."),
		Hint: syncproto.Both("有信号时再同步；写下的都在。", "Sync when there is a signal; what you wrote is safe.")}
}

// send signs and sends a request under an access token.
func (s *Syncer) send(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	return s.signed(ctx, method, path, body, header, func(req *http.Request, token string) []byte {
		return syncproto.RequestText(method, req.URL.RequestURI(), token, body)
	})
}

// signed sends a request whose text, as the device signs it, is made once everything else stands.
func (s *Syncer) signed(ctx context.Context, method, path string, body []byte, header http.Header, text func(req *http.Request, token string) []byte) (*http.Response, error) {
	d, err := s.opt.Replica.Device(ctx)
	if err != nil {
		return nil, err
	}
	if s.token == "" {
		if s.token, err = s.signIn(ctx, d); err != nil {
			return nil, err
		}
	}
	req, err := newRequest(ctx, method, d.Server, path, body)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set(syncproto.SignatureHeader, syncproto.SignText(keyOf(d), text(req, s.token)))
	resp, err := s.opt.Transport.RoundTrip(req)
	if err != nil {
		return nil, broken(err)
	}
	return resp, nil
}

func newRequest(ctx context.Context, method, server, path string, body []byte) (*http.Request, error) {
	base, err := url.Parse(server)
	if err != nil || base.Host == "" {
		return nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "sync", Message: syncproto.Both("服务器地址不对。", "The address of the server is wrong: "+server+"."),
			Hint: syncproto.Both("请重新登记。", "Enrol again."), Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, method, base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, broken(err)
	}
	return req, nil
}
