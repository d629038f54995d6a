package pages

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// write is Write for a form: its draft goes in the transaction that saves it, so that no crash leaves both, or neither.
func (rq *request) write(fn func(*replica.Tx) error) (done bool, err error) {
	spend, err := rq.spending()
	if err != nil {
		return false, err
	}
	rq.app.drafting.Lock()
	defer rq.app.drafting.Unlock()
	ch, err := rq.replica.Write(rq.Context(), func(tx *replica.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return spend(tx.PutLocal)
	})
	return ch != nil, err
}

// spending gives what drops the draft of the form that was posted, and remembers it as saved.
func (rq *request) spending() (func(put putter) error, error) {
	d := &formDraft{ID: rq.PostForm.Get("draft"), Path: rq.URL.Path, Page: rq.PostForm.Get("tab")}
	if !isToken(d.ID) || !isToken(d.Page) {
		return func(putter) error { return nil }, nil
	}
	note, err := rq.savedNote(savedVisit{d.ID, d.Page, sumOf(rq.PostForm)})
	return func(put putter) error {
		if err := put(d.key(), nil); err != nil {
			return err
		}
		return put(savedVisits, note)
	}, err
}

// putter keeps something under a key, nil to drop it: PutLocal of a replica or a transaction.
type putter func(key string, value []byte) error

// sumOf tells what a form says from what it said before, apart from how its draft stood.
func sumOf(f url.Values) string {
	said := cloneValues(f)
	for _, name := range []string{"draft", "tab", "rev"} {
		said.Del(name)
	}
	return digestOf([]string{said.Encode()})
}

// repeated answers a form that was saved already, and comes again as it was: from a page that outlived the program, or that the browser
// sends anew. It is written once. From the same page with other words it is not: those are to be saved.
func (rq *request) repeated() (bool, error) {
	if err := rq.ParseForm(); err != nil || rq.replica == nil || !isToken(rq.PostForm.Get("draft")) {
		return false, err
	}
	var saved []savedVisit
	back := map[string]string{"h": householdPath(syncproto.RowID(rq.PathValue("id"))), "j": journalPath(syncproto.RowID(rq.PathValue("id"))),
		"m": matterPath(syncproto.RowID(rq.PathValue("id"))), "sync": syncPath}[strings.Split(rq.URL.Path, "/")[1]]
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if saved, err = savedDrafts(v); err == nil && back == "" { // somebody's own form: back to his household
			var home syncproto.RowID
			_, err = v.One(`SELECT coalesce(household, '') FROM resident WHERE id = ?`, []any{rq.PathValue("id")}, &home)
			back = householdPath(home)
		}
		return err
	}); err != nil {
		return false, err
	}
	if !slices.Contains(saved, savedVisit{rq.PostForm.Get("draft"), rq.PostForm.Get("tab"), sumOf(rq.PostForm)}) {
		return false, nil
	}
	rq.toast("saved")
	return true, rq.see(back)
}

// savedNote is the list of what was saved lately, with one more.
func (rq *request) savedNote(one savedVisit) (raw []byte, err error) {
	var saved []savedVisit
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		saved, err = savedDrafts(v)
		return err
	}); err != nil {
		return nil, err
	}
	saved = append(saved, one)
	return json.Marshal(saved[max(0, len(saved)-keptSaved):])
}
