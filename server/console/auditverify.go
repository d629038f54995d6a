package console

import (
	"fmt"
	"strings"

	"minqing/server/admin"
	"minqing/server/console/audit"
	"minqing/server/store"
)

func (rq *request) placesNamed(a *audit.Ask, ids ...string) (names map[string]string, err error) {
	err = rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		names, err = a.PlaceNames(tx, ids)
		return err
	})
	return names, err
}

// verifyAudit reckons the chains of the place anew, and says what it found.
func verifyAudit(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	p, err := rq.auditPage(f) // what was asked for stays
	if err != nil {
		return err
	}
	var streams, shown []string
	var a *audit.Ask
	if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		a = &audit.Ask{}
		if err := a.In(tx, rq.place.ID, rq.ofCity()); err != nil {
			return err
		}
		if shown, err = a.Chains(tx); shown != nil {
			streams = a.Streams()
		}
		return err
	}); err != nil {
		return err
	}
	began := rq.app.now()
	desk := &admin.Desk{E: rq.app.opt.Engine}
	proof, err := desk.VerifyWithin(rq.Context(), streams, shown)
	if err != nil {
		return err
	}
	p.Proof = &auditProof{Sound: proof.Sound(), Streams: proof.Chains.Streams, Records: proof.Chains.Records, Disclosed: proof.Disclosed, Took: rq.app.now().Sub(began)}
	var altered []string
	for _, b := range proof.Broken {
		altered = append(altered, b.Stream)
	}
	places, err := rq.placesNamed(a, altered...)
	if err != nil {
		return err
	}
	for _, b := range proof.Broken {
		name := places[b.Stream]
		if name == "" {
			name = b.Stream
		}
		name = rq.words.say("audit.chain.stream", name)
		if of, found := strings.CutPrefix(b.Stream, "disclosures to "); found {
			name = rq.words.say("audit.chain.shown", of)
			if place, cards := strings.CutPrefix(of, openedCards); cards {
				if places, err := rq.placesNamed(a, place); err != nil {
					return err
				} else if name = places[place]; name == "" {
					name = place
				}
				name = rq.words.say("audit.chain.cards", name)
			}
		}
		p.Proof.Broken = append(p.Proof.Broken, rq.words.say("audit.broken.at", name, fmt.Sprint(b.Pos)))
	}
	return rq.show("audit", p)
}
