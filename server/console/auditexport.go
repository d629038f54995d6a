package console

import (
	"errors"
	"time"

	"minqing/internal/sheet"
	"minqing/server/console/audit"
	"minqing/server/store"
)

// auditExported is how many records one file holds, and auditPart how many are read at once: a file is written as it is read.
const auditExported, auditPart = 100_000, 1000

// exportAudit gives what the page lists as a file, whole. That it is taken away is on record before its first byte leaves, and each row says
// who took it and when.
func exportAudit(rq *request) error {
	f, err := rq.form()
	if err != nil {
		return err
	}
	var ask *audit.Ask
	var bad amiss
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) (err error) {
		if ask, bad, err = rq.auditAsk(tx, f); err != nil || bad.say != "" {
			return err
		}
		what := taken{What: "export", Table: "audit", Within: rq.place.ID}
		if row := ask.Row(); row != nil {
			what.Row = row.ID
		}
		return rq.takeAway(tx, what)
	}); err != nil {
		return err
	}
	if bad.say != "" {
		return rq.see(rq.at("/audit") + auditQuery(f, ask.Kind, ""))
	}
	format := rq.attach("audit", f.Get("as"))
	var columns []sheet.Column
	for _, key := range []string{"audit.time", "audit.who", "audit.login", "audit.what", "audit.where", "audit.how", "audit.status", "audit.mark"} {
		columns = append(columns, sheet.Column{Title: rq.words.say(key)})
	}
	// From here on the answer has begun: what goes wrong can only cut it short, and its last row says so.
	out, err := sheet.NewWriter(rq.w, format, rq.words.say("nav.audit"), columns...)
	if err != nil {
		return err
	}
	people, mark, left := newAuditNames(), rq.watermark(), 0
	defer func() { rq.tookAway("audit", left) }()
	for n := 0; n < auditExported; n += auditPart {
		var rows []auditRow
		if err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
			rows, ask.After, err = rq.auditRows(tx, ask, auditPart, people, false)
			return err
		}); err != nil {
			rq.app.opt.Log.ErrorContext(rq.Context(), "export cut", "error", err.Error())
			rq.lost(errors.Join(out.Row(rq.words.say("audit.cut")), out.Close()))
			return nil
		}
		for _, r := range rows {
			if err := out.Row(r.At.Format(time.DateTime), r.Who, r.Login, r.What, r.Where, r.How, r.State, mark); err != nil {
				rq.lost(err)
				return nil
			}
			left++
		}
		if ask.After == "" {
			break
		}
	}
	rq.lost(out.Close())
	return nil
}

// attach begins the answer that is a file, and gives its format.
func (rq *request) attach(name, as string) sheet.Format {
	format, ending, media := sheet.XLSX, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	if as != "xlsx" {
		format, ending, media = sheet.CSV, "csv", "text/csv; charset=utf-8"
	}
	h := rq.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+rq.today()+"."+ending+`"`)
	return format
}

// watermark says on every row of a file who took it, and when.
func (rq *request) watermark() string {
	return rq.session.User.Name + " " + rq.session.User.Login + " " + rq.now.Format("2006-01-02 15:04")
}
