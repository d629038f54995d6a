package pull

import (
	"container/list"
	"maps"
	"slices"
	"sync"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/store"
	"minqing/syncproto"
)

// Ledger is what a server process remembers of a device between two syncs, so that the next one need not look at everything that the device
// holds to find that one row changed: which buckets it holds and what each adds to the root, and the standing they were read under, at one
// cut of all streams. It is a convenience: without it, or where anything of it may no longer be true, everything is looked up.
type Ledger struct {
	device   syncproto.DeviceID
	user     syncproto.UserID
	book     *schema.Book // as the device knows it
	sealed   string       // the device's cursor at the cut
	list     syncproto.Digest
	root     syncproto.Digest
	epoch    syncproto.EpochID
	standing *entitle.Standing
	until    int64                        // when a month begins, and buckets may fall out of retention
	cut      map[string]store.StreamState // every stream there was; of few scopes, those with rows in them
	streams  map[string]bool              // those with rows in a granted scope
	held     map[string][]heldBucket      // scope → its buckets held
	weight   int

	place *list.Element // in memory.order; nil once it was dropped
	out   bool          // a sync works with it
}

type heldBucket struct {
	period string
	sum    syncproto.Digest // what it adds to the root
}

// maxWeight bounds what is remembered of all devices together, in buckets and scopes: some 100 MB. Those not heard of for longest are
// dropped first, and looked up when they come.
const maxWeight = 500_000

// memory keeps ledgers by device. Its zero value is empty.
type memory struct {
	mu       sync.Mutex
	byDevice map[syncproto.DeviceID]*Ledger
	order    list.List // the newest used first
	weight   int
}

// Recall takes what is remembered of a device that holds the list of buckets named, nil for nothing. It is the caller's till Lay gives it
// back; a second sync of the device meanwhile does without.
func (s *Service) Recall(device syncproto.DeviceID, user syncproto.UserID, book *schema.Book, list syncproto.Digest) *Ledger {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.byDevice[device]
	if l == nil || l.out || l.user != user || l.book != book || l.list != list {
		return nil
	}
	l.out = true
	m.order.MoveToFront(l.place)
	return l
}

// Lay gives back what Recall gave; nil is nothing.
func (s *Service) Lay(l *Ledger) {
	if l == nil {
		return
	}
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	l.out = false
}

// keep remembers a new ledger in place of the device's old one.
func (m *memory) keep(l *Ledger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.byDevice[l.device]; old != nil {
		m.drop(old)
	}
	if l.weight > maxWeight {
		return
	}
	if m.byDevice == nil {
		m.byDevice = map[syncproto.DeviceID]*Ledger{}
	}
	m.byDevice[l.device] = l
	l.place = m.order.PushFront(l)
	for m.weight += l.weight; m.weight > maxWeight; {
		m.drop(m.order.Back().Value.(*Ledger))
	}
}

func (m *memory) drop(l *Ledger) {
	m.weight -= l.weight
	m.order.Remove(l.place)
	delete(m.byDevice, l.device)
}

// lookQuick is look for a device of which everything is remembered: it reads only what changed since, and makes a plan of that. It gives nil
// when it cannot stand for look: nothing is remembered, or the plan would be another one than “the same buckets, with other rows”.
func (c *Course) lookQuick(tx *store.Tx) (*plan, error) {
	l := c.quick
	if l == nil || tx.Now() >= l.until {
		return nil, nil
	}
	if same, err := entitle.Same(tx, c.req.User, l.standing); err != nil || !same {
		return nil, err
	}
	epoch, err := tx.Epoch()
	if err != nil || epoch.ID != l.epoch {
		return nil, err
	}
	p := &plan{granted: l.standing.Among(), states: map[syncproto.BucketID]syncproto.BucketState{}, seqs: map[string]int64{}}
	news := c.lookNews
	if few(l.standing.Scopes) {
		news = c.lookOwnNews
	}
	if ok, err := news(tx, p); err != nil || !ok {
		return nil, err
	}
	for id := range l.streams {
		p.seqs[id] = p.streams[id].Seq
	}
	for _, n := range p.news {
		p.seqs[n.Stream] = p.streams[n.Stream].Seq
	}
	if ok, err := c.lookChanged(tx, p); err != nil || !ok {
		return nil, err
	}
	return p, nil
}

