package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/server/console/consoletest"
)

func TestConflictOfWhatIsMasked(t *testing.T) { both(t, maskedConflict) }

// maskedConflict: two telephone numbers that differ where they are masked read the same. The list and the page say so, and whoever gives a reason sees
// both whole, with what differs, once and on record.
func maskedConflict(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	ctx, wang := t.Context(), city.Rows["wang"]
	seen, err := city.Base(ctx, wang)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][2]string{{"secretary", "13512347702"}, {"cadre2", "13556787702"}} {
		if err := city.Update(ctx, x[0], "household", wang, seen, consoletest.Vals{"phone": x[1]}); err != nil {
			t.Fatal(err)
		}
	}
	path := "/at/{place}/conflicts/" + textOf(t, city, "SELECT id FROM mq_item WHERE closed_ms = 0 AND cell = 'phone'")
	b := city.NewBrowser(t, base, "admin")
	for lang, want := range map[string][2]string{"zh": {"写的“电话”不一样，不同的几位遮着", "不同的几位遮着，这里看不出来"}, "en": {"wrote different values for “Phone”; where they differ is masked", "differs where it is masked"}} {
		b.Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
		if got := strings.Join(b.Get("/at/{place}/conflicts").Want(200).Texts("tbody"), ""); !strings.Contains(got, want[0]) {
			t.Errorf("the list says %q", got)
		}
		p := b.Get(path).Want(200)
		if got := strings.Join(p.Texts(".note"), ""); !strings.Contains(got, want[1]) || strings.Contains(p.Raw, "1234") || strings.Contains(p.Raw, "5678") {
			t.Errorf("the page says %q", got)
		}
	}
	b.Do("POST", "/settings", url.Values{"lang": {"zh"}, "to": {"/"}}).Want(303)
	if n := len(b.Get("/at/{place}/conflicts/{item.low_income}").Want(200).All("#unmask")); n != 0 {
		t.Error("of what is not masked the whole is offered")
	}

	p := b.Get(path + "?pick=2").Want(200)
	no := p.Send("#unmask", url.Values{"why": {" "}}).Want(422)
	if strings.Contains(no.Raw, "13512347702") || len(no.All("#unmask .err")) != 1 || countOf(t, city, `SELECT COUNT(*) FROM mq_disclosure WHERE value LIKE '%"what":"unmask"%'`) != 0 {
		t.Errorf("without a reason: %q", no.Texts("#unmask"))
	}
	whole := p.Send("#unmask", url.Values{"why": {"打电话核对"}}).Want(200)
	if got := strings.Join(whole.Texts(".oneside"), "|"); !strings.Contains(got, "13512347702") || !strings.Contains(got, "13556787702") || len(whole.All("#unmask")) != 0 {
		t.Errorf("whole: %q", got)
	}
	if got := strings.Join(whole.Texts(".oneside ins"), " "); got != "1234 5678" && got != "5678 1234" {
		t.Errorf("what differs: %q", got)
	}
	if got := strings.Join(whole.Texts(".result"), ""); !strings.HasSuffix(got, "7702") || strings.Contains(got, "*") || len(whole.All(".ways .on")) != 1 {
		t.Errorf("what was chosen comes to %q", got)
	}
	if got := strings.Join(b.Get("/at/{place}/audit?kind=unmasked").Want(200).Texts("tbody tr"), "|"); strings.Count(got, "王桂芬家，号码完整显示，理由：打电话核对") != 1 {
		t.Errorf("on record: %q", got)
	}
	if again := b.Get(path).Want(200); strings.Contains(again.Raw, "13512347702") {
		t.Error("the next page shows it whole too")
	}
	whole.Send(".decide form", nil).Want(200)
	if got := columnOf(t, city, "household", "phone", string(wang)); got != "13512347702" && got != "13556787702" {
		t.Errorf("decided from the page that shows it whole: %q", got)
	}

	// Of two households that look like one both are shown whole, and both are on record.
	twin, err := city.Create(ctx, "admin", "household", consoletest.Vals{"place": city.Places["group8"], "code": columnOf(t, city, "household", "code", string(city.Rows["jiang"])), "head": "蒋大毛", "phone": "13599997702"})
	if err != nil {
		t.Fatal(err)
	}
	p = b.Get("/at/{place}/conflicts/" + textOf(t, city, "SELECT id FROM mq_item WHERE closed_ms = 0 AND kind = 'twin' AND other = '"+string(twin)+"'")).Want(200)
	if got := strings.Join(p.Texts(".note"), ""); !strings.Contains(got, "“电话”写的不一样") {
		t.Errorf("of two that look like one: %q", got)
	}
	p = p.Send("#unmask", url.Values{"why": {"是不是一家"}}).Want(200)
	if got := strings.Join(p.Texts(".twins tr"), "|"); !strings.Contains(got, "13500007702") || !strings.Contains(got, "13599997702") {
		t.Errorf("two that look like one, whole: %q", got)
	}
	if n := countOf(t, city, "SELECT COUNT(*) FROM mq_disclosure WHERE value LIKE '%是不是一家%'"); n != 2 {
		t.Errorf("%d rows are on record as seen whole, want 2", n)
	}
}
