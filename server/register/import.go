package register

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"slices"
	"time"

	"minqing/internal/sheet"
	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Import is one register to be brought in. All fields but the functions and Preview are required.
type Import struct {
	Store   *store.Store
	Judge   *judge.Judge
	Zone    *time.Location
	User    syncproto.UserID // who imports
	Village Place
	Preview bool // find out what would happen, and write nothing
	// Bad hears of every row that is not taken, Note of rows that are taken and should be looked at, both with the reasons and in the
	// order of the file; Progress after each piece.
	Bad, Note func(row sheet.Row, why []schema.Label) error
	Progress  func(Report)
	// Wrote hears, inside the transaction of each piece that changes anything, of the changes that it made. May be nil.
	Wrote  func(tx *store.Tx, changes []syncproto.Identity) error
	Limits sheet.Limits
}

// Report counts what an import did, or in a preview would do.
type Report struct {
	People                                  bool // one row a resident
	Rows, Bad, Noted                        int
	Households, NewHouseholds, ChangedHouse int
	Residents, NewResidents, ChangedPeople  int
	NewPlaces, ChangedPlaces                int
	NewRows, ChangedRows                    int // of a list of any table
	Conflicts                               int // households or rows whose new words met somebody else's and wait in the inbox
	Info                                    sheet.Info
}

// Changed tells whether anything was written.
func (r *Report) Changed() bool {
	return r.NewHouseholds+r.ChangedHouse+r.NewResidents+r.ChangedPeople+r.NewPlaces+r.ChangedPlaces+r.NewRows+r.ChangedRows > 0
}

// chunkRows is how many rows share a transaction: enough that commits cost little, few enough that phones are not kept waiting.
const chunkRows = 400

// mostEdits bounds the edits of one change; a household of more people (a dormitory) takes several.
const mostEdits = 300

// importer is one run.
type importer struct {
	Import
	book   *schema.Book
	layout layout
	today  string
	report Report
	sheets []string
	ids    map[uint64]place16 // ID numbers seen in the file
	people map[uint64]place16 // household, name and birth date of people seen
	codes  map[uint64]bool    // households seen
	made   map[string]bool    // in a preview: households that would have been made
}

// place16 is where in the file something stood.
type place16 struct {
	line  int32
	sheet int16
}

// Run imports a file. An error stops it; what was taken by then stays, and importing the file again goes on.
func (i Import) Run(ctx context.Context, name string, r io.ReaderAt, size int64) (*Report, error) {
	im := &importer{Import: i, book: i.Store.Book(), ids: map[uint64]place16{}, people: map[uint64]place16{}, codes: map[uint64]bool{}, made: map[string]bool{}}
	im.today = time.UnixMilli(i.Store.Now()).In(i.Zone).Format(time.DateOnly)
	in, err := im.open(name, r, size)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	err = im.all(ctx, in)
	im.report.Info = in.Info()
	return &im.report, err
}

// open finds out which form of register the file is. When it is none, the form of which more is there says what is missing.
func (im *importer) open(name string, r io.ReaderAt, size int64) (*sheet.Reader, error) {
	var first error
	for _, l := range layouts(im.book) {
		in, err := sheet.Open(name, r, size, l.headers, im.Limits)
		if err == nil {
			im.layout, im.report.People = l, l.people
			return in, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (im *importer) all(ctx context.Context, in *sheet.Reader) error {
	var piece []*record
	for {
		row, err := in.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(err, im.take(ctx, piece))
		}
		if err != nil {
			return im.take(ctx, piece)
		}
		im.report.Rows++
		r := im.read(row)
		im.findRepeated(r)
		if len(piece) >= chunkRows && r.code != piece[len(piece)-1].code {
			if err := im.take(ctx, piece); err != nil {
				return err
			}
			piece = nil
		}
		piece = append(piece, r)
	}
}

// take plans a piece of the file and writes it in one transaction, then tells of its rows.
func (im *importer) take(ctx context.Context, piece []*record) error {
	if len(piece) == 0 {
		return nil
	}
	var p *plan
	work := func(tx *store.Tx) (err error) {
		for _, r := range piece { // a transaction that is run again begins anew
			r.why, r.notes = r.why[:r.readWhy], r.notes[:r.readNotes]
		}
		if !im.Preview {
			if err := tx.LockPush(syncproto.DeviceID("import " + im.Village.ID)); err != nil {
				return err
			}
		}
		if p, err = im.plan(tx, piece); err != nil || im.Preview || len(p.drafts) == 0 {
			return err
		}
		return p.submit()
	}
	for _, r := range piece {
		r.readWhy, r.readNotes = len(r.why), len(r.notes)
	}
	run := im.Store.Write
	if im.Preview {
		run = im.Store.Read
	}
	if err := run(ctx, work); err != nil {
		return err
	}
	p.count()
	return im.tell(piece)
}

// tell reports the rows of a piece that were not taken, and those to look at.
func (im *importer) tell(piece []*record) error {
	for _, r := range piece {
		if len(r.why) > 0 {
			im.report.Bad++
			if im.Bad != nil {
				if err := im.Bad(r.row, r.why); err != nil {
					return err
				}
			}
			continue
		}
		if len(r.notes) > 0 {
			im.report.Noted++
			if im.Note != nil {
				if err := im.Note(r.row, r.notes); err != nil {
					return err
				}
			}
		}
	}
	if im.Progress != nil {
		im.Progress(im.report)
	}
	return nil
}

// findRepeated refuses a row about somebody whom the file has already.
func (im *importer) findRepeated(r *record) {
	if len(r.why) > 0 {
		return
	}
	if code := hashOf(r.code); !im.codes[code] {
		im.codes[code] = true
		im.report.Households++
	}
	if r.person == nil {
		return
	}
	at := im.placeOf(r.row)
	person := hashOf(r.code, r.person["name"].Str(), r.person["birth"].Str())
	if r.idNumber != "" {
		id := hashOf(r.idNumber)
		if before, have := im.ids[id]; have {
			r.refuse("和"+im.wordsOf(before).ZH+"是同一个身份证号，只导入了前一行；请核对是谁写错了。",
				"The ID number is that of "+im.wordsOf(before).EN+" already, which was taken; check which of the two is wrong.")
			return
		}
		im.ids[id] = at
	} else if before, have := im.people[person]; have {
		r.refuse("和"+im.wordsOf(before).ZH+"同户、同名、同出生日期，像是重复的一行；如果是两个人，请填身份证号。",
			"It repeats "+im.wordsOf(before).EN+" (household, name, birth date); if they are two people, fill in the ID numbers.")
		return
	}
	im.people[person] = at
	im.report.Residents++
}

func (im *importer) placeOf(row sheet.Row) place16 {
	at := slices.Index(im.sheets, row.Sheet)
	if at < 0 {
		at = len(im.sheets)
		im.sheets = append(im.sheets, row.Sheet)
	}
	return place16{int32(row.Line), int16(at)}
}

func (im *importer) wordsOf(p place16) schema.Label {
	return LineWords(sheet.Row{Sheet: im.sheets[p.sheet], Line: int(p.line)}, len(im.sheets) > 1)
}

func hashOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p)) // a hash takes everything
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
