package pages

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"reflect"
	"slices"
	"time"

	"minqing/mobile-client/guard"
	"minqing/mobile-client/photos"
	"minqing/mobile-client/replica"
	"minqing/syncproto"
)

// visitDraft is what was typed of a visit and not saved yet. It lies in the replica's file under visitDrafts, household and id: durable
// after every key, encrypted, never synced.
type visitDraft struct {
	ID      string          `json:"id"`
	Home    syncproto.RowID `json:"home"`
	Page    string          `json:"tab"` // the page that wrote last
	Rev     int             `json:"rev"`
	At      int64           `json:"at"` // Unix ms
	Day     string          `json:"day"`
	Tasks   []string        `json:"tasks,omitempty"`
	Met     []string        `json:"met,omitempty"` // ids of residents, metOther, metNobody
	Text    string          `json:"text,omitempty"`
	Matter  bool            `json:"matter,omitempty"`
	Kind    string          `json:"kind,omitempty"`
	What    string          `json:"title,omitempty"`
	How     string          `json:"how,omitempty"`
	Next    string          `json:"next,omitempty"` // days from the visit, nextDate for NextDay, "" for no promise
	NextDay string          `json:"nextDay,omitempty"`
	Photos  []string        `json:"photos,omitempty"` // hashes
	Homes   []string        `json:"homes,omitempty"`  // further households of the same round
	Of      syncproto.RowID `json:"of,omitempty"`     // the household of whose round this is a part: what concerns Home alone, under the ID of the round
}

const (
	visitDrafts = "draft/visit/"
	draftPhotos = "draft/photo/"
	savedVisits = "saved/visit"
	keptSaved   = 20
)

func (d *visitDraft) key() string        { return visitDrafts + string(d.Home) + "/" + d.ID }
func photoKey(draft, hash string) string { return draftPhotos + draft + "/" + hash }
func (d *visitDraft) path() string {
	if d.Of != "" {
		return visitPath(d.Home) + "?draft=" + d.ID + "&of=" + string(d.Of)
	}
	return visitPath(d.Home) + "?draft=" + d.ID
}

// says is the draft without what only tells one version from another.
func (d visitDraft) says() visitDraft {
	d.Page, d.Rev, d.At, d.ID = "", 0, 0, ""
	for _, list := range []*[]string{&d.Tasks, &d.Met, &d.Photos, &d.Homes} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return d
}

// blank tells that nothing was typed yet.
func (d *visitDraft) blank(today string) bool {
	s := d.says()
	if d.Of != "" {
		today = s.Day // the day is the round's
	}
	return reflect.DeepEqual(s, visitDraft{Home: d.Home, Of: d.Of, Day: today, How: s.How, Kind: s.Kind})
}

// token is a short random name.
func (a *App) token() (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(a.opt.Rand, b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// savedVisit remembers what became of a draft, so that a key that was under way, or a second tap, makes no second one. Sum is of what a form
// over the register said.
type savedVisit struct {
	ID  string `json:"id"`
	Tab string `json:"tab"`
	Sum string `json:"sum,omitempty"`
}

// localJSON reads what was kept under a key; found is false when there is nothing.
func localJSON(v *replica.View, key string, to any) (found bool, err error) {
	raw, err := v.Local(key)
	if err != nil || raw == nil {
		return false, err
	}
	return true, json.Unmarshal(raw, to)
}

// drafts lists the drafts of visits, of one household or of all (""), the newest first. Parts of rounds are not among them.
func drafts(v *replica.View, home syncproto.RowID) ([]*visitDraft, error) {
	list, err := everyDraft(v, home)
	return slices.DeleteFunc(list, func(d *visitDraft) bool { return d.Of != "" }), err
}

// everyDraft is drafts with the parts of rounds.
func everyDraft(v *replica.View, home syncproto.RowID) (out []*visitDraft, err error) {
	prefix := visitDrafts
	if home != "" {
		prefix += string(home) + "/"
	}
	err = v.Locals(prefix, func(_ string, value []byte, _ int64) error {
		d := &visitDraft{}
		if err := json.Unmarshal(value, d); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	})
	slices.SortStableFunc(out, func(a, b *visitDraft) int { return int(min(1, max(-1, b.At-a.At))) })
	return out, err
}

// keepDraft makes a draft durable. One that another page wrote meanwhile stays: this one is then kept beside it under a name of its own, and
// copied is true. gone is true when this very page saved the visit already.
func (rq *request) keepDraft(d *visitDraft) (copied, gone bool, err error) {
	rq.app.drafting.Lock()
	defer rq.app.drafting.Unlock()
	var have visitDraft
	var found bool
	var saved []savedVisit
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if found, err = localJSON(v, d.key(), &have); err != nil {
			return err
		}
		_, err = localJSON(v, savedVisits, &saved)
		return err
	}); err != nil {
		return false, false, err
	}
	spent := slices.ContainsFunc(saved, func(s savedVisit) bool { return s.ID == d.ID })
	switch {
	case slices.Contains(saved, savedVisit{ID: d.ID, Tab: d.Page}):
		return false, true, nil
	case found && reflect.DeepEqual(have.says(), d.says()):
		d.Rev, d.At = have.Rev, have.At
		return false, false, nil
	case spent, found && have.Page != d.Page && have.Rev != d.Rev:
		old := d.ID
		if d.ID, err = rq.app.token(); err != nil {
			return false, false, err
		}
		copied, d.Of = true, "" // a part stands by itself then
		if err := rq.copyPhotos(old, d); err != nil {
			return false, false, err
		}
	}
	if !found && d.blank(rq.today()) {
		return false, false, nil
	}
	d.Rev, d.At = max(d.Rev, have.Rev)+1, rq.now.UnixMilli()
	raw, err := json.Marshal(d)
	if err == nil {
		err = rq.replica.PutLocal(rq.Context(), d.key(), raw)
	}
	return copied, false, err
}

