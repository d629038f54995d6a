package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"minqing/internal/sim/oracle"
	"minqing/server/judge"
	"minqing/syncproto"
	"minqing/syncproto/codec"
)

// replaysMost is how many of the last requests come again whole, over the network, twice each, at the end of a history. All pushes come
// again to the judge, which alone may take something of them.
const replaysMost = 6

// known tells whether the server holds every change of a request, and has heard it out before.
func (w *world) knownWhole(r *request) bool {
	return r != nil && r.hello.Offer == "" && !slices.ContainsFunc(r.changes, func(c *syncproto.Change) bool { return w.oracle.Change(c.Identity()) == nil })
}

// repeat lets a request come once more, with nobody waiting for the answer. What the server holds by then must not change.
func (w *world) repeat(g *ghost) {
	if !w.server.up {
		return
	}
	r := w.readRequest(g)
	settled := g.path == "/v1/sync" && w.knownWhole(r)
	var before fingerprint
	if settled {
		before = w.server.fingerprint()
	}
	w.trace.note("%s: a request comes again", g.phone.name)
	a := w.server.handle(g, &link{w: w, phone: g.phone, d: newDice(uint64(w.now), 9)}, noFault)
	if !settled || !w.server.up {
		return
	}
	w.unchanged(before, "a request that came again")
	if a != nil {
		w.answeredAgain(a, r)
	}
}

// unchanged wants the server to hold what it held.
func (w *world) unchanged(before fingerprint, what string) {
	after := w.server.fingerprint()
	switch {
	case after.items != before.items:
		w.violate(iFinality, "%s changed the inbox", what)
	case after != before:
		w.violate(iIdempotence, "%s changed what the server holds: %+v, before %+v", what, after, before)
	}
}

// answeredAgain wants the answer to a request that came again to say of every change in it what has become of it by now. An answer that took
// nothing, as that to a file with a twin, and one that breaks off says nothing.
func (w *world) answeredAgain(a *answer, r *request) {
	if a.code != http.StatusOK || len(a.cuts) == 0 {
		return
	}
	told := map[syncproto.Identity]*syncproto.Verdict{}
	in := codec.NewReader(bytes.NewReader(a.unpack(a.buf.Len())), w.book, codec.Limits{})
	for {
		f, err := in.Next()
		if err != nil {
			break // inspect has read it before
		}
		if v, ok := f.(*syncproto.Verdict); ok {
			told[v.Identity] = v
		}
	}
	for _, c := range r.changes {
		w.toldAsItStands(r.phone, c, told[c.Identity()])
	}
}

// toldAsItStands wants a verdict to be what became of a change, as it now stands.
func (w *world) toldAsItStands(p *phone, c *syncproto.Change, v *syncproto.Verdict) {
	is := w.oracle.Change(c.Identity())
	switch {
	case v == nil:
		w.violate(iIdempotence, "%s pushes change %d again and is told nothing of it", p.name, c.Name.Number)
	case v.Number != c.Name.Number:
		w.violate(iIdempotence, "%s pushes change %d again and is told of %d", p.name, c.Name.Number, v.Number)
	case (v.Status == syncproto.Refused) != (is.Status == syncproto.Refused) || v.Late != is.Late || v.Code != is.Code || v.MendedBy != is.MendedBy:
		w.violate(iIdempotence, "%s pushes change %d again and is told what does not stand: %s %s late %v mended by %q, it is %s %s late %v mended by %q",
			p.name, c.Name.Number, v.Status, v.Code, v.Late, v.MendedBy, is.Status, is.Code, is.Late, is.MendedBy)
	}
	w.compareVerdict(p, v)
	w.notesAsTheyStand(p, v, is)
}

