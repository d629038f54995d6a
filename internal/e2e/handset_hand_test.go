package e2e_test

import (
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	handset "minqing/mobile-client/phone"
	"minqing/mobile-client/replica"
	"minqing/mobile-client/shell"
	"minqing/schema"
	"minqing/syncproto"
)

// One without a network hands the outbox to a colleague, who has none either and carries it to town: it is handed in by itself there, and the
// receipt comes back the same way, with the names of those whose words stand beside one's own. A file for a phone that is locked waits for its PIN.
func TestOutboxIsCarriedByHand(t *testing.T) {
	w := mustTown(t, 2*ownHouses)
	w.cadre("ann", 0)
	w.cadre("bob", ownHouses)
	w.cadre("carl", 0)
	carl := w.enrol("carl")
	ann, bob := w.hand("ann"), w.hand("bob")
	for _, h := range []*hand{ann, bob} {
		h.start()
		h.enrol()
		h.p.Sync()
		soon(t, "the first sync of "+h.login, func() bool { return h.count(`SELECT count(*) FROM household`) > 0 && !h.p.Status().Running })
		h.p.Network(shell.None)
	}
	carl.must("edit", "household", house(0), "head=张珊")
	carl.sync()
	home := syncproto.RowID(ann.household())
	ann.visit(string(home), "带出去的一条")
	ann.over(func(r *replica.Replica) error {
		form, err := r.Form(t.Context(), "household", home)
		if err != nil {
			return err
		}
		_, err = r.Write(t.Context(), func(tx *replica.Tx) error {
			return tx.Update(form, map[string]schema.Value{"head": schema.Text("张山")})
		})
		return err
	})
	var file []byte
	ann.over(func(r *replica.Replica) (err error) {
		var n int
		file, n, err = ann.p.Bundle(t.Context(), r)
		if n != 2 {
			t.Errorf("%d changes are in the file", n)
		}
		return err
	})
	take := func(h *hand, file []byte) (took handset.Took) {
		t.Helper()
		path := filepath.Join(w.dir, "shared")
		must(t, os.WriteFile(path, file, 0o600))
		took, err := h.p.Carry(t.Context(), path)
		must(t, err)
		return took
	}
	parcels := func(h *hand) (out []handset.Parcel) {
		t.Helper()
		h.over(func(r *replica.Replica) (err error) { out, err = h.p.Parcels(t.Context(), r); return err })
		return out
	}
	must(t, bob.p.Lock()) // the keystore has the file open: it takes it all the same
	if took := take(bob, file); took.Receipt || took.Later {
		t.Errorf("the bundle was taken as %+v", took)
	}
	if got := parcels(bob); len(got) != 1 || got[0].Own || got[0].Handed != 0 {
		t.Fatalf("bob carries %+v", got)
	}
	bob.stop() // and outlives the program
	bob.start()
	bob.p.Sync()
	soon(t, "the bundle is handed in", func() bool { got := parcels(bob); return len(got) == 1 && got[0].Handed != 0 })
	if n := w.visits("带出去的一条"); n != 1 {
		t.Errorf("the server has the visit %d times", n)
	}
	if got := parcels(ann); len(got) != 1 || !got[0].Own || got[0].Waiting != 2 || got[0].Back != 0 {
		t.Errorf("before the receipt ann sees %+v", got)
	}
	if took := take(ann, parcels(bob)[0].Receipt); !took.Receipt || took.Verdicts != 2 {
		t.Errorf("the receipt was taken as %+v", took)
	}
	if got := parcels(ann); len(got) != 1 || got[0].Waiting != 0 || got[0].Back == 0 {
		t.Errorf("after the receipt ann sees %+v", got)
	}
	ann.over(func(r *replica.Replica) error {
		list, err := r.Entries(t.Context(), replica.Accepted)
		if err != nil || len(list) != 2 || list[1].Verdict.Status != syncproto.Conflicted {
			t.Fatalf("of the receipt ann has %+v, %v", list, err)
		}
		beside, decides := list[1].Verdict.Who(syncproto.PersonBeside, "", ""), list[1].Verdict.Who(syncproto.PersonDecides, "", "")
		if len(beside) != 1 || beside[0].Name != "carl" || len(decides) != 1 || decides[0].Name != "何婉清" {
			t.Errorf("the receipt names %+v", list[1].Verdict.People)
		}
		return nil
	})
	if _, err := bob.p.Carry(t.Context(), filepath.Join(w.dir, "nothing here")); err == nil {
		t.Error("a file that is not there was taken")
	}
	bob.stop()
	bob.secret = ""
	bob.file += "2"
	bob.start()
	bob.enrol()
	must(t, bob.p.Lock())
	if took := take(bob, file); !took.Later {
		t.Errorf("a locked phone took the file as %+v", took)
	}
	must(t, bob.p.Unlock(t.Context(), handsetPIN))
	if got := parcels(bob); len(got) != 1 {
		t.Errorf("after the PIN bob carries %+v", got)
	}
	if left, err := filepath.Glob(bob.file + ".came-*"); err != nil || len(left) > 0 {
		t.Errorf("left beside the file: %v, %v", left, err)
	}
}

