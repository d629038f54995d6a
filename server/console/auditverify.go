package console

import (
	"fmt"
	"net/url"
	"strings"

	"minqing/server/admin"
	"minqing/server/console/audit"
	"minqing/server/store"
)

// verifyAudit reckons the chains of the place anew, and says what it found.
func verifyAudit(rq *request) error {
	p, err := rq.auditPage(url.Values{})
	if err != nil {
		return err
	}
	var streams, users []string
	var a *audit.Ask
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		a = &audit.Ask{}
		if err := a.In(tx, rq.place.ID, rq.ofCity()); err != nil {
			return err
		}
		if users, err = a.People(tx); users != nil {
			streams = a.Streams()
		}
		return err
	}); err != nil {
		return err
	}
	began := rq.app.now()
	desk := &admin.Desk{E: rq.app.opt.Engine}
	proof, err := desk.VerifyWithin(rq.Context(), streams, users)
	if err != nil {
		return err
	}
	p.Proof = &auditProof{Sound: proof.Sound(), Streams: proof.Chains.Streams, Records: proof.Chains.Records, Disclosed: proof.Disclosed, Took: rq.app.now().Sub(began)}
	var altered []string
	for _, b := range proof.Broken {
		altered = append(altered, b.Stream)
	}
	var places map[string]string
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		places, err = a.PlaceNames(tx, altered)
		return err
	}); err != nil {
		return err
	}
	for _, b := range proof.Broken {
		name := places[b.Stream]
		if name == "" {
			name = b.Stream
		}
		name = rq.words.say("audit.chain.stream", name)
		if of, shown := strings.CutPrefix(b.Stream, "disclosures to "); shown {
			name = rq.words.say("audit.chain.shown", of)
		}
		p.Proof.Broken = append(p.Proof.Broken, rq.words.say("audit.broken.at", name, fmt.Sprint(b.Pos)))
	}
	return rq.show("audit", p)
}
