package replica

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"io"
	"minqing/schema"
	"minqing/syncproto"
	"net/url"
	"strconv"
)

// openDB opens the file. secure_delete and a temporary store in memory keep what was deleted off the disk.
func openDB(opt Options) (*sql.DB, error) {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "secure_delete(1)", "temp_store(memory)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: opt.Path, RawQuery: q.Encode()}).String())
	return db, wrap("open", err)
}

type shimCell struct {
	C string          `json:"c"`
	V json.RawMessage `json:"v,omitempty"`
	D int64           `json:"d,omitempty"`
	A []string        `json:"a,omitempty"`
	R []string        `json:"r,omitempty"`
}

type shimEdit struct {
	T  string             `json:"t"`
	R  syncproto.RowID    `json:"r"`
	O  string             `json:"o"`
	B  syncproto.Base     `json:"b"`
	C  []shimCell         `json:"c,omitempty"`
	D  []string           `json:"d,omitempty"`
	UO syncproto.Identity `json:"u,omitempty"`
}

type shimChange struct {
	At, Offset int64
	Cursor     string
	Mends      syncproto.Identity
	Edits      []shimEdit
}

func sealContent(ch *syncproto.Change) (syncproto.Identity, error) {
	s := shimChange{At: ch.At, Offset: ch.Offset, Cursor: ch.Cursor, Mends: ch.Mends}
	for _, e := range ch.Edits {
		se := shimEdit{T: e.Table, R: e.Row, O: string(e.Op), B: e.Base, D: e.Decides, UO: e.UndoOf}
		for _, c := range e.Cells {
			se.C = append(se.C, shimCell{C: c.Cell, V: c.Value.AppendJSON(nil), D: c.Delta, A: c.Add, R: c.Del})
		}
		s.Edits = append(s.Edits, se)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	ch.Content = raw
	sum := sha256.Sum256(append([]byte(string(ch.First.Device)+"\x00"+strconv.FormatUint(ch.First.Number, 10)+"\x00"), raw...))
	return syncproto.Identity(hex.EncodeToString(sum[:16])), nil
}

func openContent(book *schema.Book, ch *syncproto.Change) error {
	var s shimChange
	if err := json.Unmarshal(ch.Content, &s); err != nil {
		return err
	}
	ch.At, ch.Offset, ch.Cursor, ch.Mends = s.At, s.Offset, s.Cursor, s.Mends
	for _, se := range s.Edits {
		e := syncproto.Edit{Table: se.T, Row: se.R, Op: syncproto.Op(se.O[0]), Base: se.B, Decides: se.D, UndoOf: se.UO}
		for _, sc := range se.C {
			c := syncproto.CellEdit{Cell: sc.C, Delta: sc.D, Add: sc.A, Del: sc.R}
			if cell := book.Cell(se.T, sc.C); cell != nil {
				v, err := cell.Parse(sc.V)
				if err != nil {
					return err
				}
				c.Value = v
			}
			e.Cells = append(e.Cells, c)
		}
		ch.Edits = append(ch.Edits, e)
	}
	return nil
}

func newID(nowMs int64, rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[6:]); err != nil {
		return "", err
	}
	for i := range 6 {
		b[i] = byte(nowMs >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	x := hex.EncodeToString(b[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:], nil
}

func applyCell(cell *schema.Cell, old schema.Value, e syncproto.CellEdit) schema.Value {
	switch cell.Rule {
	case schema.RuleSum:
		return schema.Int(old.Num() + e.Delta)
	case schema.RuleSet:
		return schema.Set(union(without(old.Elements(), e.Del), e.Add)...)
	}
	return e.Value
}

func unwritten(cell *schema.Cell) schema.Value {
	if cell.Rule == schema.RuleFlow {
		return schema.Text(cell.Columns[0].Flow.Initial)
	}
	return schema.Null
}
