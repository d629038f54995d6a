package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
	"minqing/syncproto/codec"
	"minqing/syncproto/courier"
)

// What is carried by hand: bundles of phones without a network, brought in by other phones or on a stick to the console, in any order and
// more than once; receipts on their way back; and what a phone that was revoked leaves.

// bundlePath is where bundles are handed in.
const bundlePath = "/v1/courier"

// eventsPath is where devices listen, and event is all that they may hear there.
const eventsPath = "/v1/sync/events"

var event = regexp.MustCompile(`^id: [0-9a-f]+-[0-9a-z]+\nevent: sync\ndata:\n\n$`)

// bundle is a file with what waited on a phone.
type bundle struct {
	phone  *phone
	device syncproto.DeviceID
	reply  []byte // the private key that opens receipts for it
	file   []byte
	last   bool // left by a phone that was revoked and wiped: nobody else has what is in it
}

// receipt is the answer to a bundle.
type receipt struct {
	of   *bundle
	file []byte
}

// newBundle notes a file that a phone wrote. Whoever finds it learns nothing from it.
func (w *world) newBundle(p *phone, file []byte) *bundle {
	d, err := p.rep.Device(context.Background())
	w.must(err, "read the device of "+p.name)
	reply, err := courier.ReplyKey(ed25519.NewKeyFromSeed(d.Seed))
	w.must(err, "derive the key for receipts of "+p.name)
	w.sealedFromAll(p.name+" writes a bundle that", file)
	return &bundle{phone: p, device: d.ID, reply: reply, file: file}
}

// sealedFromAll wants a file to show no word and no row to those who carry it.
func (w *world) sealedFromAll(what string, file []byte) {
	if word := canaries.Find(file); word != nil {
		w.violate(iConfidentiality, "%s shows the word %s to whoever carries it", what, word)
	}
	for _, id := range uuids.FindAll(file, -1) {
		if w.known[syncproto.RowID(id)] {
			w.violate(iConfidentiality, "%s shows the row %s to whoever carries it", what, id)
		}
	}
}

// readBundle takes a bundle apart with the server's key; nil for one that does not open.
func (w *world) readBundle(b *bundle) *request {
	opened, _, err := courier.OpenBundle(bytes.NewReader(b.file), w.server.keys.Derive("courier"))
	if err != nil {
		return nil
	}
	return w.readFrames(b.phone, opened.Device, opened.Encoding, bytes.NewReader(opened.Body))
}

// handedIn is the bundle that a request brings: one that somebody carries, or the own one of a phone that was revoked.
func (w *world) handedIn(g *ghost) *bundle {
	i := slices.IndexFunc(w.bundles, func(b *bundle) bool { return bytes.Equal(b.file, g.body) })
	if i >= 0 {
		return w.bundles[i]
	}
	return w.newBundle(g.phone, g.body)
}

// receiptSent holds a receipt to what its device may and must hear: no more than a sync would tell it.
func (w *world) receiptSent(b *bundle, file []byte) {
	w.sealedFromAll("the server writes a receipt for "+b.phone.name+" that", file)
	keys, err := w.server.eng.Courier.Keys()
	w.must(err, "read the server's keys")
	public, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(keys.Receipts, syncproto.AlgEd25519+" "))
	w.must(err, "read the server's key for receipts")
	r, err := courier.OpenReceipt(bytes.NewReader(file), b.reply, ed25519.PublicKey(public), b.device)
	w.must(err, "open a receipt for "+b.phone.name)
	plain, err := codec.Decompress(r.Encoding, bytes.NewReader(r.Body), syncproto.MaxAnswerBytes)
	w.must(err, "unpack a receipt for "+b.phone.name)
	defer plain.Close()
	body, err := io.ReadAll(plain)
	w.must(err, "unpack a receipt for "+b.phone.name)
	a := &answer{w: w, l: &link{w: w, phone: b.phone}}
	a.mark()
	m := &a.marks[0]
	for line := range bytes.SplitSeq(body, []byte{'\n'}) {
		w.trace.aside("      receipt %s", line)
		w.search(a, m, line)
	}
	in := codec.NewReader(bytes.NewReader(body), w.book, codec.Limits{})
	for {
		f, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		w.must(err, "read a receipt for "+b.phone.name)
		switch f := f.(type) {
		case *syncproto.Row, syncproto.Columns, syncproto.Checkpoint:
			w.violate(iConfidentiality, "a receipt for %s brings rows", b.phone.name)
		case *syncproto.Verdict:
			w.verdictSent(a, f)
		}
	}
}