// notesAsTheyStand wants what a repeated verdict says of merges and of the inbox to be what stands: no note too few, none too many. With the
// words of an erased row went which rows their author wrote into, so that of those beside it he hears where he sees them.
func (w *world) notesAsTheyStand(p *phone, v *syncproto.Verdict, is *oracle.Change) {
	if v.Status == syncproto.Refused {
		return
	}
	erased, can := w.ofErased(is.Edits), w.oracle.Entitled(p.userID(), w.now)
	vague := func(at oracle.Spot) bool {
		r := w.oracle.View().Rows[at.Row]
		return r == nil || erased && (w.oracle.View().Erased[at.Row] || !can[r.Scope]) || is.Merges[at].Vague || slices.ContainsFunc(sortedKeys(r.Cells), func(c string) bool { return r.Cells[c].Vague })
	}
	told := map[oracle.Spot]string{}
	for _, m := range v.Merges {
		told[w.spotOf(is, m.Row, m.Cell)] = fmt.Sprint("merged by ", m.Rule, " shows ", m.Shows)
	}
	must := map[oracle.Spot]string{}
	for at, m := range is.Merges {
		must[at] = fmt.Sprint("merged by ", m.Rule, " shows ", m.Shows)
	}
	w.itemsAsTheyStand(p, v, is, vague)
	for _, notes := range []map[oracle.Spot]string{told, must} {
		for at := range notes {
			if told[at] != must[at] && !vague(at) {
				w.violate(iIdempotence, "%s pushes change %s again and is told %q of %v, it stands at %q", p.name, v.Identity[:8], told[at], at, must[at])
			}
		}
	}
}

// spotOf is where a note lies about a cell of a row that the author of a change wrote into: where that was merged away, in the one that stayed then, of
// which he may know nothing, and which may have been merged away itself.
func (w *world) spotOf(c *oracle.Change, row syncproto.RowID, cell string) oracle.Spot {
	at := oracle.Spot{Row: row, Cell: cell}
	if !slices.ContainsFunc(c.Edits, func(e syncproto.Edit) bool { return e.Row == row }) {
		return at
	}
	rows := w.oracle.View().Rows
	for r := rows[row]; r != nil && r.Dead && r.Alias != ""; r = rows[r.Alias] {
		in := oracle.Spot{Row: r.Alias, Cell: cell}
		_, item := c.Items[in]
		_, merge := c.Merges[in]
		if item || merge {
			return in
		}
	}
	return at
}

// itemsAsTheyStand is the part about the inbox. An item that is open must be told of as it is, one that ended only as one that there was: it may
// have become another one of the same row.
func (w *world) itemsAsTheyStand(p *phone, v *syncproto.Verdict, is *oracle.Change, vague func(oracle.Spot) bool) {
	open := map[string]bool{}
	rows := map[syncproto.RowID]bool{}
	for _, x := range v.Items {
		if x.Kind == syncproto.ItemLate || x.Kind == syncproto.ItemTwin {
			continue // they are about a change or two rows, not about a cell
		}
		rows[x.Row] = true
		if x.Outcome == "" {
			open[fmt.Sprint(x.Row, x.Kind, x.Cell)] = true
		}
		for cell := range strings.SplitSeq(x.Cell, ",") {
			at := w.spotOf(is, x.Row, cell)
			if _, known := is.Items[at]; !known && !vague(at) {
				w.violate(iIdempotence, "%s pushes change %s again and is told of an item on %v that never held it", p.name, v.Identity[:8], at)
			}
		}
	}
	for at, kind := range is.Items {
		// Whoever deleted a row is not told of a child of it that he may not see.
		own := slices.ContainsFunc(is.Edits, func(e syncproto.Edit) bool { return e.Row == at.Row })
		if own && !rows[at.Row] && !vague(at) {
			w.violate(iIdempotence, "%s pushes change %s again and is told nothing of the item (%s) on %v: %+v", p.name, v.Identity[:8], kind, at, v.Items)
		}
	}
	for _, e := range is.Edits {
		r := w.oracle.View().Rows[e.Row]
		if r == nil || vague(oracle.Spot{Row: e.Row}) {
			continue
		}
		for _, item := range r.Items {
			if key := fmt.Sprint(e.Row, item.Kind, strings.Join(item.Cells, ",")); slices.Contains(append(slices.Clone(item.Heads), item.Against...), is.ID) && !open[key] {
				w.violate(iIdempotence, "%s pushes change %s again and is not told of the open item (%s) on %v of %s: %+v", p.name, v.Identity[:8], item.Kind, item.Cells, e.Row, v.Items)
			}
		}
	}
}

