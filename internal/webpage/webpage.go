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

// Templates are pages by language and name.
type Templates map[schema.Lang]map[string]*template.Template

// Parse reads every template of html/ in both languages: files that begin with _ are shared, each other one is a page over them. What
// templates can do is what funcs gives for a language, and icon, count, label, dict and inc.
func Parse(files fs.FS, funcs func(schema.Lang) template.FuncMap) (Templates, error) {
	out := Templates{}
	names, err := fs.Glob(files, "html/*.html")
	if err != nil {
		return nil, err
	}
	for _, l := range []schema.Lang{schema.ZH, schema.EN} {
		can := template.FuncMap{
			"icon": look.Icon, "count": Count, "dict": dict,
			"label": func(x schema.Label) string { return x.In(l) },
			"inc":   func(n int) int { return n + 1 },
		}
		maps.Copy(can, funcs(l))
		shared, err := template.New("").Funcs(can).ParseFS(files, "html/_*.html")
		if err != nil {
			return nil, err
		}
		out[l] = map[string]*template.Template{}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if strings.HasPrefix(name, "_") {
				continue
			}
			t, err := shared.Clone()
			if err == nil {
				t, err = t.ParseFS(files, file)
			}
			if err != nil {
				return nil, err
			}
			out[l][name] = t
		}
	}
	return out, nil
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
