package bench

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/console"
)

// every asks for every GET route of the authorization table, as each who may and works here, and prints what it took.
func (c *consoleRun) every(ctx context.Context) error {
	posts, err := c.posts(ctx)
	if err != nil {
		return err
	}
	serial, err := c.serialOf(ctx)
	if err != nil {
		return err
	}
	for _, made := range []func(context.Context, string) error{c.ordered, c.removed, c.pictured} {
		if err := made(ctx, posts["secretary"].place); err != nil {
			return err
		}
	}
	var unseen []string
	for _, route := range c.app.Routes() {
		pattern, isGet := strings.CutPrefix(route.Pattern, "GET ")
		if pattern = strings.TrimSuffix(pattern, "{$}"); !isGet || !c.wants("page "+pattern) {
			continue
		}
		who := c.lookers(route, posts)
		if len(who) == 0 {
			c.say("page %s: none of administrator, township and secretary may", pattern)
		}
		for _, v := range append([]variant{{of: route.Of}}, variants[pattern]...) {
			shown, err := c.shows(ctx, pattern, v, who, serial)
			if err != nil {
				return err
			}
			if name := pattern + v.query; !shown && !slices.Contains(leadOn, name) {
				unseen = append(unseen, name)
			}
		}
	}
	if len(unseen) > 0 {
		return fmt.Errorf("nobody was shown a page of %s: there is nothing to look at", strings.Join(unseen, ", "))
	}
	return nil
}

// variant is a question that a page is asked beside the plain one, and what {row} in its address is.
type variant struct{ query, of string }

// variants are the questions that have a line of their own: they are answered in another way than the page without them.
var variants = map[string][]variant{
	"/at/{place}/audit": {{"?kind=all", ""}, {"?kind=all&row={row}", "household"}, {"?kind=seen&row={row}", "household"}, {"?kind=all&row={row}", "resident"}},
}

// shows measures a page as each who looks at it, and tells whether one was shown it.
func (c *consoleRun) shows(ctx context.Context, pattern string, v variant, who []post, serial string) (shown bool, err error) {
	name := pattern
	if v.query != "" {
		name += strings.Replace(v.query, "{row}", "{"+v.of+"}", 1)
	}
	for _, p := range who {
		path := strings.NewReplacer("{place}", p.place, "{serial}", serial).Replace(pattern + v.query)
		if strings.Contains(path, "{row}") {
			id, err := c.rowOf(ctx, v.of, p.place)
			if err != nil {
				return false, err
			}
			if id == "" {
				c.say("page %s in the %s: there is no %s to look at", name, p.level, v.of)
				continue
			}
			path = strings.ReplaceAll(path, "{row}", id)
		}
		if strings.Contains(path, "{") {
			path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "nothing")
		}
		status, err := c.page(ctx, name, path, p)
		if err != nil {
			return false, err
		}
		shown = shown || status == http.StatusOK
	}
	return shown, nil
}

// leadOn are the routes that have no page of their own here: they lead on, or need what a city without a provider of identities or an open invitation lacks.
var leadOn = []string{"/", "/signin/code", "/signin/oidc", "/signin/oidc/back", "/link/{code}"}

// lookers are who look at a page: each who works here and may, and the administrator in a village and a township too where nobody else may.
func (c *consoleRun) lookers(route console.Route, posts map[schema.Role]post) (out []post) {
	if route.Public {
		return []post{{}}
	}
	roles := []schema.Role{"secretary", "township", schema.RoleAdmin}
	may := func(role schema.Role) bool { return len(route.Roles) == 0 || slices.Contains(route.Roles, role) }
	for _, role := range roles {
		switch p := posts[role]; {
		case may(role):
			out = append(out, p)
		case may(schema.RoleAdmin):
			out = append(out, post{posts[schema.RoleAdmin].login, p.place, p.level})
		}
	}
	return out
}

// loads is how often a page is asked for; a page that takes its time is asked for less.
const loads, loadsTime = 25, 8 * time.Second

