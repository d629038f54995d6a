package syncer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
	"minqing/syncproto/codec"
	"minqing/syncproto/courier"
)

// LearnKeys fetches the server's keys for what is carried by hand and for what only the server may read, unless the file has them.
func (s *Syncer) LearnKeys(ctx context.Context) error {
	d, err := s.opt.Replica.Device(ctx)
	if err != nil || d.Keys != (courier.Keys{}) {
		return err
	}
	k, err := fetchKeys(ctx, s.opt.Transport, d.Server)
	if err != nil {
		return err
	}
	return s.opt.Replica.LearnKeys(ctx, k)
}

func fetchKeys(ctx context.Context, transport http.RoundTripper, server string) (k courier.Keys, err error) {
	req, err := newRequest(ctx, http.MethodGet, server, "/v1/courier/key", nil)
	if err != nil {
		return k, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return k, broken(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return k, problem(resp)
	}
	const most = 16 << 10
	if err := json.NewDecoder(io.LimitReader(resp.Body, most)).Decode(&k); err != nil {
		return k, broken(errors.Join(err, strange(resp)))
	}
	return k, nil
}

// Bundle writes the outbox as a file for the server that anybody can carry and nobody on the way can read; it tells how many changes
// are in it, and how many did not fit: those are for another, once the receipt of this one came. All stay in the outbox until a verdict
// comes, by whatever way.
func (s *Syncer) Bundle(ctx context.Context, now int64, w io.Writer) (changes, waiting int, err error) {
	p, err := s.Pack(ctx, now)
	if err != nil {
		return 0, 0, err
	}
	_, err = w.Write(p.File)
	return len(p.Changes), p.Waiting, err
}

// Packed is a bundle as it was written.
type Packed struct {
	File    []byte
	Of      string // what its receipt will name
	Changes []syncproto.Identity
	Waiting int // changes that did not fit
}

// Pack is Bundle, with what one needs to know its receipt by.
func (s *Syncer) Pack(ctx context.Context, now int64) (*Packed, error) {
	d, err := s.opt.Replica.Device(ctx)
	if err != nil {
		return nil, err
	}
	hello, list, waiting, err := s.outbox(ctx, pushChanges, pushBytes)
	if err != nil {
		return nil, err
	}
	out := &Packed{Waiting: waiting}
	for _, c := range list {
		out.Changes = append(out.Changes, c.Identity())
	}
	out.File, out.Of, err = pack(d, hello, list, waiting, now)
	return out, err
}

// outbox gives what a bundle says of the device, and up to most changes that have no verdict.
func (s *Syncer) outbox(ctx context.Context, most, bytes int) (hello syncproto.Hello, changes []*syncproto.Change, waiting int, err error) {
	session, err := s.opt.Replica.Begin(ctx)
	if err != nil {
		return hello, nil, 0, err
	}
	if hello, err = session.Hello(ctx); err == nil {
		hello.Protocol, hello.Client, hello.Resume = syncproto.ProtocolVersion, s.opt.Client, ""
		changes, waiting, err = session.Outbox(ctx, most, bytes)
	}
	return hello, changes, waiting, errors.Join(err, session.Close(ctx))
}

// pack signs and encrypts one bundle; of is what its receipt will name.
func pack(d replica.Device, hello syncproto.Hello, changes []*syncproto.Change, waiting int, now int64) (file []byte, of string, err error) {
	if d.Keys.Recipient == "" {
		return nil, "", &syncproto.Error{Code: syncproto.CodeUnavailable, Op: "bundle", Message: syncproto.Both("手机还没有取到服务器的公钥。", "The server's public key was never fetched."),
			Hint: syncproto.Both("联网同步一次再导出。", "Sync once, then export.")}
	}
	hello.Waiting = waiting
	frames := []syncproto.Frame{hello}
	for _, c := range changes {
		frames = append(frames, c)
	}
	body, err := encode(frames)
	if err != nil {
		return nil, "", err
	}
	private, err := courier.ReplyKey(keyOf(d))
	if err != nil {
		return nil, "", err
	}
	reply, err := courier.PublicKey(private)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	b := courier.Bundle{Device: d.ID, Made: now, Reply: reply, Names: d.Keys.Names, Encoding: encodingOf(body), Body: body}
	err = courier.PackBundle(&out, d.Keys.Recipient, keyOf(d), b)
	return out.Bytes(), courier.BodyHash(body), err
}

// Carry hands in a bundle, one's own or another device's, and gives the receipt to take back.
func (s *Syncer) Carry(ctx context.Context, bundle []byte) (receipt []byte, err error) {
	resp, err := s.send(ctx, http.MethodPost, "/v1/courier", bundle, http.Header{"Content-Type": {bundleType}})
	if err != nil {
		return nil, err
	}
	return takeReceipt(resp)
}

const bundleType = "application/octet-stream"

func takeReceipt(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, problem(resp)
	}
	receipt, err := io.ReadAll(io.LimitReader(resp.Body, courier.MaxFile))
	if err != nil {
		return nil, broken(err)
	}
	return receipt, nil
}

// Receipt takes what a carrier brought back: the same verdicts as a sync would have brought.
func (s *Syncer) Receipt(ctx context.Context, in io.Reader) (Report, error) {
	rep := Report{Verdicts: map[syncproto.Status]int{}}
	d, err := s.opt.Replica.Device(ctx)
	if err != nil {
		return rep, err
	}
	private, err := courier.ReplyKey(keyOf(d))
	if err != nil {
		return rep, err
	}
	text, _ := strings.CutPrefix(d.Keys.Receipts, syncproto.AlgEd25519+" ")
	public, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return rep, broken(err)
	}
	r, err := courier.OpenReceipt(in, private, ed25519.PublicKey(public), d.ID)
	if err != nil {
		return rep, err
	}
	rep.Of = r.Of
	answer, err := readReceipt(r, s.opt.Replica.Book())
	if err != nil {
		return rep, err
	}
	for _, v := range answer.verdicts {
		rep.Verdicts[v.Status]++
		rep.Told = append(rep.Told, v.Identity)
	}
	return rep, s.opt.Replica.Receipt(ctx, answer.now, answer.heads, answer.verdicts)
}

// receipt is what a receipt says.
type receipt struct {
	now      int64
	heads    []syncproto.Head
	verdicts []*syncproto.Verdict
}

func readReceipt(r *courier.Receipt, book *schema.Book) (*receipt, error) {
	plain, err := codec.Decompress(r.Encoding, bytes.NewReader(r.Body), syncproto.MaxAnswerBytes)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	out := &receipt{}
	in := codec.NewReader(plain, book, codec.Limits{})
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case syncproto.Welcome:
			out.now = f.Now
		case syncproto.Head:
			out.heads = append(out.heads, f)
		case *syncproto.Verdict:
			out.verdicts = append(out.verdicts, f)
		case syncproto.Failure:
			return nil, &syncproto.Error{Code: f.Code, Op: "receipt", Message: f.Message, Hint: f.Hint}
		}
	}
}
