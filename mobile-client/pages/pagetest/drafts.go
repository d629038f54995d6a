package pagetest

import (
	"context"
	"encoding/json"

	"minqing/syncproto"
)

// drafts are what somebody has begun and not saved.
func (p *Phone) drafts(ctx context.Context) error {
	const id, at = "0123456789abcdef", "at"
	home, first := p.Rows["home"], p.Rows["ou"]
	for key, d := range map[string]map[string]any{
		"draft/form/" + p.At("/h/{home}/edit") + "#" + id: {"id": id, "path": p.At("/h/{home}/edit"), "tab": id, "rev": 1, at: p.Now.UnixMilli(),
			"fields": map[string][]string{"note": {"腿好些了，能走到村口。"}, "phone": {"12800001111"}}, "shown": map[string]string{"note": "", "phone": "0"}},
		"draft/visit/" + string(first) + "/" + id: {"id": id, "home": first, "tab": id, "rev": 1, at: p.Now.UnixMilli(), "day": "2026-11-23", "text": "开会讲了医保缴费。", "how": "village",
			"tasks": []string{"policy"}, "homes": []syncproto.RowID{home, p.Rows["li"]}},
		"draft/visit/" + string(home) + "/" + id: {"id": id, "home": home, "of": first, "tab": id, "rev": 1, at: p.Now.UnixMilli(), "day": "2026-11-23", "how": "village",
			"met": []syncproto.RowID{p.Rows["resident"]}, "next": "7", "matter": true, "kind": "request", "title": "修门口的路"},
	} {
		raw, err := json.Marshal(d)
		if err == nil {
			err = p.Replica.PutLocal(ctx, key, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