// The most that a quick look takes on: scopes of a stream with something new, whoever's they are, and those of the device.
const (
	mostNews    = 4000
	mostChanged = 400
)

// lookOwnNews finds which of a device's few scopes have something new since the ledger's cut; ok is false when the database went back behind it.
func (c *Course) lookOwnNews(tx *store.Tx, p *plan) (ok bool, err error) {
	l := c.quick
	all, err := tx.ScopeSeqs(l.standing.Scopes)
	if err != nil {
		return false, err
	}
	ids := maps.Clone(l.streams)
	for _, n := range all {
		ids[n.Stream] = true
	}
	if p.streams, err = byID(tx.Streams(slices.Sorted(maps.Keys(ids)))); err != nil {
		return false, err
	}
	if still, err := c.stillThere(tx, p, l.streams); err != nil || !still {
		return false, err
	}
	for _, n := range all {
		if n.Seq > c.newsFrom(n.Stream) { // of a stream that had no row in any of them, everything is new
			p.news = append(p.news, n)
		}
	}
	return len(p.news) <= mostChanged, nil
}

// lookNews finds the same of a device with many scopes: it asks for what is new, whoever's it is. ok is false when there is too much, too.
func (c *Course) lookNews(tx *store.Tx, p *plan) (ok bool, err error) {
	l := c.quick
	if p.streams, err = byID(tx.AllStreams()); err != nil {
		return false, err
	}
	cut := map[string]bool{}
	for id := range l.cut {
		cut[id] = true
	}
	if still, err := c.stillThere(tx, p, cut); err != nil || !still {
		return false, err
	}
	after := map[string]int64{}
	for id, now := range p.streams {
		if from := c.newsFrom(id); now.Seq > from {
			after[id] = from
		}
	}
	news, err := tx.ScopesSince(after, mostNews)
	if err != nil || len(news) == mostNews {
		return false, err
	}
	for _, n := range news {
		if p.granted[n.Scope] {
			p.news = append(p.news, n)
		}
	}
	return len(p.news) <= mostChanged, nil
}

// newsFrom is the seq of a stream behind which is new what the device has not been sent.
func (c *Course) newsFrom(stream string) int64 {
	l := c.quick
	from := l.cut[stream].Seq
	if l.sealed != c.req.Sealed {
		// The device has another cursor than the ledger's: an answer was lost, or another process gave it one.
		since, known := c.since[stream]
		if known || l.streams[stream] {
			from = min(from, since)
		}
	}
	return from
}

// stillThere tells whether the streams of the ledger's cut are there, and none of those read went back behind it.
func (c *Course) stillThere(tx *store.Tx, p *plan, cut map[string]bool) (bool, error) {
	for id := range cut {
		if _, there := p.streams[id]; !there {
			return false, nil
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.streams)) {
		if back, err := wentBack(tx, c.quick.streams[id], c.quick.cut[id], p.streams[id]); err != nil || back {
			return false, err
		}
	}
	return true, nil
}

// wentBack tells whether a stream is no longer the one of which the ledger has a cut, as after a fail-over to a standby that lagged.
func wentBack(tx *store.Tx, own bool, cut, now store.StreamState) (bool, error) {
	switch {
	case now.Seq < cut.Seq || now.Pos < cut.Pos:
		return true, nil
	case !own || cut.Pos == 0:
		return false, nil
	case now.Pos == cut.Pos:
		return now.Head != cut.Head, nil
	}
	has, err := tx.HasHead(now.ID, cut.Pos, cut.Head)
	return !has, err
}

