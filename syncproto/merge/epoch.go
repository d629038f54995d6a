package merge

import "minqing/syncproto"

// reach is what a base of one epoch takes over from the epochs before.
type reach struct {
	ancestors map[syncproto.EpochID]bool // proper ancestors that this store shares
	limit     uint64                     // of the versions labelled there, those with Seq <= limit were there when the epoch began
}

// lineage answers, for each epoch, what its bases take over. Epochs of the store's own ancestry began at a seq that this store counted
// itself. An epoch that a restore cut off branches from one of them: it took over what stood there at the branching, or, where
// the branch lies beyond the restored backup, what the backup holds. What the lost store accepted between is
// known by label only, and labels do not tell on which side of a later branching they were given; so it counts as
// unseen, which may cost a needless inbox item after a restore and can never hide an edit.
type lineage struct {
	epochs Epochs
	child  map[syncproto.EpochID]syncproto.EpochID // of each own epoch but the current one: the own epoch that followed
	own    map[syncproto.EpochID]bool
	memo   map[syncproto.EpochID]*reach
}

func newLineage(epochs Epochs) *lineage {
	l := &lineage{epochs: epochs, child: map[syncproto.EpochID]syncproto.EpochID{}, own: map[syncproto.EpochID]bool{},
		memo: map[syncproto.EpochID]*reach{}}
	for e := epochs.Current; e != "" && !l.own[e]; {
		l.own[e] = true
		parent := epochs.All[e].Parent
		if parent != "" && !l.own[parent] {
			l.child[parent] = e
		}
		e = parent
	}
	return l
}

func (l *lineage) reach(e syncproto.EpochID) *reach {
	if r := l.memo[e]; r != nil {
		return r
	}
	r := &reach{ancestors: map[syncproto.EpochID]bool{}}
	l.memo[e] = r
	branch, visited := e, map[syncproto.EpochID]bool{}
	for !l.own[branch] && !visited[branch] {
		visited[branch] = true
		parent := l.epochs.All[branch].Parent
		if parent == "" {
			return r
		}
		if l.own[parent] {
			r.limit = l.epochs.All[branch].Began
			if next, ok := l.child[parent]; ok {
				r.limit = min(r.limit, l.epochs.All[next].Began)
			}
			l.addOwn(r, parent)
			return r
		}
		branch = parent
	}
	if l.own[branch] {
		r.limit = l.epochs.All[e].Began
		l.addOwn(r, l.epochs.All[e].Parent)
	}
	return r
}

// addOwn adds an own epoch and those before it.
func (l *lineage) addOwn(r *reach, e syncproto.EpochID) {
	for e != "" && l.own[e] && !r.ancestors[e] {
		r.ancestors[e] = true
		e = l.epochs.All[e].Parent
	}
}

// rev is the least rev from which a base of epoch e has seen a version with these labels, accepted under this seq; ok is false
// when none has.
func (l *lineage) rev(e syncproto.EpochID, labels []syncproto.Label, seq uint64) (rev uint64, ok bool) {
	if e == "" {
		return 0, false
	}
	r := l.reach(e)
	for _, label := range labels {
		if label.Epoch != e && (seq > r.limit || !r.ancestors[label.Epoch]) {
			continue
		}
		if !ok || label.Rev < rev {
			rev, ok = label.Rev, true
		}
	}
	return rev, ok
}
