package card

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"minqing/schema"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Word is what a household says through its card: of the answer to a matter, or (without one) to those who contact it.
type Word struct {
	Once   string // of the form: the same words sent twice from one form are one word
	Matter string // its code on the card
	Mark   string // of the schema's options
	Text   string
}

// How much one household says in a day, and how long a form may lie open before it is sent.
const (
	mostSaid = 12
	dayLong  = 24 * time.Hour
	formLife = 48 * time.Hour
)

// Say writes what a household says, in the name of nobody: the server does it, and says that the household did. It gives the field that keeps it
// from being taken with the error that says why.
func (c *Card) Say(tx *store.Tx, j *judge.Judge, w Word, today string) (field string, err error) {
	invalid := func(zh, en string) error {
		return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "card: say", Message: syncproto.Both(zh, en)}
	}
	table := tx.Book().Table("household_word")
	matter := ""
	if w.Matter != "" {
		if matter, err = c.matterOf(tx, w.Matter); err != nil || matter == "" {
			return "mark", orErr(err, invalid("这件事的答复有变化，请看看再说。", "The answer to this has changed; please look at it again."))
		}
		if table.Column("mark").Option(w.Mark) == nil {
			return "mark", invalid("请选一个：满意、基本满意，或者不满意。", "Choose one: satisfied, basically satisfied or dissatisfied.")
		}
	} else if w.Mark = ""; w.Text == "" {
		return "text", invalid("请写上要说的话。", "Write what you want to say.")
	}
	text, err := table.Column("text").Normalize(w.Text)
	if err != nil {
		return "text", &syncproto.Error{Code: syncproto.CodeInvalid, Op: "card: say", Message: schema.Words(err), Err: err}
	}
	if matter == "" && text.IsNull() {
		return "text", invalid("请写上要说的话。", "Write what you want to say.")
	}
	said, ok := w.sum(c.home, tx.Now())
	if !ok {
		return "text", invalid("这一页打开太久了。您写的还在，请再按一次。", "This page was open for too long. What you wrote is kept; please press once more.")
	}
	homes, err := tx.Rows([]string{c.home})
	if err != nil || len(homes) != 1 {
		return "text", orErr(err, invalid("这张卡刚刚停用了。", "This card was withdrawn just now."))
	}
	if err := tx.LockStreams(homes[0].Stream); err != nil { // of two that come at once the second finds the first
		return "text", err
	}
	id, err := syncproto.NewID(tx.Now(), constant(said))
	if err != nil {
		return "", err
	}
	var had string
	if found, err := tx.One("SELECT id FROM household_word WHERE household = ? AND substr(id, 15) = ?", []any{c.home, id[14:]}, &had); err != nil || found {
		return "", err
	}
	if err := c.enough(tx); err != nil {
		return "text", err
	}
	e := syncproto.Edit{Table: "household_word", Row: syncproto.RowID(id), Op: syncproto.OpCreate}
	for _, x := range [][2]string{{"household", c.home}, {"provenance", "resident"}, {"card", c.id}, {"matter", matter}, {"mark", w.Mark}, {"day", today}, {"text", text.Str()}} {
		if x[1] != "" {
			e.Cells = append(e.Cells, syncproto.CellEdit{Cell: x[0], Value: schema.Text(x[1])})
		}
	}
	out, err := j.SubmitIn(tx, "", judge.Draft{Edits: []syncproto.Edit{e}})
	if err == nil && out.Verdicts[0].Status == syncproto.Refused {
		v := out.Verdicts[0]
		err = &syncproto.Error{Code: v.Code, Op: "card: say", Message: v.Message}
	}
	return "text", err
}

func orErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// matterOf finds the matter of a code among those of the household that were answered; "" when it is none of them.
func (c *Card) matterOf(tx *store.Tx, code string) (found string, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		if c.code(id) == code {
			found = id
		}
		return err
	}, "SELECT id FROM matter WHERE household = ? AND state = 'answered'", c.home)
	return found, err
}

// code names a matter on the card: nothing to be guessed, and nothing by which it is found elsewhere.
func (c *Card) code(matter string) string {
	sum := sha256.Sum256([]byte("matter of a card\x00" + c.Serial + "\x00" + matter))
	return hex.EncodeToString(sum[:8])
}

// sum is of the form and of all that is said: it makes the end of the row's id, so that the same sent twice is found. ok is false when the form is
// none of ours, or lay open for too long.
func (w *Word) sum(home string, now int64) (sum []byte, ok bool) {
	if !schema.ValidID(w.Once) {
		return nil, false
	}
	var made int64
	if _, err := fmt.Sscanf(w.Once[:8]+w.Once[9:13], "%012x", &made); err != nil || made > now || made < now-formLife.Milliseconds() {
		return nil, false
	}
	all := sha256.Sum256([]byte(home + "\x00" + w.Once + "\x00" + w.Matter + "\x00" + w.Mark + "\x00" + w.Text))
	return all[:], true
}

// constant reads the same bytes each time.
type constant []byte

func (c constant) Read(b []byte) (int, error) { return copy(b, c), nil }

// enough tells a household that it has said enough for a day: by when words came, whatever their forms say.
func (c *Card) enough(tx *store.Tx) error {
	var n, first int64
	if _, err := tx.One(`SELECT COUNT(*), COALESCE(MIN(h.received), 0) FROM household_word w JOIN mq_history h ON h.row_id = w.id WHERE w.household = ? AND h.received > ?`,
		[]any{c.home, tx.Now() - dayLong.Milliseconds()}, &n, &first); err != nil || n < mostSaid {
		return err
	}
	wait := int((first+dayLong.Milliseconds()-tx.Now())/1000) + 1
	hours := wait/3600 + 1
	return &syncproto.Error{Code: syncproto.CodeBusy, Op: "card: say", RetryAfter: wait,
		Message: syncproto.Both(fmt.Sprintf("今天说得不少了，请过 %d 小时再说，急事请打上面的电话。您写的还在。", hours),
			fmt.Sprintf("That is much for a day; please come back in %d hours, or call the number above. What you wrote is kept.", hours))}
}

// Said is what the household said of a matter last.
type Said struct{ Mark, Day string }

// readSaid finds what was said through the household's cards: of each matter on the page the last opinion, without its words, and how often a message
// was left: the page is read by whoever walks by.
func (c *Card) readSaid(tx *store.Tx, at map[string]int) error {
	return tx.Each(func(scan func(...any) error) error {
		var matter, mark, day string
		if err := scan(&matter, &mark, &day); err != nil {
			return err
		}
		if i, here := at[matter]; here && i < len(c.Matters) && mark != "" {
			c.Matters[i].Said = Said{mark, day}
		} else if matter == "" {
			c.Messages++
			c.LastSaid = max(c.LastSaid, day)
		}
		return nil
	}, "SELECT COALESCE(matter, ''), COALESCE(mark, ''), day FROM household_word WHERE household = ? ORDER BY id", c.home)
}
