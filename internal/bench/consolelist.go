package bench

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What lists end with, and in that what leads elsewhere than to the next part: back to the first stands in a span.
var (
	onward = regexp.MustCompile(`(?s)<p class="more">.*?</p>`)
	aside  = regexp.MustCompile(`(?s)<span>.*?</span>`)
	links  = regexp.MustCompile(`<a href="(/[^"]*)"( data-key="j")?`)
)

// nextOf is the address of the part behind the one that was answered, "" at the end; and that of the last part, where the list leads there by itself.
func nextOf(s *sink) (next, last string) {
	end := aside.ReplaceAllString(onward.FindString(s.body.String()), "")
	all := links.FindAllStringSubmatch(end, -1)
	address := func(m []string) string {
		path, _, _ := strings.Cut(html.UnescapeString(m[1]), "#")
		return path
	}
	if !strings.Contains(end, `class="turns"`) {
		if len(all) > 0 {
			next = address(all[len(all)-1])
		}
		return next, ""
	}
	for i, m := range all {
		if m[2] == "" { // the first, or the one before
			continue
		}
		if next = address(m); i+1 < len(all) {
			last = address(all[i+1])
		}
	}
	return next, last
}

// mostParts bounds how far a list is followed, and a quick run so that its longest has more.
const mostParts, quickParts = 3000, 3

// walk follows a list to its last part, and measures that beside the first. A list that has more parts than it follows shows a + behind their number: its
// last part is then found by the list's own link to it, or by time where its keys have one; else the furthest part that was followed is measured, and called so.
func (c *consoleRun) walk(ctx context.Context, name, token string, s *sink, first float64) error {
	seen, most := map[string]bool{}, mostParts
	if c.quick {
		most = quickParts
	}
	parts, at, more, which := 1, "", "", "last"
	for began := time.Now(); ; {
		next, last := nextOf(s)
		if next == "" || seen[next] {
			break
		}
		if parts == most || time.Since(began) > 10*loadsTime {
			var err error
			if last == "" {
				last, err = c.leap(ctx, token, next)
			}
			if err != nil {
				return err
			}
			if more = "+"; last != "" {
				at = last
			} else {
				which = "furthest"
			}
			break
		}
		seen[next] = true
		var err error
		if s, err = c.part(ctx, next, token); err != nil {
			return err
		}
		parts, at = parts+1, next
	}
	if at == "" {
		return nil
	}
	took, _, err := c.repeat(ctx, at, token)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "list %s parts=%d%s first p50=%.1f %s p50=%.1f p95=%.1f\n", name, parts, more, first, which, median(took), quantile(took, 0.95))
	return nil
}

// part is one part of a list.
func (c *consoleRun) part(ctx context.Context, path, token string) (*sink, error) {
	s, _, err := c.ask(ctx, http.MethodGet, path, token, nil, false)
	if err == nil && s.status != http.StatusOK {
		err = fmt.Errorf("%s answers %d", path, s.status)
	}
	return s, err
}

// timeKey is a key of a list with the newest first: it begins with a time in milliseconds, with a day, or with an id, whose first digits are a time.
var timeKey = regexp.MustCompile(`([?&]after=)(?:(\d{12,14})\.|(\d{4}-\d{2}-\d{2})\.|\.([0-9a-f]{8}-[0-9a-f]{4}))`)

// leap finds the last part of a list without following all before it: by halves, the earliest time behind which there is more than one part, and from there
// on by the list's own links. It gives "" for a list whose keys have no time.
func (c *consoleRun) leap(ctx context.Context, token, path string) (last string, err error) {
	m := timeKey.FindStringSubmatch(path)
	if m == nil {
		return "", nil
	}
	var high int64
	key := func(ms int64) string { return strconv.FormatInt(ms, 10) + "." }
	switch {
	case m[2] != "":
		high, err = strconv.ParseInt(m[2], 10, 64)
	case m[3] != "":
		var day time.Time
		day, err = time.Parse(time.DateOnly, m[3])
		high = day.UnixMilli()
		key = func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateOnly) + "." }
	default:
		high, err = strconv.ParseInt(strings.ReplaceAll(m[4], "-", ""), 16, 64)
		key = func(ms int64) string { return fmt.Sprintf(".%08x-%04x", ms>>16, ms&0xffff) }
	}
	if err != nil {
		return "", err
	}
	behind := func(ms int64) string { return strings.Replace(path, m[0], m[1]+key(ms), 1) }
	if last, err = c.follow(ctx, token, path, 1); err != nil || last != "" {
		return last, err
	}
	for low := int64(0); high-low > 1; {
		mid := low + (high-low)/2
		end, err := c.follow(ctx, token, behind(mid), 1)
		if err != nil {
			return "", err
		}
		if end != "" {
			low = mid
		} else {
			high = mid
		}
	}
	return c.follow(ctx, token, behind(high), mostParts)
}

// follow follows a list from a part on, some parts at most, to its end; "" when that lies further.
func (c *consoleRun) follow(ctx context.Context, token, path string, most int) (string, error) {
	for range most {
		s, err := c.part(ctx, path, token)
		if err != nil {
			return "", err
		}
		next, _ := nextOf(s)
		if next == "" || next == path {
			return path, nil
		}
		path = next
	}
	return "", nil
}
