package pages

import (
	"slices"

	"minqing/mobile-client/field"
	"minqing/mobile-client/guard"
	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// roundPage chooses the households of one round: a meeting, say.
type roundPage struct {
	frame
	Action string
	Of     string
	Text   string
	Groups []roundGroup
}

type roundGroup struct {
	Name  string
	Homes []choice
}

// findDraft is the draft that a request names.
func (rq *request) findDraft() (d *visitDraft, err error) {
	home, err := rq.id("id")
	if err != nil {
		return nil, err
	}
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err := drafts(v, home)
		for _, have := range list {
			if have.ID == rq.FormValue("draft") {
				d = have
			}
		}
		return err
	})
	if err == nil && d == nil {
		d = &visitDraft{ID: rq.FormValue("draft"), Home: home, Day: rq.today(), How: howVillage}
		if !isToken(d.ID) {
			return nil, errNotFound
		}
	}
	return d, err
}

func showRound(rq *request) error {
	d, err := rq.findDraft()
	if err != nil {
		return err
	}
	l := rq.words
	p := &roundPage{frame: frame{Title: l.say("visit.round"), Back: d.path(), Form: true}, Action: visitPath(d.Home) + "/homes", Of: d.ID, Text: l.say("visit.round.text")}
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		const most = 500
		list, err := field.Neighbours(v, d.Home, d.Homes, most)
		if err != nil {
			return err
		}
		for _, h := range list {
			if n := len(p.Groups); n == 0 || p.Groups[n-1].Name != h.Group {
				p.Groups = append(p.Groups, roundGroup{Name: h.Group})
			}
			g := &p.Groups[len(p.Groups)-1]
			g.Homes = append(g.Homes, choice{string(h.ID), l.home(h), slices.Contains(d.Homes, string(h.ID))})
		}
		return nil
	}); err != nil {
		return err
	}
	return rq.show("round", p)
}

func postRound(rq *request) error {
	d, err := rq.findDraft()
	if err != nil {
		return err
	}
	var parts map[string]*visitDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		parts, err = partsOf(v, d)
		return err
	}); err != nil {
		return err
	}
	d.Homes = nil
	for _, id := range rq.PostForm["homes"] {
		if len(d.Homes) < mostHomes && schema.ValidID(id) && id != string(d.Home) {
			d.Homes = append(d.Homes, id)
		}
	}
	if d.Page, err = rq.app.token(); err != nil {
		return err
	}
	if _, _, err := rq.keepDraft(d); err != nil {
		return err
	}
	if err := rq.leaveRound(parts, d.Homes); err != nil {
		return err
	}
	return rq.see(d.path())
}

// undoVisit takes back what the last saving wrote, in one change, and puts what was typed back into its draft.
func undoVisit(rq *request) error {
	home, err := rq.id("id")
	if err != nil {
		return err
	}
	if err := rq.ParseForm(); err != nil {
		return err
	}
	s := guard.SessionOf(rq.Context())
	if s == nil {
		return errNotFound
	}
	w, _ := s.Take(undoKey).(*written)
	if w == nil {
		return errNotFound
	}
	if w.Draft.Home != home || w.Draft.ID != rq.PostForm.Get("of") {
		s.Keep(undoKey, w)
		return errNotFound
	}
	d, err := rq.takeBack(w)
	if err != nil {
		s.Keep(undoKey, w)
		return err
	}
	rq.toast("visit.undone")
	return rq.see(d.path())
}

// takeBack puts what was typed into a draft again, and then deletes what saving it had made, in one change.
func (rq *request) takeBack(w *written) (*visitDraft, error) {
	again := *w.Draft
	d := &again
	var err error
	if d.ID, err = rq.app.token(); err != nil {
		return nil, err
	}
	if d.Page, err = rq.app.token(); err != nil {
		return nil, err
	}
	d.Rev = 0
	var rows []below
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		rows, err = belowVisits(v, w.Visits)
		return err
	}); err != nil {
		return nil, err
	}
	if err := rq.photosBack(rows, d); err != nil {
		return nil, err
	}
	if _, _, err := rq.keepDraft(d); err != nil {
		return nil, err
	}
	for _, part := range w.Parts {
		own := *part
		own.ID, own.Page, own.Rev = d.ID, d.Page, 0
		if _, _, err := rq.keepDraft(&own); err != nil {
			return nil, err
		}
	}
	_, err = rq.replica.Write(rq.Context(), func(tx *replica.Tx) error { return deleteWritten(tx, rows, w.Matters) })
	return d, err
}

// deleteWritten deletes the visits with what lies under them, and withdraws their matters.
func deleteWritten(tx *replica.Tx, below []below, matters []syncproto.RowID) error {
	for _, b := range below {
		f, err := tx.Form(b.table, b.row)
		if err != nil {
			return err
		}
		if err := tx.Delete(f); err != nil {
			return err
		}
	}
	for _, id := range matters {
		f, err := tx.Form("matter", id)
		if err != nil {
			return err
		}
		if err := tx.Update(f, map[string]schema.Value{"state": schema.Text("withdrawn")}); err != nil {
			return err
		}
	}
	return nil
}

// below is a row that goes with a visit; hash is that of a picture.
type below struct {
	table, hash string
	row         syncproto.RowID
}

// belowVisits lists what lies under visits, and them after it.
func belowVisits(v *replica.View, visits []syncproto.RowID) (out []below, err error) {
	for _, visit := range visits {
		b := below{table: "journal"}
		add := func() error {
			out = append(out, b)
			return nil
		}
		if err := v.Each(`SELECT id FROM journal WHERE visit = ?`, []any{string(visit)}, []any{&b.row}, add); err != nil {
			return nil, err
		}
		b.table = "attachment"
		if err := v.Each(`SELECT id, coalesce(hash, '') FROM attachment WHERE visit = ?`, []any{string(visit)}, []any{&b.row, &b.hash}, add); err != nil {
			return nil, err
		}
		out = append(out, below{table: "visit", row: visit})
	}
	return out, nil
}

// photosBack puts the pictures of visits beside a draft again.
func (rq *request) photosBack(below []below, d *visitDraft) error {
	for _, b := range below {
		if b.table != "attachment" {
			continue
		}
		p := &photos.Photo{Hash: b.hash}
		var err error
		if p.Content, err = rq.replica.ReadContent(rq.Context(), b.hash, 0, photos.MaxContent); err != nil {
			return err
		}
		if p.Thumb, err = rq.replica.Thumb(rq.Context(), b.row); err != nil {
			return err
		}
		if err := rq.keepPhoto(d.ID, p); err != nil {
			return err
		}
	}
	return nil
}
