package merge

import "minqing/syncproto"

// lineage answers, for each epoch, what its bases take over from the epochs before. Epochs of the store's own ancestry began at a seq
// that this store counted itself. An epoch that a restore cut off branches from one of them: it took over what stood there
// at the branching, or, where the branch lies beyond the restored backup, what the backup holds. What the lost store
// accepted between is known by label only, and labels do not tell on which side of a later branching they were given; so it
// counts as unseen, which may cost a needless inbox item after a restore and can never hide an edit.
type lineage struct {
	epochs Epochs
	own    []syncproto.EpochID       // the store's own ancestry, newest first; nil until needed
	pos    map[syncproto.EpochID]int // index into own
	memo   map[syncproto.EpochID]reach
}

// reach is what a base of one epoch takes over: versions with Seq <= limit, labelled in own[from:].
type reach struct {
	limit uint64
	from  int
}

func newLineage(epochs Epochs) *lineage { return &lineage{epochs: epochs} }

// build lists the own ancestry. Most rows never need it: their bases and labels are of one epoch.
func (l *lineage) build() {
	if l.pos != nil {
		return
	}
	l.pos, l.memo = map[syncproto.EpochID]int{}, map[syncproto.EpochID]reach{}
	for e := l.epochs.Current; e != ""; e = l.epochs.All[e].Parent {
		if _, again := l.pos[e]; again {
			break
		}
		l.pos[e] = len(l.own)
		l.own = append(l.own, e)
	}
}

func (l *lineage) reach(e syncproto.EpochID) reach {
	l.build()
	r, ok := l.memo[e]
	if !ok {
		r = l.climb(e)
		l.memo[e] = r
	}
	return r
}

// climb goes up from an epoch to the store's own ancestry.
func (l *lineage) climb(e syncproto.EpochID) reach {
	if at, own := l.pos[e]; own {
		return reach{l.epochs.All[e].Began, at + 1}
	}
	visited := map[syncproto.EpochID]bool{}
	for e != "" && !visited[e] {
		visited[e] = true
		entry := l.epochs.All[e]
		if at, own := l.pos[entry.Parent]; own {
			if at > 0 {
				entry.Began = min(entry.Began, l.epochs.All[l.own[at-1]].Began)
			}
			return reach{entry.Began, at}
		}
		e = entry.Parent
	}
	return reach{0, len(l.own)}
}

// held tells whether an epoch is among those that r takes over from.
func (l *lineage) held(r reach, e syncproto.EpochID) bool {
	at, own := l.pos[e]
	return own && at >= r.from
}

// rev is the least rev from which a base of epoch e has seen a version with these labels, accepted under this seq; ok is false
// when none has.
func (l *lineage) rev(e syncproto.EpochID, labels []syncproto.Label, seq uint64) (rev uint64, ok bool) {
	for _, label := range labels {
		if e == "" || label.Epoch != e && (seq > l.reach(e).limit || !l.held(l.reach(e), label.Epoch)) {
			continue
		}
		if !ok || label.Rev < rev {
			rev, ok = label.Rev, true
		}
	}
	return rev, ok
}
