package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
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

// strangerHistories are about those who are not who they say.
var strangerHistories = []directed{
	{"signed-by-another", "A request of a phone's that another signed, or that was altered on its way, is not heard, and gives no token.", signedByAnother},
	{"bundle-signed-by-another", "A bundle that another signed in a phone's name is not taken.", bundleByAnother},
	{"one-code-one-device", "A code lets one device in, within ten minutes.", oneCode},
	{"revoked-and-still-knocking", "A device that was revoked hears nothing more, whatever token it has.", stillKnocking},
	{"not-his-to-write", "What the phone lets through and the matrix, the state or another's name forbid is refused, with all that builds on it.", notHisToWrite},
	{"mended-to-no-avail", "What builds on a row that was refused, and refused again when it was mended, waits for the mend: the last word is the one to mend.", mendedToNoAvail},
	{"not-his-to-see", "A household from the day on that it is somebody's, and never what is narrower in it.", notHisToSee},
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
	id, key := s.keyOf(p)
	s.revoke(id)
	ch, err := s.server.eng.Auth.Challenge(syncproto.ChallengeRequest{Device: id})
	s.must(err, "a challenge")
	proof := base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, syncproto.ChallengeText(id, ch.Challenge)))
	if _, err := s.server.eng.Auth.Token(s.ctx(), syncproto.TokenRequest{Device: id, Challenge: ch.Challenge, Signature: proof}); err == nil {
		s.violate(iConfidentiality, "a device that was revoked gets another token")
	}
	if code := s.answers(g); code == http.StatusOK {
		s.violate(iConfidentiality, "a device that was revoked is answered like any other")
	}
	s.tick(1000)
	_ = p.session(s.d, false) // whatever it hears
	if !p.gone {
		s.violate(iConfidentiality, "%s was revoked, and syncs on", p.name)
	}
	_, err = s.server.eng.Judge.Push(context.Background(), judge.Author{Device: id, User: syncproto.UserID(ann)}, nil)
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

func notHisToWrite(s *stage) {
	t, p, q := aThing(0), s.phone(ann), s.phone(cid)
	var bad []*made
	bad = append(bad, s.edit(p, aHousehold(0), "place", groups[2]))
	for _, r := range s.livingRows("assignment") {
		if u, _ := r.Column(s.book, "user"); u.Str() == ann {
			bad = append(bad, s.edit(p, rowRef{"assignment", r.ID}, "until", date(s.now+100*day)))
		}
	}
	_, m := s.create(p, "note", "thing", string(t.id), "author", cid, "text", "not mine")
	bad = append(bad, m)
	secret, m := s.create(p, "secret", "thing", string(t.id), "id_number", idNumbers[0])
	bad = append(bad, m)
	builds := s.edit(p, secret, "id_number", idNumbers[1])
	s.edit(q, t, "state", "doing")
	s.edit(q, t, "state", "closed")
	s.sync(p, q)
	for _, m := range append(bad, builds) {
		s.heard(p, m, replica.Refused)
	}
	s.became(builds, syncproto.Refused, syncproto.CodeWaits)
	s.sync(p)
	s.shownOn(p, t, "state", "closed")
	closed := s.tool(p, "UPDATE thing SET name = 'shut' WHERE id = ?", string(t.id))
	s.sync(p)
	s.became(closed, syncproto.Refused, syncproto.CodeState)
	s.items(0)
}

func notHisToSee(s *stage) {
	t, p, head := aThing(0), s.phone(ann), s.phone(dora)
	secret, _ := s.create(head, "secret", "thing", string(t.id), "id_number", idNumbers[0])
	s.sync(head)
	s.deskCreate(adminUser, "assignment", map[string]string{"household": households[3], "user": ann, "team": "cadre", "since": date(s.now + 2*day)})
	s.sync(p)
	s.missingOn(p, secret)
	s.missingOn(p, aThing(3))
	s.tick(3 * day)
	s.sync(p)
	s.missingOn(p, secret)
	s.shownOn(p, aThing(3), "state", "open")
	s.edit(p, aThing(3), "grade", "a")
	s.sync(p)
	s.shows(aThing(3), "grade", "a")
}

// mendedToNoAvail does it four times: which of the two identities is the greater is chance.
func mendedToNoAvail(s *stage) {
	p := s.phone(ann)
	for i := range 4 {
		home, bad := s.create(p, "household", "place", villages[0], "code", fmt.Sprint("T", i))
		s.sync(p)
		s.became(bad, syncproto.Refused, syncproto.CodeForbidden)
		mend := s.mend(p, bad, "place", villages[0], "code", fmt.Sprint("U", i))
		s.send(p)
		on := s.edit(p, home, "head", "built on it")
		s.sync(p)
		s.became(mend, syncproto.Refused, syncproto.CodeForbidden)
		s.became(on, syncproto.Refused, syncproto.CodeWaits)
		waits := s.heard(p, on, replica.Refused).Verdict.Waits
		s.want(waits == mend.id, "it waits for %s, must wait for %s, which mends %s", waits, mend.id, bad.id)
	}
}
