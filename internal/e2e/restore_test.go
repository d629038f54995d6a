package e2e_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"minqing/mobile-client/replica"
	"minqing/schema"
)

// A server is restored from yesterday's backup, with twenty devices ahead of it. Everything that living devices hold comes back by itself,
// once. What only lost devices held, and others saw, is listed by name, and an administrator takes it back in bulk. A device enrolled after
// the backup is enrolled again, and keeps its work. A device believed lost that turns up after all changes nothing any more.
func TestFaultsRestoreWithTwentyDevicesAhead(t *testing.T) {
	const devices = 20
	w := mustTown(t, (devices+1)*ownHouses)
	var all []*pocket
	for i := range devices {
		login := fmt.Sprintf("cadre%02d", i)
		w.cadre(login, i*ownHouses)
		all = append(all, w.pocket(login))
	}
	for _, login := range []string{"gone", "stays"} {
		w.minqing("user", "add", "--login", login, "--name", login, "--role", "secretary", "--over", townVillage)
	}
	gone, stays := w.pocket("gone"), w.pocket("stays")
	w.cadre("newcomer", devices*ownHouses)
	first := map[*pocket]string{}
	for i, p := range all {
		first[p] = string(p.matter(fmt.Sprintf("备份前第 %d 件", i)))
		p.through("before the backup")
	}
	backup := filepath.Join(w.dir, "yesterday.backup")
	out := w.minqing("backup", backup)
	_, rest, _ := strings.Cut(out, "另外保管）：")
	passphrase := strings.Fields(rest)[0]

	// A day's work: everybody writes and syncs; a secretary corrects a household; a newcomer is enrolled.
	for i, p := range all {
		p.matter(fmt.Sprintf("备份后第 %d 件", i))
		for id := range p.matters {
			p.support(id)
		}
		p.through("after the backup")
	}
	newcomer := w.pocket("newcomer")
	newcomer.matter("备份后才登记的手机记的")
	newcomer.through("after the backup")
	gone.note(house(0), "书记批的：先修水沟。")
	gone.through("after the backup")
	lost := all[devices-1]
	for _, p := range append(slices.Clone(all), stays) {
		p.through("all hear of it")
	}
	must(t, gone.Close())
	must(t, lost.Close())

	// The disk dies; yesterday's backup is what there is.
	w.stop()
	w.data = filepath.Join(w.dir, "restored")
	if out := w.minqing("restore", backup, "--passphrase", passphrase); !strings.Contains(out, "minqing lost") {
		t.Errorf("a restore that does not say where to look for what is lost: %s", out)
	}
	w.start()
	living := append(slices.Clone(all[:devices-1]), stays)
	forked := 0
	for range 2 {
		for _, p := range living {
			rep, err := p.sync.Sync(t.Context())
			must(t, err)
			if rep.Forked {
				forked++
			}
		}
	}
	if forked != len(living) {
		t.Errorf("%d of %d devices found the server gone back", forked, len(living))
	}

	// The newcomer's device is unknown now: it says what to do, and after a new code everything is there.
	if out, err := newcomer.f.try("sync"); err == nil || !strings.Contains(out, "重新登记") {
		t.Errorf("a device that the server does not know was told: %s", out)
	}
	must(t, newcomer.Close())
	newcomer.f.must("enrol", "--server", "http://"+w.net.address(), "--code", w.minqing("device", "invite", "--user", "newcomer", "--plain"))
	newcomer.open()
	newcomer.fresh(newcomer.via)
	_, err := newcomer.sync.Sync(t.Context())
	must(t, err)
	newcomer.through("enrolled again")

	db := filepath.Join(w.data, "minqing.db")
	supporters := func(p *pocket) {
		t.Helper()
		for id, want := range p.matters {
			if got := query(t, db, "SELECT coalesce(supporters, 0) FROM matter WHERE id = ?", string(id)); len(got) != 1 || got[0] != fmt.Sprint(want) {
				t.Errorf("%s: matter %s has the supporters %v, want %d", p.f.login, id, got, want)
			}
		}
	}
	for _, p := range append(living, newcomer) {
		p.through("all came back")
		supporters(p)
		p.f.equal()
	}

	// What only lost devices held is listed by name.
	list := w.minqing("lost")
	for _, want := range []string{"2 台手机从那以后没有联系过", " gone ", " " + lost.f.login + " ", "书记批的：先修水沟。", "修水沟", "备份后第 19 件", "见过的 seen by：", "没回来的是第"} {
		if !strings.Contains(list, want) {
			t.Errorf("“%s” is not in the list of what is lost:\n%s", want, list)
		}
	}
	if n := len(strings.Fields(w.minqing("lost", "list", "--plain"))); n != 3 { // two matters of the lost cadre's and the note
		t.Errorf("%d rows are listed, want 3:\n%s", n, list)
	}
	if _, err := w.try("minqing", "lost", "accept", "--data", w.data); err == nil {
		t.Error("accepting nothing in particular was taken for accepting all")
	}
	if out, err := w.try("minqing", "lost", "accept", "--all", "--as", "stays", "--data", w.data); err == nil {
		t.Errorf("a secretary accepted testimony: %s", out)
	}
	if out := w.minqing("lost", "accept", "--all"); !strings.Contains(out, "补回 3 条") {
		t.Errorf("accepted: %s", out)
	}
	if out := w.minqing("history", "household", house(0)); !strings.Contains(out, "决定补回，照") {
		t.Errorf("the history does not say who decided, and on whose word:\n%s", out)
	}
	if out := w.minqing("lost"); strings.Contains(out, "见过的 seen by") {
		t.Errorf("after accepting:\n%s", out)
	}
	for _, p := range living {
		p.through("accepted")
	}
	if got := query(t, db, "SELECT note FROM household WHERE code = ?", house(0)); !slices.Equal(got, []string{"书记批的：先修水沟。"}) {
		t.Errorf("the secretary's words are %v", got)
	}
	supporters(lost)

	// They turn up after all: what was brought back as others saw it is not counted twice, and their own change is kept beside it.
	lost.open()
	gone.open()
	for range 2 {
		for _, p := range []*pocket{lost, gone, stays} {
			_, err := p.sync.Sync(t.Context())
			must(t, err)
		}
	}
	for p, want := range map[*pocket]int{lost: 3, gone: 1} { // a matter and a supporter on each of two; a note
		refused, err := p.Entries(t.Context(), replica.Refused)
		must(t, err)
		for _, e := range refused {
			if e.Verdict == nil || !strings.Contains(e.Verdict.Message, "补回") && e.Verdict.Waits == "" {
				t.Errorf("%s: %+v", p.f.login, e.Verdict)
			}
			must(t, p.Withdraw(t.Context(), e.Identity))
		}
		if len(refused) != want {
			t.Errorf("%s: %d changes are kept beside what was brought back, want %d", p.f.login, len(refused), want)
		}
	}
	for _, p := range []*pocket{lost, gone, stays, all[0]} {
		p.through("turned up")
		p.f.equal()
	}
	supporters(lost)
	if out := w.minqing("lost"); !strings.Contains(out, "都回来了") {
		t.Errorf("when all have come back:\n%s", out)
	}
	if out := w.minqing("verify", "--rebuild"); !strings.Contains(out, "历史完好") {
		t.Errorf("verify: %s", out)
	}
	w.stop()
	sound(t, db)
}