// doBundle lets a phone write what waits to a file.
func (w *world) doBundle(d *dice) {
	p := w.anyPhone(d)
	if p == nil || p.syncing {
		return
	}
	if b := w.export(p); b != nil && len(w.bundles) < 12 {
		w.bundles = append(w.bundles, b)
	}
}

// export writes a phone's outbox to a file; nil when it cannot yet: it was never told the server's key.
func (w *world) export(p *phone) *bundle {
	var file bytes.Buffer
	changes, _, err := p.sync.Bundle(context.Background(), p.now(), &file)
	p.collect()
	if codeOf(err) == syncproto.CodeUnavailable {
		w.trace.note("%s cannot write a bundle yet", p.name)
		return nil
	}
	w.must(err, "export the outbox of "+p.name)
	w.trace.note("%s writes a bundle of %d changes", p.name, changes)
	if changes > 0 {
		w.count[cBundles]++
	}
	return w.newBundle(p, file.Bytes())
}

// doCarry hands a bundle in: another phone does, or somebody with a stick at the console.
func (w *world) doCarry(d *dice) {
	if len(w.bundles) == 0 {
		return
	}
	b := pick(d, w.bundles)
	if carrier := w.anyPhone(d); carrier != nil && !carrier.syncing && d.chance(2) {
		w.carried(b, carrier, d, d.chance(3))
		return
	}
	if err := w.handInAtDesk(b); err == nil {
		w.count[cHandedIn]++
	}
}

// carried lets a phone hand in a bundle, its own or another's.
func (w *world) carried(b *bundle, carrier *phone, d *dice, rough bool) {
	boot, l := carrier.boot, carrier.link
	l.d, l.rough, l.nested, l.failed = d, rough, rough, false
	carrier.syncing = true
	file, err := carrier.sync.Carry(context.Background(), b.file)
	if w.broken != nil {
		panic(w.broken)
	}
	if carrier.boot != boot {
		return
	}
	carrier.syncing = false
	w.trace.note("%s carries a bundle of %s: %s", carrier.name, b.phone.name, codeOf(err))
	if err == nil {
		w.count[cCarried]++
		w.receipts = append(w.receipts, &receipt{b, file})
		return
	}
	if code := codeOf(err); (code == syncproto.CodeInternal || code == "error") && !l.failed && !excused(err) {
		w.violate(iSound, "%s cannot hand in a bundle of %s: %v", carrier.name, b.phone.name, err)
	}
}

// handInAtDesk hands a bundle in at the console.
func (w *world) handInAtDesk(b *bundle) (failed error) {
	if !w.server.up {
		w.server.open()
	}
	w.server.settle()
	w.tick(50)
	if r := w.readBundle(b); r != nil {
		w.server.requests = append(w.server.requests, r)
		defer w.server.forget(r)
	}
	file, err := w.server.eng.Courier.HandIn(context.Background(), b.file, false)
	w.server.settle()
	w.trace.note("a bundle of %s is handed in at the desk: %s", b.phone.name, codeOf(err))
	if err != nil {
		if code := codeOf(err); code == syncproto.CodeInternal || code == "error" {
			w.violate(iSound, "a bundle of %s cannot be handed in: %v", b.phone.name, err)
		}
		return err
	}
	w.receiptSent(b, file)
	w.receipts = append(w.receipts, &receipt{b, file})
	return nil
}

// doReceipt gives a phone the receipt that somebody brought back, late, twice or never.
func (w *world) doReceipt(d *dice) {
	if len(w.receipts) == 0 {
		return
	}
	i := d.IntN(len(w.receipts))
	r := w.receipts[i]
	if !d.chance(3) {
		w.receipts = slices.Delete(w.receipts, i, i+1)
	}
	p := r.of.phone
	if p.gone || p.syncing {
		return
	}
	_, err := p.sync.Receipt(context.Background(), bytes.NewReader(r.file))
	w.trace.note("%s takes a receipt: %s", p.name, codeOf(err))
	if err == nil {
		w.count[cReceipts]++
		return
	}
	if code := codeOf(err); code == syncproto.CodeInternal || code == "error" {
		w.violate(iSound, "%s cannot take a receipt: %v", p.name, err)
	}
}

