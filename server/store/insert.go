package store

import (
	"math/bits"
	"strconv"
	"strings"
)

// insertion is the shape of a statement that inserts rows on SQLite.
type insertion struct {
	table, columns, conflict string
	rows                     int
	shared                   uint64 // columns that have one value in all rows: it is bound once
}

// groupRows are how many rows go into one statement on SQLite, the largest first: with sixteen, a row costs a third less; with four, the
// statement's own price eats that up again.
var groupRows = [...]int{16, 1}

// insertNew is insertMany for rows that are known not to be there. SQLite is spared a conflict clause, for the sake of which it would keep
// what it needs to undo half a statement: a copy of each page that the statement touches. PostgreSQL has other writers beside this one, and
// keeps the clause.
func (tx *Tx) insertNew(table, columns, types, conflict string, rows [][]any) error {
	if tx.ses.dialect == sqliteDialect {
		conflict = ""
	}
	return tx.insertMany(table, columns, types, conflict, rows)
}

func (tx *Tx) insertSQLite(shape insertion, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	args := make([]any, 0, min(len(rows), groupRows[0])*len(rows[0]))
	for _, shape.rows = range groupRows {
		for ; len(rows) >= shape.rows; rows = rows[shape.rows:] {
			group := rows[:shape.rows]
			shape.shared = tx.ses.sharing(shape, sharedColumns(group))
			args = append(args[:0], group[0]...)
			for _, r := range group[1:] {
				for i, v := range r {
					if i >= 64 || shape.shared&(1<<i) == 0 {
						args = append(args, v)
					}
				}
			}
			if err := tx.Exec(tx.ses.insertion(shape), args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// sharedColumns are the columns that have one value in all rows of a group. Most rows of a push share half of theirs (its author, device
// and times, what is empty), and to bind a value costs as much as to write it.
func sharedColumns(group [][]any) (shared uint64) {
	if len(group) == 1 {
		return 0
	}
	for i, v := range group[0][:min(64, len(group[0]))] {
		if _, blob := v.([]byte); blob {
			continue
		}
		same := true
		for k := 1; k < len(group) && same; k++ {
			same = group[k][i] == v
		}
		if same {
			shared |= 1 << i
		}
	}
	return shared
}

// maxSharings bounds the statements kept for one kind of insert, each with other columns shared: a statement must not be prepared anew for
// every group of rows.
const maxSharings = 8

// sharing picks, among the statements known, the one that shares most of what may be shared, or has a new one made.
func (s *session) sharing(of insertion, may uint64) uint64 {
	if may == 0 {
		return 0
	}
	of.shared = 0
	var best uint64
	for _, known := range s.sharings[of] {
		if known&^may == 0 && bits.OnesCount64(known) > bits.OnesCount64(best) {
			best = known
		}
	}
	if best != may && len(s.sharings[of]) < maxSharings {
		s.sharings[of] = append(s.sharings[of], may)
		return may
	}
	return best
}

// insertion gives the text of an insert. The parameters of the first row are numbered as they stand; where a row behind it shares a column
// with it, it names that number.
func (s *session) insertion(of insertion) string {
	if text, known := s.inserts[of]; known {
		return text
	}
	verb := "INSERT"
	if of.conflict == "" {
		verb = "INSERT OR FAIL" // half a statement may stay: the transaction goes anyway, and SQLite need not be able to undo the half
	}
	var b strings.Builder
	b.WriteString(verb + " INTO " + of.table + " (" + of.columns + ") VALUES ")
	for row := range of.rows {
		if row > 0 {
			b.WriteString(",")
		}
		b.WriteString("(")
		for i := range 1 + strings.Count(of.columns, ",") {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString("?")
			if row > 0 && i < 64 && of.shared&(1<<i) != 0 {
				b.WriteString(strconv.Itoa(i + 1))
			}
		}
		b.WriteString(")")
	}
	text := b.String() + " " + of.conflict
	s.inserts[of] = text
	return text
}
