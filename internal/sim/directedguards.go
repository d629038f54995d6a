package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/mobile-client/syncer"
	"minqing/server/judge"
	"minqing/syncproto"
	"minqing/syncproto/codec"
	"minqing/syncproto/courier"
)

// What guards the invariants where random histories hardly go: answers that break within a change, rights that change within a first sync,
// somebody else at the door, a phone that is told of what it could not know. Most were written for a fault of internal/mutants that lived.

var guardHistories = []directed{
	{"orders-on-copies", "Edits beside one another under every rule, a row made, one deleted, a move: delivered in many orders to copies of the server, all come to the same.", ordersOnCopies},
	{"answer-breaks-within-a-change", "An answer breaks off between the rows of one change, or before its checkpoint: nobody sees half of it.", breaksWithin},
	{"first-sync-resumed-with-other-rights", "A first sync breaks off behind a mark; what was granted changes; it goes on with what is granted now.", resumedWithOtherRights},
	{"decided-then-sent-again", "What stood in an item comes again after the item was decided, from each phone: the decision stands.", decidedThenAgain},
	{"boxes-open-after-a-restore", "Work of a forgotten scope, which its phone cannot read any more, comes back after a restore.", boxesAfterRestore},
	{"news-of-an-old-change", "A change is outvoted long after its verdict: its author's phone hears of it, and an old receipt does not make it forget.", newsOfOldChange},
	{"one-row-of-many-rots", "One of three hundred rows rots: it is found by narrowing down, and mended.", oneOfMany},
	{"two-cells-rot-alike", "Two cells of a row swap their values: the sum tells them apart.", swappedCells},
	{"marks-last-till-the-horizon", "A phone that was away for months hears of a deletion by its mark.", marksLast},
	{"seen-before-a-restore", "An edit over words that a restore took back has seen them still when both have come back.", seenBeforeRestore},
	{"token-runs-out", "A phone whose token ran out signs in again by itself.", tokenRunsOut},
}

func ordersOnCopies(s *stage) {
	t, p, q, r := aThing(0), s.phone(ann), s.phone(cid), s.phone(dora)
	first := s.form(p, t).Values["story"].Str()
	s.edit(p, t, "state", "doing", "total", 1, "tags", []string{"red"})
	old, _ := s.create(p, "thing", "household", households[0], "name", "old")
	moved, _ := s.create(p, "thing", "household", households[0], "name", "moved")
	s.sync(p, q, r)
	s.edit(p, t, "newest", "p", "high", 3, "low", "2025-03-02", "total", 4, "tags", []string{"blue", "red"}, "story", first+"丙。", "serial", "p")
	s.edit(q, t, "newest", "q", "high", 7, "low", "2025-03-01", "total", 4, "tags", []string{"green"}, "story", "甲。"+first, "serial", "q")
	s.edit(r, t, "newest", "r", "state", "closed", "grade", "a")
	s.edit(p, t, "name", "p")
	s.edit(q, t, "name", "q")
	s.remove(r, old)
	s.create(q, "note", "thing", string(old.id), "author", cid, "text", "under it")
	s.remove(r, moved)
	s.edit(p, moved, "household", households[1])
	s.tick(1000)
	for range 4 {
		s.doOrders(s.d)
	}
	s.sync(p, q, r)
}

func breaksWithin(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	u, _ := s.create(q, "thing", "household", households[0], "name", "u")
	s.sync(q, p)
	at := [][2]any{{"row", 1}, {"checkpoint", 0}, {"row", 0}}[s.variant(3)]
	s.tick(1000)
	s.want(q.write(func(tx *replica.Tx) error {
		for _, r := range []rowRef{t, u} {
			f, err := tx.Form(r.table, r.id)
			if err != nil {
				return err
			}
			if err := tx.Update(f, pairs([]any{"grade", "b", "total", 5})); err != nil {
				return err
			}
		}
		return nil
	}) != nil, "two rows were not saved")
	s.sync(q)
	s.syncWith(p, script{cutBefore: at[0].(string), skip: at[1].(int)})
	s.shownOn(p, t, "grade", nil)
	s.shownOn(p, u, "grade", nil)
	s.sync(p)
	s.shownOn(p, t, "grade", "b")
	s.shownOn(p, u, "grade", "b", "total", 5)
}

