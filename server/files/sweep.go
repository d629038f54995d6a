package files

import (
	"context"
	"errors"

	"minqing/server/store"
)

// Swept is what one sweep did.
type Swept struct {
	Rows    int64 // rows that are gone
	Removed int   // contents and unfinished uploads taken out of storage
}

// deadRows are the rows that will not come back. One whose deletion is still to be decided about keeps its content until then.
const deadRows = `SELECT f.row_id FROM mq_file f LEFT JOIN mq_row r ON r.id = f.row_id
	WHERE (r.id IS NULL OR r.dead > 0) AND NOT EXISTS (SELECT 1 FROM mq_item i WHERE i.row_id = f.row_id AND i.closed_ms = 0)`

// Sweep removes contents to which no living row refers, and uploads that nobody went on with. A crash at any point leaves the rest to
// the next sweep.
func (s *Service) Sweep(ctx context.Context) (out Swept, err error) {
	err = s.opt.Store.Write(ctx, func(tx *store.Tx) error {
		if out.Rows, err = tx.Affected("DELETE FROM mq_file WHERE row_id IN (" + deadRows + ")"); err != nil {
			return err
		}
		const unused = " FROM mq_object WHERE NOT EXISTS (SELECT 1 FROM mq_file f WHERE f.hash = mq_object.hash)"
		var names []string
		if err := tx.Each(func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		}, "SELECT object"+unused); err != nil {
			return err
		}
		for _, name := range names {
			if err := tx.Exec(`INSERT INTO mq_upload (object, fullname, row_id, user_id, device, hash, bytes, media, expires_ms) VALUES (?, ?, '', '', '', '', 0, '', 0)
				ON CONFLICT (object) DO UPDATE SET expires_ms = 0`, name, name); err != nil {
				return err
			}
		}
		if err := tx.Exec("DELETE" + unused); err != nil {
			return err
		}
		return tx.Exec(`UPDATE mq_upload SET row_id = '', user_id = '', expires_ms = 0 WHERE row_id <> '' AND NOT EXISTS
			(SELECT 1 FROM mq_row r WHERE r.id = mq_upload.row_id AND r.dead = 0)`)
	})
	if err != nil {
		return out, err
	}
	out.Removed, err = s.removeExpired(ctx)
	return out, err
}

// removeExpired takes out of storage what has expired, then off the record: never the other way round.
func (s *Service) removeExpired(ctx context.Context) (n int, err error) {
	var gone []upload
	if err := s.opt.Store.Read(ctx, func(tx *store.Tx) error {
		gone = nil
		return tx.Each(func(scan func(...any) error) error {
			u, err := scanUpload(scan)
			gone = append(gone, u)
			return err
		}, "SELECT "+uploadColumns+" FROM mq_upload WHERE expires_ms <= ?", tx.Now())
	}); err != nil {
		return 0, err
	}
	var errs []error
	for _, u := range gone {
		if err := s.remove(ctx, u.full); err != nil {
			errs = append(errs, err)
			continue
		}
		n++
		if err := s.opt.Store.Write(ctx, func(tx *store.Tx) error {
			return tx.Exec("DELETE FROM mq_upload WHERE object = ? AND expires_ms <= ?", u.name, tx.Now())
		}); err != nil {
			errs = append(errs, err)
		}
	}
	return n, errors.Join(errs...)
}