// lookChanged reads the buckets of the scopes with something new; ok is false when one came that is to be filled, or one went.
func (c *Course) lookChanged(tx *store.Tx, p *plan) (ok bool, err error) {
	l := c.quick
	scopes := map[string]bool{}
	for _, n := range p.news {
		scopes[n.Scope] = true
	}
	buckets, err := c.lookBuckets(tx, slices.Sorted(maps.Keys(scopes)))
	if err != nil {
		return false, err
	}
	for _, b := range buckets {
		if l.bucket(b.ID) == nil {
			return false, nil
		}
		p.states[b.ID] = b
	}
	clear(c.held)
	for scope := range scopes {
		for _, b := range l.held[scope] {
			id := syncproto.BucketID{Scope: scope, Period: b.period}
			if _, there := p.states[id]; !there {
				return false, nil
			}
			c.held[id] = true
		}
	}
	return true, nil
}

// unfold goes on without the quick look: everything that the device holds is in held.
func (c *Course) unfold() {
	if c.quick == nil {
		return
	}
	l := c.quick
	c.quick, c.standing = nil, l.standing
	for _, id := range l.buckets() {
		c.held[id] = true
	}
}

func (l *Ledger) bucket(id syncproto.BucketID) *heldBucket {
	of := l.held[id.Scope]
	for i := range of {
		if of[i].period == id.Period {
			return &of[i]
		}
	}
	return nil
}

// buckets lists what the device holds, in the order of filling.
func (l *Ledger) buckets() []syncproto.BucketID {
	out := make([]syncproto.BucketID, 0, l.weight)
	for scope, of := range l.held {
		for _, b := range of {
			out = append(out, syncproto.BucketID{Scope: scope, Period: b.period})
		}
	}
	slices.SortFunc(out, compareBuckets)
	return out
}

// rootWith is the root of all that is held, with other states of some.
func (l *Ledger) rootWith(states map[syncproto.BucketID]syncproto.BucketState) syncproto.Digest {
	root := l.root
	for id, s := range states {
		root = root.Sub(l.bucket(id).sum).Add(syncproto.DigestBucket(&s))
	}
	return root
}

// keepList sees to it that the list of buckets held is known by its digest.
func (l *Ledger) keepList(tx *store.Tx) error {
	kept, err := tx.HasHeld(l.list.String())
	if kept || err != nil {
		return err
	}
	_, err = saveHeld(tx, l.buckets())
	return err
}

// remember keeps what a final look found, once what it sent is on record: the device's cursor is then c.sealed.
func (c *Course) remember(f *closing) {
	if l := c.quick; l != nil {
		l.root = l.rootWith(f.plan.states)
		for id, s := range f.plan.states {
			l.bucket(id).sum = syncproto.DigestBucket(&s)
		}
		l.sealed, l.cut = c.sealed, f.plan.streams
		for id := range f.plan.seqs {
			l.streams[id] = true
		}
		return
	}
	if len(f.plan.pending) > 0 || len(f.plan.granted) != len(c.standing.Scopes) {
		return // not all that it may hold is held
	}
	month := time.UnixMilli(f.now).In(c.svc.Zone)
	l := &Ledger{device: c.req.Device, user: c.req.User, book: c.book, sealed: c.sealed, epoch: f.epoch, standing: c.standing, cut: f.plan.streams,
		until:   time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, c.svc.Zone).UnixMilli(),
		streams: map[string]bool{}, held: map[string][]heldBucket{}, weight: len(f.plan.states) + len(c.standing.Scopes)}
	for id := range f.plan.seqs {
		l.streams[id] = true
	}
	held := make([]syncproto.BucketID, 0, len(f.plan.states))
	for id, s := range f.plan.states {
		sum := syncproto.DigestBucket(&s)
		l.root = l.root.Add(sum)
		l.held[id.Scope] = append(l.held[id.Scope], heldBucket{id.Period, sum})
		held = append(held, id)
	}
	l.list = syncproto.DigestHeld(held)
	c.svc.memory.keep(l)
}
