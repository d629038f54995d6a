package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"minqing/syncproto"
)

// newsChannel is the PostgreSQL channel on which processes tell each other of scopes with something new.
const newsChannel = "mq_news"

// maxNews keeps a notification under PostgreSQL's 8,000 bytes.
const maxNews = 7500

// newsBy begins the line of a notification that names the device of Tx.By, between lines that are scopes. No table has this name, so a
// process of the version before, which takes it for a scope, wakes nobody for it.
const newsBy = "by:"

// announce tells this process's listener of what a transaction touched. On PostgreSQL the notification comes back to it as to all others.
func (s *Store) announce(tx *Tx) {
	if s.opt.Touched == nil || len(tx.touched) == 0 || s.dialect == postgresDialect {
		return
	}
	s.opt.Touched(slices.Sorted(maps.Keys(tx.touched)), tx.by)
}

// notify queues the transaction's touched scopes for the other processes; PostgreSQL sends them with the commit.
func (tx *Tx) notify() error {
	var part []string
	size := 0
	who := newsBy + string(tx.by)
	flush := func() error {
		if len(part) == 0 {
			return nil
		}
		text := strings.Join(append(part, who), "\n")
		part, size = nil, 0
		return tx.Exec("SELECT pg_notify(?, ?)", newsChannel, text)
	}
	for _, scope := range slices.Sorted(maps.Keys(tx.touched)) {
		if size+len(scope)+len(who) > maxNews {
			if err := flush(); err != nil {
				return err
			}
		}
		part, size = append(part, scope), size+len(scope)+1
	}
	return flush()
}

// listen hears of what other processes commit. A listener that lost its connection may have missed news, so it says so by
// touching “*”, upon which everybody looks for himself.
func (s *Store) listen(ctx context.Context) error {
	if s.opt.Touched == nil || s.dialect != postgresDialect {
		return nil
	}
	conn, err := s.dialNews(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	s.stopNews = func() { cancel(); <-done }
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if conn == nil {
				if conn, err = s.dialNews(ctx); err != nil {
					s.opt.Log.Warn("cannot listen for news", "err", err)
					wait(ctx, time.Second)
					continue
				}
				s.opt.Touched([]string{"*"}, "")
			}
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				_ = conn.Close(context.WithoutCancel(ctx)) // it failed already
				conn = nil
				continue
			}
			scopes, by := strings.Split(n.Payload, "\n"), syncproto.DeviceID("")
			if who, ok := strings.CutPrefix(scopes[len(scopes)-1], newsBy); ok {
				scopes, by = scopes[:len(scopes)-1], syncproto.DeviceID(who)
			}
			s.opt.Touched(scopes, by)
		}
	}()
	return nil
}

func (s *Store) dialNews(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, s.opt.DSN)
	if err != nil {
		return nil, wrap("listen", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+newsChannel); err != nil {
		return nil, errors.Join(wrap("listen", err), conn.Close(ctx))
	}
	return conn, nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
