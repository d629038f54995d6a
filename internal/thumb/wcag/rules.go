package wcag

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"minqing/internal/thumb"
)

// Rules is axe-core.
type Rules struct{ script string }

// Open reads it; the first time it is fetched.
func Open(ctx context.Context) (*Rules, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		above := filepath.Dir(dir)
		if above == dir {
			return nil, errors.New("axe-core: this is no folder of the repository")
		}
		dir = above
	}
	path, err := exec.CommandContext(ctx, "sh", filepath.Join(dir, "internal/tools/axe.sh")).Output() // #nosec G204 -- a script of the repository
	if err != nil {
		return nil, fmt.Errorf("axe-core (./task setup fetches it): %w", err)
	}
	raw, err := os.ReadFile(strings.TrimSpace(string(path)))
	return &Rules{script: string(raw)}, err
}

// Ready puts the rules into the page that stands; those after it can then be asked.
func (r *Rules) Ready(s *thumb.Screen) error {
	_, err := thumb.Ask[bool](s, r.script+";true")
	return err
}

// violation is what axe-core says against a page.
type violation struct {
	ID, Help string
	Nodes    []struct {
		Target  []string
		HTML    string
		Summary string `json:"failureSummary"`
	}
}

// What of the rules is asked: all of them, or only those of colours, as another ground changes nothing else.
const (
	All     = `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}`
	Colours = `{type: "rule", values: ["color-contrast"]}`
)

// Against is what the rules say against the page that stands, an element each.
func Against(s *thumb.Screen, only string) (out []string, err error) {
	found, err := thumb.Ask[string](s, `axe.run(document, {runOnly: `+only+`, resultTypes: ["violations"], elementRef: false}).then(r => JSON.stringify(r.violations))`)
	if err != nil {
		return nil, err
	}
	var list []violation
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		return nil, err
	}
	for _, v := range list {
		for _, n := range v.Nodes {
			out = append(out, fmt.Sprintf("%s (%s) at %v: %.300s\n%s", v.Help, v.ID, n.Target, n.HTML, n.Summary))
		}
	}
	return out, nil
}

// misfit finds what does not fit its window: a page that scrolls sideways, text that is cut off, text that lies over other text. What scrolls
// within the page by itself is as wide as it likes, and what sticks to an edge lies over what scrolls behind it.
const misfit = `(function() {
	var out = [], name = e => e.outerHTML.slice(0, 160), root = document.documentElement;
	var shown = e => e.checkVisibility({visibilityProperty: true});
	var styles = new Map(), style = e => { var s = styles.get(e); if (!s) styles.set(e, s = (c => ({x: c.overflowX, y: c.overflowY, pos: c.position, clip: c.clipPath !== "none" || c.clip !== "auto"}))(getComputedStyle(e))); return s; };
	var within = e => { for (var up = e.parentElement; up && up !== document.body; up = up.parentElement) if (style(up).x !== "visible") return true; return false; };
	if (root.scrollWidth > root.clientWidth) out.push("too wide by " + (root.scrollWidth - root.clientWidth) + ": " + ([...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 &&
		(!within(e) || style(e).pos === "absolute")).slice(-3).map(name).join("; ") || "?"));
	var texts = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
	for (var n; n = walk.nextNode();) {
		if (!n.data.trim() || n.parentElement.closest("script, style, option, svg") || !shown(n.parentElement)) continue;
		var box = null, floats = false, hides = false;
		for (var e = n.parentElement; e && e !== document.body; e = e.parentElement) {
			var s = style(e);
			if (s.clip) { hides = true; break; }
			if (s.pos === "fixed" || s.pos === "sticky" || s.pos === "absolute") floats = true;
			if (s.x !== "visible" || s.y !== "visible") {
				var r = e.getBoundingClientRect();
				box = box ? {left: Math.max(box.left, r.left), top: Math.max(box.top, r.top), right: Math.min(box.right, r.right), bottom: Math.min(box.bottom, r.bottom)} : r;
				if (!e.matches("input, textarea, select") && (/hidden|clip/.test(s.x) && e.scrollWidth > e.clientWidth + 2 || /hidden|clip/.test(s.y) && e.scrollHeight > e.clientHeight + 2)) out.push("cut off: " + name(e));
			}
		}
		if (hides || floats) continue;
		range.selectNodeContents(n);
		for (var r of range.getClientRects()) {
			var t = {left: r.left + 1, right: r.right - 1, top: r.top + r.height * 0.3, bottom: r.bottom - r.height * 0.3, of: n.parentElement, said: n.data.trim()};
			if (box) { t.left = Math.max(t.left, box.left); t.right = Math.min(t.right, box.right); t.top = Math.max(t.top, box.top); t.bottom = Math.min(t.bottom, box.bottom); }
			if (t.right > t.left && t.bottom > t.top) texts.push(t);
		}
	}
	texts.sort((a, b) => a.top - b.top);
	for (var i = 0; i < texts.length; i++) for (var j = i + 1; j < texts.length && texts[j].top < texts[i].bottom; j++)
		if (texts[i].left < texts[j].right && texts[j].left < texts[i].right && texts[i].of !== texts[j].of) { out.push("“" + texts[i].said.slice(0, 40) + "” lies over “" + texts[j].said.slice(0, 40) + "” in " + name(texts[j].of)); break; }
	return [...new Set(out)].slice(0, 8).join("\n");
})()`

// Misfit is what does not fit the window of the page that stands; "" when all of it does.
func Misfit(s *thumb.Screen) (string, error) { return thumb.Ask[string](s, misfit) }