// replay lets every push that the server answered come to the judge once more, at the end, in the order of the history and in another. It
// opens and closes nothing, and leaves no trace.
func (w *world) replay() {
	d := newDice(w.history.Seed, 12)
	before := w.server.fingerprint()
	heard := slices.DeleteFunc(slices.Clone(w.heard), func(g *ghost) bool { return !w.knownWhole(g.request) })
	for _, what := range []string{"all that was pushed, once more", "all that was pushed, in another order"} {
		for _, g := range heard {
			w.pushAgain(g.request)
		}
		w.unchanged(before, what)
		d.Shuffle(len(heard), func(i, k int) { heard[i], heard[k] = heard[k], heard[i] })
	}
}

// replayLast lets the last requests come once more, whole, over the network, in the order of the history and in another. Those with changes
// matter most. Of each phone the newest is taken as if it had come only now; those before it bear a voided nonce.
func (w *world) replayLast() {
	d := newDice(w.history.Seed, 13)
	last := slices.DeleteFunc(slices.Clone(w.heard), func(g *ghost) bool { return !w.knownWhole(g.request) || g.phone.gone })
	slices.SortStableFunc(last, func(a, b *ghost) int { return min(1, len(a.request.changes)) - min(1, len(b.request.changes)) })
	if w.brief { // one that brings nothing is a pull like those that its phone made just now and makes next
		last = slices.DeleteFunc(last, func(g *ghost) bool { return len(g.request.changes) == 0 })
	}
	last = last[max(0, len(last)-replaysMost):]
	for range 2 {
		for _, g := range last {
			if again := w.signedAnew(g); again != nil {
				w.count[cReplays]++
				w.repeat(again)
			}
		}
		d.Shuffle(len(last), func(i, k int) { last[i], last[k] = last[k], last[i] })
	}
	said := map[*phone]bool{}
	for _, g := range last { // whose words came twice goes on as if nothing had been
		if !said[g.phone] {
			said[g.phone] = true
			w.tick(1000)
			if err := g.phone.session(d, false); err != nil {
				w.violate(iLiveness, "%s cannot go on after its requests came again: %v", g.phone.name, err)
			}
		}
	}
}

// pushAgain hands the changes of a request to the judge once more. A device that was revoked, or goes under another name by now, is told so.
func (w *world) pushAgain(r *request) {
	if len(r.changes) == 0 {
		return
	}
	out, err := w.server.eng.Judge.Push(context.Background(), judge.Author{Device: r.hello.Device, User: r.phone.userID()}, slices.Clone(r.changes))
	var no *syncproto.Error
	if errors.As(err, &no) && (no.Code == syncproto.CodeRevoked || no.Code == syncproto.CodeCopied || no.Code == syncproto.CodeInvalid) {
		return
	}
	// A server that went back knows what it said under another name, and lacks what came before under this one.
	if no != nil && (no.Code == syncproto.CodeFork || no.Code == syncproto.CodeCursor) && w.renamed(r) {
		return
	}
	w.must(err, "push once more")
	for i, c := range r.changes {
		at := slices.IndexFunc(out.Verdicts, func(v *syncproto.Verdict) bool { return v.Identity == c.Identity() })
		if at < 0 {
			w.violate(iIdempotence, "%s pushes change %d of %d again and is told nothing of it", r.phone.name, i+1, len(r.changes))
		}
		w.toldAsItStands(r.phone, c, out.Verdicts[at])
	}
}

// renamed tells whether the device that sent a request goes under another name by now.
func (w *world) renamed(r *request) bool {
	device, err := r.phone.rep.Device(context.Background())
	w.must(err, "read the device of "+r.phone.name)
	return r.hello.Device != device.ID
}

// signedAnew is a request as its device would send it now: under the token that it last used. Nil when the device goes under another name.
func (w *world) signedAnew(g *ghost) *ghost {
	device, err := g.phone.rep.Device(context.Background())
	w.must(err, "read the device of "+g.phone.name)
	if g.request.hello.Device != device.ID {
		return nil
	}
	for _, newer := range slices.Backward(w.heard) {
		if newer.phone != g.phone || newer.request.hello.Device != device.ID {
			continue
		}
		again := *g
		again.header, again.request = g.header.Clone(), g.request
		token := newer.header.Get("Authorization")
		again.header.Set("Authorization", token)
		again.header.Set(syncproto.SignatureHeader, syncproto.SignRequest(ed25519.NewKeyFromSeed(device.Seed), g.method, g.path, token[len("Bearer "):], g.body))
		return &again
	}
	return nil
}
