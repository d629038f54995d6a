package sim

import (
	"fmt"
	"io"
	"runtime/debug"

	"minqing/internal/sim/oracle"
	"minqing/internal/simdisk"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// world is one history under way. Everything in it runs on the goroutine that runs the history.
type world struct {
	history *history
	now     int64 // Unix ms; the server's clock is right
	trace   *trace
	count   counters
	broken  *violation

	book   *schema.Book
	oracle *oracle.Oracle
	server *server
	phones []*phone
	ghosts []*ghost // requests that the network holds back
	heard  []*ghost // sync requests that the server answered, in that order

	at    int // the operation under way
	words int // made in it so far
	depth int // operations nested in one another by the network
	calm  bool
	brief bool // a small history: what could come to nothing new at its end is not done there (see settle and replayLast)
	swept bool // the server dropped old marks of dead rows

	rows   []rowRef // every row that anybody made, in that order
	known  map[syncproto.RowID]bool
	lay    map[syncproto.RowID]map[string]bool // the scopes in which a row ever lay
	made   map[syncproto.Identity]*made
	tokens map[string]*token
	keep   *backup
	images []image

	bundles  []*bundle
	receipts []*receipt
}

// rowRef names a row.
type rowRef struct {
	table string
	id    syncproto.RowID
}

// token is a canary: where it was written, and by whom.
type token struct {
	row   syncproto.RowID
	user  syncproto.UserID
	phone *phone            // nil: on the server
	taken []syncproto.RowID // the rows that took it over as the row was merged into them
}

// made is a change that somebody made and was told is safe.
type made struct {
	*syncproto.Change
	id   syncproto.Identity
	user syncproto.UserID
	// holders are the phones whose file holds it.
	holders map[*phone]bool
	// given tells that the server acknowledged it to somebody, whom it may not lose it to afterwards.
	given bool
	// kept tells that a file left by a phone that was revoked holds it.
	kept bool
	// refused tells that a verdict called it so, last.
	refused bool
}

// newWorld sets a history up: the cast, a server, phones.
func newWorld(h *history, echo io.Writer) *world {
	w := &world{history: h, now: dawn, trace: newTrace(echo), book: books()[schematest.Version], known: map[syncproto.RowID]bool{}, lay: map[syncproto.RowID]map[string]bool{},
		made: map[syncproto.Identity]*made{}, tokens: map[string]*token{}, count: counters{}}
	w.oracle = oracle.New(oracle.Options{Book: w.book, Zone: zone, Grace: grace})
	return w
}

// result is what one history came to.
type result struct {
	Seed       uint64
	Operations int
	Hash       string
	Counters   counters
	Broken     *violation
	Stack      string
}

// run runs the whole history.
func (w *world) run() (res result) {
	defer func() {
		if p := recover(); p != nil {
			if w.broken == nil {
				w.broken = &violation{iSound, fmt.Sprintf("panic: %v", p)}
			}
			res.Stack = string(debug.Stack())
		}
		res.Seed, res.Operations, res.Hash, res.Counters, res.Broken = w.history.Seed, w.count[cOperations], w.trace.sum(), w.count, w.broken
		w.end()
	}()
	w.begin()
	for i := range w.history.Ops {
		if !w.history.skips(i) {
			w.step(i)
		}
	}
	w.settle()
	return res
}

// step runs one operation. The network may run others within it.
func (w *world) step(i int) {
	op := w.history.Ops[i]
	was, words, calm := w.at, w.words, w.calm
	w.at, w.words, w.calm = i, 0, calm || w.history.calm(i)
	d := newDice(op.Seed, 1)
	w.tick(d.between(1, 600) * 1000)
	w.count[cOperations]++
	w.trace.note("op %d %s", i, op.Kind)
	kinds[op.Kind].run(w, d)
	w.at, w.words, w.calm = was, words, calm
}

// tick lets time pass.
func (w *world) tick(ms int64) { w.now += ms }

// word makes a canary that stands nowhere else in the history. It follows from the operation alone, so leaving others out does not
// change it.
func (w *world) word(row syncproto.RowID, user syncproto.UserID, p *phone) string {
	w.words++
	s := canary(0x1000 + w.at*64 + w.words)
	w.tokens[s] = &token{row: row, user: user, phone: p}
	return s
}

// born notes a row that somebody made.
func (w *world) born(table string, id syncproto.RowID) {
	if !w.known[id] {
		w.known[id] = true
		w.rows = append(w.rows, rowRef{table, id})
	}
}

// end lets go of everything. The power goes first: a proper close would fold every log into its file, which nobody will read any more.
func (w *world) end() {
	d := newDice(w.history.Seed, 14)
	for _, p := range w.phones {
		p.disk.Crash(d.Rand)
	}
	if w.server != nil {
		w.server.disk.Crash(d.Rand)
	}
	w.letGo()
}

// letGo ends all processes.
func (w *world) letGo() {
	for _, p := range w.phones {
		p.letGo()
	}
	if w.server != nil {
		w.server.letGo()
	}
}

// begin makes the cast, the server and the phones.
func (w *world) begin() {
	t := template()
	w.server = &server{w: w, disk: simdisk.New(), keys: t.keys, rand: newEntropy(w.history.Seed, 2), known: map[syncproto.Identity]bool{}}
	w.server.disk.Restore(serverPath, t.server)
	w.now = t.now
	w.server.open()
	for _, r := range castRows() {
		w.born(r.table, syncproto.RowID(r.id))
		for i := 1; i < len(r.cells); i += 2 {
			for _, c := range canaries.FindAllString(r.cells[i].(string), -1) {
				w.tokens[c] = &token{row: syncproto.RowID(r.id)}
			}
		}
	}
	w.server.settle()
	d := newDice(w.history.Seed, 3)
	for _, c := range w.history.Phones {
		w.newPhone(c, d.Uint64())
	}
}
