package admin

import (
	"encoding/hex"
	"encoding/json"

	"minqing/server/store"
	"minqing/syncproto"
)

// shown is the record of personal data shown to somebody or taken away in a file.
type shown struct {
	What   string          `json:"what"` // export, history
	Table  string          `json:"table,omitempty"`
	Row    syncproto.RowID `json:"row,omitempty"`
	Within string          `json:"within,omitempty"` // place
	Rows   int             `json:"rows,omitempty"`
	Whole  bool            `json:"whole,omitempty"` // masked columns in full
}

// disclose appends to the chain of what a user was shown at the console, a chain for each user.
func disclose(tx *store.Tx, to syncproto.UserID, what shown) error {
	value, err := json.Marshal(what)
	if err != nil {
		return err
	}
	chain := "console " + string(to)
	last, err := tx.LastDisclosure(chain)
	if err != nil {
		return err
	}
	var salt [16]byte
	if err := tx.Random(salt[:]); err != nil {
		return err
	}
	next := store.Disclosure{Chain: chain, Pos: last.Pos + 1, User: to, Salt: hex.EncodeToString(salt[:]), Value: string(value), At: tx.Now()}
	if next.Leaf, err = syncproto.ChainLeaf(next.Salt, value); err != nil {
		return err
	}
	if next.Head, err = syncproto.ChainNext(last.Head, uint64(next.Pos), next.Leaf); err != nil {
		return err
	}
	return tx.AddDisclosure(next)
}
