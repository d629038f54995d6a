package admin

import (
	"context"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Proof is what Verify found. All is well when Broken, Missing and Differences are empty.
type Proof struct {
	Chains      *judge.ChainReport
	Disclosed   int            // records of the chains of what was shown to whom
	Broken      []judge.Broken // the first altered record of each chain, disclosures included
	Missing     []string       // changes and history that stand in no chain
	Rebuilt     bool
	Differences []judge.Difference
}

// Sound tells whether nothing was found.
func (p *Proof) Sound() bool { return len(p.Broken)+len(p.Missing)+len(p.Differences) == 0 }

// Verify reckons every chain anew and names the first altered record of each. With rebuild it also makes every row and digest from the
// history and compares.
func (d *Desk) Verify(ctx context.Context, rebuild bool) (*Proof, error) {
	if err := d.read(ctx, func(*store.Tx, syncproto.UserID) error { return nil }); err != nil {
		return nil, err
	}
	chains, err := d.E.Judge.VerifyChain(ctx)
	if err != nil {
		return nil, err
	}
	p := &Proof{Chains: chains, Broken: chains.Broken, Rebuilt: rebuild}
	err = d.E.Store.Read(ctx, func(tx *store.Tx) error {
		if err := p.disclosures(tx, nil); err != nil {
			return err
		}
		return p.unchained(tx)
	})
	if err == nil && rebuild {
		p.Differences, err = d.E.Judge.Rebuild(ctx)
	}
	return p, err
}

// VerifyWithin reckons the chains of some streams and some of what was shown, by name; nil stands for all. Whoever asks has proven his right to
// the place that they are of.
func (d *Desk) VerifyWithin(ctx context.Context, streams, shown []string) (*Proof, error) {
	chains, err := d.E.Judge.VerifyStreams(ctx, streams)
	if err != nil {
		return nil, err
	}
	p := &Proof{Chains: chains, Broken: chains.Broken}
	return p, d.E.Store.Read(ctx, func(tx *store.Tx) error {
		p.Disclosed, p.Broken = 0, chains.Broken
		return p.disclosures(tx, shown)
	})
}

// disclosurePage bounds how many records are held in memory.
const disclosurePage = 500

// disclosures checks chains of what was shown, nil for all there are.
func (p *Proof) disclosures(tx *store.Tx, chains []string) error {
	if chains == nil {
		if err := tx.Each(func(scan func(...any) error) error {
			var c string
			err := scan(&c)
			chains = append(chains, c)
			return err
		}, "SELECT DISTINCT chain FROM mq_disclosure ORDER BY chain"); err != nil {
			return err
		}
	}
	for _, chain := range chains {
		if err := p.disclosureChain(tx, chain); err != nil {
			return err
		}
	}
	return nil
}

func (p *Proof) disclosureChain(tx *store.Tx, chain string) error {
	head, pos := "", int64(0)
	for {
		page, err := tx.Disclosures(chain, pos, disclosurePage)
		if err != nil {
			return err
		}
		from := pos
		for _, r := range page {
			why, err := checkDisclosure(tx, &r, head, pos)
			if err != nil {
				return err
			}
			if why != "" {
				p.Broken = append(p.Broken, judge.Broken{Stream: "disclosures to " + chain, Pos: r.Pos, Why: why})
				return nil
			}
			head, pos = r.Head, r.Pos
			p.Disclosed++
		}
		if at, err := tx.Unnamed(chain, from, pos); err != nil {
			return err
		} else if at != 0 {
			p.Broken = append(p.Broken, judge.Broken{Stream: "disclosures to " + chain, Pos: at, Why: "it was taken out of what it names"})
			return nil
		}
		if len(page) < disclosurePage {
			return nil
		}
	}
}

func checkDisclosure(tx *store.Tx, r *store.Disclosure, head string, pos int64) (why string, err error) {
	if r.Pos != pos+1 {
		return "a record is missing before it", nil
	}
	if r.Salt != "" { // erased by law: the leaf alone is left
		if leaf, err := syncproto.ChainLeaf(r.Salt, []byte(r.Value)); err != nil || leaf != r.Leaf {
			return "it was altered", nil //nolint:nilerr // what cannot be hashed is not what was
		}
		// By what a place finds its records says what the value says; the column of records made before there was one is empty.
		named, several, err := store.StreamsShown(r.Value)
		if err != nil || r.Stream != "" && r.Stream != named {
			return "it was put into another place", nil //nolint:nilerr // nor what cannot be read
		}
		if len(several) > 0 {
			if n, err := tx.FoundIn(r, several); err != nil || n != int64(len(several)) {
				return "it was taken out of a place", err
			}
		}
	}
	if next, err := syncproto.ChainNext(head, uint64(r.Pos), r.Leaf); err != nil || next != r.Head {
		return "it does not follow the record before", nil //nolint:nilerr // a head that cannot be reckoned is none
	}
	return "", nil
}

// mostMissing bounds what is named; one is too many already.
const mostMissing = 20

// unchained finds changes that no chain knows, and history that is of no change: somebody put them in past the judge.
func (p *Proof) unchained(tx *store.Tx) error {
	for what, query := range map[string]string{
		"change ":     "SELECT identity FROM mq_change c WHERE NOT EXISTS (SELECT 1 FROM mq_chain k WHERE k.identity = c.identity) ORDER BY identity LIMIT ?",
		"history of ": "SELECT DISTINCT identity FROM mq_history c WHERE NOT EXISTS (SELECT 1 FROM mq_change k WHERE k.identity = c.identity AND k.received = c.received) ORDER BY identity LIMIT ?",
	} {
		err := tx.Each(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			p.Missing = append(p.Missing, what+id)
			return err
		}, query, int64(mostMissing))
		if err != nil {
			return err
		}
	}
	return nil
}