func resumedWithOtherRights(s *stage) {
	p := s.newPhone(phoneCase{User: ann, Version: s.book.Version}, s.d.Uint64())
	cut := []string{"checkpoint", "end"}[s.variant(2)]
	s.syncWith(p, script{cutBefore: cut})
	switch s.variant(3) {
	case 0:
		s.unassign(ann, households[0])
	case 1:
		s.assign(ann, households[2])
	case 2:
		s.unassign(ann, households[0])
		s.assign(ann, households[3])
	}
	s.sync(p)
	s.edit(p, aThing(1), "grade", "a")
	s.sync(p)
}

func decidedThenAgain(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	one := s.edit(p, t, "name", "one", "grade", "a")
	s.edit(q, t, "name", "two", "grade", "b")
	s.sync(p, q)
	for _, it := range s.items(2) {
		s.decide(it, decisionFor(one))
	}
	s.items(0)
	s.sync(q)
	s.replay()
	s.items(0)
}

func boxesAfterRestore(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.phone(cid)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	s.backup()
	theirs := s.form(p, t).Values["story"].Str()
	m := s.edit(p, t, "name", "boxed", "story", theirs+"又。")
	s.sync(p)
	s.became(m, syncproto.Applied, "")
	s.unassign(ann, households[0])
	s.sync(p)
	s.missingOn(p, t)
	s.restore()
	s.finds(1, func() { s.sync(p) })
	s.became(m, syncproto.Applied, "")
	s.shows(t, "name", "boxed")
	s.shownOn(p, t, "name", "boxed")
}

func newsOfOldChange(s *stage) {
	t, p, q, carrier := aThing(0), s.phone(ann), s.phone(cid), s.phone(bob)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	carried := s.variant(2) == 1
	mine := s.edit(p, t, "name", "mine")
	theirs := s.edit(q, t, "name", "theirs")
	var receipt []byte
	if carried {
		receipt = s.carry(p, carrier)
	} else {
		s.sync(p)
	}
	s.became(mine, syncproto.Applied, "")
	s.tick(day)
	s.sync(q)
	it := s.item(syncproto.ItemCell, t, []string{"name"}, mine.id, theirs.id)
	s.sync(p)
	s.want(s.heard(p, mine, replica.Accepted).Verdict.Status == syncproto.Conflicted, "%s does not hear that its word lies in the inbox", p.name)
	if carried {
		s.takeReceipt(p, receipt)
		s.want(s.heard(p, mine, replica.Accepted).Verdict.Status == syncproto.Conflicted, "an old receipt makes %s forget what it heard", p.name)
	}
	s.decide(it, decisionFor(theirs))
	s.sync(p)
	v := s.heard(p, mine, replica.Accepted).Verdict
	if len(v.Items) != 1 || v.Items[0].Outcome != "outvoted" {
		s.violate(iConflicts, "%s hears of its word in the inbox only %+v, after it was outvoted", p.name, v.Items)
	}
}

func oneOfMany(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	var ids []syncproto.RowID
	s.tick(1000)
	s.want(p.write(func(tx *replica.Tx) error {
		for i := range 300 {
			id, err := tx.NewID()
			if err != nil {
				return err
			}
			ids = append(ids, id)
			if err := tx.Create("mark", id, pairs([]any{"thing", string(t.id), "points", i})); err != nil {
				return err
			}
		}
		return nil
	}) != nil, "three hundred rows were not saved")
	s.sync(p, q)
	s.rot(q, "UPDATE mark SET points = points + 1 WHERE id = '"+string(ids[150])+"'")
	s.sync(q)
	s.shownOn(q, rowRef{"mark", ids[150]}, "points", 150)
}

func swappedCells(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(p, t, "begins", "2025-03-10", "ends", "2025-06-20", "lon", 5, "lat", 6)
	s.sync(p, q)
	s.rot(q, "UPDATE thing SET lon = lat, lat = lon WHERE id = '"+string(t.id)+"'")
	s.sync(q)
	s.shownOn(q, t, "lon", 5, "lat", 6)
}

