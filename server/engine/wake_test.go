package engine_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/internal/testenv"
	"minqing/schema"
	"minqing/server/engine"
	"minqing/syncproto"
)

// listen gives a channel on which the id of every event of the phone arrives.
func (p *phone) listen() <-chan string {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, p.url+"/v1/sync/events", http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set(syncproto.SignatureHeader, syncproto.SignRequest(p.key, http.MethodGet, "/v1/sync/events", p.token, nil))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { res.Body.Close() })
	events := make(chan string, 100)
	go func() {
		lines, last := bufio.NewScanner(res.Body), ""
		for lines.Scan() {
			if id, is := strings.CutPrefix(lines.Text(), "id: "); is {
				last = id
			} else if strings.HasPrefix(lines.Text(), "event: ") {
				events <- last
			}
		}
	}()
	awaitEvent(p.t, events, "the first, which goes out at once")
	return events
}

func awaitEvent(t *testing.T, events <-chan string, which string) (id string) {
	t.Helper()
	select {
	case id = <-events:
	case <-time.After(patience):
		t.Fatalf("no event arrived: %s", which)
	}
	return id
}

// awaitNew waits for an event behind the one of an id: what was on its way before is none.
func awaitNew(t *testing.T, events <-chan string, last, which string) {
	t.Helper()
	for !later(t, awaitEvent(t, events, which), last) {
	}
}

// noneNew wants no event behind the one of an id, and waits a little for one.
func noneNew(t *testing.T, events <-chan string, last, which string) {
	t.Helper()
	for {
		select {
		case id := <-events:
			if later(t, id, last) {
				t.Errorf("%s: event %s behind %s", which, id, last)
			}
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}

// later tells whether an event came behind another of the same process: ids end with a count.
func later(t *testing.T, id, than string) bool {
	t.Helper()
	var counts [2]uint64
	for i, of := range []string{id, than} {
		_, count, _ := strings.Cut(of, "-")
		var err error
		if counts[i], err = strconv.ParseUint(count, 36, 64); err != nil {
			t.Fatalf("the event %q: %v", of, err)
		}
	}
	return counts[0] > counts[1]
}

// bystander is a user with a phone that listens, by whom one knows how far the news of commits have come: they are told in the order of the commits.
type bystander struct {
	t       *testing.T
	writing *engine.Engine
	user    string
	events  <-chan string
	named   int
}

func newBystander(t *testing.T, serving, writing *engine.Engine, url, user, name string) *bystander {
	t.Helper()
	return &bystander{t: t, writing: writing, user: user, events: enrolAs(t, serving, url, user, name).listen()}
}

// strays is more than the commits beside his own that concern a bystander: that which made him, his enrolment, what becomes of his village.
const strays = 8

// settle returns when all that was committed before has been told to whomever it concerns. Each event that he hears stands for a commit that no other
// stands for, so of as many as he made and heard all but the strays stand for one of his, the first that he makes here among them.
func (b *bystander) settle() {
	b.t.Helper()
	for range strays + 1 {
		b.named++
		submit(b.t, b.writing, syncproto.Edit{Table: "user", Row: syncproto.RowID(b.user), Op: syncproto.OpUpdate, Cells: textCell("name", fmt.Sprint("孙", b.named))})
		awaitEvent(b.t, b.events, "a change of the bystander's name")
	}
}

// newest is the id of a phone's newest event once all that was committed has been told.
func (b *bystander) newest(p *phone) string {
	b.t.Helper()
	b.settle()
	id, leave := p.eventOf("")
	leave()
	return id
}

func TestCommitsWakeThoseConcerned(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		cfg := config(t.TempDir(), "")
		cfg.Serve = true
		e := mustOpen(t, cfg)
		checkWaking(t, e, e)
	})
	// On PostgreSQL one process serves the phone and another commits.
	t.Run("postgres", func(t *testing.T) {
		dsn, dir := testenv.MustRelaxedPostgres(t), t.TempDir()
		cfg := config(dir, dsn)
		cfg.Serve = true
		checkWaking(t, mustOpen(t, cfg), mustOpen(t, config(dir, dsn)))
	})
}

func checkWaking(t *testing.T, serving, writing *engine.Engine) {
	c := found(t, writing)
	url := serve(t, serving)
	beside := newBystander(t, serving, writing, url, c.other, "孙二")
	p := enrol(t, serving, url, c.cadre)
	events := p.listen()
	last := beside.newest(p)
	write(t, writing, c.household, "张三")
	awaitNew(t, events, last, "a change in his household")
	last = beside.newest(p)
	submit(t, writing, syncproto.Edit{Table: "place", Row: syncproto.RowID(c.village), Op: syncproto.OpUpdate, Cells: textCell("name", "青石社区")})
	awaitNew(t, events, last, "a change in his village")
	last = beside.newest(p)
	if now := beside.newest(p); now != last { // the bystander was named anew meanwhile
		t.Errorf("a change that does not concern him woke the phone: event %s behind %s", now, last)
	}
	noneNew(t, events, last, "a change that does not concern him woke the phone")
	// What a phone brings itself wakes the other of the same person, and not itself; the stream goes on as if nothing had been.
	submit(t, writing, made("role", "01900000-0000-7000-8000-0000000000ff", "user", c.cadre, "role", string(schema.RoleCadre), "place", c.village))
	second := enrol(t, serving, url, c.cadre)
	other := second.listen()
	last, his := beside.newest(p), beside.newest(second)
	p.sync(1)
	p.visit(1, c.household, c.cadre)
	awaitNew(t, other, his, "a visit from his other phone")
	beside.settle()
	noneNew(t, events, last, "a phone was woken by its own push")
	if again, leave := p.eventOf(last); again != "" {
		t.Errorf("a stream that missed nothing but the phone's own push was woken by %s", again)
	} else {
		leave()
	}
	// Somebody else's change beside an own push is not missed, whichever comes first.
	p.visit(2, c.household, c.cadre)
	write(t, writing, c.household, "张四")
	awaitNew(t, events, last, "a change beside an own push")
	last = beside.newest(p)
	write(t, writing, c.household, "张五")
	p.visit(3, c.household, c.cadre)
	awaitNew(t, events, last, "an own push beside a change")
}
