package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"minqing/internal/webpage/reader"
	"minqing/schema"
	"minqing/schema/schematest"
	"minqing/server/console/consoletest"
	court "minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// astray makes three conflicts of one cell each: of somebody who wrote in time and came late, of a phone that offers again what a restore took away,
// and of what an administrator brought back after it on the word of others' phones. Each stands against what the secretary wrote.
func astray(t *testing.T, city *consoletest.City) {
	t.Helper()
	ctx, phone := t.Context(), syncproto.DeviceID(city.Rows["device"])
	seen := map[string]syncproto.Base{}
	for _, home := range []string{"nobody", "gu", "he"} {
		base, err := city.Base(ctx, city.Rows[home])
		if err != nil {
			t.Fatal(err)
		}
		base.Rev = 1 // before anything was written
		seen[home] = base
	}
	wrote := func(home, value string) syncproto.Edit {
		return syncproto.Edit{Table: "household", Row: city.Rows[home], Op: syncproto.OpUpdate, Base: seen[home], Cells: []syncproto.CellEdit{{Cell: "low_income", Value: schema.Text(value)}}}
	}
	change := &syncproto.Change{At: city.Now().Add(-48 * time.Hour).UnixMilli(), Edits: []syncproto.Edit{wrote("gu", "applied")},
		Labels: map[syncproto.RowID][]syncproto.Label{city.Rows["gu"]: {{Epoch: seen["gu"].Epoch, Rev: 2}}}}
	if err := city.Engine.Store.Write(ctx, func(tx *store.Tx) error {
		d, _, err := tx.Device(phone)
		if err != nil {
			return err
		}
		change.Name = syncproto.Name{Device: phone, Number: d.Next}
		if err := tx.MintEpoch(); err != nil {
			return err
		}
		if err := tx.NoteWentBack(tx.Now()); err != nil {
			return err
		}
		if err := tx.SaveTestimony([]store.Testimony{{Row: city.Rows["he"], Table: "household", Label: syncproto.Label{Epoch: seen["he"].Epoch, Rev: 2}, Device: phone, User: city.Users["cadre"], Content: []byte("{}")}}); err != nil {
			return err
		}
		if _, err := city.Engine.Judge.Retake(tx, city.Users["admin"], []court.Seen{{By: phone, Edit: wrote("he", "applied")}}); err != nil {
			return err
		}
		return tx.CloseTestimony(city.Rows["he"], city.Users["admin"], store.TestimonyAccepted)
	}); err != nil {
		t.Fatal(err)
	}
	if err := change.Seal(); err != nil {
		t.Fatal(err)
	}
	if _, err := city.Engine.Judge.Push(ctx, court.Author{Device: phone, User: city.Users["cadre"], Offer: true}, []*syncproto.Change{change}); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{"nobody", "gu", "he"} {
		city.SetNow(city.Now().Add(time.Minute))
		if err := city.Update(ctx, "secretary", "household", city.Rows[home], seen[home], consoletest.Vals{"low_income": "ended"}); err != nil {
			t.Fatal(err)
		}
		city.Rows["item.astray."+home] = syncproto.RowID(textOf(t, city, "SELECT id FROM mq_item WHERE kind = 'cell' AND cell = 'low_income' AND closed_ms = 0 AND row_id = '"+string(city.Rows[home])+"'"))
	}
}