func marksLast(s *stage) {
	p, q := s.phone(ann), s.phone(cid)
	r, _ := s.create(q, "thing", "household", households[0], "name", "r")
	s.sync(q, p)
	s.remove(q, r)
	s.sync(q)
	s.tick(25 * day)
	s.must(s.server.eng.Sweep(s.ctx()), "sweep")
	s.sync(p)
	s.missingOn(p, r)
}

// seenBeforeRestore: q's edit is based on a number of an epoch that the restored server never had. It has seen p's words all the same.
func seenBeforeRestore(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.backup()
	s.doRestart(nil) // into an epoch that the restore cuts off
	s.edit(p, t, "name", "one", "newest", "one", "grade", "a")
	s.sync(p, q)
	over := s.edit(q, t, "name", "two", "newest", "two", "grade", "b")
	s.restore()
	s.each(func() { s.sync(p) }, func() { s.sync(q) })
	s.sync(p, q)
	s.items(0)
	s.became(over, s.oracle.Change(over.id).Status, "")
	s.shows(t, "name", "two", "newest", "two", "grade", "b")
	s.sameEveryTime(t)
}

func tokenRunsOut(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.edit(p, t, "name", "one")
	s.tick(3 * day)
	if err := p.session(s.d, false); err != nil {
		s.violate(iLiveness, "%s cannot sync after three days: %v", p.name, err)
	}
	s.shows(t, "name", "one")
}

// strangerHistories are about those who are not who they say.
var strangerHistories = []directed{
	{"signed-by-another", "A request of a phone's that another signed, or that was altered on its way, is not heard, and gives no token.", signedByAnother},
	{"bundle-signed-by-another", "A bundle that another signed in a phone's name is not taken.", bundleByAnother},
	{"one-code-one-device", "A code lets one device in, within ten minutes.", oneCode},
	{"revoked-and-still-knocking", "A device that was revoked hears nothing more, whatever token it has.", stillKnocking},
}

// holdBack lets a phone's next sync request be written and not arrive.
func (s *stage) holdBack(p *phone) *ghost {
	n := len(s.ghosts)
	s.syncWith(p, script{held: true})
	s.want(len(s.ghosts) == n+1, "no request was held back")
	g := s.ghosts[n]
	s.ghosts = s.ghosts[:n]
	return g
}

// answers is the status that the server answers a request with.
func (s *stage) answers(g *ghost) int {
	a := s.server.handle(g, &link{w: s.world, phone: g.phone, d: s.d}, noFault)
	s.want(a != nil, "the server does not answer")
	return a.code
}

func (s *stage) keyOf(p *phone) (syncproto.DeviceID, ed25519.PrivateKey) {
	d, err := p.rep.Device(s.ctx())
	s.must(err, "read the device of "+p.name)
	return d.ID, ed25519.NewKeyFromSeed(d.Seed)
}

func signedByAnother(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.edit(p, t, "name", "mine")
	g := s.holdBack(p)
	_, theirs := s.keyOf(q)
	forged := *g
	forged.header = g.header.Clone()
	token := strings.TrimPrefix(g.header.Get("Authorization"), "Bearer ")
	forged.header.Set(syncproto.SignatureHeader, syncproto.SignRequest(theirs, g.method, g.path, token, g.body))
	if code := s.answers(&forged); code == http.StatusOK {
		s.violate(iNoPhantom, "the server hears a request of %s that %s signed", p.name, q.name)
	}
	altered := *g
	plain, err := codec.Decompress(g.header.Get("Content-Encoding"), bytes.NewReader(g.body), syncproto.MaxRequestBytes)
	s.must(err, "unpack a request")
	altered.body, err = io.ReadAll(plain)
	s.must(err, "unpack a request")
	s.want(bytes.Contains(altered.body, []byte("mine")), "the request does not show what was written")
	altered.body = bytes.Replace(altered.body, []byte("mine"), []byte("mIne"), 1)
	altered.header = g.header.Clone()
	altered.header.Del("Content-Encoding")
	if code := s.answers(&altered); code == http.StatusOK {
		s.violate(iNoPhantom, "the server hears a request of %s that was altered on its way", p.name)
	}
	mine, _ := s.keyOf(p)
	ch, err := s.server.eng.Auth.Challenge(syncproto.ChallengeRequest{Device: mine})
	s.must(err, "a challenge")
	proof := base64.RawURLEncoding.EncodeToString(ed25519.Sign(theirs, syncproto.ChallengeText(mine, ch.Challenge)))
	if out, err := s.server.eng.Auth.Token(s.ctx(), syncproto.TokenRequest{Device: mine, Challenge: ch.Challenge, Signature: proof}); err == nil {
		s.violate(iNoPhantom, "%s gets the token of %s for its own signature: good for %d seconds", q.name, p.name, out.Seconds)
	}
	s.sync(p)
	s.shows(t, "name", "mine")
}

