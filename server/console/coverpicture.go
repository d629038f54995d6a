package console

import (
	"cmp"
	"html/template"
	"net/http"
	"strings"
)

// picture collects marks, each a link. They are written here, as charts are: a template takes longer over the hundreds of them than over all the rest
// of the page.
type picture struct{ out strings.Builder }

// mark adds one; path is an address of ours.
func (m *picture) mark(class, path, name string, on bool) {
	current := ""
	if on {
		current = ` aria-current="true"`
	}
	for _, s := range [...]string{`<a class="mk `, class, `" href="`, template.HTMLEscapeString(path), `"`, current, `><b>`, template.HTMLEscapeString(name), `</b></a>`} {
		m.out.WriteString(s)
	}
}

func (m *picture) marks() template.HTML {
	return template.HTML(m.out.String()) // #nosec G203 -- what is not our own was escaped by mark
}

// coverNear begins an address that the page holds by the hundred: of another page of the place, or ("") of this one. It is short, save where the page
// answers a form, whose address lies further down.
func (rq *request) coverNear(page string) string {
	if rq.Method == http.MethodPost {
		return rq.at("/" + cmp.Or(page, "coverage"))
	}
	return page
}
