package mutants

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Options of a run.
type Options struct {
	Out  io.Writer
	Only []string // names of mutants; none: all of them
	From uint64   // where the search for other histories than the known ones begins
	Most int      // how many histories it tries for one mutant
	Now  func() time.Time
}

// unmutated is how many histories of the code as it is must be green.
const unmutated = 20

// Run plants each fault, looks for a history that finds it, and prints one line for each and the sum. It gives an error unless all were
// killed and the code as it is stayed green.
func Run(ctx context.Context, opt Options) (err error) {
	list, err := all()
	if err != nil {
		return err
	}
	if list, err = chosen(list, opt.Only); err != nil {
		return err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "minqing-mutants-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h := &hunt{opt: opt, root: root, dir: dir, green: map[string]func() (bool, error){}}
	began := opt.Now()
	if h.sound, err = build(ctx, root, dir, nil); err != nil {
		return err
	}
	var wg sync.WaitGroup
	ends := make([]*end, len(list))
	next := make(chan int)
	for range min(2, runtime.NumCPU()) {
		wg.Go(func() {
			for i := range next {
				ends[i] = h.kill(ctx, list[i])
				h.print(ends[i])
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	wg.Wait()
	return h.sum(ctx, ends, began)
}

// chosen picks mutants by name.
func chosen(list []*mutant, names []string) ([]*mutant, error) {
	if len(names) == 0 {
		return list, nil
	}
	var out []*mutant
	for _, name := range names {
		i := slices.IndexFunc(list, func(m *mutant) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("mutants: there is no mutant %q", name)
		}
		out = append(out, list[i])
	}
	return out, nil
}

// hunt is one run.
type hunt struct {
	opt   Options
	root  string
	dir   string
	sound *simulator // without a fault

	mu    sync.Mutex
	green map[string]func() (bool, error) // by history: whether the code as it is passes it
}

// end is what became of a mutant.
type end struct {
	*mutant
	by        *finding // that killed it; nil: it survived
	unnamed   *finding // a history that failed without breaking an invariant, or that fails without the fault too
	histories int
	took      time.Duration
	err       error
}

// kill builds a mutant and runs histories until one finds it: first those that did before, then others.
func (h *hunt) kill(ctx context.Context, m *mutant) *end {
	e := &end{mutant: m}
	began := h.opt.Now()
	defer func() { e.took = h.opt.Now().Sub(began) }()
	dir := filepath.Join(h.dir, m.name)
	files, err := m.apply(h.root)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		e.err = err
		return e
	}
	defer func() { e.err = errors.Join(e.err, os.RemoveAll(dir)) }()
	sim, err := build(ctx, h.root, dir, files)
	if err != nil {
		e.err = err
		return e
	}
	e.by, e.err = h.search(ctx, sim, e)
	return e
}

func (h *hunt) search(ctx context.Context, sim *simulator, e *end) (*finding, error) {
	for _, name := range e.directed {
		e.histories++
		f, err := sim.again(ctx, &finding{directed: name})
		if err != nil {
			return nil, err
		}
		if ok, err := h.counts(ctx, f, e); ok || err != nil {
			return f, err
		}
	}
	for at, end := h.opt.From, h.opt.From+uint64(h.opt.Most); at < end; {
		f, err := sim.seeds(ctx, at, int(end-at))
		if err != nil {
			return nil, err
		}
		if f == nil {
			e.histories += int(end - at)
			return nil, nil
		}
		e.histories += int(f.seed + 1 - at)
		if ok, err := h.counts(ctx, f, e); ok || err != nil {
			return f, err
		}
		at = f.seed + 1
	}
	return nil, nil
}

// counts tells whether a failure kills the mutant: it names an invariant, and the same history is green without the fault.
func (h *hunt) counts(ctx context.Context, f *finding, e *end) (bool, error) {
	if f == nil {
		return false, nil
	}
	if !f.named() {
		e.unnamed = f
		return false, nil
	}
	green, err := h.isGreen(ctx, f)
	if !green && err == nil {
		e.unnamed = f
	}
	return green, err
}

// isGreen tells whether the code as it is passes a history. Many mutants die by the same one: it is run once.
func (h *hunt) isGreen(ctx context.Context, f *finding) (bool, error) {
	key := f.where()
	h.mu.Lock()
	passes := h.green[key]
	if passes == nil {
		passes = sync.OnceValues(func() (bool, error) {
			without, err := h.sound.again(ctx, f)
			return without == nil, err
		})
		h.green[key] = passes
	}
	h.mu.Unlock()
	return passes()
}

func (f *finding) where() string {
	if f.directed != "" {
		return "directed=" + f.directed
	}
	return fmt.Sprintf("seed=%d", f.seed)
}

func (h *hunt) print(e *end) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seconds := fmt.Sprintf("histories=%d seconds=%.0f", e.histories, e.took.Seconds())
	switch {
	case e.err != nil:
		fmt.Fprintf(h.opt.Out, "mutant %s failed %s: %v\n", e.name, seconds, e.err)
	case e.by != nil:
		note := ""
		if !slices.Contains(e.expected, e.by.number()) {
			note = " (expected " + strings.Join(e.expected, " or ") + ")"
		}
		fmt.Fprintf(h.opt.Out, "mutant %s killed by %s %s %s%s: %.160s\n", e.name, e.by.invariant, e.by.where(), seconds, note, e.by.text)
	case e.unnamed != nil:
		fmt.Fprintf(h.opt.Out, "mutant %s survived %s; %s fails, and does not count: %s: %.160s\n", e.name, seconds, e.unnamed.where(), e.unnamed.invariant, e.unnamed.text)
	default:
		fmt.Fprintf(h.opt.Out, "mutant %s survived %s\n", e.name, seconds)
	}
}

// sum runs the code as it is, and prints what came of all.
func (h *hunt) sum(ctx context.Context, ends []*end, began time.Time) error {
	killed := 0
	by := map[string]int{}
	for _, e := range ends {
		if e.by != nil {
			killed++
			by[e.by.invariant]++
		}
	}
	red, err := h.sound.seeds(ctx, h.opt.From, unmutated)
	if err != nil {
		return err
	}
	var names []string
	for name := range by {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(h.opt.Out, "by %s: %d\n", name, by[name])
	}
	var broken error
	green := "all green"
	if red != nil {
		green = fmt.Sprintf("%s is red: %s: %s", red.where(), red.invariant, red.text)
		broken = errors.New("mutants: the code as it is fails")
	}
	fmt.Fprintf(h.opt.Out, "unmutated histories=%d: %s\n", unmutated, green)
	fmt.Fprintf(h.opt.Out, "mutants=%d killed=%d invariants=%d seconds=%.0f\n", len(ends), killed, len(by), h.opt.Now().Sub(began).Seconds())
	if killed < len(ends) {
		return errors.Join(broken, fmt.Errorf("mutants: %d survived", len(ends)-killed))
	}
	return broken
}
