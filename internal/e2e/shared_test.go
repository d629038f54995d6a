package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Several programs work on one file at once: one watches, several sync, others record visits and run statements. Each saves, none waits
// for the network or for another's sync, two syncs do not run over each other, and all that was saved is on the server in the end.
func TestSeveralProgramsShareOneFile(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	f := w.enrol("ann")
	watch := f.spawn("sync", "--watch")
	const each = 6
	var all sync.WaitGroup
	var mu sync.Mutex
	var faults []error
	busy, synced := 0, 0
	room := make(chan struct{}, 10) // so many at once: each is given the file in a few seconds, on a slow disk too
	do := func(args ...string) {
		room <- struct{}{}
		out, err := f.try(args...)
		<-room
		mu.Lock()
		defer mu.Unlock()
		f.note(out)
		switch {
		case err == nil && args[0] == "sync":
			synced++
		case err != nil && args[0] == "sync" && strings.Contains(err.Error(), "另一个程序"):
			busy++ // said in words that another is at it
		case err != nil:
			faults = append(faults, err)
		}
	}
	for i := range each {
		all.Go(func() { do("sync") })
		all.Go(func() {
			do("visit", "--household", house(i%ownHouses), "--met", "户主", "--text", fmt.Sprintf("第%d次。", i), "--submit")
		})
		all.Go(func() { do("sync") })
		all.Go(func() {
			do("sql", fmt.Sprintf("UPDATE household SET note = '第%d次' WHERE code = '%s'", i, house(i%ownHouses)))
		})
		all.Go(func() { do("households") })
	}
	all.Wait()
	for _, err := range faults {
		t.Error(err)
	}
	if len(f.saved) != each {
		t.Errorf("%d visits were called saved, want %d", len(f.saved), each)
	}
	// The watching program finds what others wrote without being told, a statement's words too.
	f.must("sql", "UPDATE household SET note = '最后一句' WHERE code = '"+house(0)+"'")
	deadline := time.Now().Add(patience)
	// The log is asked first: what is no longer there is a change by now, and would be missed were it asked for before.
	for len(query(t, f.file, "SELECT row FROM mq_log")) > 0 || len(query(t, f.file, "SELECT identity FROM mq_change WHERE state = 'pending'")) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("the watching program did not send what others wrote:\n%s", query(t, f.file, "SELECT identity || ' ' || state FROM mq_change"))
		}
		time.Sleep(100 * time.Millisecond)
	}
	must(t, watch.cmd.Process.Signal(os.Interrupt))
	out, err := watch.wait()
	if err != nil {
		t.Errorf("the watching program ended badly: %v", err)
	}
	if got := query(t, filepath.Join(w.data, "minqing.db"), "SELECT note FROM household WHERE code = ?", house(0)); got[0] != "最后一句" {
		t.Errorf("the server holds %q", got)
	}
	f.sync()
	f.equal()
	if got := query(t, filepath.Join(w.data, "minqing.db"), "SELECT text FROM journal"); len(got) != each {
		t.Errorf("the server holds %q", got)
	}
	if n := query(t, filepath.Join(w.data, "minqing.db"), "SELECT count(*) FROM device"); n[0] != "1" {
		t.Errorf("%s devices: programs on one file were taken for copies", n[0])
	}
	sound(t, f.file)
	t.Logf("synced=%d busy=%d\n%s", synced, busy, out)
}
