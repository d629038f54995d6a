package judge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// What chains were made over while encoding/json wrote it, and are read over for ever.
type (
	leafContent struct {
		Kind      string             `json:"kind"`
		Identity  syncproto.Identity `json:"identity"`
		Device    syncproto.DeviceID `json:"device"`
		Number    uint64             `json:"number"`
		User      syncproto.UserID   `json:"user"`
		Body      string             `json:"body"`
		At        int64              `json:"at"`
		Corrected int64              `json:"corrected"`
		Received  int64              `json:"received"`
		Versions  []leafVersion      `json:"versions,omitempty"`
	}
	leafVersion struct {
		Stream string               `json:"stream"`
		Seq    int64                `json:"seq"`
		Ord    int64                `json:"ord"`
		Table  string               `json:"table"`
		Row    syncproto.RowID      `json:"row"`
		Op     string               `json:"op"`
		Cells  string               `json:"cells"`
		Base   syncproto.Base       `json:"base"`
		Label  syncproto.Label      `json:"label"`
		Undo   syncproto.Identity   `json:"undo,omitempty"`
		More   []string             `json:"more,omitempty"`
		Roles  []string             `json:"roles,omitempty"`
		Deps   []syncproto.Identity `json:"depends,omitempty"`
	}
	leafCell struct {
		Cell  string          `json:"c"`
		Value json.RawMessage `json:"v,omitempty"`
		Delta *int64          `json:"d,omitempty"`
		Add   []string        `json:"a,omitempty"`
		Del   []string        `json:"x,omitempty"`
		From  json.RawMessage `json:"f,omitempty"`
		Rule  schema.Rule     `json:"r"`
	}
)

func mustMarshal(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A leaf is the same whoever writes it: whatever the texts hold, and whatever of a version is not there.
func TestLeavesAreWhatEncodingJSONWrites(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "走访", `a"b\\c`, "<b>&amp;", "\u2028|\u2029", "\xff\xfe", "line\nfeed\ttab\x00\x7f", "\u00e9\U0001F600"}))
	texts := rapid.SliceOfN(text, 0, 3)
	ids := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) syncproto.Identity { return syncproto.Identity(text.Draw(t, "id")) }), 0, 2)
	label := rapid.Custom(func(t *rapid.T) syncproto.Label {
		return syncproto.Label{Epoch: syncproto.EpochID(text.Draw(t, "epoch")), Rev: rapid.Uint64().Draw(t, "rev")}
	})
	rapid.Check(t, func(t *rapid.T) {
		c := &store.Change{Identity: syncproto.Identity(text.Draw(t, "identity")), First: syncproto.Name{Device: syncproto.DeviceID(text.Draw(t, "device")), Number: rapid.Uint64().Draw(t, "number")},
			User: syncproto.UserID(text.Draw(t, "user")), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"), At: rapid.Int64().Draw(t, "at"), Corrected: rapid.Int64().Draw(t, "corrected"), Received: rapid.Int64().Draw(t, "received")}
		sum := sha256.Sum256(c.Body)
		want := leafContent{Kind: text.Draw(t, "kind"), Identity: c.Identity, Device: c.First.Device, Number: c.First.Number, User: c.User, Body: hex.EncodeToString(sum[:]),
			At: c.At, Corrected: c.Corrected, Received: c.Received}
		var versions []*store.Version
		for range rapid.IntRange(0, 2).Draw(t, "versions") {
			v := &store.Version{Stream: text.Draw(t, "stream"), Seq: rapid.Int64().Draw(t, "seq"), Ord: rapid.Int64().Draw(t, "ord"), Table: text.Draw(t, "table"), Row: syncproto.RowID(text.Draw(t, "row")),
				Op: rapid.SampledFrom([]syncproto.Op{syncproto.OpCreate, syncproto.OpUpdate, syncproto.OpDelete}).Draw(t, "op"), Label: label.Draw(t, "label"),
				UndoOf: syncproto.Identity(text.Draw(t, "undo")), Decides: texts.Draw(t, "decides"), Depends: ids.Draw(t, "depends")}
			l := label.Draw(t, "base")
			v.Base = syncproto.Base{Epoch: l.Epoch, Rev: l.Rev}
			if rapid.Bool().Draw(t, "over") {
				v.Base.Over = ids.Draw(t, "over")
				v.Base.Open = map[string][]syncproto.Identity{text.Draw(t, "open"): ids.Draw(t, "shown")}
			}
			w := leafVersion{Stream: v.Stream, Seq: v.Seq, Ord: v.Ord, Table: v.Table, Row: v.Row, Op: string(rune(v.Op)), Base: v.Base, Label: v.Label, Undo: v.UndoOf, More: v.Decides, Deps: v.Depends}
			for _, r := range texts.Draw(t, "roles") {
				v.Roles, w.Roles = append(v.Roles, schema.Role(r)), append(w.Roles, r)
			}
			var cells []leafCell
			for range rapid.IntRange(0, 3).Draw(t, "cells") {
				ch := store.CellChange{Rule: rapid.SampledFrom([]schema.Rule{schema.RuleSum, schema.RuleSet, schema.RuleLatest}).Draw(t, "rule")}
				ch.Cell, ch.Delta, ch.Add, ch.Del = text.Draw(t, "cell"), rapid.Int64().Draw(t, "delta"), texts.Draw(t, "add"), texts.Draw(t, "del")
				if rapid.Bool().Draw(t, "value") {
					ch.Value, ch.From = schema.Text(text.Draw(t, "value")), schema.Set(texts.Draw(t, "from")...)
				}
				cell := leafCell{Cell: ch.Cell, Rule: ch.Rule, Add: ch.Add, Del: ch.Del}
				switch ch.Rule {
				case schema.RuleSum:
					cell.Delta = &ch.Delta
				case schema.RuleSet:
				default:
					cell.Value = ch.Value.AppendJSON(nil)
				}
				if !ch.From.IsNull() {
					cell.From = ch.From.AppendJSON(nil)
				}
				v.Cells, cells = append(v.Cells, ch), append(cells, cell)
			}
			if len(cells) > 0 {
				w.Cells = mustMarshal(t, cells)
			}
			versions, want.Versions = append(versions, v), append(want.Versions, w)
		}
		got, err := judge.Leaf(want.Kind, c, versions)
		if want := mustMarshal(t, want); err != nil || string(got) != want {
			t.Fatalf("a leaf is\n%s (%v)\nwant\n%s", got, err, want)
		}
	})
}
