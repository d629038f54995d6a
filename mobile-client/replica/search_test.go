package replica_test

import (
	"os"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema/schematest"
	"minqing/syncproto"
)

// byHead looks households up by their head and their things' names.
func byHead() *replica.Search {
	return &replica.Search{Version: "1", Watch: []replica.Watch{{Table: "household", Doc: "id", Columns: []string{"head"}}, {Table: "thing", Doc: "household", Columns: []string{"name"}}},
		Make: func(v *replica.View, doc syncproto.RowID) (replica.Found, error) {
			var text, name string
			found, err := v.One(`SELECT coalesce(head, '') FROM household WHERE id = ?`, []any{string(doc)}, &text)
			if err != nil || !found {
				return replica.Found{}, err
			}
			err = v.Each(`SELECT coalesce(name, '') FROM thing WHERE household = ? ORDER BY id`, []any{string(doc)}, []any{&name}, func() error {
				text += "\n" + name
				return nil
			})
			return replica.Found{Text: text}, err
		}}
}

// texts are what the index holds.
func (p *phone) texts() (out []string) {
	p.tb.Helper()
	p.must(p.View(ctx(), func(v *replica.View) error {
		var text string
		return v.Each(`SELECT text FROM mq_find ORDER BY row`, nil, []any{&text}, func() error {
			out = append(out, text)
			return nil
		})
	}))
	return out
}

func (p *phone) wantTexts(want ...string) {
	p.tb.Helper()
	if got := strings.Join(p.texts(), "|"); got != strings.Join(want, "|") {
		p.tb.Errorf("the index holds %q, want %q", got, want)
	}
}

func TestSearchFollowsEveryWrite(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	p.must(p.Close())
	p.opt.Search = byHead()
	p.open()
	c := newCloud(t, p.opt.Book)
	c.house()
	p.pull(c)
	p.wantTexts("王")
	thing := p.thing()
	p.wantTexts("王\n甲")
	p.update(thing, "name", "乙")
	p.wantTexts("王\n乙")
	p.shell(`UPDATE household SET head = '李' WHERE id = '` + string(houseID) + `'`)
	p.wantTexts("王\n乙") // nobody has looked yet
	p.must(p.Reindex(ctx()))
	p.wantTexts("李\n乙")
	p.shell(`INSERT INTO household (id, head) SELECT id, '赵' FROM mq_new_id`, `DELETE FROM thing`)
	p.must(p.Reindex(ctx()))
	p.wantTexts("李", "赵")
	p.reopen()
	p.wantTexts("李", "赵")
}

func TestSearchIsMadeForAFileThatHadNone(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	c := newCloud(t, p.opt.Book)
	c.house()
	p.pull(c)
	p.must(p.Close())
	p.opt.Search = byHead()
	p.open()
	p.wantTexts("王")
	p.must(p.Close())
	p.opt.Search.Version = "2"
	p.opt.Search.Make = func(*replica.View, syncproto.RowID) (replica.Found, error) { return replica.Found{Text: "anew"}, nil }
	p.open()
	p.wantTexts("anew")
}

// A forgotten household leaves the index in the transaction that forgets it, by whatever program, and no byte of it stays in the files.
func TestSearchForgets(t *testing.T) {
	for _, indexed := range []bool{true, false} {
		p := mustPhone(t, schematest.Book())
		p.must(p.Close())
		p.opt.Search = byHead()
		p.open()
		c := newCloud(t, p.opt.Book)
		c.house()
		c.set("household", houseID, houseBucket, 2, "head", "CANARY-IN-THE-INDEX")
		other := syncproto.RowID("01900000-0000-7000-8000-0000000000b2")
		c.set("household", other, syncproto.BucketID{Scope: "household:" + string(other), Period: "-"}, 1, "place", placeID, "code", "H2", "head", "赵")
		p.pull(c)
		p.wantTexts("CANARY-IN-THE-INDEX", "赵")
		p.must(p.Close())
		if !indexed {
			p.opt.Search = nil
		}
		p.open()
		c.forget(houseBucket.Scope)
		p.pull(c)
		p.wantTexts("赵")
		for _, suffix := range []string{"", "-wal"} {
			raw, err := os.ReadFile(p.opt.Path + suffix)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), "CANARY-IN-THE-INDEX") {
				t.Errorf("indexed %v: the canary is still in %q", indexed, suffix)
			}
		}
		p.opt.Search = byHead()
		p.reopen()
		p.wantTexts("赵")
	}
}

func TestLocalIsThePhonesOwn(t *testing.T) {
	p := mustPhone(t, schematest.Book())
	p.must(p.PutLocal(ctx(), "draft/a", []byte("一")))
	p.must(p.PutLocal(ctx(), "draft/b", []byte("二")))
	p.must(p.PutLocal(ctx(), "seen/c", []byte{}))
	p.must(p.PutLocal(ctx(), "draft/a", []byte("三")))
	p.must(p.PutLocal(ctx(), "draft/b", nil))
	p.reopen()
	p.must(p.View(ctx(), func(v *replica.View) error {
		got := map[string]string{}
		p.must(v.Locals("draft/", func(key string, value []byte, at int64) error {
			if at == 0 {
				t.Error("not dated")
			}
			got[key] = string(value)
			return nil
		}))
		if len(got) != 1 || got["draft/a"] != "三" {
			t.Errorf("kept %v", got)
		}
		raw, err := v.Local("draft/b")
		p.must(err)
		if raw != nil {
			t.Errorf("dropped, and still %q", raw)
		}
		n, err := v.Waiting()
		p.must(err)
		if n != 0 {
			t.Errorf("%d changes wait", n)
		}
		return nil
	}))
	entries, err := p.Entries(ctx())
	p.must(err)
	if len(entries) != 0 {
		t.Error("what is local became a change")
	}
}
