package pages_test

import (
	"context"
	"net/url"
	"slices"
	"testing"

	"minqing/internal/webpage/reader"
	"minqing/mobile-client/pages/pagetest"
	"minqing/schema"
	"minqing/syncproto"
)

// shown gives what a row shows, by column.
func shown(t *testing.T, b *pagetest.Browser, table string, row syncproto.RowID) map[string]schema.Value {
	t.Helper()
	f, err := b.Replica.Form(context.Background(), table, row)
	if err != nil {
		t.Fatal(err)
	}
	return f.Values
}

// last is the newest change of the phone.
func last(t *testing.T, b *pagetest.Browser) *syncproto.Change {
	t.Helper()
	all, err := b.Replica.Entries(context.Background())
	if err != nil || len(all) == 0 {
		t.Fatalf("no change: %v", err)
	}
	return all[len(all)-1].Change
}

func TestCorrectionWritesOnlyWhatDiffers(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	home := b.Rows["home"]
	p := b.Get("/h/{home}/edit").Want(200)
	p = p.Send("main form", url.Values{"phone": {"128-0000-5622"}, "tags": {"empty_nest", "key", "infant"}})
	p.Want(200).Has(".toast", "已存在本机，有网自动上传。")
	if p.Path != b.At("/h/{home}") {
		t.Errorf("it leads to %s", p.Path)
	}
	var cells []string
	for _, c := range last(t, b).Edits[0].Cells {
		cells = append(cells, c.Cell)
	}
	if slices.Sort(cells); !slices.Equal(cells, []string{"phone", "tags"}) {
		t.Errorf("written: %q", cells)
	}
	if got := shown(t, b, "household", home); got["phone"] != schema.Text("12800005622") || got["head"] != schema.Text("王桂芬") || got["tags"] != schema.Set("empty_nest", "infant", "key") {
		t.Errorf("shown: %v", got)
	}
	p = p.Send(".toast form", nil)
	p.Want(200).Has(".toast", "撤销了")
	if got := shown(t, b, "household", home); got["phone"] != schema.Text("12800005621") || got["tags"] != schema.Set("empty_nest", "key", "low_income") {
		t.Errorf("undone: %v", got)
	}
	if len(b.Get("/h/{home}").All(".toast")) != 0 {
		t.Error("the sentence is said twice")
	}
}

func TestCorrectionThatChangesNothingSaysSo(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	before := last(t, b).Identity()
	b.Get("/h/{home}/edit").Send("main form", nil).Want(200).Has(".toast", "和原来一样")
	if last(t, b).Identity() != before {
		t.Error("something was written")
	}
}

// DESIGN 7.18: a form rendered before a sync never silently overwrites what that sync brought.
func TestCorrectionKeepsItsBaseAcrossASync(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	form := b.Get("/h/{home}/edit").Want(200)
	if err := b.Bring(context.Background(), b.Rows["home"], "head", schema.Text("王桂芳"), "address", schema.Text("新地址")); err != nil {
		t.Fatal(err)
	}
	form.Send("main form", url.Values{"address": {"老地址"}}).Want(200)
	edit := last(t, b).Edits[0]
	if len(edit.Cells) != 1 || edit.Cells[0].Cell != "address" || edit.Base.Rev != 1 {
		t.Errorf("the edit is %+v: the untouched name was written, or the base is not what was shown", edit)
	}
	if got := shown(t, b, "household", b.Rows["home"]); got["head"] != schema.Text("王桂芳") || got["address"] != schema.Text("老地址") {
		t.Errorf("shown: %v", got)
	}
}

func TestWrongValuesStandAtTheirField(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	before := last(t, b).Identity()
	p := b.Get("/r/{resident}/edit").Send("main form", url.Values{"name": {" "}, "phone": {"12"}, "birth": {"昨天"}, "away": {"<b>深圳</b>"}})
	p.Want(422)
	p.Has(".note.stop", "有 3 处要改。")
	for name, typed := range map[string]string{"name": " ", "phone": "12", "birth": "昨天"} {
		in := p.One("#f-" + name)
		if got := reader.Attr(in, "value"); got != typed && !(name == "name" && got == "") {
			t.Errorf("%s lost what was typed: %q", name, got)
		}
		if reader.Attr(in, "aria-invalid") != "true" || reader.Attr(in, "aria-describedby") != "e-"+name || len(p.All("#e-"+name)) != 1 {
			t.Errorf("%s is not marked", name)
		}
		if len(p.All(`.note.stop a[href="#f-`+name+`"]`)) != 1 {
			t.Errorf("the summary does not lead to %s", name)
		}
	}
	if got := reader.Attr(p.One("#f-away"), "value"); got != "<b>深圳</b>" {
		t.Errorf("the field in between lost what was typed: %q", got)
	}
	if last(t, b).Identity() != before {
		t.Error("half of it was saved")
	}
}

func TestAPersonIsAdded(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/h/{home}/add").Want(200)
	p.Send("main form", url.Values{"relation": {"孙女"}}).Want(422).Has(".err", "没有填")
	p = p.Send("main form", url.Values{"name": {"李沐晴"}, "relation": {"孙女"}, "birth": {"2020-05-01"}, "sex": {"f"}})
	p.Want(200).Has(".toast", "李沐晴加上了")
	p.Has(".row", "李沐晴")
	p.Has(".row", "孙女6 岁")
	b.Get("/households?q=lmq").Has(".row", "王桂芬家")
}

func TestOnlyAllowedMovesAreOffered(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	p := b.Get("/r/{resident}/edit").Send("main form", url.Values{"life": {"died"}}).Want(200)
	p.Has(".fold summary", "已不在册 1 人")
	p = b.Get("/r/{resident}/edit").Want(200)
	var states []string
	for _, n := range p.All(`[name="life"]`) {
		states = append(states, reader.Attr(n, "value"))
	}
	if !slices.Equal(states, []string{"died"}) {
		t.Errorf("from died one may go to %q", states)
	}
	if len(p.All(`[name="phone"]`)) != 0 {
		t.Error("a locked column is offered")
	}
}

func TestADamagedBaseSavesNothing(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	before := last(t, b).Identity()
	for _, base := range []string{"", "x", "{}", `{"table":"resident","row":"` + string(b.Rows["home"]) + `"}`} {
		b.Post("/h/{home}/edit", url.Values{"base": {base}, "head": {"赵"}}).Want(422).Has(".blank", "页面过期了")
	}
	if last(t, b).Identity() != before {
		t.Error("something was written")
	}
}
