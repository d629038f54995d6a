package sim

import (
	"slices"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// settle lets everything heal, and holds what is left to the invariants about the end.
func (w *world) settle() {
	w.trace.note("all is well now")
	w.calm = true
	w.at = len(w.history.Ops)
	w.tick(hour)
	for len(w.ghosts) > 0 {
		w.doGhost(newDice(w.history.Seed, 10))
	}
	if !w.server.up {
		w.server.open()
	}
	w.handInLast()
	d := newDice(w.history.Seed, 11)
	for round := 1; round <= 3; round++ {
		quiet := true
		for _, p := range slices.Clone(w.phones) {
			if p.gone {
				continue
			}
			w.tick(1000)
			if err := p.session(d, false); err != nil {
				w.violate(iLiveness, "round %d of %s fails: %v", round, p.name, err)
			}
			quiet = quiet && p.quiet
		}
		if quiet && w.brief {
			break // nobody sent or got anything, so that the next round would be this one again
		}
	}
	w.server.settle()
	w.compareServer()
	w.checkErased()
	for _, p := range w.phones {
		if !p.gone {
			w.checkPhone(p)
		}
	}
	w.checkPromises()
	w.checkAudit()
	w.replay()
	w.replayLast()
}

// checkPhone holds a phone to the end of the history.
func (w *world) checkPhone(p *phone) {
	for id, e := range p.entries() {
		if e.State == replica.Pending {
			w.violate(iLiveness, "after three rounds %s still has to push %s", p.name, describe(e.Change))
		}
		w.checkEntry(p, id, e)
	}
	if len(p.cuts) == 0 {
		w.violate(iLiveness, "after three rounds %s holds nothing", p.name)
	}
	can := w.oracle.Entitled(p.userID(), w.now)
	p.cuts = []*cut{{view: w.oracle.View(), can: can, began: can, now: w.now}}
	p.sure = true
	p.check()
}

// checkEntry holds what a phone knows of its own change to what became of it.
func (w *world) checkEntry(p *phone, id syncproto.Identity, e *replica.Entry) {
	c := w.oracle.Change(id)
	if c == nil {
		w.violate(w.lost(w.made[id]), "the server does not hold change %s, which %s calls %s", id, p.name, e.State)
	}
	if e.Verdict != nil && e.State != replica.Withdrawn {
		w.compareVerdict(p, e.Verdict)
	}
}

// checkPromises wants every change that somebody was told is safe, and that a phone in use still holds, to be on record.
func (w *world) checkPromises() {
	for _, id := range sortedKeys(w.made) {
		m := w.made[id]
		if (len(m.holders) > 0 || m.kept) && w.oracle.Change(id) == nil {
			w.violate(w.lost(m), "the server does not hold %s, which a phone or a file holds", describe(m.Change))
		}
	}
}

// lost names the invariant that the loss of a change breaks: the server had acknowledged it and went back behind it, or never had it.
func (w *world) lost(m *made) string {
	if m != nil && m.given && w.count[cRestores] > 0 {
		return iEpochs
	}
	return iNoLostEdit
}
