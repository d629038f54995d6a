package thumb

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// spot is where on the screen a thumb would touch an element, and what it would hit there.
type spot struct {
	Found bool
	Seen  bool // in view, and nothing covers it
	X, Y  float64
	Over  string // what covers it
	Swipe bool   // a swipe brings it nearer
}

// reach finds the place. What is out of view is scrolled to as one swipe does: by most of the screen at once.
const reach = `(function(el) {
	if (!el) return {Found: false, Seen: false, X: 0, Y: 0, Over: "", Swipe: false};
	if (!el.getClientRects().length && el.labels && el.labels.length) el = el.labels[0];
	if (getComputedStyle(el).opacity === "0" || el.getBoundingClientRect().width < 2) el = el.closest("label") || el;
	var r = el.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2;
	var hit = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight ? document.elementFromPoint(x, y) : null;
	var seen = !!hit && (hit === el || el.contains(hit) || hit.contains(el) && !!hit.closest("label,a,button,summary"));
	var out = {Found: true, Seen: seen, X: x, Y: y, Over: hit ? hit.outerHTML.slice(0, 200) : "", Swipe: false};
	if (!seen) {
		var before = scrollY, step = y < innerHeight / 2 ? -innerHeight * 0.6 : innerHeight * 0.6;
		scrollBy({top: Math.abs(y - innerHeight / 2) < Math.abs(step) ? y - innerHeight / 2 : step, behavior: "instant"});
		out.Swipe = scrollY !== before;
	}
	return out;
})`

// Tap touches an element. It must be there.
func (s *Screen) Tap(selector string) error {
	for {
		at, err := Ask[spot](s, reach+"("+one(selector)+")")
		switch {
		case err != nil:
			return err
		case at.Seen:
			s.Taps++
			return s.do(chromedp.TapXY(math.Round(at.X), math.Round(at.Y)))
		case !at.Found:
			return fmt.Errorf("there is no %s to tap; the page says %.600q", selector, s.words())
		case !at.Swipe:
			return fmt.Errorf("%s cannot be touched at %.0f, %.0f: %s lies there; the page says %.600q", selector, at.X, at.Y, at.Over, s.words())
		}
		s.Taps++ // a swipe
	}
}

// Follow taps what leads to another page, and waits until that is whole and has an element.
func (s *Screen) Follow(selector, want string) error {
	return s.leave(func() error { return s.Tap(selector) }, want)
}

// leave does what leads to another page and waits for it.
func (s *Screen) leave(do func() error, want string) error {
	if _, err := Ask[bool](s, "window.left = true"); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return s.Wait("!window.left && " + whole + one(want))
}

// Type types into what has the focus, one character after the other, as a keyboard that composes Chinese hands them over.
func (s *Screen) Type(text string) error {
	for _, r := range text {
		s.Keys++
		if err := call(s, input.InsertText, input.InsertTextParams{Text: string(r)}); err != nil {
			return err
		}
	}
	return nil
}

// Fill taps a field and types into it.
func (s *Screen) Fill(selector, text string) error {
	if err := s.Tap(selector); err != nil {
		return err
	}
	return s.Type(text)
}

// Press presses keys of a keyboard, by the codes of chromedp's package kb.
func (s *Screen) Press(keys string) error {
	s.Keys += len([]rune(keys))
	return s.do(chromedp.KeyEvent(keys))
}

// Enter presses keys that lead to another page, and waits until that is whole and has an element.
func (s *Screen) Enter(keys, want string) error {
	return s.leave(func() error { return s.Press(keys) }, want)
}

// Choose chooses a file in a field.
func (s *Screen) Choose(selector, path string) error {
	return s.do(chromedp.SetUploadFiles(chromedp.CSS(selector), []string{path}, chromedp.NodeReady))
}

// Send fills a form in by script and sends it: for screens that come only after a form, where filling it in is not what is looked at.
func (s *Screen) Send(form string, fields map[string][]string, want string) error {
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return s.leave(func() error {
		_, err := Ask[bool](s, `(function(form, fields) {
			for (const name in fields) for (const el of form.querySelectorAll('[name="' + name + '"]')) {
				if (el.type === "radio" || el.type === "checkbox") el.checked = fields[name].includes(el.value);
				else el.value = fields[name][0];
			}
			form.noValidate = true;
			setTimeout(function() { form.requestSubmit(); }); // after this call was answered: the page that answers it goes
			return true;
		})(`+one(form)+`, `+string(raw)+`)`)
		return err
	}, want)
}

// Picture is what stands on the screen, as PNG.
func (s *Screen) Picture() ([]byte, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}