// doListen lets a phone listen for events for a moment, as it does between syncs: that there is something is all that it may hear.
func (w *world) doListen(d *dice) {
	p := w.anyPhone(d)
	if p == nil || p.syncing || p.session(d, false) != nil || p.gone {
		return
	}
	i := len(w.heard) - 1
	for i >= 0 && w.heard[i].phone != p {
		i--
	}
	device, err := p.rep.Device(context.Background())
	w.must(err, "read the device of "+p.name)
	if i < 0 || w.heard[i].request.hello.Device != device.ID {
		return
	}
	token := w.heard[i].header.Get("Authorization")
	g := &ghost{phone: p, method: http.MethodGet, path: eventsPath, header: http.Header{"Authorization": {token},
		syncproto.SignatureHeader: {syncproto.SignRequest(ed25519.NewKeyFromSeed(device.Seed), http.MethodGet, eventsPath, strings.TrimPrefix(token, "Bearer "), nil)}}}
	a := w.server.handle(g, &link{w: w, phone: p, d: d}, noFault)
	if a == nil || a.code != http.StatusOK {
		return // its token ran out
	}
	w.count[cEvents]++
	if text := a.buf.String(); !event.MatchString(text) {
		w.violate(iConfidentiality, "%s hears more than that there is something: %q", p.name, text)
	}
}

// escrow is the last that a phone which was revoked does before it is wiped: what waits on it is handed over, or left as files that anybody
// may carry.
func (p *phone) escrow(ctx context.Context) error {
	w, boot := p.w, p.boot
	waiting, err := p.rep.Entries(ctx, replica.Pending)
	w.must(err, "entries of "+p.name)
	var left []*bundle
	out, err := p.sync.Escrow(ctx, p.now(), func(_ int, file []byte) error {
		b := w.newBundle(p, file)
		b.last = true
		left = append(left, b)
		return nil
	})
	if w.broken != nil {
		panic(w.broken)
	}
	if p.boot != boot {
		return errDead
	}
	w.bundles = append(w.bundles, left...)
	w.trace.note("%s hands over %d of %d changes and leaves %d files: %s", p.name, out.Handed, out.Changes, out.Files, codeOf(err))
	if err != nil {
		return err
	}
	p.left = out
	if out.Changes > 0 {
		w.count[cEscrows]++
	}
	kept := map[syncproto.Identity]bool{}
	for _, b := range left {
		if r := w.readBundle(b); r != nil {
			for _, c := range r.changes {
				kept[c.Identity()] = true
			}
		}
	}
	for _, e := range waiting {
		m := w.made[e.Identity]
		switch {
		case m == nil:
		case kept[e.Identity]:
			m.kept = true
		case w.oracle.Change(e.Identity) == nil:
			w.violate(iNoLostEdit, "%s is revoked and wiped, and %s was neither taken nor kept", p.name, describe(m.Change))
		}
	}
	return nil
}

// handInLast hands in, at the end, what revoked phones left: nobody else has it.
func (w *world) handInLast() {
	for _, b := range w.bundles {
		if !b.last {
			continue
		}
		if w.server.expects(b.device) > 0 {
			w.revoke(b.device) // a restored server does not know that it was; for such a device gaps in the numbers count
		}
		err := w.handInAtDesk(b)
		var no *syncproto.Error
		if errors.As(err, &no) && no.Code == syncproto.CodeAuth {
			// The server went back to before it knew the device: nobody can say whose file it is. It is for people now.
			for _, c := range w.readBundle(b).changes {
				if m := w.made[c.Identity()]; m != nil {
					m.kept = false
				}
			}
			continue
		}
		if err != nil {
			w.violate(iNoLostEdit, "what %s left cannot be handed in: %v", b.phone.name, err)
		}
	}
}

// forget takes a request off the list of those under way.
func (s *server) forget(r *request) {
	s.requests = slices.DeleteFunc(s.requests, func(o *request) bool { return o == r })
}
