package console

import (
	"bytes"
	"context"
	"encoding/json"

	"minqing/internal/sheet"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// taken is the record of an export, as the engine records them.
type taken struct {
	What   string          `json:"what"`
	Table  string          `json:"table"`
	Within string          `json:"within"`
	Row    syncproto.RowID `json:"row,omitempty"` // of a file that is about one row
	Rows   int             `json:"rows"`
	Sent   bool            `json:"sent,omitempty"`   // of a file that was written as it was read: how many rows left in the end
	Stream string          `json:"stream,omitempty"` // that of the place
}

// takeAway puts on record that somebody takes something away.
func (rq *request) takeAway(tx *store.Tx, what taken) (err error) {
	if what.Stream, err = register.StreamOf(tx, what.Within); err != nil {
		return err
	}
	record, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return tx.Disclose("console "+string(rq.user()), "", rq.user(), record)
}

// tookAway puts on record how many rows of a file left, whose beginning is on record already: how many there would be was not known then. Whoever
// asked may have gone, and still has them.
func (rq *request) tookAway(table string, rows int) {
	if err := rq.app.opt.Engine.Store.Write(context.WithoutCancel(rq.Context()), func(tx *store.Tx) error {
		return rq.takeAway(tx, taken{What: "export", Table: table, Within: rq.place.ID, Rows: rows, Sent: true})
	}); err != nil {
		rq.app.opt.Log.ErrorContext(rq.Context(), "rows of an export not recorded", "table", table, "rows", rows, "error", err.Error())
	}
}

// download gives a table as a file, as a workbook or as CSV. That it is taken away is on record before its first byte leaves, and each row
// says in its last column who took it and when. Cells that a spreadsheet program would run are made harmless by package sheet.
func (rq *request) download(name, as string, titles []string, rows [][]string) error {
	if err := rq.app.opt.Engine.Store.Write(rq.Context(), func(tx *store.Tx) error {
		return rq.takeAway(tx, taken{What: "export", Table: name, Within: rq.place.ID, Rows: len(rows)})
	}); err != nil {
		return err
	}
	format, ending, media := sheet.XLSX, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	if as != "xlsx" {
		format, ending, media = sheet.CSV, "csv", "text/csv; charset=utf-8"
	}
	var columns []sheet.Column
	for _, t := range append(titles, rq.words.say("coverage.mark")) {
		columns = append(columns, sheet.Column{Title: t})
	}
	var body bytes.Buffer
	out, err := sheet.NewWriter(&body, format, rq.words.say("nav."+name), columns...)
	if err != nil {
		return err
	}
	mark := rq.session.User.Name + " " + rq.session.User.Login + " " + rq.now.Format("2006-01-02 15:04")
	for _, r := range rows {
		if err := out.Row(append(r, mark)...); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	h := rq.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`-`+rq.today()+`.`+ending+`"`)
	_, err = rq.w.Write(body.Bytes())
	rq.lost(err)
	return nil
}
