package console_test

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"minqing/internal/sheet"
	"minqing/internal/thumb/camera"
	"minqing/server/console/consoletest"
	"minqing/server/store"
	"minqing/syncproto"
)

func rowID(id string) syncproto.RowID { return syncproto.RowID(id) }

// mustRead is what a code on the page holds, read from its picture as a camera reads it.
func (w *window) mustRead(selector string) string {
	w.t.Helper()
	png, err := w.Shot(selector)
	w.must(err)
	text, err := camera.Read(png)
	w.must(err)
	return text
}

// assignmentOf is the assignment of a home to somebody.
func (w *window) assignmentOf(home, who string) (id string) {
	w.t.Helper()
	w.must(w.city.Engine.Store.Read(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.One(`SELECT id FROM assignment WHERE household = ? AND "user" = ?`, []any{string(w.city.Rows[home]), string(w.city.Users[who])}, &id)
		return err
	}))
	return id
}

// secretIn is the key that the link of an authenticator holds.
func secretIn(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		t.Fatalf("the picture holds %q, %v", link, err)
	}
	return u.Query().Get("secret")
}

// deskByKeys decides a field, takes it back, and decides a deletion beside an edit and an edit beside an acceptance.
func (w *window) deskByKeys() {
	w.sit("admin", false)
	w.see("/at/{place}/conflicts/{item.low_income}", ".ways")
	w.Keys = 0
	w.must(w.Enter("2", ".confirm"))
	w.must(w.Enter("\r", ".said"))
	if w.Keys != 2 {
		w.t.Errorf("an open item took %d keys to decide", w.Keys)
	}
	w.says(".said", "王桂芬家 · 低保，采用乙")
	w.must(w.Enter("z", ".said"))
	w.says(".said", "撤回了")
	if got := columnOf(w.t, w.city, "household", "low_income", string(w.city.Rows["wang"])); got != "granted" {
		w.t.Errorf("taken back, it is %s", got)
	}

	w.see("/at/{place}/conflicts/{item.delete}", ".ways")
	w.says(".stake", "一边删、一边改")
	w.must(w.Enter("1", ".confirm"))
	w.says(".sees", "没有照您写的办，您写的留着，点开能看")
	w.must(w.Enter("\r", ".said"))
	if got := columnOf(w.t, w.city, "resident", "phone", string(w.city.Rows["ou.2"])); got != "13900001111" {
		w.t.Errorf("kept, the phone is %q", got)
	}

	w.see("/at/{place}/conflicts/{item.state}", ".ways")
	w.says(".stake", "改的时候，这条记录已经到了不许再改的状态")
	w.must(w.Enter("1", ".confirm"))
	w.must(w.Enter("\r", ".said"))
	if got := columnOf(w.t, w.city, "journal", "text", string(w.city.Rows["journal.first"])); !strings.Contains(got, "12月1日能办") {
		w.t.Errorf("taken, the journal says %q", got)
	}
}

// deskByThumb decides by three taps from the list, late work among it, and merges two households field by field.
func (w *window) deskByThumb() {
	w.sit("admin", true)
	w.see("/at/{place}/conflicts", "tbody")
	w.says("tbody", "到得太晚，要有人看过才能收", "可能是同一个：合成一条，还是本来就是两个？")
	w.must(w.Follow(w.city.At(`tbody a[href$="{item.late}"]`), ".ways"))
	w.says(".stake", "陈秀兰写的到得太晚")
	w.says(".oneside", "红米 12C", "冯颐 9月摔了一跤")
	w.must(w.Follow(`.ways a[href$="pick=take"]`, ".confirm"))
	w.says(".sees", "采用了您写的")
	w.must(w.Follow(".confirm .btn.main", ".said"))
	if got := columnOf(w.t, w.city, "household", "note", string(w.city.Rows["nobody"])); !strings.Contains(got, "摔了一跤") {
		w.t.Errorf("taken, the note is %q", got)
	}
	w.see("/at/{place}/conflicts/{item.late}", ".note.soft")
	w.says(".note.soft", "何婉清已经定了这件事", "收下了")
	w.must(w.Follow("form[action$='/undo'] button", ".said"))
	w.says(".said", "撤回了", "又等着定")
	w.says("main", "何婉清撤回了先前的决定")
	if got := columnOf(w.t, w.city, "household", "note", string(w.city.Rows["nobody"])); strings.Contains(got, "摔了一跤") {
		w.t.Errorf("taken back, the note is %q", got)
	}
	w.must(w.Follow(`.ways a[href$="pick=take"]`, ".confirm"))
	w.must(w.Follow(".confirm .btn.main", ".said"))
	if got := columnOf(w.t, w.city, "household", "note", string(w.city.Rows["nobody"])); !strings.Contains(got, "摔了一跤") {
		w.t.Errorf("taken once more, the note is %q", got)
	}

	w.see("/at/{place}/conflicts/{item.household}", ".ways")
	keep := "1"
	if w.ask(`[...document.querySelectorAll(".twins tr")].some(row => row.cells[1].innerText.includes("新楼")) ? "new" : "old"`) == "new" {
		keep = "2"
	}
	other := map[string]string{"1": "2", "2": "1"}[keep]
	w.must(w.Follow(`.ways a[href$="pick=`+keep+`"]`, ".confirm"))
	w.must(w.Tap(`input[name="write.address"][value="` + other + `"]`))
	w.must(w.Follow(".confirm .btn.main", ".said"))
	if got := columnOf(w.t, w.city, "household", "address", string(w.city.Rows["jiang"])); got != "第8组下湾晒谷场东3号旁新楼" {
		w.t.Errorf("merged, the address is %q", got)
	}
	w.must(w.Follow(".said button", ".said"))
	if got := columnOf(w.t, w.city, "household", "head", string(w.city.Rows["twin"])); got != "蒋大毛" {
		w.t.Errorf("taken back, the other is %q", got)
	}
}

