package judge_test

import (
	"bytes"
	"strings"
	"testing"

	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Why something was decided so is part of what the chain hashes: of a cell, of two that are no twins, of what was decided once more. Other words,
// none, and some where none were given are found, however they are spelt; an erasure takes them along.
func TestVerifyFindsAnAlteredReason(t *testing.T) {
	const canary = "不可留下的理由"
	onBoth(t, func(t *testing.T, w *world) {
		ann, bob, sec := w.phone("ann"), w.phone("bob"), w.phone("sec")
		ann.do(w.create("thing", "t", "household", "@h1", "name", "old"))
		a, b := ann.change(w.update("thing", "t", "name", "ann's")), bob.change(w.update("thing", "t", "name", "bob's"))
		ann.push(a)
		bob.push(b)
		item := w.oneItem(syncproto.ItemCell)
		decided := w.resolve("sec", item.ID, judge.Decision{Pick: b.Identity(), Why: canary + "一"}).Verdicts[0].Identity
		again, err := w.judge.Reconsider(t.Context(), w.user("sec"), item.ID, "", w.update("thing", "t", "name", "ann's"), canary+"二")
		if err != nil || again.Verdicts[0].Status != syncproto.Applied {
			t.Fatalf("decided once more: %+v %v", again, err)
		}
		if _, err := w.judge.Reconsider(t.Context(), w.user("bob"), item.ID, "", w.update("thing", "t", "name", "bob's"), "x"); stops(err) != syncproto.CodeNotFound {
			t.Errorf("who does not decide: %v", err)
		}
		sec.do(w.create("household", "a", "place", "@v1g", "code", "七"))
		sec.do(w.create("household", "b", "place", "@v1g", "code", "七"))
		twin := w.oneItem(syncproto.ItemTwin)
		w.resolve("sec", twin.ID, judge.Decision{Why: "两家同名"})
		shown, err := w.judge.ItemByID(t.Context(), "", item.ID)
		if err != nil || len(shown.Said) != 2 || shown.Said[0].Text != canary+"一" || shown.Said[0].User != w.user("sec") || shown.Said[1].Text != canary+"二" {
			t.Fatalf("said: %+v %v", shown.Said, err)
		}
		sound := func(what string) {
			t.Helper()
			if r, err := w.judge.VerifyChain(t.Context()); err != nil || len(r.Broken) > 0 {
				t.Errorf("%s: %+v %v", what, r.Broken, err)
			}
		}
		exec := func(query string, args ...any) {
			t.Helper()
			if err := w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(query, args...) }); err != nil {
				t.Fatal(err)
			}
		}
		sound("as it was written")
		outcome := func(id string) (s string) {
			w.read(func(tx *store.Tx) error {
				_, err := tx.One("SELECT outcome FROM mq_item WHERE id = ?", []any{id}, &s)
				return err
			})
			return s
		}
		was := outcome(item.ID)
		before, _, _ := strings.Cut(was, `,"said":`)
		_, reasons, _ := strings.Cut(was, `"said":[`)
		for what, alter := range map[string]string{
			"other words":          strings.Replace(was, canary+"一", "别的理由", 1),
			"somebody else":        strings.Replace(was, `"user":"`+string(w.user("sec")), `"user":"`+string(w.user("admin")), 1),
			"none":                 before + "}",
			"one unhashed":         before + `,"why":"y"}`,
			"unread":               before + `,"said":7}`,
			"one more":             strings.Replace(was, `"said":[`, `"said":[{"change":"`+string(a.Identity())+`","user":"x","at":1,"text":"y"},`, 1),
			"one beside the first": strings.TrimSuffix(was, "]}") + `,{"change":"` + string(decided) + `","user":"` + string(w.user("sec")) + `","at":1,"text":"后添的"}]}`,
		} {
			exec("UPDATE mq_item SET outcome = ? WHERE id = ?", alter, item.ID)
			r, err := w.judge.VerifyChain(t.Context())
			if err != nil || len(r.Broken) != 1 || !strings.Contains(r.Broken[0].Why, "reason") || what == "other words" && r.Broken[0].Identity != decided {
				t.Errorf("%s: %+v %v", what, r.Broken, err)
			}
			exec("UPDATE mq_item SET outcome = ? WHERE id = ?", was, item.ID)
		}
		sound("put back")
		// What it came to, what became of each one's words, and who decided it by which change.
		unlike := func(what, column, id, alter string) {
			t.Helper()
			var before string
			w.read(func(tx *store.Tx) error {
				_, err := tx.One("SELECT "+column+" FROM mq_item WHERE id = ?", []any{id}, &before)
				return err
			})
			if before == alter {
				t.Fatalf("%s: nothing is altered in %s", what, before)
			}
			exec("UPDATE mq_item SET "+column+" = ? WHERE id = ?", alter, id)
			if r, err := w.judge.VerifyChain(t.Context()); err != nil || len(r.Broken) != 1 || !strings.Contains(r.Broken[0].Why, "how an inbox item ended") {
				t.Errorf("%s: %+v %v", what, r.Broken, err)
			}
			exec("UPDATE mq_item SET "+column+" = ? WHERE id = ?", before, id)
		}
		unlike("another change", "outcome", item.ID, strings.Replace(was, string(decided), string(a.Identity()), 1))
		unlike("another value", "outcome", item.ID, strings.Replace(was, `"values":{"name":"bob's"}`, `"values":{"name":"ann's"}`, 1))
		unlike("a value of another cell", "outcome", item.ID, strings.Replace(was, `"values":{`, `"values":{"count":1,`, 1))
		unlike("another fate", "outcome", item.ID, strings.Replace(was, `:"outvoted"`, `:"kept"`, 1))
		unlike("no fate", "outcome", item.ID, strings.Replace(was, `:"outvoted"`, `:""`, 1))
		unlike("a fate of somebody else", "outcome", item.ID, strings.Replace(was, `"fates":{`, `"fates":{"x":"third",`, 1))
		unlike("nothing but reasons", "outcome", item.ID, `{"said":[`+reasons)
		unlike("a word", "outcome", item.ID, strings.TrimSuffix(was, "}")+`,"word":"merged"}`)
		unlike("somebody else decided", "decided_by", item.ID, string(w.user("admin")))
		said := outcome(twin.ID)
		unlike("twins merged", "outcome", twin.ID, strings.Replace(said, "distinct", "merged", 1))
		unlike("twins no more", "outcome", twin.ID, strings.Replace(said, "distinct", "moot", 1))
		unlike("twins said to be two by somebody else", "decided_by", twin.ID, string(w.user("admin")))
		sound("put back again")
		// One that was decided without a reason, and had one added.
		sec.do(w.create("household", "c", "place", "@v1g", "code", "八"))
		sec.do(w.create("household", "d", "place", "@v1g", "code", "八"))
		bare := w.oneItem(syncproto.ItemTwin)
		w.resolve("sec", bare.ID, judge.Decision{})
		sound("decided without a reason")
		none := outcome(bare.ID)
		for what, added := range map[string]string{"unhashed": `"why":"补的理由"`, "said": `"said":[{"change":"x","user":"y","at":1,"text":"补的理由"}]`, "spelt otherwise": `"s\u0061id" : [{"change":"x","user":"y","at":1,"text":"补的理由"}]`, "unread": `"said":7`} {
			exec("UPDATE mq_item SET outcome = ? WHERE id = ?", strings.TrimSuffix(none, "}")+","+added+"}", bare.ID)
			if r, err := w.judge.VerifyChain(t.Context()); err != nil || len(r.Broken) != 1 || !strings.Contains(r.Broken[0].Why, "reason") || r.Broken[0].Stream == "" {
				t.Errorf("added, %s: %+v %v", what, r.Broken, err)
			}
			if it, err := w.judge.ItemByID(t.Context(), "", bare.ID); what == "unhashed" && (err != nil || len(it.Said) != 0) {
				t.Errorf("what was added is shown: %+v %v", it.Said, err)
			}
		}
		exec("UPDATE mq_item SET outcome = ? WHERE id = ?", none, bare.ID)
		sound("taken away again")
		two := outcome(twin.ID)
		if !strings.Contains(two, "两家同名") {
			t.Errorf("of twins: %s", two)
		}
		if _, err := w.judge.Erase(t.Context(), w.user("admin"), w.rowID("t"), "本人申请"); err != nil {
			t.Fatal(err)
		}
		var dump bytes.Buffer
		if _, err := w.store.Dump(t.Context(), &dump); err != nil || strings.Contains(dump.String(), canary) {
			t.Errorf("a reason outlives what it is about: %v", err)
		}
		sound("after an erasure")
	})
}
