package register

import (
	"context"
	"errors"
	"io"

	"minqing/internal/sheet"
	"minqing/schema"
)

// Lines reads a list that is no register (of people who work here, of who contacts whom) in pieces, and tells of its rows as an import does.
type Lines struct {
	Bad, Note func(row sheet.Row, why []schema.Label) error
	Progress  func(Report)
	Limits    sheet.Limits
}

// Line is one row of a list.
type Line struct {
	Row        sheet.Row
	why, notes []schema.Label
	// What reading the row has found: a piece that is taken anew begins from there.
	readWhy, readNotes int
}

// Refuse says why the row is not taken, Note what to look at though it is.
func (l *Line) Refuse(zh, en string) { l.why = append(l.why, schema.Label{ZH: zh, EN: en}) }

// Note says what to look at, though the row is taken.
func (l *Line) Note(zh, en string) { l.notes = append(l.notes, schema.Label{ZH: zh, EN: en}) }

// RefuseFor refuses the row in the words of an error that is about a value.
func (l *Line) RefuseFor(err error) { l.why = append(l.why, words(err)) }

// Good tells whether nothing speaks against the row.
func (l *Line) Good() bool { return len(l.why) == 0 }

// Text is a cell of the row, "" when it is blank.
func (l *Line) Text(key string) string { return l.Row.Cells[key] }

// Run reads the file in pieces of the size given. read sees every row as it comes; take is given each piece, the rows that are refused among
// them, and may be called for one again after Again.
func (ls Lines) Run(ctx context.Context, name string, r io.ReaderAt, size int64, headers []sheet.Header, piece int, read func(*Line), take func(context.Context, []*Line) error) (*Report, error) {
	in, err := sheet.Open(name, r, size, headers, ls.Limits)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	report := &Report{}
	flush := func(list []*Line) error {
		if len(list) == 0 {
			return nil
		}
		for _, l := range list {
			l.readWhy, l.readNotes = len(l.why), len(l.notes)
		}
		if err := take(ctx, list); err != nil {
			return err
		}
		return ls.tell(report, list)
	}
	var list []*Line
	for {
		row, err := in.Next()
		if err != nil {
			report.Info = in.Info()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return report, errors.Join(err, flush(list))
		}
		report.Rows++
		l := &Line{Row: row}
		for _, p := range row.Problems {
			l.why = append(l.why, p.Text)
		}
		read(l)
		if list = append(list, l); len(list) >= piece {
			if err := flush(list); err != nil {
				report.Info = in.Info()
				return report, err
			}
			list = nil
		}
	}
}

// Again brings a piece back to what reading it has found: a transaction that lost a race runs anew.
func Again(list []*Line) {
	for _, l := range list {
		l.why, l.notes = l.why[:l.readWhy], l.notes[:l.readNotes]
	}
}

func (ls Lines) tell(report *Report, list []*Line) error {
	for _, l := range list {
		switch {
		case !l.Good():
			report.Bad++
			if ls.Bad != nil {
				if err := ls.Bad(l.Row, l.why); err != nil {
					return err
				}
			}
		case len(l.notes) > 0:
			report.Noted++
			if ls.Note != nil {
				if err := ls.Note(l.Row, l.notes); err != nil {
					return err
				}
			}
		}
	}
	if ls.Progress != nil {
		ls.Progress(*report)
	}
	return nil
}