// page measures one page, and the list behind it to its end. cpu is the processor time of this process for one answer, db that of PostgreSQL: on a
// machine that does other work too, they say more than the clock.
func (c *consoleRun) page(ctx context.Context, pattern, path string, p post) (status int, err error) {
	token := ""
	if p.login != "" {
		if token, err = c.token(ctx, p.login); err != nil {
			return 0, err
		}
	}
	before, err := c.worked(ctx)
	if err != nil {
		return 0, err
	}
	took, last, err := c.repeat(ctx, path, token)
	if err != nil {
		return 0, err
	}
	after, err := c.worked(ctx)
	if err != nil {
		return 0, err
	}
	name := pattern
	if p.level != "" && strings.Contains(pattern, "{place}") {
		name += " " + p.level
	}
	if last.status != http.StatusOK {
		name += fmt.Sprintf(" (%d)", last.status)
	}
	p95 := quantile(took, 0.95)
	line := fmt.Sprintf("page %s p50=%.1f p95=%.1f bytes=%d %s", name, median(took), p95, last.bytes, after.since(before, float64(len(took)+1)))
	fmt.Fprintln(c.out, line)
	if p95 > consolePageMS && !strings.HasPrefix(pattern, "/signin") {
		c.slow = append(c.slow, line)
	}
	return last.status, c.walk(ctx, name, token, last, median(took))
}

func (c *consoleRun) repeat(ctx context.Context, path, token string) (took []float64, last *sink, err error) {
	began := time.Now()
	n := loads
	if c.quick {
		n = 3
	}
	for i := range n {
		s, d, err := c.ask(ctx, http.MethodGet, path, token, nil, false)
		if err != nil {
			return nil, nil, err
		}
		if last = s; i > 0 { // the first fills caches that a server has full
			took = append(took, ms(d))
		}
		if time.Since(began) > loadsTime && len(took) > 2 {
			break
		}
	}
	return took, last, nil
}

// export has 100,000 rows written as .xlsx, and watches the memory meanwhile.
func (c *consoleRun) export(ctx context.Context) error {
	token, err := c.token(ctx, "boss")
	if err != nil {
		return err
	}
	posts, err := c.posts(ctx)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	before, err := resident(os.Getpid())
	if err != nil {
		return err
	}
	had, err := c.worked(ctx)
	if err != nil {
		return err
	}
	most := before
	watch, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for watch.Err() == nil {
			if now, err := resident(os.Getpid()); err == nil {
				most = max(most, now)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	form := url.Values{"kind": {"changed"}, "as": {"xlsx"}}
	s, took, err := c.ask(ctx, http.MethodPost, "/at/"+posts[schema.RoleAdmin].place+"/audit/export", token, strings.NewReader(form.Encode()), false)
	stop()
	<-ended
	if err != nil {
		return err
	}
	if s.status != http.StatusOK {
		return fmt.Errorf("the export answers %d", s.status)
	}
	rows, err := rowsIn(s.body.String())
	if err != nil {
		return err
	}
	now, err := c.worked(ctx)
	if err != nil {
		return err
	}
	more := most - before
	met := "yes"
	if !c.quick && rows < exportRows || took.Seconds() > exportSeconds || more > exportMB {
		met = "no"
	}
	fmt.Fprintf(c.out, "export audit rows=%d seconds=%.2f more=%.0fMB bytes=%d %s budget=%ds,%dMB met=%s load=%s\n", rows, took.Seconds(), more, s.bytes, now.since(had, 1), exportSeconds, exportMB, met, load())
	return nil
}

// rowsIn counts the rows of a workbook, titles left out.
func rowsIn(book string) (n int, err error) {
	z, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	if err != nil {
		return 0, err
	}
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "xl/worksheets/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return 0, err
		}
		xml, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return 0, err
		}
		n += strings.Count(string(xml), "<row ") - 1
	}
	return n, nil
}