// twoAdmins: two administrators open one item in two browsers. The second is told who decided what meanwhile; what he wrote stands on the page, and
// he can decide once more with it.
func (w *window) twoAdmins() {
	id, err := w.city.Create(w.t.Context(), "admin", "user", consoletest.Vals{"place": w.city.Places["town"], "login": "fangyuan", "name": "方圆", "post": "镇党政办"})
	w.must(err)
	w.city.Users["second"] = syncproto.UserID(id)
	_, err = w.city.Create(w.t.Context(), "admin", "role", consoletest.Vals{"user": string(id), "role": "admin", "place": w.city.Places["town"]})
	w.must(err)
	other, err := w.Other()
	w.must(err)
	defer other.Close()
	b := &window{Screen: other, t: w.t, city: w.city, base: w.base}
	w.sit("admin", false)
	b.sit("second", false)
	b.see("/at/{place}/conflicts/{item.note}?pick=third", "textarea")
	b.ask(`document.querySelector("textarea").value = ""`)
	b.must(b.Fill("textarea", "老两口在家。低保 11月起停了，12月再看。"))
	b.must(b.Fill("#reason", "电话里问过本人"))
	w.see("/at/{place}/conflicts/{item.note}?pick=2", ".confirm")
	w.must(w.Fill("#reason", "村里有文件"))
	w.must(w.Follow(".confirm .btn.main", ".said"))
	b.must(b.Follow(".confirm .btn.main", ".note.soft"))
	b.says(".note.soft", "何婉清已经定了这件事", "采用了赵建国写的", "理由：村里有文件")
	b.says(".err", "您的决定没有生效")
	b.says(".yours", "老两口在家。低保 11月起停了，12月再看。", "电话里问过本人")
	if got := columnOf(b.t, b.city, "household", "note", string(b.city.Rows["wang"])); !strings.Contains(got, "续到 2027年10月") {
		b.t.Errorf("the first decision is gone: %q", got)
	}
	b.must(b.Follow(".confirm .btn.main", ".said")) // once more, knowing
	if got := columnOf(b.t, b.city, "household", "note", string(b.city.Rows["wang"])); got != "老两口在家。低保 11月起停了，12月再看。" {
		b.t.Errorf("decided once more, it is %q", got)
	}
}

// assigning: seen before it is done, done, and taken back.
func (w *window) assigning() {
	w.sit("admin", false)
	w.see("/at/{place}/assign", ".order")
	w.must(w.Send(".order", map[string][]string{"way": {"move"}, "from": {"chenxiulan"}, "to": {"hanlijun"}, "team": {"member"}, "how": {"all"}}, "#plan"))
	w.says("#plan", "把陈秀兰的 4 户换给韩立军", "红米 12C", "3 条没交")
	if got := columnOf(w.t, w.city, "assignment", `"until"`, w.assignmentOf("wang", "cadre")); got != "" {
		w.t.Errorf("a preview has ended an assignment on %s", got)
	}
	w.must(w.Follow("#go", "#undo"))
	w.says("h1", "陈秀兰的 4 户换给韩立军")
	w.must(w.Follow("#undo", ".said"))
	w.says(".head", "撤回了")
}

