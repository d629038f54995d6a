package e2e_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"minqing/internal/thumb/camera"
	"minqing/schema"
	"minqing/server/engine"
)

// photographed makes a picture of the code that a page draws, and reads it as a phone's camera would.
func photographed(t *testing.T, page string) string {
	t.Helper()
	const module = 6
	svg := regexp.MustCompile(`(?s)<svg class="qr".*?viewBox="0 0 (\d+) \d+".*?class="ink" d="([^"]*)"`).FindStringSubmatch(page)
	if svg == nil {
		t.Fatalf("no code is drawn on\n%s", page)
	}
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		must(t, err)
		return n
	}
	side := number(svg[1]) * module
	m := image.NewGray(image.Rect(0, 0, side, side))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`).FindAllStringSubmatch(svg[2], -1) {
		for x := number(run[1]) * module; x < (number(run[1])+number(run[3]))*module; x++ {
			for y := number(run[2]) * module; y < (number(run[2])+1)*module; y++ {
				m.SetGray(x, y, color.Gray{})
			}
		}
	}
	var picture bytes.Buffer
	must(t, png.Encode(&picture, m))
	found, err := camera.Read(picture.Bytes())
	must(t, err)
	return found
}

// resident opens and fills in pages with an ordinary browser: no account, no cookie.
type resident struct {
	t    *testing.T
	page string // the address on the card
	told string // what it answered last
}

func (r *resident) open() int {
	r.t.Helper()
	return r.do(http.MethodGet, nil)
}

func (r *resident) do(method string, form url.Values) int {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.page, strings.NewReader(form.Encode()))
	must(r.t, err)
	if form != nil {
		at, err := url.Parse(r.page)
		must(r.t, err)
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Origin", at.Scheme+"://"+at.Host)
	}
	res, err := (&http.Client{Timeout: patience}).Do(q)
	must(r.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(r.t, err)
	r.told = string(raw)
	return res.StatusCode
}

// hidden is what a form of the page holds unseen.
func (r *resident) hidden(name string) string {
	r.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]+)"`).FindStringSubmatch(r.told)
	if m == nil {
		r.t.Fatalf("no %s is on\n%s", name, r.told)
	}
	return m[1]
}

// TestFromACardToThePhone follows a contact card round: the cadre's phone shows it, somebody of the household photographs its code and says by it, without an
// account, what he thinks of an answer and what he needs; the words are on the cadre's phone with its next sync, on no other, and under Today until they are
// noted. That the card was opened is on record, and by nobody's name; a card that is withdrawn opens nothing.
func TestFromACardToThePhone(t *testing.T) {
	w := mustTown(t, 2*ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", ownHouses)
	w.minqing("card", "issue", "--households", house(0))
	ann, bob := w.enrol("ann"), w.enrol("bob")
	ann.must("matter", "--household", house(0), "--kind", "difficulty", "--title", "水渠堵了")
	ann.must("sql", "UPDATE matter SET state = 'handled'")
	ann.sync() // what statements write is one change until then
	ann.must("sql", `INSERT INTO matter_step (id, matter, author, kind, day, text) SELECT n.id, m.id, m.author, 'answer', '2026-11-20', '水渠清好了' FROM mq_new_id n, matter m`)
	ann.must("sql", "UPDATE matter SET state = 'answered'")
	ann.sync()
	home := query(t, ann.file, "SELECT id FROM household WHERE code = ?", house(0))[0]

	phone := ann.serve(t)
	r := &resident{t: t, page: photographed(t, phone.get("/h/"+home+"/card"))}
	if !strings.HasPrefix(r.page, "http://"+w.net.address()+"/c/") {
		t.Fatalf("the code leads to %q", r.page)
	}
	if status := r.open(); status != http.StatusOK || !strings.Contains(r.told, "水渠堵了") || !strings.Contains(r.told, "水渠清好了") || strings.Contains(r.told, home) {
		t.Fatalf("%d: the card's page says\n%s", status, r.told)
	}
	once := r.hidden("once")
	for _, form := range []url.Values{{"once": {once}, "matter": {r.hidden("matter")}, "mark": {"fair"}, "text": {"水还是慢"}}, {"once": {once}, "text": {"老人腿疼，请带药来"}}} {
		for range 2 { // pressed twice, it is said once
			if status := r.do(http.MethodPost, form); status != http.StatusOK || !strings.Contains(r.told, "收到了") {
				t.Fatalf("%d: having said %v it says\n%s", status, form, r.told)
			}
		}
	}

	ann.sync() // unless the app did by itself
	if got := query(t, ann.file, "SELECT coalesce(mark, '') || ':' || text FROM household_word ORDER BY text"); len(got) != 2 || got[0] != "fair:水还是慢" || got[1] != ":老人腿疼，请带药来" {
		t.Fatalf("on the phone there are %q", got)
	}
	if page := phone.get("/h/" + home); !strings.Contains(page, "老人腿疼，请带药来") || !strings.Contains(page, "基本满意。水还是慢") {
		t.Errorf("the household's page lacks what it said:\n%s", page)
	}
	cityDay := func() string { return time.Now().In(schema.CityZone).Format("1月2日") }
	before := cityDay()
	if today := phone.get("/"); !strings.Contains(today, before+" 周") && !strings.Contains(today, cityDay()+" 周") {
		t.Errorf("Today is not %s, as it is in the city:\n%s", before, today)
	}
	if today := phone.get("/"); !strings.Contains(today, "户主0") || !strings.Contains(today, "请带药来") {
		t.Errorf("Today lacks the household that spoke:\n%s", today)
	}
	if status, err := phone.post("/h/"+home+"/seen", url.Values{}); err != nil || status != http.StatusOK {
		t.Fatalf("noted: %d, %v", status, err)
	}
	if today := phone.get("/"); strings.Contains(today, "请带药来") {
		t.Errorf("what was noted stands under Today:\n%s", today)
	}
	ann.equal()
	bob.sync()
	if got := query(t, bob.file, "SELECT id FROM household_word UNION ALL SELECT id FROM contact_card"); len(got) != 0 {
		t.Errorf("the other cadre's phone holds %q", got)
	}

	// On record: the card once and of nobody, each sync with the village in which it lies.
	w.stop()
	at := filepath.Join(w.data, engine.DatabaseName)
	if got := query(t, at, `SELECT user_id || device || value FROM mq_disclosure WHERE value LIKE '{"what":"card"%'`); len(got) < 1 || len(got) > 2 || !strings.HasPrefix(got[0], `{"what":"card"`) || !strings.Contains(got[0], home) {
		t.Errorf("of the card opened there is %q", got)
	}
	village := query(t, at, "SELECT id FROM place WHERE code = ?", townVillage)[0]
	if got := query(t, at, "SELECT DISTINCT stream FROM mq_disclosure WHERE device <> '' AND value LIKE '%household:%'"); len(got) != 1 || got[0] != village {
		t.Errorf("what phones were shown of households lies in %q, want %s", got, village)
	}
	if out := w.minqing("verify", "--rebuild"); !strings.Contains(out, "历史完好") {
		t.Errorf("verified: %s", out)
	}
	w.start()
	w.minqing("card", "withdraw", r.page[strings.LastIndex(r.page, "/")+1:])
	if status := r.open(); status != http.StatusNotFound || strings.Contains(r.told, "水渠") {
		t.Errorf("%d: the withdrawn card says\n%s", status, r.told)
	}
}
