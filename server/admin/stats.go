package admin

import (
	"context"

	"minqing/server/store"
	"minqing/syncproto"
)

// Stats counts what a city holds.
type Stats struct {
	Tables      []Count          // living rows, in the order of the rule book
	Changes     map[string]int64 // by status
	Devices     int64
	Revoked     int64
	OpenItems   int64
	Disclosures int64
	Streams     int
	Epochs      int
	Epoch       syncproto.EpochID
	Schema      int
	Postgres    bool
}

// Count is a name with a number.
type Count struct {
	Name, Label string
	N           int64
}

// Stats counts.
func (d *Desk) Stats(ctx context.Context) (*Stats, error) {
	s := &Stats{Schema: d.E.Book.Version, Postgres: d.E.Store.Postgres()}
	err := d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		s.Tables, s.Changes = nil, map[string]int64{}
		for _, t := range tx.Book().Tables() {
			c := Count{Name: t.Name, Label: t.Label.ZH}
			if _, err := tx.One(`SELECT COUNT(*) FROM "`+t.Name+`"`, nil, &c.N); err != nil {
				return err
			}
			s.Tables = append(s.Tables, c)
		}
		for _, q := range []struct {
			query string
			into  *int64
		}{
			{"SELECT COUNT(*) FROM mq_device WHERE user_id <> ''", &s.Devices},
			{"SELECT COUNT(*) FROM mq_device WHERE user_id <> '' AND revoked > 0", &s.Revoked},
			{"SELECT COUNT(*) FROM mq_item WHERE closed_ms = 0", &s.OpenItems},
			{"SELECT COUNT(*) FROM mq_disclosure", &s.Disclosures},
		} {
			if _, err := tx.One(q.query, nil, q.into); err != nil {
				return err
			}
		}
		err := tx.Each(func(scan func(...any) error) error {
			var status string
			var n int64
			err := scan(&status, &n)
			s.Changes[status] = n
			return err
		}, "SELECT status, COUNT(*) FROM mq_change GROUP BY status")
		if err != nil {
			return err
		}
		streams, err := tx.AllStreams()
		if err != nil {
			return err
		}
		epochs, err := tx.Epochs()
		if err != nil {
			return err
		}
		e, err := tx.Epoch()
		s.Streams, s.Epochs, s.Epoch = len(streams), len(epochs), e.ID
		return err
	})
	return s, err
}
