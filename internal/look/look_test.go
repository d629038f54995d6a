package look_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"minqing/internal/look"
)

// sheet is the phone's file as a browser gets it.
func sheet(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	look.Phone().ServeHTTP(w, httptest.NewRequest(http.MethodGet, look.Phone().Path, nil))
	return w.Body.String()
}

// colours reads the tokens: light values from the first block, dark ones from light-dark().
func colours(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	light, dark = map[string]string{}, map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):(#[0-9a-f]{3,6})[;}]`).FindAllStringSubmatch(sheet(t), -1) {
		light[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):light-dark\((#[0-9a-f]+),(#[0-9a-f]+)\)`).FindAllStringSubmatch(sheet(t), -1) {
		if light[m[1]] != m[2] {
			t.Errorf("%s is %s where light-dark() is not known, and %s where it is", m[1], light[m[1]], m[2])
		}
		dark[m[1]] = m[3]
	}
	if len(light) < 20 || len(dark) != len(light) {
		t.Fatalf("%d light colours, %d dark ones", len(light), len(dark))
	}
	return light, dark
}

// contrast is that of WCAG 2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(c string) float64 {
		c = c[1:]
		if len(c) == 3 {
			c = string([]byte{c[0], c[0], c[1], c[1], c[2], c[2]})
		}
		var out float64
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(c[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			out += weight * v
		}
		return out
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrast(t *testing.T) {
	light, dark := colours(t)
	pairs := map[string]float64{ // text 4.5, marks 3 (WCAG 2.2, 1.4.3 and 1.4.11)
		"ink paper": 4.5, "ink surface": 4.5, "ink sunk": 4.5, "ink accent-soft": 4.5, "ink act-soft": 4.5, "ink stop-soft": 4.5, "ink-2 paper": 4.5, "ink-2 surface": 4.5,
		"ink-2 sunk": 4.5, "ink-2 accent-soft": 4.5, "ink-2 act-soft": 4.5, "ink-3 surface": 4.5, "ink-3 paper": 4.5, "ink-3 sunk": 4.5, "accent surface": 4.5, "accent-ink accent": 4.5,
		"accent-ink accent-down": 4.5, "accent-down accent-soft": 4.5, "accent accent-soft": 4.5, "accent stop-soft": 4.5, "local local-soft": 4.5, "sent sent-soft": 4.5, "read read-soft": 4.5,
		"act act-soft": 4.5, "act surface": 4.5, "stop stop-soft": 4.5, "stop surface": 4.5, "read surface": 4.5, "surface ink": 4.5, "surface act": 4.5, "read add-soft": 4.5, "stop del-soft": 4.5,
		"edge surface": 3, "edge paper": 3, "accent paper": 3,
	}
	for pair, least := range pairs {
		a, b, _ := strings.Cut(pair, " ")
		for scheme, c := range map[string]map[string]string{"light": light, "dark": dark} {
			if got := contrast(t, c[a], c[b]); got < least {
				t.Errorf("%s, %s on %s: %.2f, want %.1f", scheme, a, b, got, least)
			}
		}
	}
}

// TestPhoneSheetFitsOldWebViews holds the phone's file to what WebViews before 99 and 123 understand.
func TestPhoneSheetFitsOldWebViews(t *testing.T) {
	css := sheet(t)
	for _, bad := range []string{"@layer", "@import", "url(", "/*", "http"} {
		if strings.Contains(css, bad) {
			t.Errorf("the phone's file has %s", bad)
		}
	}
	first, rest, ok := strings.Cut(css, "@supports (color:light-dark(#000,#fff)){")
	if !ok || strings.Contains(first, "light-dark(") || strings.Count(rest, "light-dark(") < 20 {
		t.Error("light-dark() is not only inside @supports")
	}
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("the braces do not match")
	}
	for _, m := range regexp.MustCompile(`var\((--[a-z0-9-]+)\)`).FindAllStringSubmatch(css, -1) {
		if !strings.Contains(css, m[1]+":") {
			t.Errorf("%s is used and never set", m[1])
		}
	}
}

func TestIcons(t *testing.T) {
	want := strings.Fields(`today calendar house journal matter me users phone cloud check check2 alert stop sync offline wifi call card policy listen relieve plus x back next
		up down more search clock merge split back2 undo edit answer guide camera filter download print grid list chart tree assign shield pulse gear lock eye bag storage board`)
	drawn := map[string]string{}
	for _, name := range want {
		svg := string(look.Icon(name))
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(svg, "fill=") || !strings.Contains(svg, `viewBox="0 0 24 24"`) || !strings.Contains(svg, `aria-hidden="true"`) {
			t.Errorf("%s is %s", name, svg)
		}
		if twin, twice := drawn[svg]; twice {
			t.Errorf("%s and %s look the same", name, twin)
		}
		drawn[svg] = name
	}
	defer func() {
		if recover() == nil {
			t.Error("an icon that does not exist is drawn")
		}
	}()
	look.Icon("none")
}

func TestAssets(t *testing.T) {
	js := look.NewAsset("a.js", []byte("// a comment\n  let a = 1;\n\n"), []byte("let b = `x // y`;"))
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, js.Path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	js.ServeHTTP(w, r)
	zip, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(zip)
	if err != nil || string(got) != "let a = 1;\nlet b = `x // y`;" {
		t.Errorf("%q %v", got, err)
	}
	if h := w.Header(); h.Get("Content-Encoding") != "gzip" || !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("%v", h)
	}
	plain := httptest.NewRecorder()
	js.ServeHTTP(plain, httptest.NewRequest(http.MethodGet, js.Path, nil))
	if !bytes.Equal(plain.Body.Bytes(), got) || plain.Header().Get("Content-Encoding") != "" {
		t.Error("without gzip it is something else")
	}
	if other := look.NewAsset("a.js", []byte("let a = 2;")); other.Path == js.Path || !strings.HasPrefix(other.Path, "/a/a-") {
		t.Errorf("the address %s does not tell the content", other.Path)
	}
}