func bundleByAnother(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	s.must(p.sync.LearnKeys(s.ctx()), "learn keys")
	m := s.edit(p, t, "name", "mine")
	_, theirs := s.keyOf(q)
	file := s.resigned(p, theirs)
	if _, err := s.server.eng.Courier.HandIn(s.ctx(), file, false); err == nil {
		s.violate(iNoPhantom, "the server takes a bundle in the name of %s that %s signed", p.name, q.name)
	}
	s.server.settle()
	s.want(s.oracle.Change(m.id) == nil, "something of a forged bundle was taken")
	receipt := s.carry(p, q)
	s.became(m, syncproto.Applied, "")
	before := s.server.fingerprint()
	again := s.carry(p, q) // no receipt came yet
	s.unchanged(before, "a bundle that came again")
	s.takeReceipt(p, receipt)
	s.takeReceipt(p, again)
	s.heard(p, m, replica.Accepted)
	s.sync(p)
	s.shownOn(p, t, "name", "mine")
}

func oneCode(s *stage) {
	code, _, err := s.server.eng.Auth.Invite(s.ctx(), syncproto.UserID(ann))
	s.must(err, "invite")
	p := s.phone(ann)
	enrol := func() error {
		_, _, err := syncer.Enrol(s.ctx(), p.link, p.rand, syncer.Enrolment{Server: serverURL, Code: code, Label: "x", Platform: "sim", Client: "sim"})
		return err
	}
	if s.variant(2) == 0 {
		s.must(enrol(), "enrol")
	} else {
		s.tick(11 * 60_000)
	}
	if enrol() == nil {
		s.violate(iConfidentiality, "a code that was used or has run out lets another device in")
	}
}

func stillKnocking(s *stage) {
	t, p := aThing(0), s.phone(ann)
	s.edit(p, t, "name", "mine")
	g := s.holdBack(p)
	id, _ := s.keyOf(p)
	s.revoke(id)
	if code := s.answers(g); code == http.StatusOK {
		s.violate(iConfidentiality, "a device that was revoked is answered like any other")
	}
	s.tick(1000)
	_ = p.session(s.d, false) // whatever it hears
	if !p.gone {
		s.violate(iConfidentiality, "%s was revoked, and syncs on", p.name)
	}
	_, err := s.server.eng.Judge.Push(context.Background(), judge.Author{Device: id, User: syncproto.UserID(ann)}, nil)
	if err == nil {
		s.violate(iNoPhantom, "the judge hears a device that was revoked")
	}
}

// resigned is the bundle that a phone would write now, signed with another key.
func (s *stage) resigned(p *phone, key ed25519.PrivateKey) []byte {
	var file, out bytes.Buffer
	_, _, err := p.sync.Bundle(s.ctx(), p.now(), &file)
	s.must(err, "export the outbox of "+p.name)
	b, _, err := courier.OpenBundle(&file, s.server.keys.Derive("courier"))
	s.must(err, "open a bundle")
	k, err := s.server.eng.Courier.Keys()
	s.must(err, "the server's keys")
	s.must(courier.PackBundle(&out, k.Recipient, key, *b), "sign a bundle anew")
	return out.Bytes()
}
