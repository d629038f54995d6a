package webpage

import (
	"compress/gzip"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"

	"minqing/internal/look"
	"minqing/schema"
)

// Templates are pages by language and name. They are parsed when they are first wanted: a phone shows one language, and its first page is not
// to wait for the others. They are safe for use by many.
type Templates struct {
	files fs.FS
	funcs func(schema.Lang) template.FuncMap

	mu     sync.Mutex
	shared map[schema.Lang]*template.Template
	pages  map[schema.Lang]map[string]*template.Template
}

// NewTemplates gives the templates of html/: files that begin with _ are shared, each other one is a page over them. What templates can do is
// what funcs gives for a language, and icon, count, label, dict and inc.
func NewTemplates(files fs.FS, funcs func(schema.Lang) template.FuncMap) *Templates {
	return &Templates{files: files, funcs: funcs, shared: map[schema.Lang]*template.Template{}, pages: map[schema.Lang]map[string]*template.Template{}}
}

// Parse parses every page in both languages, so that a mistake in one is found before anybody wants it.
func (t *Templates) Parse() error {
	names, err := t.names()
	if err != nil {
		return err
	}
	for _, l := range []schema.Lang{schema.ZH, schema.EN} {
		for _, name := range names {
			if _, err := t.Page(l, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// names lists the pages.
func (t *Templates) names() (out []string, err error) {
	files, err := fs.Glob(t.files, "html/*.html")
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); !strings.HasPrefix(name, "_") {
			out = append(out, name)
		}
	}
	return out, err
}

// Page gives a page in a language.
func (t *Templates) Page(l schema.Lang, name string) (*template.Template, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pages[l][name]; p != nil {
		return p, nil
	}
	if t.shared[l] == nil {
		can := template.FuncMap{
			"icon": look.Icon, "count": Count, "dict": dict,
			"label": func(x schema.Label) string { return x.In(l) },
			"inc":   func(n int) int { return n + 1 },
		}
		maps.Copy(can, t.funcs(l))
		shared, err := template.New("").Funcs(can).ParseFS(t.files, "html/_*.html")
		if err != nil {
			return nil, err
		}
		t.shared[l], t.pages[l] = shared, map[string]*template.Template{}
	}
	p, err := t.shared[l].Clone()
	if err == nil {
		p, err = p.ParseFS(t.files, "html/"+name+".html")
	}
	if err != nil {
		return nil, err
	}
	t.pages[l][name] = p
	return p, nil
}

// dict makes a map of name and value pairs: the argument of a part that needs more than one.
func dict(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// smallBody is what is not worth compressing.
const smallBody = 2 << 10

// Write answers with a rendered page, compressed where the browser can and it is worth it. Headers of the caller stay. An error says
// that the page did not get through: the browser went away.
func Write(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if len(body) < smallBody || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(status)
		_, err := w.Write(body)
		return err
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	zip := zips.Get().(*gzip.Writer)
	defer zips.Put(zip)
	zip.Reset(w)
	_, err := zip.Write(body)
	return errors.Join(err, zip.Close())
}

// zips are compressors that wait for the next page: each is most of a megabyte, and made anew for every page they made a phone collect
// garbage every few pages.
var zips = sync.Pool{New: func() any {
	zip, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // there is this level
	}
	return zip
}}