// TestConflictsByKind reads the words of every kind of conflict that is not two values of one field, and of every reason for which a change was
// not taken, in both languages.
func TestConflictsByKind(t *testing.T) {
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Knots})
	astray(t, city)
	b := city.NewBrowser(t, base, "admin")
	for _, x := range []struct {
		path, selector string
		zh, en         []string
	}{
		{"conflicts/{item.late}?pick=take", "h1", []string{"冯颐家"}, []string{"冯颐's home"}},
		{"conflicts/{item.late}?pick=take", ".stake", []string{"陈秀兰写的到得太晚，要有人看过才能收。"}, []string{"What 陈秀兰 wrote came too late, and waits for somebody to look at it."}},
		{"conflicts/{item.late}?pick=take", ".ways a", []string{"收下1", "不收2"}, []string{"Take it1", "Leave it refused2"}},
		{"conflicts/{item.late}?pick=take", ".oneside", []string{"冯颐 9月摔了一跤", "写于9月20日", "收到11月23日", "红米 12C"}, []string{"冯颐 9月摔了一跤", "20 Sep", "23 Nov"}},
		{"conflicts/{item.late}?pick=take", ".sees tr", []string{"采用了您写的", "只看到定下来的内容"}, []string{"What you wrote was taken", "sees only what is decided"}},
		{"conflicts/{item.late}?pick=refuse", ".sees tr", []string{"没有照您写的办，您写的留着"}, []string{"It was decided otherwise; what you wrote is kept."}},
		{"conflicts/{item.state}?pick=1", ".stake", []string{"改的时候，这条记录已经到了不许再改的状态。"}, []string{"It was changed while its state came not to allow that any more."}},
		{"conflicts/{item.state}?pick=1", ".oneside", []string{"12月1日能办"}, []string{"12月1日能办"}},
		{"conflicts/{item.delete}?pick=keep", ".stake", []string{"一边删、一边改：删掉它，还是留下改过的？"}, []string{"One deleted it while another wrote"}},
		{"conflicts/{item.delete}?pick=delete", ".oneside", []string{"删除了这条记录"}, []string{"deleted this row"}},
		{"conflicts/{item.household}?pick=1", ".stake", []string{"可能是同一个：合成一条，还是本来就是两个？"}, []string{"These look like one: merge them, or are they two?"}},
		{"conflicts/{item.household}", ".ways a", []string{"合到甲1", "合到乙2", "本来就是两个3"}, []string{"Merge into A1", "They are two3"}},
		{"conflicts/{item.household}?pick=1", ".picks .lab", []string{"住址", "备注"}, []string{"Address"}},
		{"conflicts/{item.household}", ".twins tr", []string{"哪里不一样甲乙", "住址"}, []string{"What differsAB", "Address"}},
		{"conflicts/{item.household}", ".fold", []string{"一样的 ", "户号"}, []string{"that are the same"}},
		{"conflicts/{item.household}?pick=1", ".oneside", []string{"何婉清", "新建", "写于", "收到", "手机网页"}, []string{"made it", "Received", "the consoles"}},
		{"conflicts/{item.astray.nobody}", ".stake", []string{"赵建国写的到得晚，写的时候还归他管，照样算数：赵建国说“已申请”，周德旺说“已停”"}, []string{"What 赵建国 wrote came late, and counts, having been in the author's charge when written: 赵建国 says “Applied”, 周德旺 says “Ended”"}},
		{"conflicts/{item.astray.gu}", ".stake", []string{"陈秀兰写的在服务器恢复时丢过，后来补了回来：陈秀兰说“已申请”"}, []string{"What 陈秀兰 wrote was lost when the server was restored, and came back since: "}},
		{"conflicts/{item.astray.he}", ".stake", []string{"别人手机里的在服务器恢复时丢过，后来补了回来：别人手机里的是“已申请”，周德旺说“已停”"}, []string{"What other phones held was lost when the server was restored"}},
		{"conflicts/{item.identity}?pick=1", ".twins tr", []string{"丁有田", "贺长庚", "8组 下湾"}, []string{"丁有田", "贺长庚's home"}},
		{"conflicts/{item.identity}?pick=1", ".fold", []string{"身份证号9****************7"}, []string{"9****************7"}},
		{"refused/{change.toolate}", ".mend", []string{"您看过、收下，就照他写的办，仍算陈秀兰写的，并记下是您收的。"}, []string{"it counts as 陈秀兰 wrote it"}},
		{"refused/{change}", ".mend", []string{"已退给陈秀兰，在手机上改好再传就行"}, []string{"It went back to 陈秀兰"}},
		{"refused/{change.waits}", ".mend", []string{"等它依据的那一条到了，服务器自动重新处理"}, []string{"When what it builds on is there"}},
		{"refused/{change.late}", ".decide", []string{"怎么收下的", "写的时候还归他管，晚到了，照样算数"}, []string{"in the author's charge when written"}},
		{"devices/{device.lost}", "main", []string{"停用于 11月23日", "停用以后交来的", "贺长庚家", "看过"}, []string{"revoked Mon 23 Nov", "Handed in after it was revoked"}},
	} {
		for lang, want := range map[string][]string{"zh": x.zh, "en": x.en} {
			b.Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
			got := strings.Join(b.Get("/at/{place}/"+x.path).Want(200).Texts(x.selector), "|")
			for _, w := range want {
				if !strings.Contains(got, w) {
					t.Errorf("%s %s %s lacks %q: %s", lang, x.path, x.selector, w, got)
				}
			}
		}
	}
	other := city.NewBrowser(t, base, "otheradmin")
	if got := strings.Join(other.Get("/at/{other}/refused/{change.foreign}").Want(200).Texts(".mend"), ""); !strings.Contains(got, "要有这项权限：白荷负责这一户") {
		t.Errorf("what was not allowed says %q", got)
	}

	// Who decided is told to whoever comes after, whatever the kind; and two people of one number are merged, or are two.
	b.Do("POST", "/settings", url.Values{"lang": {"zh"}, "to": {"/"}}).Want(303)
	for _, x := range [][3]string{{"item.late", "refuse", "没有收。"}, {"item.delete", "delete", "删掉了。"}, {"item.state", "2", ""}, {"item.identity", "distinct", "本来就是两个。"}} {
		path := "/at/{place}/conflicts/{" + x[0] + "}"
		open := b.Get(path + "?pick=" + x[1]).Want(200)
		open.Send(".decide form", url.Values{"why": {"第一个人的理由"}}).Want(200)
		late := open.Send(".decide form", url.Values{"why": {"第二个人写的理由"}}).Want(422)
		if got := strings.Join(late.Texts(".note.soft"), ""); !strings.Contains(got, "何婉清已经定了这件事。") || !strings.Contains(got, x[2]) || !strings.Contains(got, "第一个人的理由") {
			t.Errorf("%s: the second is told %q", x[0], got)
		}
		if got := strings.Join(late.Texts(".yours"), ""); !strings.Contains(got, "第二个人写的理由") {
			t.Errorf("%s: what the second wrote is gone: %q", x[0], late.Texts("main"))
		}
	}
	// That they are two is taken back as everything is, in both languages.
	for _, x := range [][3]string{{"zh", "撤回了，又等着定是不是同一个。", "何婉清撤回了先前的决定"}, {"en", "Taken back: whether they are one waits to be decided again.", "has taken the decision back"}} {
		b.Do("POST", "/settings", url.Values{"lang": {x[0]}, "to": {"/"}}).Want(303)
		after := b.Get("/at/{place}/conflicts/{item.identity}").Want(200).Send("form[action$='/undo']", nil).Want(200)
		if got := strings.Join(after.Texts("body"), ""); !strings.Contains(got, x[1]) || !strings.Contains(got, x[2]) || len(after.All(".ways a")) < 3 {
			t.Errorf("%s: taken back it says %q", x[0], got)
		}
		b.Get("/at/{place}/conflicts/{item.identity}?pick=distinct").Want(200).Send(".decide form", nil).Want(200)
	}
}

