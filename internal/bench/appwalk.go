package bench

import (
	"context"
	"fmt"
	"time"

	"minqing/internal/thumb"
)

// launch starts the program and opens its pages by the PIN, as a person does who takes the phone out. What it takes is noted.
func (a *appRun) launch(ctx context.Context) error {
	link, err := a.program.start(ctx, "none")
	if err != nil {
		return err
	}
	if err := a.screen.Go(link, "#f-pin"); err != nil {
		return err
	}
	a.begun = append(a.begun, ms(time.Since(a.program.began)))
	if err := a.screen.Fill("#f-pin", pin); err != nil {
		return err
	}
	if err := a.screen.Follow("main .btn.main", "nav.tabs"); err != nil {
		return err
	}
	at, err := a.shown()
	a.opened = append(a.opened, at.Ready)
	return err
}

// timing is what the browser noted of a page, in ms from the tap that led to it: its last byte, and when it could be used.
type timing struct{ Last, Ready float64 }

func (a *appRun) shown() (timing, error) {
	return thumb.Ask[timing](a.screen, `(function(n) { return {Last: n.responseEnd, Ready: n.domContentLoadedEventEnd}; })(performance.getEntriesByType("navigation")[0])`)
}

// start measures how long the first page takes, cold; the last of the programs stays.
func (a *appRun) start(ctx context.Context) error {
	if err := a.screen.Slow(slowdown); err != nil {
		return err
	}
	for i := range a.starts {
		if i > 0 {
			if err := a.program.stop(); err != nil {
				return err
			}
		}
		if err := a.launch(ctx); err != nil {
			return err
		}
	}
	first, today := quantile(a.begun, 0.95), quantile(a.opened, 0.95)
	a.tell(first <= startMS, "1500", "first-page %.0f ms after start (p95 of %d; the PIN's page)", first, a.starts)
	a.tell(first+today <= startMS, "1500", "first-today %.0f ms after start, typing of the PIN not counted (its check %.0f ms, Today included)", first+today, today)
	return nil
}

// person reckons what a visit takes by a keystroke-level model.
type person struct {
	a       *appRun
	choices int
	pages   time.Duration
}

func (p *person) page() error {
	at, err := p.a.shown()
	p.pages += time.Duration(at.Ready * float64(time.Millisecond))
	return err
}

// follow taps what leads to another page, and takes in what that page took.
func (p *person) follow(selector, want string) error {
	if err := p.a.screen.Follow(selector, want); err != nil {
		return err
	}
	return p.page()
}

// part taps what changes the page in place.
func (p *person) part(selector, want string) error {
	if err := p.a.screen.Tap(selector); err != nil {
		return err
	}
	began := time.Now()
	err := p.a.screen.Wait(want)
	p.pages += time.Since(began)
	return err
}

func (p *person) choose() { p.choices++ }

func (p *person) seconds() float64 {
	s := p.a.screen
	return (time.Duration(s.Taps)*tapTime + time.Duration(s.Keys)*keyTime + time.Duration(p.choices)*choiceTime + p.pages).Seconds()
}

// The matter of the longer visit: 20 characters.
const wanted = "村口到学校的路灯坏了三盏，请尽快派人来修"

// walk records a visit by taps alone, from the launcher until it is saved, and one with a matter.
func (a *appRun) walk(ctx context.Context) error {
	for _, matter := range []bool{false, true} {
		if err := a.program.stop(); err != nil {
			return err
		}
		if err := a.launch(ctx); err != nil {
			return err
		}
		a.screen.Taps, a.screen.Keys = 1, 0 // the launcher; the PIN does not count
		p := &person{a: a, pages: time.Duration((a.begun[len(a.begun)-1] + a.opened[len(a.opened)-1]) * float64(time.Millisecond))}
		if err := p.visit(matter); err != nil {
			return err
		}
		s, name := p.seconds(), "visit"
		if matter {
			name = "visit+matter"
		}
		line := fmt.Sprintf("%s taps=%d keys=%d seconds=%.1f", name, a.screen.Taps, a.screen.Keys, s)
		if matter {
			a.tell(s <= matterSeconds, "45s", "%s", line)
		} else {
			a.tell(a.screen.Taps <= visitTaps && s <= visitSeconds, "6taps,15s", "%s", line)
		}
		a.say("%s: %d choices read, pages %.2f s, of which start, lock and Today %.2f s", name, p.choices, p.pages.Seconds(), (a.begun[len(a.begun)-1]+a.opened[len(a.opened)-1])/1000)
	}
	return nil
}

// visit is what the thumb does from Today on.
func (p *person) visit(matter bool) error {
	s := p.a.screen
	p.choose() // whom to visit
	if err := p.follow(`.row .btn[href$="/visit"]`, "form[data-draft]"); err != nil {
		return err
	}
	p.choose() // which phrase
	if err := s.Tap("[data-phrase]"); err != nil {
		return err
	}
	if matter {
		if err := p.part("main button[value=matter]", `document.querySelector("#f-title")`); err != nil {
			return err
		}
		p.choose() // which kind
		if err := s.Tap("[name=kind][value=difficulty]"); err != nil {
			return err
		}
		if err := s.Fill("#f-title", wanted); err != nil {
			return err
		}
	}
	if err := p.follow(".bar .btn.main", ".toast"); err != nil {
		return err
	}
	return p.a.kept(matter)
}

// kept wants what was saved to be on the household's page, waiting on this phone.
func (a *appRun) kept(matter bool) error {
	want := `document.querySelector("#story .chip.local")`
	if matter {
		want += ` && [...document.querySelectorAll("main section a")].some(a => a.textContent === ` + "`" + wanted + "`)"
	}
	return a.screen.Wait(want)
}

// save measures how long a tap on Save takes until the page that says so has come whole. The visit is durable before that page is begun.
func (a *appRun) save(ctx context.Context) error {
	var took []float64
	spent := 0.0
	for i := range a.saves {
		if err := a.screen.Go(a.base()+"/h/"+string(a.people.homes[(i*7+3)%len(a.people.homes)])+"/visit", "form[data-draft]"); err != nil {
			return err
		}
		if err := a.screen.Tap("[data-phrase]"); err != nil {
			return err
		}
		if err := a.screen.WaitFor("#said.on"); err != nil { // nobody taps before the phrase's draft is kept: a tap takes 1.2 s
			return err
		}
		had, err := a.program.used()
		if err != nil {
			return err
		}
		if err := a.screen.Follow(".bar .btn.main", ".toast"); err != nil {
			return err
		}
		now, err := a.program.used()
		if err != nil {
			return err
		}
		at, err := a.shown()
		if err != nil {
			return err
		}
		took, spent = append(took, at.Last), spent+now-had
	}
	p95 := quantile(took, 0.95)
	a.tell(p95 <= saveMS, "150", "save p95=%.0f ms median=%.0f ms of %d cpu=%.1f ms", p95, median(took), len(took), spent/float64(a.saves))
	return ctx.Err()
}
