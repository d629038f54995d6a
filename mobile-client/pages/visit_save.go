package pages

import (
	"net/url"
	"slices"
	"strings"

	"minqing/mobile-client/field"
	"minqing/mobile-client/guard"
	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// written is what saving a visit made: undo takes it back.
type written struct {
	Visits  []syncproto.RowID
	Matters []syncproto.RowID
	Draft   *visitDraft
	Parts   map[string]*visitDraft
}

// saveVisit checks a draft and writes the visit with all that belongs to it as one change. The draft goes with it.
func (rq *request) saveVisit(d *visitDraft) error {
	var parts map[string]*visitDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		parts, err = partsOf(v, d)
		return err
	}); err != nil {
		return err
	}
	bad := d.check(rq)
	if err := rq.checkParts(d, parts, bad); err != nil {
		return err
	}
	if len(bad) > 0 {
		p, err := rq.visitPage(d)
		if err != nil {
			return err
		}
		return rq.blameVisit(p, bad)
	}
	w := &visitWriter{rq: rq, d: d, parts: parts, met: map[string]string{}, photos: map[string][]*photos.Photo{}}
	var err error
	if w.me, err = rq.me(); err != nil {
		return err
	}
	for home, own := range w.each() {
		if w.met[home], err = rq.metNames(own); err != nil {
			return err
		}
		for _, hash := range own.Photos {
			p, err := rq.draftPhoto(own.ID, hash)
			if err != nil {
				return err
			}
			w.photos[home] = append(w.photos[home], p)
		}
	}
	if err := w.save(); err != nil {
		return err
	}
	for _, m := range w.spot {
		if err := rq.answeredOnTheSpot(m, d); err != nil {
			return err
		}
	}
	if s := guard.SessionOf(rq.Context()); s != nil {
		s.Keep(undoKey, &written{w.visits, w.matters, d, parts})
	}
	fields := url.Values{"of": {d.ID}}
	if len(w.spot) > 0 { // a matter that was answered stays: nobody takes an answer back
		rq.toast("saved")
	} else if n := len(w.visits); n > 1 {
		rq.undoable(visitPath(d.Home)+"/undo", fields, "visit.saved.n", n)
	} else {
		rq.undoable(visitPath(d.Home)+"/undo", fields, "saved")
	}
	return rq.see(householdPath(d.Home))
}

// metNames writes who was met as the record shows it.
func (rq *request) metNames(d *visitDraft) (string, error) {
	me, err := rq.me()
	if err != nil {
		return "", err
	}
	var names []string
	err = rq.replica.View(rq.Context(), func(v *replica.View) error {
		h, ok, err := field.OneHousehold(v, me, d.Home, rq.today(), 0)
		if err != nil || !ok {
			return err
		}
		for _, x := range h.People {
			if slices.Contains(d.Met, string(x.ID)) {
				names = append(names, x.Name)
			}
		}
		return nil
	})
	for _, x := range []string{metOther, metNobody} {
		if slices.Contains(d.Met, x) {
			names = append(names, visitWords["visit.met."+x].ZH) // part of the record, whose language is Chinese
		}
	}
	const most = 200
	met := strings.Join(names, "、")
	if runes := []rune(met); len(runes) > most {
		met = string(runes[:most-1]) + "…"
	}
	return met, err
}

// visitWriter writes one draft.
type visitWriter struct {
	rq      *request
	d       *visitDraft
	me      syncproto.UserID
	parts   map[string]*visitDraft     // of the further households of a round, by household
	met     map[string]string          // by household
	photos  map[string][]*photos.Photo // by household
	visits  []syncproto.RowID
	matters []syncproto.RowID
	spot    []syncproto.RowID // the matters that were handled on the spot
}

// each gives every household of the visit with the draft of what is its own.
func (w *visitWriter) each() map[string]*visitDraft {
	out := map[string]*visitDraft{string(w.d.Home): w.d}
	for _, home := range w.d.Homes {
		own := w.parts[home]
		if own == nil {
			own = &visitDraft{Home: syncproto.RowID(home), ID: w.d.ID, Day: w.d.Day}
		}
		out[home] = own
	}
	return out
}

// save writes the visit and drops its draft in one transaction: no crash leaves both, or neither.
func (w *visitWriter) save() error {
	rq := w.rq
	rq.app.drafting.Lock()
	defer rq.app.drafting.Unlock()
	note, err := rq.savedNote(savedVisit{ID: w.d.ID, Tab: w.d.Page})
	if err != nil {
		return err
	}
	_, err = rq.replica.Write(rq.Context(), func(tx *replica.Tx) error {
		if err := w.write(tx); err != nil {
			return err
		}
		for _, own := range w.each() {
			if err := own.drop(tx.PutLocal); err != nil {
				return err
			}
		}
		return tx.PutLocal(savedVisits, note)
	})
	return err
}

func (w *visitWriter) write(tx *replica.Tx) error {
	w.visits, w.matters, w.spot = nil, nil, nil
	each := w.each()
	for _, home := range append([]string{string(w.d.Home)}, w.d.Homes...) {
		if err := w.visit(tx, home, each[home]); err != nil {
			return err
		}
	}
	return nil
}

