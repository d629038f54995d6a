package pages

import (
	"strings"

	"minqing/mobile-client/field"
	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// A round is one visit form for several households: what is the same for all is written once, in the draft of the first; what is a
// household's own (who was met, the promise, a matter, photos) lies in a part, a draft of that household under the ID of the round.

// partRow is one further household of a round, as the form lists it.
type partRow struct {
	ID         syncproto.RowID
	Name, Said string
}

// partsOf are the parts of a round by household; households without one have nothing of their own yet.
func partsOf(v *replica.View, d *visitDraft) (map[string]*visitDraft, error) {
	out := map[string]*visitDraft{}
	if len(d.Homes) == 0 {
		return out, nil
	}
	for _, home := range d.Homes {
		part := &visitDraft{Home: syncproto.RowID(home), ID: d.ID}
		found, err := localJSON(v, part.key(), part)
		if err != nil {
			return nil, err
		}
		if found && part.Of == d.Home {
			part.Day = d.Day
			out[home] = part
		}
	}
	return out, nil
}

// findPart is the part that a request names, a new one where there is none. Its day is that of the round.
func (rq *request) findPart(home syncproto.RowID) (*visitDraft, error) {
	round := &visitDraft{Home: syncproto.RowID(rq.FormValue("of")), ID: rq.FormValue("draft")}
	if !isToken(round.ID) {
		return nil, errNotFound
	}
	part := &visitDraft{ID: round.ID, Home: home, Of: round.Home, How: howVillage}
	err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		if found, err := localJSON(v, round.key(), round); err != nil || !found {
			if err == nil {
				err = errNotFound
			}
			return err
		}
		_, err := localJSON(v, part.key(), part)
		return err
	})
	part.Day = round.Day
	return part, err
}

// partRows lists the further households of a round with what is noted of each.
func (rq *request) partRows(d *visitDraft) (out []partRow, err error) {
	l := rq.words
	names := map[string]string{}
	var parts map[string]*visitDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if parts, err = partsOf(v, d); err != nil {
			return err
		}
		for _, home := range d.Homes {
			var h field.Home
			found, err := v.One(`SELECT coalesce(head, ''), coalesce(code, '') FROM household WHERE id = ?`, []any{home}, &h.Head, &h.Code)
			if err != nil {
				return err
			}
			if names[home] = l.home(h); !found {
				names[home] = l.say("journal.gone")
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for _, home := range d.Homes {
		r := partRow{ID: syncproto.RowID(home), Name: names[home], Said: l.say("visit.part.none")}
		if part := parts[home]; part != nil {
			if r.Said, err = rq.partSaid(part); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func (rq *request) partSaid(part *visitDraft) (string, error) {
	l := rq.words
	var said []string
	met, err := rq.metNames(part)
	if met != "" {
		said = append(said, l.say("visit.part.met", met))
	}
	if part.Matter {
		said = append(said, l.say("visit.part.matter"))
	}
	if n := len(part.Photos); n > 0 {
		said = append(said, l.say("visit.part.photos", n))
	}
	if day := part.promised(); day != "" {
		said = append(said, l.say("visit.part.next", l.date(day, rq.now)))
	}
	if len(said) == 0 {
		return l.say("visit.part.none"), err
	}
	return strings.Join(said, map[tongue]string{"zh": "，", "en": ", "}[l]), err
}

// checkParts tells what has to be mended in the parts of a round, by the household it stands at.
func (rq *request) checkParts(d *visitDraft, parts map[string]*visitDraft, bad map[string]string) error {
	rows, err := rq.partRows(d)
	for _, r := range rows {
		part := parts[string(r.ID)]
		if part == nil {
			continue
		}
		wrong := part.check(rq)
		for _, name := range []string{"kind", "title", "next"} {
			if text := wrong[name]; text != "" && bad["part-"+string(r.ID)] == "" {
				bad["part-"+string(r.ID)] = rq.words.say("visit.part.bad", r.Name, text)
			}
		}
	}
	return err
}

// leaveRound makes parts of households that are no longer in the round drafts of their own: what was typed there stays.
func (rq *request) leaveRound(parts map[string]*visitDraft, homes []string) error {
	for _, home := range homes {
		delete(parts, home)
	}
	for _, part := range parts {
		own := *part
		var err error
		if own.ID, err = rq.app.token(); err != nil {
			return err
		}
		own.Of, own.Rev = "", 0
		if err := rq.copyPhotos(part.ID, &own); err != nil {
			return err
		}
		if _, _, err := rq.keepDraft(&own); err != nil {
			return err
		}
		if err := part.drop(func(key string, value []byte) error { return rq.replica.PutLocal(rq.Context(), key, value) }); err != nil {
			return err
		}
	}
	return nil
}
