package exchange

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"minqing/schema"
	"minqing/server/auth"
	"minqing/server/judge"
	"minqing/server/pull"
	"minqing/server/store"
	"minqing/syncproto"
)

// Source gives the frames of a request, io.EOF after the last.
type Source interface {
	Next() (syncproto.Frame, error)
}

// Terms are what devices are told of the city's settings.
type Terms struct {
	Grace time.Duration // how long late work is judged by the authority at capture
	Lease time.Duration // how long a replica may be used without contact
	Since int64         // when one of them last changed, server time
}

// Service runs syncs. All fields are required.
type Service struct {
	Store  *store.Store
	Book   *schema.Book
	Sealer *syncproto.Sealer
	Pull   *pull.Service
	Judge  *judge.Judge
	// Ticket makes an enrolment code for a device that must take a new id.
	Ticket func(ctx context.Context, user syncproto.UserID) (string, error)
	// Unbox puts their content back into changes that came in escrow boxes, and leaves out those that this server cannot open.
	Unbox func(device syncproto.DeviceID, changes []*syncproto.Change) ([]*syncproto.Change, error)
	Terms func() Terms // nil: none are told

	mu    sync.Mutex
	older map[int]*schema.Book // the rule book as older clients know it
}

// batchChanges bounds the changes of one push transaction: large enough that an outbox of weeks takes few commits, small enough
// that other devices are not kept waiting behind it.
const batchChanges = 256

// request is one sync as read.
type request struct {
	who    auth.Who
	hello  syncproto.Hello
	held   []syncproto.BucketID
	ledger *pull.Ledger // what is remembered of the device, instead of held
	asked  bool         // the device sent Held
	probes []syncproto.Probe
	names  bool // it reads the people of a verdict
	told   []*syncproto.Testimony
	// The request came in a bundle; of a device that was revoked meanwhile, nothing but its number stands against it.
	carried, revoked bool
	book             *schema.Book
	cursor           *syncproto.Cursor
	offer            int64 // the number of the epoch to which it offers what it has, 0: it does not
	resume           *syncproto.Resume
}

// Sync answers one request; names tells that the device reads the people of a verdict. An error before the first frame was written is for the caller to show; afterwards it was sent as a
// Failure frame and is returned for the log.
func (s *Service) Sync(ctx context.Context, who auth.Who, names bool, in Source, out pull.Sink) error {
	r, changes, err := s.read(who, in)
	if err != nil {
		return err
	}
	r.names = names
	ctx = store.Keyed(ctx)
	defer func() { s.Pull.Lay(r.ledger) }()
	welcome, err := s.check(ctx, r)
	if welcome == nil {
		return err
	}
	if errors.Is(err, errCopied) {
		err = s.copiedFile(ctx, r, changes)
	}
	if err != nil {
		return s.fail(out, *welcome, err)
	}
	course, err := s.begin(ctx, r)
	if err != nil {
		return s.fail(out, *welcome, err)
	}
	if err := s.testify(ctx, r); err != nil {
		return s.fail(out, *welcome, err)
	}
	welcome.Resumed = course.Resumed()
	if err := out.Write(*welcome); err != nil {
		return err
	}
	pushed, err := s.push(ctx, r, changes, out)
	if err == nil {
		err = course.Send(out, pushed)
	}
	if err != nil {
		return s.failure(out, err)
	}
	if err := out.Write(syncproto.End{}); err != nil {
		return err
	}
	return out.Flush()
}

// fail sends a Welcome and a Failure: the device must know the epoch that refused it.
func (s *Service) fail(out pull.Sink, w syncproto.Welcome, err error) error {
	if werr := out.Write(w); werr != nil {
		return errors.Join(err, werr)
	}
	return s.failure(out, err)
}

func (s *Service) failure(out pull.Sink, err error) error {
	if werr := out.Write(failureOf(err)); werr != nil {
		return errors.Join(err, werr)
	}
	return errors.Join(err, out.Flush())
}

func failureOf(err error) syncproto.Failure {
	f := syncproto.Failure{Code: syncproto.CodeInternal, Message: syncproto.Both("服务器出了问题，已经记下。", "The server had a problem and has noted it."), RetryAfter: 60}
	var known *refusal
	var ours *syncproto.Error
	switch {
	case errors.As(err, &known):
		f = known.failure
	case errors.As(err, &ours) && (ours.Message != "" || ours.Code != syncproto.CodeInternal):
		f = syncproto.Failure{Code: ours.Code, Message: ours.Message, Hint: ours.Hint, RetryAfter: ours.RetryAfter}
	}
	return f
}

// refusal is a failure that carries more than an error does.
type refusal struct{ failure syncproto.Failure }

func (r *refusal) Error() string {
	return string(r.failure.Code) + ": " + schema.OneLine(r.failure.Message)
}

func invalid(message, hint string) error {
	return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "sync", Message: message, Hint: hint}
}