// TestConflictOfARowRule: two edits that were each right by themselves break a rule of the row together. The product's tables have no such rule over
// columns that change, so the synthetic book's table stands beside them.
func TestConflictOfARowRule(t *testing.T) {
	product := schema.Minqing()
	book, err := schema.NewBook(product.Version, append(product.Tables(), schematest.Book().Table("thing"))...)
	if err != nil {
		t.Fatal(err)
	}
	city, base := consoletest.MustOpen(t, consoletest.Options{State: consoletest.Full, Book: book})
	ctx := t.Context()
	id, err := city.Create(ctx, "cadre", "thing", consoletest.Vals{"household": string(city.Rows["wang"]), "name": "水窖", "begins": "2026-03-10", "ends": "2026-06-20"})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := city.Base(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	for who, v := range map[string]consoletest.Vals{"cadre": {"begins": "2026-06-10"}, "secretary": {"ends": "2026-05-01"}} {
		if err := city.Update(ctx, who, "thing", id, seen, v); err != nil {
			t.Fatal(err)
		}
	}
	var item string
	if err := city.Engine.Store.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.Items("kind = ? AND closed_ms = 0", string(syncproto.ItemRowRule))
		if len(found) == 1 {
			item = found[0].ID
		}
		return err
	}); err != nil || item == "" {
		t.Fatalf("no item of a row rule: %v", err)
	}
	b := city.NewBrowser(t, base, "admin")
	for lang, want := range map[string]string{"zh": "分别改都对，合起来就不合规矩了。", "en": "Each change was right by itself; together they break a rule."} {
		b.Do("POST", "/settings", url.Values{"lang": {lang}, "to": {"/"}}).Want(303)
		p := b.Get("/at/{place}/conflicts/" + item).Want(200)
		if got := strings.Join(p.Texts(".stake"), ""); got != want {
			t.Errorf("the stake is %q", got)
		}
		if got := p.Texts(".oneside"); len(got) != 2 {
			t.Errorf("the sides are %q", got)
		}
	}
	p := b.Get("/at/{place}/conflicts/" + item + "?pick=third").Want(200)
	if n := len(p.All(`.decide input[name^="write."]`)); n != 2 {
		t.Fatalf("%d fields are to be written anew: %q", n, p.Texts(".decide"))
	}
	p = p.Send(".decide form", url.Values{"write.begins": {"2026-04-01"}, "write.ends": {"2026-05-01"}}).Want(200)
	if begins, ends := columnOf(t, city, "thing", "begins", string(id)), columnOf(t, city, "thing", "ends", string(id)); begins != "2026-04-01" || ends != "2026-05-01" {
		t.Errorf("decided, it is from %s to %s: %q", begins, ends, p.Texts(".said"))
	}
	if got := reader.Attr(b.Get("/at/{place}/conflicts/"+item).Want(200).One("html"), "lang"); got == "" {
		t.Error("the page of what was decided is none")
	}
}
