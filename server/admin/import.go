package admin

import (
	"context"
	"io"

	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Import brings a village's register in, in the name of who gives the command. how carries the functions that hear of its rows; the rest
// of it is filled in here.
func (d *Desk) Import(ctx context.Context, village, name string, r io.ReaderAt, size int64, preview bool, how register.Import) (*register.Report, error) {
	how.Store, how.Judge, how.Zone, how.Preview = d.E.Store, d.E.Judge, d.E.Zone, preview
	err := d.E.Store.Read(ctx, func(tx *store.Tx) error {
		by, err := d.admin(tx)
		if err != nil {
			return err
		}
		how.User = by
		how.Village, err = register.FindPlace(tx, village, "village")
		return err
	})
	if err != nil {
		return nil, err
	}
	return how.Run(ctx, name, r, size)
}

// ImportTable brings rows of a table in, in the name of how.User. Table is its name or label; within is a place by code or name, "" for the city.
func (d *Desk) ImportTable(ctx context.Context, table, within, name string, r io.ReaderAt, size int64, how register.TableList) (*register.Report, error) {
	how.Store, how.Judge, how.Zone = d.E.Store, d.E.Judge, d.E.Zone
	err := d.E.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if how.Table, err = findTable(tx.Book(), table); err == nil && within != "" {
			how.Within, err = register.FindPlace(tx, within)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return how.Run(ctx, name, r, size)
}

// Importer gives who imports lists here, and the place that they are about; "" is the whole city.
func (d *Desk) Importer(ctx context.Context, place string) (by syncproto.UserID, id string, err error) {
	err = d.E.Store.Read(ctx, func(tx *store.Tx) error {
		if by, err = d.admin(tx); err != nil {
			return err
		}
		if place == "" {
			_, err := tx.One("SELECT id FROM place WHERE parent IS NULL ORDER BY id LIMIT 1", nil, &id)
			return err
		}
		p, err := register.FindPlace(tx, place)
		id = p.ID
		return err
	})
	return by, id, err
}
