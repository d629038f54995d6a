package pages_test

import (
	"encoding/json"
	"strings"
	"testing"

	"minqing/mobile-client/pages/pagetest"
	"minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// TestCarriedPage says of each file that is carried by hand how it stands, and offers what can be done with it.
func TestCarriedPage(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Full)
	b.Get("/sync").Has("main a", "代传")
	b.Get("/sync/carried").Want(200).Has(".blank", "没有代传的文件")
	for took, want := range map[string]string{"receipt": "回执收下了", "bundle": "有网自动交上去", "unopened": "用口令打开后", "no": "没有收下", "../x": "没有代传的文件"} {
		b.Get("/sync/carried?took="+took).Want(200).Has("main", want)
	}
	pending, err := b.Replica.Entries(t.Context(), replica.Pending)
	if err != nil || len(pending) == 0 {
		t.Fatalf("nothing waits: %v", err)
	}
	const done = syncproto.Identity("00000000000000000000000000000001")
	put := func(key string, p phone.Parcel) {
		t.Helper()
		raw, err := json.Marshal(p)
		if err == nil {
			err = b.Replica.PutLocal(t.Context(), "parcel/"+key, raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	at := b.Now.UnixMilli()
	put("own/a0000000", phone.Parcel{At: at, Changes: []syncproto.Identity{pending[0].Identity, done}})
	put("own/b0000000", phone.Parcel{At: at - 1, Changes: []syncproto.Identity{done, done}, Back: at})
	put("own/c0000000", phone.Parcel{At: at - 2, Changes: []syncproto.Identity{done}})
	put("in/d0000000", phone.Parcel{At: at})
	put("in/e0000000", phone.Parcel{At: at - 1, Handed: at, Receipt: []byte("minqing receipt 1 x25519\nsealed")})
	put("in/f0000000", phone.Parcel{At: at - 2, Code: syncproto.CodeInvalid, Problem: syncproto.Both("签名不对。", "The signature is wrong.")})
	p := b.Get("/sync/carried").Want(200)
	rows := p.Texts("main .row")
	for i, want := range []string{"还有 1 条没有结果", "回执回来了，2 条都有结果", "都已上传，回执不用等了", "有网自动交", "把回执发回给他", "签名不对。请对方重新导出"} {
		if i >= len(rows) || !strings.Contains(rows[i], want) {
			t.Fatalf("row %d of %q lacks %q", i, rows, want)
		}
	}
	if n := len(p.All("main .row form")); n != 5 { // two own ones that are done, one receipt, two of theirs that are done
		t.Errorf("%d things to do", n)
	}
	if got := p.Send(`form[action$="/e0000000/receipt"]`, nil).Want(200).Raw; got != "minqing receipt 1 x25519\nsealed" {
		t.Errorf("the receipt is %q", got)
	}
	b.Post("/sync/carried/d0000000/receipt", nil).Want(404)
	for _, id := range []string{"a0000000", "d0000000"} { // what is not done is not dropped
		b.Post("/sync/carried/"+id+"/drop", nil).Want(200)
	}
	p.Send(`form[action$="/b0000000/drop"]`, nil).Want(200)
	b.Post("/sync/carried/f0000000/drop", nil).Want(200)
	if n := len(b.Get("/sync/carried").All("main .row")); n != 4 {
		t.Errorf("%d rows are left, want 4", n)
	}
}

// TestFilesAreTakenIn takes a colleague's file, and says of anything else that it was not taken.
func TestFilesAreTakenIn(t *testing.T) {
	b := pagetest.MustOpen(t, pagetest.Empty)
	const form = `form[enctype]`
	p := b.Get("/sync/carried")
	p.SendFile(form, "other", "x.bin", nil, nil).Want(422).Has(".note.stop", "请先选一个文件")
	p.SendFile(form, "file", "x.jpg", []byte("no bundle at all"), nil).Want(422).Has(".note.stop", "没有收下")
	p.SendFile(form, "file", "x.receipt", []byte("minqing receipt 1 x25519\nfor another phone"), nil).Want(422).Has(".note.stop", "没有收下")
	for range 2 { // twice is once
		p.SendFile(form, "file", "x.bundle", []byte("minqing bundle 1 x25519\nsealed"), nil).Want(200).Has(".note", "收下了")
	}
	if n := len(b.Get("/sync/carried").All("main .row")); n != 1 {
		t.Errorf("%d files are carried, want 1", n)
	}
}
