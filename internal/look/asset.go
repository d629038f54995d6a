package look

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed css
var files embed.FS

// Asset is one file as browsers get it. Path carries a digest of the content.
type Asset struct {
	Path   string
	media  string
	plain  []byte
	packed []byte
}

// Phone is the style sheet of the field app.
func Phone() *Asset {
	return NewAsset("phone.css", sheet("tokens.css"), sheet("phone.css"), sheet("parts.css"))
}

// Desk is the style sheet of the consoles.
func Desk() *Asset {
	return NewAsset("desk.css", sheet("tokens.css"), sheet("desk.css"), sheet("parts.css"), sheet("console.css"), sheet("conflict.css"), sheet("coverage.css"), sheet("resident.css"), sheet("people.css"),
		sheet("branch.css"),
		sheet("running.css"), sheet("print.css"))
}

func sheet(name string) []byte {
	b, err := files.ReadFile("css/" + name)
	if err != nil {
		panic(err) // embedded
	}
	return b
}

// NewAsset joins parts (style sheets or scripts, by the name's ending), and minifies, hashes and compresses them.
func NewAsset(name string, parts ...[]byte) *Asset {
	text := string(bytes.Join(parts, []byte("\n")))
	a := &Asset{media: "text/css; charset=utf-8"}
	if path.Ext(name) == ".js" {
		a.media = "text/javascript; charset=utf-8"
		text = minifyScript(text)
	} else {
		text = minifySheet(text)
	}
	a.plain = []byte(text)
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = zip.Write(a.plain)
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		panic(err) // a memory buffer takes everything
	}
	a.packed = packed.Bytes()
	sum := sha256.Sum256(a.plain)
	base, ext, _ := strings.Cut(name, ".")
	a.Path = "/a/" + base + "-" + hex.EncodeToString(sum[:6]) + "." + ext
	return a
}

// ServeHTTP answers with the file, compressed where the browser takes it. The name changes with the content, so it may be kept for
// ever.
func (a *Asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := w.Write(body); err != nil {
		return // the browser went away; nobody is left to be told
	}
}

var (
	comment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	blank   = regexp.MustCompile(`\s+`)
	around  = regexp.MustCompile(`\s*([{};,])\s*`)
)

// minifySheet drops comments and blanks. Style sheets here hold no strings with either of them.
func minifySheet(s string) string {
	s = around.ReplaceAllString(blank.ReplaceAllString(comment.ReplaceAllString(s, ""), " "), "$1")
	return strings.TrimSpace(strings.ReplaceAll(s, ";}", "}"))
}

// minifyScript drops lines that are comments, and indentation. It knows nothing of the language, and so can break nothing that keeps
// to one rule: no template string of several lines.
func minifyScript(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
