package console_test

import (
	"net/url"
	"strings"
	"testing"

	"minqing/schema"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

// reviewsOf gives the state of a journal, and what was said of it: kind, author and words.
func reviewsOf(t *testing.T, c *consoletest.City, journal syncproto.RowID) (state string, said []string) {
	t.Helper()
	if err := c.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		said = nil
		if _, err := tx.One("SELECT COALESCE(state, '') FROM journal WHERE id = ?", []any{string(journal)}, &state); err != nil {
			return err
		}
		return tx.Each(func(scan func(...any) error) error {
			var kind, author, words string
			err := scan(&kind, &author, &words)
			for name, id := range c.Users {
				if string(id) == author {
					author = name
				}
			}
			said = append(said, kind+" "+author+" "+words)
			return err
		}, "SELECT kind, author, COALESCE(comment, '') FROM review WHERE journal = ? ORDER BY id", string(journal))
	}); err != nil {
		t.Fatal(err)
	}
	return state, said
}

func TestReview(t *testing.T) { both(t, reviewing) }

func reviewing(t *testing.T, dsn string) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, DSN: dsn})
	b := city.NewBrowser(t, base, "secretary")
	p := b.Get("/").Want(200)
	order := strings.Join(p.Texts(".queue h3"), " ")
	if want := "退回后重交1 篇 紧急事项1 篇 久未走访1 篇 首次走访1 篇 其余2 篇"; order != want {
		t.Errorf("the queue is %s, want %s", order, want)
	}
	if text := strings.Join(p.Texts("main"), " "); strings.Contains(text, "枫林村") || strings.Contains(text, "还没写完") || strings.Contains(text, "13500007702") {
		t.Error("the queue holds another village's journal, a draft, or a whole phone number")
	}
	ins, del := strings.Join(p.Texts(".words ins"), "|"), strings.Join(p.Texts(".words del"), "|")
	if !strings.Contains(ins, "医保报了 11,940 元") || !strings.Contains(del, "不少钱") {
		t.Errorf("since it was given back: added %q, removed %q", ins, del)
	}

	// Words are needed to return and to guide; accepting opens the next one at once.
	p = p.Send(".verdict", url.Values{"do": {"return"}, "comment": {"  "}}).Want(422)
	p = p.Send(".verdict", url.Values{"do": {"accept"}}).Want(200)
	if got := p.Texts("h1")[0]; !strings.HasPrefix(got, "丁有田家") {
		t.Errorf("next is %s", got)
	}
	if state, said := reviewsOf(t, city, city.Rows["journal.returned"]); state != "accepted" || len(said) != 2 || said[1] != "accept secretary " {
		t.Errorf("accepted: %s, %q", state, said)
	}
	p = p.Send(".verdict", url.Values{"do": {"return"}, "comment": {"漏雨的屋顶有多大？"}}).Want(200)
	if state, said := reviewsOf(t, city, city.Rows["journal.urgent"]); state != "returned" || len(said) != 1 || said[0] != "return secretary 漏雨的屋顶有多大？" {
		t.Errorf("returned: %s, %q", state, said)
	}

	// A secretary and a cadre on one journal: what was not seen is not accepted, and what was typed stays.
	long := city.Rows["journal.long"]
	if err := city.Update(t.Context(), "cadre2", "journal", long, syncproto.Base{}, consoletest.Vals{"text": "又补了一句。"}); err != nil {
		t.Fatal(err)
	}
	p = p.Send(".verdict", url.Values{"do": {"guide"}, "comment": {"多去看看。"}}).Want(422)
	if got := p.Fields(".verdict").Get("comment"); got != "多去看看。" || len(p.All(".note[role=alert]")) != 1 || !strings.Contains(strings.Join(p.Texts(".words ins"), ""), "又补了一句") || !strings.Contains(strings.Join(p.Texts(".legend"), ""), "和交上来时比") {
		t.Errorf("after the cadre wrote on: comment %q, page %q", got, p.Texts(".sheet"))
	}
	// Another secretary's hand was quicker.
	other := city.NewBrowser(t, base, "township").Get(p.Path).Want(200)
	p = p.Send(".verdict", nil) // nothing chosen
	p.Want(422)
	p = p.Send(".verdict", url.Values{"do": {"guide"}}).Want(200)
	if state, said := reviewsOf(t, city, long); state != "accepted" || len(said) != 1 || said[0] != "guide secretary 多去看看。" {
		t.Errorf("guided: %s, %q", state, said)
	}
	late := other.Send(".verdict", url.Values{"do": {"return"}, "comment": {"慢了一步"}}).Want(422)
	if late.Fields(".verdict").Get("comment") != "慢了一步" || !strings.Contains(strings.Join(late.Texts(".err"), ""), "有人审过") {
		t.Errorf("who came late is told %q", late.Texts(".err"))
	}

	// A session that ends amid the form: what was typed goes through the sign-in and is done.
	b.Drop("__Host-mq-session")
	p = p.Send(".verdict", url.Values{"do": {"guide"}, "comment": {"孩子上学的事再问问。"}}).Want(401)
	p = p.Send("form[action='/signin']", url.Values{"login": {"zhoudewang"}, "password": {consoletest.Password}}).Want(200)
	if got := p.Fields("main form").Get("comment"); got != "孩子上学的事再问问。" {
		t.Errorf("after signing in again the form holds %q", got)
	}
	p = p.Send("main form", nil).Want(200)
	if state, said := reviewsOf(t, city, city.Rows["journal.first"]); state != "accepted" || len(said) != 1 || !strings.HasPrefix(said[0], "guide secretary 孩子") {
		t.Errorf("after the session ended: %s, %q", state, said)
	}

	// Phones hear of it as of any change: it is history, and the scopes moved.
	versions := 0
	if err := city.Engine.Store.Read(t.Context(), func(tx *store.Tx) error {
		list, err := tx.Versions("row_id = ? ORDER BY seq, ord", string(long))
		for _, v := range list {
			if v.Author == city.Users["secretary"] && len(v.Cells) == 1 && v.Cells[0].Value == schema.Text("accepted") {
				versions++
			}
		}
		return err
	}); err != nil || versions != 1 {
		t.Errorf("%d versions of the journal by the secretary, %v", versions, err)
	}
	report, err := city.Engine.Judge.VerifyChain(t.Context())
	if err != nil || len(report.Broken) > 0 {
		t.Errorf("the chain: %+v, %v", report, err)
	}
	for len(p.All(".verdict")) > 0 {
		p = p.Send(".verdict", url.Values{"do": {"accept"}}).Want(200)
	}
	if got := strings.Join(p.Texts(".blank h2"), ""); got != "都审完了" {
		t.Errorf("in the end the page says %q", got)
	}
}
