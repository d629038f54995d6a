package sim

// shrinkRuns bounds how many histories are run to make one smaller: a failure is read by a person, who would rather read thirty
// operations now than three tomorrow.
const shrinkRuns = 400

// shrinking looks for a smaller history that breaks the same invariant.
type shrinking struct {
	best *history
	last result // of best
	runs int
}

// shrink leaves out of a failing history what its failure does not need: operations, the faults of those that stay, wrong clocks. It
// gives the smaller history and what it came to.
func shrink(h *history, res result) (*history, result) {
	if res.Broken == nil {
		return h, res
	}
	s := &shrinking{best: h, last: res}
	s.try(func(c *history) { c.Clocks = false })
	s.without(func(c *history, i int) { c.Skip[i] = true })
	s.without(func(c *history, i int) {
		if !c.Skip[i] {
			c.Calm[i] = true
		}
	})
	return s.best, s.last
}

// without leaves out runs of operations, long ones first, down to single ones.
func (s *shrinking) without(leave func(*history, int)) {
	for length := (len(s.best.Ops) + 1) / 2; ; length /= 2 {
		for to := len(s.best.Ops); to > 0; to -= length {
			s.try(func(c *history) {
				for i := max(0, to-length); i < to; i++ {
					leave(c, i)
				}
			})
		}
		if length <= 1 || s.runs >= shrinkRuns {
			return
		}
	}
}

// try keeps a smaller history that breaks the same invariant.
func (s *shrinking) try(alter func(*history)) {
	c := s.best.copy()
	alter(c)
	if c.same(s.best) || s.runs >= shrinkRuns {
		return
	}
	s.runs++
	if res := runOne(c, nil); res.Broken != nil && res.Broken.Invariant == s.last.Broken.Invariant {
		s.best, s.last = c, res
	}
}