// note writes the note of a household.
func (p *pocket) note(code, words string) {
	t := p.w.t
	t.Helper()
	at := columnOf("household", "code")
	var f replica.Form
	must(t, p.Records(t.Context(), "household", func(r replica.Record) error {
		if r.Shown != nil && r.Shown[at] == schema.Text(code) {
			f.Row = r.Row
		}
		return nil
	}))
	f, err := p.Form(t.Context(), "household", f.Row)
	must(t, err)
	_, err = p.Write(t.Context(), func(tx *replica.Tx) error { return tx.Update(f, text("note", words)) })
	must(t, err)
}

// columnOf is the place of a column in its table.
func columnOf(table, column string) int {
	return slices.IndexFunc(schema.Minqing().Table(table).Columns, func(c schema.Column) bool { return c.Name == column })
}

// A device's file is put back from an old copy, as a process that knows nothing of it finds it: the server sees it, the file takes a new
// id, gets back what it had handed in since, and keeps what it wrote afterwards. Its twin, which goes on, is told apart from it.
func TestFaultsDeviceRestoredFromAnOldCopy(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	f := w.enrol("ann")
	visit := func(f *field, text string) {
		t.Helper()
		if out := f.must("visit", "--household", house(0), "--met", "户主", "--text", text, "--submit"); !strings.Contains(out, "已存在本机") {
			t.Fatal(out)
		}
	}
	journals := func() []string {
		return query(t, filepath.Join(w.data, "minqing.db"), "SELECT text FROM journal ORDER BY text")
	}
	visit(f, "1 备份前")
	f.sync()
	visit(f, "2 备份前没传的")
	old := filepath.Join(w.dir, "old.db")
	copyFile(t, f.file, old)
	f.sync()
	visit(f, "3 备份后")
	f.sync()
	f.equal()

	// The phone is set back to the old copy, and its user goes on.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		must(t, removeIfThere(f.file+suffix))
	}
	copyFile(t, old, f.file)
	visit(f, "4 退回以后")
	if out := f.sync(); !strings.Contains(out, "复制") {
		t.Errorf("the device was told nothing of it:\n%s", out)
	}
	f.sync()
	f.equal()
	if got := journals(); !slices.Equal(got, []string{"1 备份前", "2 备份前没传的", "3 备份后", "4 退回以后"}) {
		t.Errorf("the server holds %q", got)
	}
	if got := query(t, f.file, "SELECT text FROM journal ORDER BY text"); len(got) != 4 {
		t.Errorf("the device shows %q", got)
	}

	// A twin, made by copying the file as it is now; both go on, in turns.
	twin := &field{w: w, login: "ann", file: filepath.Join(w.dir, "twin.db")}
	copyFile(t, f.file, twin.file)
	for i := range 3 {
		visit(f, fmt.Sprint("5 原机 ", i))
		visit(twin, fmt.Sprint("5 副本 ", i))
		f.sync()
		twin.sync()
	}
	f.sync()
	for _, x := range []*field{f, twin} {
		x.equal()
		if got := query(t, x.file, "SELECT text FROM journal ORDER BY text"); len(got) != 10 {
			t.Errorf("%s shows %q", x.file, got)
		}
		if left := query(t, x.file, "SELECT identity FROM mq_change WHERE state <> 'accepted'"); len(left) > 0 {
			t.Errorf("%s: not accepted: %v", x.file, left)
		}
		sound(t, x.file)
	}
	if got := journals(); len(got) != 10 {
		t.Errorf("the server holds %q", got)
	}
}
