package judge

import (
	"strings"

	"minqing/schema"
	"minqing/server/store"
	"minqing/syncproto"
)

// refusal is why a change does not take effect.
type refusal struct {
	code          syncproto.Code
	message, hint string
	waits         syncproto.Identity // for CodeWaits: the change, "" for a row
	onRow         syncproto.RowID    // for CodeWaits: the row
	inbox         bool               // somebody has to decide (CodeLate)
}

func refuseInvalid(zh, en string) *refusal {
	return &refusal{code: syncproto.CodeInvalid, message: syncproto.Both(zh, en), hint: syncproto.Both("改正后重新提交。", "Correct it and submit again.")}
}

func refuseValue(err error) *refusal {
	return &refusal{code: syncproto.CodeInvalid, message: schema.Words(err), hint: syncproto.Both("改正后重新提交。", "Correct it and submit again.")}
}

func refuseUnknown(what string) *refusal {
	return &refusal{code: syncproto.CodeUnknown, message: syncproto.Both("服务器还不认识“"+what+"”。", "The server does not know "+what+" yet."),
		hint: syncproto.Both("服务器升级后会自动重新处理。", "It is judged again when the server was upgraded.")}
}

// refuseAbsent is for a row that is not there, or not there for this author: the two look alike. It is heard again when the row comes.
func refuseAbsent(id syncproto.RowID) *refusal {
	return &refusal{code: syncproto.CodeWaits, onRow: id, message: syncproto.Both("服务器上没有这条记录，或不归您管。", "No such row on the server, or it is not yours."),
		hint: syncproto.Both("记录到达后会自动处理；也可以撤回。", "It is judged again when the row comes; or withdraw it.")}
}

// refuse records a refusal; the change is kept whole. Heard again and refused for the same reason, nothing changes.
func (d *desk) refuse(h *hearing, no *refusal) error {
	rec := h.rec
	again := rec.verdict != nil
	if again && rec.Code == no.code && rec.verdict.Waits == no.waits && !h.pardon {
		return nil
	}
	v := &syncproto.Verdict{Identity: rec.Identity, Status: syncproto.Refused, Code: no.code, Message: no.message, Waits: no.waits, MendedBy: rec.MendedBy}
	if no.hint != "" {
		m, h := schema.ReadBoth(no.message), schema.ReadBoth(no.hint)
		v.Message = syncproto.Both(closed(m.ZH, "。")+h.ZH, closed(m.EN, ".")+" "+h.EN)
	}
	if no.inbox {
		item, err := d.openLate(h)
		if err != nil {
			return err
		}
		v.Items = []syncproto.ItemNote{item}
	}
	rec.verdict, rec.Status, rec.Code, rec.Late = v, syncproto.Refused, no.code, false
	rec.dirty, rec.news = true, rec.news || again
	if err := d.waitFor(h, no); err != nil {
		return err
	}
	if again {
		return nil // its record of the chain stands: refused
	}
	return d.record(h, string(syncproto.Refused))
}

// closed ends a sentence: what is wrong with a value is told as it stands at its field, without a full stop.
func closed(text, stop string) string {
	if strings.HasSuffix(text, stop) {
		return text
	}
	return text + stop
}

// waitFor notes what a refused change waits for, and which rows it would have made.
func (d *desk) waitFor(h *hearing, no *refusal) error {
	rec := h.rec
	if !rec.fresh {
		if err := d.tx.DropWaits([]string{string(rec.Identity)}); err != nil {
			return err
		}
	}
	if no.code == syncproto.CodeWaits {
		d.waits = append(d.waits, store.Wait{Identity: rec.Identity, On: no.waits, Row: no.onRow})
	}
	if !rec.fresh {
		return nil
	}
	var rows []syncproto.RowID
	for _, e := range h.c.Edits {
		if e.Op == syncproto.OpCreate {
			rows = append(rows, e.Row)
			d.unmade[e.Row] = append(d.unmade[e.Row], rec.Identity)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return d.tx.SaveUnmade(rec.Identity, rows)
}
