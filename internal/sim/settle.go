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
	if date(w.now) != date(w.now+hour) {
		w.tick(hour) // rights end at midnight, and a phone that synced for the last time before it could not know
	}
	for len(w.ghosts) > 0 {
		w.doGhost(newDice(w.history.Seed, 10))
	}
	if !w.server.up {
		w.server.open()
	}
	w.handInLast()
	w.rounds(newDice(w.history.Seed, 11))
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

// rounds lets every phone sync three times. One that becomes another device meanwhile, told apart from its twin or enrolled anew, is a new
// row for the phones of its user, and those of them that had synced before it in the third round can only get that in another one: they
// alone have it. Getting the row can tell the next twin apart, but no phone becomes another device twice in good weather, so that this
// comes to an end.
func (w *world) rounds(d *dice) {
	last, anew := map[string]int{}, map[*phone]bool{}
	for round, most := 1, 3; round <= most; round++ {
		quiet := true
		for _, p := range slices.Clone(w.phones) {
			if p.gone || round > max(3, last[p.user]) {
				continue
			}
			if round == 4 {
				w.nothingWaits(p)
			}
			w.tick(1000)
			if err := p.session(d, false); err != nil {
				w.violate(iLiveness, "round %d of %s fails: %v", round, p.name, err)
			}
			quiet = quiet && p.quiet
			if p.anew {
				if anew[p] {
					w.violate(iLiveness, "%s becomes another device a second time, in round %d", p.name, round)
				}
				anew[p], last[p.user], most = true, round+1, max(most, round+1)
			}
		}
		if quiet && w.brief {
			break // nobody sent or got anything, so that the next round would be this one again
		}
	}
}

// checkPhone holds a phone to the end of the history.
func (w *world) checkPhone(p *phone) {
	w.nothingWaits(p)
	for id, e := range p.entries() {
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

// nothingWaits wants the outbox of a phone to be empty.
func (w *world) nothingWaits(p *phone) {
	for _, e := range p.entries() {
		if e.State == replica.Pending {
			w.violate(iLiveness, "after three rounds %s still has to push %s", p.name, describe(e.Change))
		}
	}
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