// visit writes the rows of one household: what is the same for all, and its own.
func (w *visitWriter) visit(tx *replica.Tx, home string, own *visitDraft) error {
	d, author := w.d, schema.Text(string(w.me))
	id, err := tx.NewID()
	if err != nil {
		return err
	}
	v := map[string]schema.Value{"household": schema.Text(home), "author": author, "day": schema.Text(d.Day), "tasks": schema.Set(d.Tasks...)}
	if met := w.met[home]; met != "" {
		v["met"] = schema.Text(met)
	}
	if next := own.promised(); next != "" {
		v["next_day"] = schema.Text(next)
	}
	if err := tx.Create("visit", id, v); err != nil {
		return err
	}
	w.visits = append(w.visits, id)
	if text := strings.TrimSpace(d.Text); text != "" {
		journal, err := tx.NewID()
		if err != nil {
			return err
		}
		if err := tx.Create("journal", journal, map[string]schema.Value{"visit": schema.Text(string(id)), "author": author, "text": schema.Text(text),
			"state": schema.Text("submitted")}); err != nil {
			return err
		}
	}
	for _, p := range w.photos[home] {
		if _, err := p.Attach(tx, id, w.me); err != nil {
			return err
		}
	}
	if !own.Matter {
		return nil
	}
	raised := ""
	if !slices.Contains(own.Met, metNobody) && !slices.Contains(own.Met, metOther) {
		raised = w.met[home]
	}
	made, err := newMatter(tx, w.me, matterDraft{Home: own.Home, Day: d.Day, Kind: own.Kind, Title: own.What, How: own.How, Raised: raised})
	if w.matters = append(w.matters, made); own.How == howSpot {
		w.spot = append(w.spot, made)
	}
	return err
}

// matterDraft is a matter to be recorded.
type matterDraft struct {
	Home                                  syncproto.RowID
	Day, Kind, Title, Detail, How, Raised string
}

// urgentLevel is how urgent a matter is that the secretary must hear of at once.
const urgentLevel = 3

// The words of steps that the program writes for who records: part of the record, whose language is Chinese.
const (
	stepRecorded = "记下了。"
	stepSpot     = "当场办好了。"
	stepToldSpot = "当场告诉了这一户。"
)

// newMatter records a matter with its first step; handled on the spot has a second.
func newMatter(tx *replica.Tx, me syncproto.UserID, m matterDraft) (syncproto.RowID, error) {
	id, err := tx.NewID()
	if err != nil {
		return "", err
	}
	v := map[string]schema.Value{"household": schema.Text(string(m.Home)), "author": schema.Text(string(me)), "kind": schema.Text(m.Kind),
		"title": schema.Text(strings.TrimSpace(m.Title))}
	const mostRaised = 60
	if runes := []rune(strings.TrimSpace(m.Raised)); len(runes) > 0 {
		v["raised_by"] = schema.Text(string(runes[:min(mostRaised, len(runes))]))
	}
	if detail := strings.TrimSpace(m.Detail); detail != "" {
		v["detail"] = schema.Text(detail)
	}
	switch m.How {
	case howUrgent:
		v["urgency"] = schema.Int(urgentLevel)
	case howSpot:
		v["state"] = schema.Text("handled")
	}
	if err := tx.Create("matter", id, v); err != nil {
		return "", err
	}
	if err := newStep(tx, me, id, "record", m.Day, stepRecorded); err != nil || m.How != howSpot {
		return id, err
	}
	return id, newStep(tx, me, id, "handle", m.Day, stepSpot)
}

func newStep(tx *replica.Tx, me syncproto.UserID, matter syncproto.RowID, kind, day, text string) error {
	id, err := tx.NewID()
	if err != nil {
		return err
	}
	v := map[string]schema.Value{"matter": schema.Text(string(matter)), "author": schema.Text(string(me)), "kind": schema.Text(kind), "day": schema.Text(day)}
	if text = strings.TrimSpace(text); text != "" {
		v["text"] = schema.Text(text)
	}
	return tx.Create("matter_step", id, v)
}

// answeredOnTheSpot moves a matter that was handled before the household's eyes on to answered. The flow goes one state a change, so this
// is a change of its own; should it not come to be, the answer is due, and nothing is lost.
func (rq *request) answeredOnTheSpot(matter syncproto.RowID, d *visitDraft) error {
	if matter == "" {
		return nil
	}
	me, err := rq.me()
	if err != nil {
		return err
	}
	_, err = rq.replica.Write(rq.Context(), func(tx *replica.Tx) error {
		f, err := tx.Form("matter", matter)
		if err != nil {
			return err
		}
		if err := newStep(tx, me, matter, "answer", d.Day, stepToldSpot); err != nil {
			return err
		}
		return tx.Update(f, map[string]schema.Value{"state": schema.Text("answered")})
	})
	return err
}

// undoKey is what the session keeps what the last saving made under. It is not in the file: what was written of a household that is
// forgotten would stay there.
const undoKey = "undo/visit"