func (rq *request) copyPhotos(from string, d *visitDraft) error {
	for _, hash := range d.Photos {
		p, err := rq.draftPhoto(from, hash)
		if err == nil {
			err = rq.keepPhoto(d.ID, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drop forgets a draft and its photos, through whoever writes.
func (d *visitDraft) drop(put putter) error {
	for _, hash := range d.Photos {
		if err := put(photoKey(d.ID, hash), nil); err != nil {
			return err
		}
	}
	return put(d.key(), nil)
}

// droppedKey is what the session keeps the photos of a draft under that was just discarded: in memory, until something else is discarded.
const droppedKey = "dropped/visit"

// discardVisit drops a draft as its author asks.
func (rq *request) discardVisit(d *visitDraft) error {
	rq.app.drafting.Lock()
	defer rq.app.drafting.Unlock()
	dropped := map[string][]byte{}
	var parts map[string]*visitDraft
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		if parts, err = partsOf(v, d); err != nil {
			return err
		}
		var keys []string
		for _, part := range parts {
			keys = append(keys, part.key())
		}
		for _, x := range append(slices.Collect(maps.Values(parts)), d) {
			for _, hash := range x.Photos {
				keys = append(keys, photoKey(x.ID, hash))
			}
		}
		for _, key := range keys {
			if dropped[key], err = v.Local(key); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if s := guard.SessionOf(rq.Context()); s != nil {
		s.Keep(droppedKey, dropped)
	}
	put := func(key string, value []byte) error { return rq.replica.PutLocal(rq.Context(), key, value) }
	for _, part := range parts {
		if err := part.drop(put); err != nil {
			return err
		}
	}
	return d.drop(put)
}

// undropPhotos puts back the photos, and the parts of a round, of the draft that was discarded last.
func (rq *request) undropPhotos() error {
	s := guard.SessionOf(rq.Context())
	if s == nil {
		return nil
	}
	dropped, _ := s.Take(droppedKey).(map[string][]byte)
	for key, raw := range dropped {
		if err := rq.replica.PutLocal(rq.Context(), key, raw); err != nil {
			return err
		}
	}
	return nil
}

// sweepPhotos lets go of photos that no draft has: a kill between the photo and its draft leaves one. Young ones stay, since their draft
// may be about to be written.
func (rq *request) sweepPhotos() error {
	young := rq.now.Add(-time.Hour).UnixMilli()
	var stray []string
	if err := rq.replica.View(rq.Context(), func(v *replica.View) error {
		list, err := everyDraft(v, "")
		if err != nil {
			return err
		}
		wanted := map[string]bool{}
		for _, d := range list {
			for _, hash := range d.Photos {
				wanted[photoKey(d.ID, hash)] = true
			}
		}
		var key string
		return v.Each(`SELECT key FROM mq_local WHERE key >= 'draft/photo/' AND key < 'draft/photo0' AND at < ?`, []any{young}, []any{&key}, func() error {
			if !wanted[key] {
				stray = append(stray, key)
			}
			return nil
		})
	}); err != nil {
		return err
	}
	for _, key := range stray {
		if err := rq.replica.PutLocal(rq.Context(), key, nil); err != nil {
			return err
		}
	}
	return nil
}

// keepPhoto keeps a picture beside a draft: its thumbnail, then the picture.
func (rq *request) keepPhoto(draft string, p *photos.Photo) error {
	raw := binary.BigEndian.AppendUint32(nil, uint32(len(p.Thumb))) // #nosec G115 -- a thumbnail is some kilobytes
	raw = append(append(raw, p.Thumb...), p.Content...)
	return rq.replica.PutLocal(rq.Context(), photoKey(draft, p.Hash), raw)
}

// draftPhoto reads a picture back.
func (rq *request) draftPhoto(draft, hash string) (*photos.Photo, error) {
	var raw []byte
	if err := rq.replica.View(rq.Context(), func(v *replica.View) (err error) {
		raw, err = v.Local(photoKey(draft, hash))
		return err
	}); err != nil {
		return nil, err
	}
	const head = 4
	if len(raw) < head {
		return nil, errNotFound
	}
	n := int(binary.BigEndian.Uint32(raw))
	if n > len(raw)-head {
		return nil, errNotFound
	}
	return &photos.Photo{Thumb: raw[head : head+n], Content: raw[head+n:], Hash: hash}, nil
}
