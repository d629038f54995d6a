package merge

// walk goes through the graph of a view by Tarjan's algorithm, which finishes components in the order needed to close them: what
// is seen before who has seen it. It starts from the oldest version, so that in an honest history each step is shallow.
type walk struct {
	v       *view
	number  []int // by node, 0 while not visited
	low     []int
	onStack []bool
	stack   []int
	last    int
}

// close fills comps, compOf and eff.
func (v *view) close() {
	n := len(v.out)
	c := &walk{v: v, number: make([]int, n), low: make([]int, n), onStack: make([]bool, n)}
	v.compOf = make([]int, n)
	v.eff = make([]int64, len(v.w))
	for node := range n {
		if c.number[node] == 0 {
			c.visit(node)
		}
	}
}

func (c *walk) visit(node int) {
	c.last++
	c.number[node], c.low[node] = c.last, c.last
	c.stack = append(c.stack, node)
	c.onStack[node] = true
	for _, to := range c.v.out[node] {
		if c.number[to] == 0 {
			c.visit(to)
			c.low[node] = min(c.low[node], c.low[to])
		} else if c.onStack[to] {
			c.low[node] = min(c.low[node], c.number[to])
		}
	}
	if c.low[node] != c.number[node] {
		return
	}
	at := len(c.stack) - 1
	for c.stack[at] != node {
		at--
	}
	nodes := c.stack[at:]
	c.stack = c.stack[:at]
	c.finish(nodes)
}

// finish closes one component: its members have seen what lies outside and below it, and none of each other.
func (c *walk) finish(nodes []int) {
	v := c.v
	id := len(v.comps)
	var comp component
	for _, node := range nodes {
		c.onStack[node] = false
		v.compOf[node] = id
		if node < len(v.w) {
			comp.members = append(comp.members, node)
		}
	}
	for _, node := range nodes {
		for _, to := range v.out[node] {
			if v.compOf[to] == id { // edges lead to finished components or stay in this one
				continue
			}
			below := &v.comps[v.compOf[to]]
			v.addReach(&comp.ext, to)
			if below.any {
				comp.latest, comp.any = maxOf(comp, below.latest), true
			}
		}
	}
	pred, seenAny := comp.latest, comp.any
	for _, m := range comp.members {
		// DESIGN section 3: later than what it was written over, whatever the author's clock said.
		v.eff[m] = v.w[m].by.Corrected
		if seenAny {
			v.eff[m] = max(v.eff[m], pred+1)
		}
		comp.latest, comp.any = maxOf(comp, v.eff[m]), true
	}
	v.comps = append(v.comps, comp)
}

func maxOf(c component, t int64) int64 {
	if !c.any {
		return t
	}
	return max(c.latest, t)
}
