package pull

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// plan is what one snapshot says about a device: what it may hold, what is missing, what is too much, where the streams stand.
type plan struct {
	granted map[string]bool
	// states of every bucket of the granted scopes within retention, held or not.
	states map[syncproto.BucketID]syncproto.BucketState
	// forget and pending are the difference to what the device holds.
	forget  []syncproto.Forget
	pending []syncproto.BucketID
	news    []store.ScopeSeq
	streams map[string]store.StreamState // all there are; of few scopes, those with rows in them
	seqs    map[string]int64             // every stream with rows in a granted scope
}

// look reads a plan. A scope that was not granted when the sync began is left for the next one, so that the record of what was
// disclosed is complete before anything is sent.
func (c *Course) look(tx *store.Tx) (*plan, error) {
	var err error
	if c.standing, err = entitle.Stand(tx, c.req.User, c.standing); err != nil {
		return nil, err
	}
	epoch, err := tx.Epoch()
	if err != nil {
		return nil, err
	}
	c.epoch = epoch.ID
	scopes := c.standing.Scopes
	p := &plan{granted: c.standing.Among(), states: map[syncproto.BucketID]syncproto.BucketState{}, seqs: map[string]int64{}}
	if c.scopes != nil {
		p.granted = within(scopes, c.scopes)
	}
	buckets, err := c.lookBuckets(tx, scopes)
	if err != nil {
		return nil, err
	}
	for _, b := range buckets {
		if p.granted[b.ID.Scope] {
			p.states[b.ID] = b
		}
	}
	if err := p.lookScopes(tx, scopes); err != nil {
		return nil, err
	}
	c.compare(p)
	return p, nil
}

// lookBuckets reads the state of every bucket of scopes within retention, as the device counts it.
func (c *Course) lookBuckets(tx *store.Tx, scopes []string) ([]syncproto.BucketState, error) {
	buckets, err := tx.Buckets(scopes)
	if err != nil {
		return nil, err
	}
	strange, err := c.strangeRows(tx, scopes)
	if err != nil {
		return nil, err
	}
	now := time.UnixMilli(tx.Now()).In(c.svc.Zone)
	var out []syncproto.BucketState
	for _, b := range buckets {
		if c.book.Kept(b.ID.Scope, b.ID.Period, now) {
			out = append(out, syncproto.BucketState{ID: b.ID, Rows: int(b.Rows - strange[b.ID]), Digests: knownDigests(b.Digests, c.book.Version)})
		}
	}
	return out, nil
}

// strangeRows counts the rows of tables that an older device does not know: it counts a bucket without them.
func (c *Course) strangeRows(tx *store.Tx, scopes []string) (map[syncproto.BucketID]int64, error) {
	var tables []string
	for _, t := range tx.Book().Tables() {
		if c.book.Table(t.Name) == nil {
			tables = append(tables, t.Name)
		}
	}
	if len(tables) == 0 {
		return nil, nil
	}
	return tx.CountRows(scopes, tables)
}

// few tells whether scopes are so few that asking for each of them by name costs less than asking for all that is new in a city, most of which is
// somebody else's: a visitor's are, a town's are not.
func few(scopes []string) bool { return len(scopes) <= 300 }

func (p *plan) lookScopes(tx *store.Tx, scopes []string) error {
	news, err := tx.ScopeSeqs(scopes)
	if err != nil {
		return err
	}
	if few(scopes) {
		mine := map[string]bool{}
		for _, n := range news {
			mine[n.Stream] = true
		}
		p.streams, err = byID(tx.Streams(slices.Sorted(maps.Keys(mine))))
	} else {
		p.streams, err = byID(tx.AllStreams())
	}
	if err != nil {
		return err
	}
	for _, n := range news {
		if p.granted[n.Scope] {
			p.news = append(p.news, n)
			p.seqs[n.Stream] = p.streams[n.Stream].Seq
		}
	}
	return nil
}

func byID(all []store.StreamState, err error) (map[string]store.StreamState, error) {
	out := make(map[string]store.StreamState, len(all))
	for _, s := range all {
		out[s.ID] = s
	}
	return out, err
}

// compare fills forget and pending. A scope that is no longer granted is forgotten whole; so the device hears nothing of its
// buckets.
func (c *Course) compare(p *plan) {
	lost := map[string]bool{}
	for b := range c.held {
		if _, keep := p.states[b]; keep {
			continue
		}
		if p.granted[b.Scope] {
			p.forget = append(p.forget, syncproto.Forget(b))
		} else if !lost[b.Scope] {
			lost[b.Scope] = true
			p.forget = append(p.forget, syncproto.Forget{Scope: b.Scope})
		}
	}
	slices.SortFunc(p.forget, func(a, b syncproto.Forget) int {
		return cmp.Or(strings.Compare(a.Scope, b.Scope), strings.Compare(a.Period, b.Period))
	})
	for b := range p.states {
		if !c.held[b] {
			p.pending = append(p.pending, b)
		}
	}
	slices.SortFunc(p.pending, compareBuckets)
}

// knownDigests leaves out the sums over columns from after the device's schema.
func knownDigests(all []syncproto.Digest, version int) []syncproto.Digest {
	if len(all) > version {
		all = all[:version]
	}
	for len(all) > 0 && all[len(all)-1] == (syncproto.Digest{}) {
		all = all[:len(all)-1]
	}
	return all
}

// compareBuckets is the order of filling: people and places, then the register, then visits from the newest month back.
func compareBuckets(a, b syncproto.BucketID) int {
	return cmp.Or(cmp.Compare(class(a), class(b)), strings.Compare(b.Period, a.Period), strings.Compare(a.Scope, b.Scope))
}

// The classes of filling. Where checkpoints lie between them, stage says.
const (
	classPeople = iota
	classRegister
	classPast
)

func class(b syncproto.BucketID) int {
	switch {
	case b.Period != schema.NoPeriod:
		return classPast
	case strings.HasPrefix(b.Scope, "place:"), strings.HasPrefix(b.Scope, "user:"), strings.HasPrefix(b.Scope, "device:"):
		return classPeople
	default:
		return classRegister
	}
}
