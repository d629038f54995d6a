package admin

import (
	"encoding/json"

	"minqing/server/store"
	"minqing/syncproto"
)

// shown is the record of personal data shown to somebody or taken away in a file.
type shown struct {
	What   string          `json:"what"` // export, history, link
	Table  string          `json:"table,omitempty"`
	Row    syncproto.RowID `json:"row,omitempty"`
	Within string          `json:"within,omitempty"` // place
	Rows   int             `json:"rows,omitempty"`
	Stream string          `json:"stream,omitempty"` // in which it lies
	Whole  bool            `json:"whole,omitempty"`  // masked columns in full
	Forget bool            `json:"forget,omitempty"` // of a link: it lets the second step of signing in be set anew
}

// disclose appends to the chain of what a user was shown at the console, a chain for each user.
func disclose(tx *store.Tx, to syncproto.UserID, what shown) error {
	value, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return tx.Disclose("console "+string(to), "", to, value)
}