// read takes the whole request apart. The body is in memory already, whole and verified, so changes are kept as they come.
func (s *Service) read(who auth.Who, in Source) (*request, []*syncproto.Change, error) {
	first, err := in.Next()
	if err != nil {
		return nil, nil, err
	}
	hello, ok := first.(syncproto.Hello)
	if !ok {
		return nil, nil, invalid(syncproto.Both("请求的第一行应是 hello。", "A request begins with a hello."), syncproto.Both("看 PROTOCOL.md 的 Frames 一节。", "See PROTOCOL.md, Frames."))
	}
	r := &request{who: who, hello: hello}
	if hello.Device != "" && hello.Device != who.Device {
		return nil, nil, &syncproto.Error{Code: syncproto.CodeForbidden, Op: "sync", Message: syncproto.Both("hello 里的设备不是令牌的设备。", "The hello names another device than the token.")}
	}
	if hello.Protocol != syncproto.ProtocolVersion {
		return nil, nil, &syncproto.Error{Code: syncproto.CodeUpgrade, Op: "sync", Message: syncproto.Both("这个版本太旧，服务器不再认识。", "This client is too old for the server."),
			Hint: syncproto.Both("照常记录，升级后再同步，一条不少。", "Go on recording; upgrade, then sync.")}
	}
	if r.book, err = s.bookOf(hello.Schema); err != nil {
		return nil, nil, err
	}
	var changes []*syncproto.Change
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil, invalid(syncproto.Both("请求没有传完。", "The request ends before its end frame."), syncproto.Both("再传一次就行。", "Send it again."))
		}
		if err != nil {
			return nil, nil, err
		}
		switch f := f.(type) {
		case syncproto.Held:
			r.held, r.asked = append(r.held, f.Buckets...), true
		case syncproto.Probe:
			r.probes = append(r.probes, f)
		case *syncproto.Testimony:
			r.told = append(r.told, f)
		case *syncproto.Change:
			changes = append(changes, f)
		case syncproto.End:
			if _, err := in.Next(); !errors.Is(err, io.EOF) {
				return nil, nil, err // something follows the end
			}
			changes, err = s.Unbox(who.Device, changes)
			return r, changes, err
		default:
			return nil, nil, invalid(syncproto.Both("请求里有不该有的行。", "A frame that has no place in a request."), syncproto.Both("看 PROTOCOL.md 的 Frames 一节。", "See PROTOCOL.md, Frames."))
		}
	}
}

// bookOf gives the rule book as a client of a schema version knows it: never more than this server knows.
func (s *Service) bookOf(version int) (*schema.Book, error) {
	if version >= s.Book.Version {
		return s.Book, nil
	}
	if version < 1 {
		return nil, invalid(syncproto.Both("schema 版本号不对。", "A schema version is 1 or more."), "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.older[version]; b != nil {
		return b, nil
	}
	b, err := s.Book.At(version)
	if err != nil {
		return nil, err
	}
	if s.older == nil {
		s.older = map[int]*schema.Book{}
	}
	s.older[version] = b
	return b, nil
}

func (s *Service) begin(ctx context.Context, r *request) (*pull.Course, error) {
	req := &pull.Request{Device: r.who.Device, User: r.who.User, Book: r.book, Cursor: r.cursor, Sealed: r.hello.Cursor, Held: r.held, Ledger: r.ledger, Offer: r.offer,
		Resume: r.resume, Probes: r.probes, Client: r.hello.Client, Waiting: r.hello.Waiting, Names: r.names, Newer: r.hello.Schema > s.Book.Version, Differs: r.cursor != nil && r.hello.Root.Hi != r.cursor.Root}
	req.AllStates = r.asked || req.Differs
	return s.Pull.Begin(ctx, req)
}

// push hands the changes over in batches and sends the verdicts of each after its commit.
func (s *Service) push(ctx context.Context, r *request, changes []*syncproto.Change, out pull.Sink) (pushed bool, err error) {
	by := judge.Author{Device: r.who.Device, User: r.who.User, Offer: r.offer > 0 || r.revoked && r.hello.Offer != "", Carried: r.carried, Names: r.names}
	for len(changes) > 0 {
		n := min(batchChanges, len(changes))
		o, err := s.Judge.Push(ctx, by, changes[:n])
		var stop *judge.Stop
		if errors.As(err, &stop) && r.carried {
			return pushed, s.stopped(ctx, r, by, stop, changes, out)
		}
		if errors.As(err, &stop) && stop.Cause.Code == syncproto.CodeCopied {
			return pushed, s.copied(ctx, r, stop.Known)
		}
		if err != nil {
			return pushed, err
		}
		pushed = true
		if err := s.sendOutcome(out, o); err != nil {
			return pushed, err
		}
		changes = changes[n:]
	}
	return pushed, nil
}

// sendOutcome sends the chain head of a commit, then its verdicts.
func (s *Service) sendOutcome(out pull.Sink, o *judge.Outcome) error {
	if len(o.Head.Streams) > 0 {
		sealed, err := s.Sealer.SealHead(o.Head)
		if err != nil {
			return err
		}
		if err := out.Write(syncproto.Head{Epoch: o.Head.Epoch, Seal: sealed}); err != nil {
			return err
		}
	}
	for _, v := range o.Verdicts {
		if err := out.Write(v); err != nil {
			return err
		}
	}
	return out.Flush()
}
