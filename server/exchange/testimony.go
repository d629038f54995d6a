package exchange

import (
	"context"

	"minqing/server/store"
)

// maxTestimony bounds what is kept of one device: twice the rows of the largest replica. What lies beyond is no honest testimony.
const maxTestimony = 100_000

// testify keeps the rows of others that a device held before this server went back, for an administrator to look at. Nothing else comes of
// them, and the device hears nothing back: what it may not see it does not learn of.
func (s *Service) testify(ctx context.Context, r *request) error {
	if len(r.told) == 0 && r.hello.Offer == "" {
		return nil
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error {
		epoch, err := tx.Epoch()
		if err != nil {
			return err
		}
		if err := tx.NoteWentBack(epoch.Began); err != nil {
			return err
		}
		n, err := tx.CountTestimony(r.who.Device)
		if err != nil {
			return err
		}
		keep := make([]store.Testimony, 0, len(r.told))
		for _, t := range r.told[:min(len(r.told), max(0, maxTestimony-n))] {
			keep = append(keep, store.Testimony{Row: t.Edit.Row, Table: t.Edit.Table, Label: t.Label, Device: r.who.Device, User: r.who.User, Content: t.Content})
		}
		return tx.SaveTestimony(keep)
	})
}