// A revoked phone loses its power again and again: before its escrow was answered, right after, amid the wipe. In the end nothing is on it,
// and what it had not sent is on the server, once.
func TestPowerFailsBetweenEscrowAndWipe(t *testing.T) {
	w := mustTown(t, ownHouses)
	w.cadre("ann", 0)
	target, err := url.Parse("http://" + w.server.address)
	must(t, err)
	var field *process
	var mu sync.Mutex
	killBefore, escrowed := 0, 0
	door := &http.Server{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ModifyResponse: func(resp *http.Response) error {
			mu.Lock()
			defer mu.Unlock()
			if resp.Request.Method != http.MethodPost || resp.Request.URL.Path != "/v1/courier" {
				return nil
			}
			escrowed++
			if killBefore > 0 {
				killBefore--
				return field.cmd.Process.Kill()
			}
			return nil
		}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- door.Serve(l) }()
	t.Cleanup(func() { door.Close(); <-ended })
	file := filepath.Join(w.dir, "ann.db")
	run := func(args ...string) string {
		t.Helper()
		out, err := w.try("minqing-field", append(args, "--file", file, "--pin", handsetPIN)...)
		must(t, err)
		return out
	}
	run("enrol", "--server", "http://"+l.Addr().String(), "--code", w.minqing("device", "invite", "--user", "ann", "--plain"))
	run("sync")
	run("visit", "--household", house(0), "--met", "最后一次")
	w.minqing("device", "revoke", strings.Fields(w.minqing("device", "list", "--user", "ann"))[0])

	serve := func(kill int) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		killBefore = kill
		var err error
		field, err = w.spawn("minqing-field", "serve", "--file", file, "--pin", handsetPIN)
		must(t, err)
	}
	there := func(suffix string) bool { _, err := os.Stat(file + suffix); return err == nil }
	// The server has the escrow and the phone does not know: it keeps all and does it again.
	for range 2 {
		serve(1)
		var gone error
		_, gone = field.wait()
		if gone == nil || !there("") || !there(".key") || there(".wipe") {
			t.Fatalf("killed before the answer: %v; data %t, key %t, mark %t", gone, there(""), there(".key"), there(".wipe"))
		}
	}
	if n := w.visits("最后一次"); n != 1 || escrowed != 2 {
		t.Fatalf("the server has the visit %d times of %d escrows", n, escrowed)
	}
	// Power that fails as the answer comes, and ever a little later: amid whatever it does then.
	for i := 0; there("") || there(".wipe"); i++ {
		if i > 200 {
			t.Fatal("it is never wiped")
		}
		serve(0)
		soon(t, "an escrow or a wipe", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return escrowed > 2 || !there("") && !there(".wipe")
		})
		mu.Lock()
		escrowed = 2
		mu.Unlock()
		time.Sleep(time.Duration(math.Pow(1.3, float64(i))) * time.Millisecond) // no assertion rests on it: it only moves the kill
		must(t, field.kill())
		if !there("") && !there(".wipe") {
			break
		}
	}
	// The next start finds a phone that is nobody's.
	served, err := w.spawn("minqing-field", "serve", "--open", "--file", file)
	must(t, err)
	soon(t, "all is gone", func() bool { return !there("") && !there("-wal") && !there(".key") && !there(".wipe") })
	must(t, served.kill())
	if n := w.visits("最后一次"); n != 1 {
		t.Errorf("the server has the visit %d times", n)
	}
}

// visits counts the visits at which somebody was met, on the server.
func (w *town) visits(met string) int {
	w.t.Helper()
	return len(query(w.t, filepath.Join(w.data, "minqing.db"), "SELECT id FROM visit WHERE met = ?", met))
}
