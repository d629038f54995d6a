package syncproto

import (
	"minqing/schema"
)

// Testimony is a row of others as a device held it when the server went back behind it (PROTOCOL.md, “Forks”). It proves nothing and
// changes nothing by itself: an administrator accepts it, or its authors' own devices bring the row back.
type Testimony struct {
	Label   Label  // of the row as it was held
	Content []byte // canonical: the content of a change that would make the row
	Edit    Edit   // its one edit, a creation
}

func (*Testimony) frame() {}

// Seal writes Content from the edit.
func (t *Testimony) Seal() error {
	c := Change{Edits: []Edit{t.Edit}}
	err := c.Seal()
	t.Content = c.Content
	return err
}

// ParseTestimony reads the content of a testimony. What the book does not know of the row is left in it unread.
func ParseTestimony(book *schema.Book, label Label, content string) (*Testimony, error) {
	c, err := ParseContent(book, Name{}, Name{}, content)
	if err != nil {
		return nil, err
	}
	if len(c.Edits) != 1 || c.Edits[0].Op != OpCreate {
		return nil, &Error{Code: CodeInvalid, Op: "testimony", Message: Both("作证的内容要是一行记录。", "A testimony is one row."),
			Hint: Both("这是程序的问题，请升级客户端或报告。", "This is a fault of the program: upgrade it, or report it.")}
	}
	return &Testimony{Label: label, Content: c.Content, Edit: c.Edits[0]}, nil
}