// uploadEnded: a session ends while a file is chosen. The file is asked for again, by its name; the rest goes along.
func (w *window) uploadEnded() {
	dir := w.t.TempDir()
	list, large := filepath.Join(dir, "codes.csv"), filepath.Join(dir, "large.csv")
	w.must(os.WriteFile(list, []byte("户号\r\n0814-020\r\n"), 0o600))
	w.must(os.WriteFile(large, []byte("户号,姓名,与户主关系,杂项\r\n"+strings.Repeat("0814-901,滕秋菊,户主,"+strings.Repeat("长", 3000)+"\r\n", 130)), 0o600))
	end := func() {
		if _, err := w.city.Session(w.t.Context(), "admin"); err != nil {
			w.t.Fatal(err)
		}
	}
	again := func(file, button string) {
		w.t.Helper()
		w.says(".note.act", "您刚才写的都在", filepath.Base(file), "要再选一次")
		w.must(w.Fill("#login", "hewanqing"))
		w.must(w.Fill("#password", "错的密码也不要紧"))
		w.must(w.Follow(".door form .btn.main", ".field.bad"))
		w.must(w.Fill("#password", consoletest.Password))
		w.must(w.Follow(".door form .btn.main", "#again0"))
		w.says(".door", "接着做", filepath.Base(file))
		w.must(w.Choose("#again0", file))
		w.must(w.Follow(".door .btn.main", button))
	}
	w.sit("admin", false)
	w.see("/at/{place}/assign", ".order")
	w.ask(`for (const choice of ['[name=how][value=list]', '[name=team][value=cadre]']) document.querySelector(choice).closest("label").click(); document.querySelectorAll("details").forEach(d => d.open = true); ""`)
	w.must(w.Fill("#to", "zhaojianguo"))
	w.must(w.Choose("#file", list))
	end()
	w.must(w.Follow("#preview", "#password"))
	again(list, "#plan")
	w.says("#plan", "赵建国", "1 户")

	w.see("/at/{place}/import", "#file")
	w.must(w.Choose("#file", large)) // more than a form without a file may have
	end()
	w.must(w.Follow("main form .btn.main", "#password"))
	again(large, "h1")
	w.title("large.csv")
}

// importing: a workbook with bad rows is looked through; each is named; the workbook of just those comes down, is mended, and goes up again.
func (w *window) importing() {
	dir := w.t.TempDir()
	titles := []string{"户号", "组", "姓名", "与户主关系", "身份证号"}
	write := func(name string, rows ...[]string) string {
		w.t.Helper()
		var b bytes.Buffer
		columns := make([]sheet.Column, len(titles))
		for i, title := range titles {
			columns[i].Title = title
		}
		out, err := sheet.NewWriter(&b, sheet.XLSX, "花名册", columns...)
		w.must(err)
		for _, r := range rows {
			w.must(out.Row(r...))
		}
		w.must(out.Close())
		path := filepath.Join(dir, name)
		w.must(os.WriteFile(path, b.Bytes(), 0o600))
		return path
	}
	bring := func(path string) {
		w.t.Helper()
		w.see("/at/{place}/import", "#file")
		w.must(w.Choose("#file", path))
		w.must(w.Follow("main form .btn.main", "h1"))
		w.await(`document.querySelector("#go")`) // the page follows by itself
	}
	w.sit("admin", false)
	bring(write("register.xlsx", []string{"0714-060", "7组 上湾", "滕秋菊", "户主", "990102199001011237"}, []string{"0714-060", "7组 上湾", "", "配偶", ""}, []string{"0714-061", "7组 上湾", "滕望", "户主", "990102199205050018"},
		[]string{"0714-062", "7组 上湾", "滕安", "户主", ""}))
	w.says("main", "2 行不能导入", "第 3 行", "“姓名”没有填", "第 4 行", "滕望")
	w.must(w.Downloads(dir))
	w.must(w.Tap(`a[href$="/bad"]`))
	mend := filepath.Join(dir, "mend.xlsx")
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(mend); err == nil {
			break
		}
		if time.Since(began) > time.Minute {
			w.t.Fatal("the workbook of the bad rows does not come down")
		}
	}
	w.must(w.Follow("#go", "h1"))
	w.await(`document.querySelector("main").innerText.includes("做了什么")`)

	raw, err := os.ReadFile(mend)
	w.must(err)
	headers := make([]sheet.Header, len(titles))
	for i, title := range titles {
		headers[i] = sheet.Header{Key: title, Names: []string{title}}
	}
	in, err := sheet.Open("mend.xlsx", bytes.NewReader(raw), int64(len(raw)), headers, sheet.Limits{})
	w.must(err)
	defer in.Close()
	var rows [][]string
	for {
		r, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		w.must(err)
		mended := make([]string, len(titles))
		for i, title := range titles {
			mended[i] = r.Cells[title]
		}
		rows = append(rows, mended)
	}
	if len(rows) != 2 {
		w.t.Fatalf("the workbook holds %q", rows)
	}
	rows[0][2], rows[1][4] = "滕长河", "990102199205050019"
	bring(write("mended.xlsx", rows...))
	w.says("main", "每一行都能导入")
	w.must(w.Follow("#go", "h1"))
	w.await(`document.querySelector("main").innerText.includes("做了什么")`)
	w.see("/at/{place}/homes?q="+url.QueryEscape("滕"), "tbody")
	w.says("main", "滕秋菊", "滕长河", "滕望", "滕安")
}
