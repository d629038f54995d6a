package store

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"minqing/syncproto"
	"minqing/syncproto/merge"
)

// Epoch is one link of the line of epochs of this database.
type Epoch struct {
	ID     syncproto.EpochID
	Parent syncproto.EpochID // "" for the first
	Ord    int64             // position in the line
	Began  int64             // server time, Unix ms
}

// StreamState is where a stream stands: its newest seq and the newest record of its chain.
type StreamState struct {
	ID   string
	Seq  int64
	Pos  int64  // 0: no record yet
	Head string // hex; "" with Pos 0
	At   int64  // when the newest record was made
}

// openEpoch runs once at Open: an SQLite store gets a new epoch, as its file may have come from anywhere; PostgreSQL only its
// first one.
func (s *Store) openEpoch(tx *Tx) error {
	found, err := tx.One("SELECT COALESCE(MAX(at), 0) FROM mq_stream", nil, &s.lastNow)
	if err != nil || !found {
		return err
	}
	tx.now = s.Now()
	newest, err := tx.newestEpoch()
	if err != nil {
		return err
	}
	if s.dialect == postgresDialect && newest.ID != "" {
		s.setEpoch(newest)
		return nil
	}
	return tx.MintEpoch()
}

func (tx *Tx) newestEpoch() (Epoch, error) {
	var e Epoch
	_, err := tx.One("SELECT id, parent, ord, began_ms FROM mq_epoch ORDER BY ord DESC LIMIT 1", nil, &e.ID, &e.Parent, &e.Ord, &e.Began)
	return e, err
}

func (s *Store) setEpoch(e Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch = e
}

// Epoch is the epoch in force. On PostgreSQL another process may mint one, so it is read in the transaction.
func (tx *Tx) Epoch() (Epoch, error) {
	if tx.epoch.ID != "" {
		return tx.epoch, nil
	}
	if tx.s.dialect == sqliteDialect {
		tx.s.mu.Lock()
		tx.epoch = tx.s.epoch
		tx.s.mu.Unlock()
		return tx.epoch, nil
	}
	e, err := tx.newestEpoch()
	tx.epoch = e
	return e, err
}

// Epochs lists the line of epochs, oldest first; the last is the one in force, and need not be asked for again.
func (tx *Tx) Epochs() ([]Epoch, error) {
	var out []Epoch
	err := tx.Each(func(scan func(...any) error) error {
		var e Epoch
		if err := scan(&e.ID, &e.Parent, &e.Ord, &e.Began); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	}, "SELECT id, parent, ord, began_ms FROM mq_epoch ORDER BY ord")
	if err == nil && tx.s.dialect == postgresDialect && tx.epoch.ID == "" && len(out) > 0 {
		tx.epoch = out[len(out)-1]
	}
	return out, err
}

// EpochStarts tells where streams stood when each epoch of a line, as Epochs lists it, began: by stream, in the order of the line.
func (tx *Tx) EpochStarts(line []Epoch, streams []string) (map[string][]int64, error) {
	noted := map[string]map[int64]int64{}
	err := tx.Each(func(scan func(...any) error) error {
		var stream string
		var ord, seq int64
		if err := scan(&stream, &ord, &seq); err != nil {
			return err
		}
		if noted[stream] == nil {
			noted[stream] = map[int64]int64{}
		}
		noted[stream][ord] = seq
		return nil
	}, "SELECT stream, ord, seq FROM mq_epoch_stream WHERE stream = ANY(?)", streams)
	out := map[string][]int64{}
	for _, stream := range streams {
		var began int64
		for _, e := range line {
			if seq, moved := noted[stream][e.Ord]; moved {
				began = seq
			}
			out[stream] = append(out[stream], began)
		}
	}
	return out, err
}

// LineOf gives, for one stream, the line of epochs and where the stream stood when each began, and the epochs that restores cut
// off, as cursors told.
func (tx *Tx) LineOf(stream string) (merge.Epochs, error) {
	now, err := tx.Epoch()
	out := merge.Epochs{Current: now.ID, All: map[syncproto.EpochID]merge.Epoch{}}
	if err != nil {
		return out, err
	}
	line, err := tx.Epochs()
	if err != nil {
		return out, err
	}
	starts := map[int64]int64{}
	err = tx.Each(func(scan func(...any) error) error {
		var ord, seq int64
		err := scan(&ord, &seq)
		starts[ord] = seq
		return err
	}, "SELECT ord, seq FROM mq_epoch_stream WHERE stream = ?", stream)
	var began int64
	for _, e := range line {
		if seq, moved := starts[e.Ord]; moved {
			began = seq
		}
		out.All[e.ID] = merge.Epoch{Parent: e.Parent, Began: uint64(began)}
	}
	if err != nil {
		return out, err
	}
	return out, tx.Each(func(scan func(...any) error) error {
		var id, parent syncproto.EpochID
		var text string
		if err := scan(&id, &parent, &text); err != nil {
			return err
		}
		began := map[string]uint64{}
		if err := json.Unmarshal([]byte(text), &began); err != nil {
			return fmt.Errorf("store: lost epoch %s: %w", id, err)
		}
		if _, own := out.All[id]; !own {
			out.All[id] = merge.Epoch{Parent: parent, Began: began[stream]}
		}
		return nil
	}, "SELECT id, parent, began FROM mq_epoch_lost")
}

// LostEpochs tells how much is known of the epochs that restores cut off: it grows with all that cursors tell.
func (tx *Tx) LostEpochs() (n int64, err error) {
	_, err = tx.One("SELECT COUNT(*) + COALESCE(SUM(LENGTH(began)), 0) FROM mq_epoch_lost", nil, &n)
	return n, err
}

// LearnEpochs keeps what a device's seal tells of epochs that this database does not know: a restore cut them off. line is the newest
// epoch and those before it, newest first. A seal knows the streams that its device follows; the next one may know more.
func (tx *Tx) LearnEpochs(line []syncproto.EpochLink) error {
	own, err := tx.Epochs()
	if err != nil {
		return err
	}
	known := map[syncproto.EpochID]bool{}
	for _, e := range own {
		known[e.ID] = true
	}
	join := "json_patch(mq_epoch_lost.began, excluded.began)"
	if tx.s.dialect == postgresDialect {
		join = "(mq_epoch_lost.began::jsonb || excluded.began::jsonb)::text"
	}
	for i, link := range line {
		if known[link.ID] || i+1 == len(line) {
			break // from here on it is our own line
		}
		began := map[string]uint64{}
		for _, s := range link.Streams {
			began[s.ID] = s.Seq
		}
		text, err := json.Marshal(began)
		if err != nil {
			return err
		}
		if err := tx.Exec("INSERT INTO mq_epoch_lost (id, parent, began) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET began = "+join+" WHERE mq_epoch_lost.began <> "+join,
			string(link.ID), string(line[i+1].ID), string(text)); err != nil {
			return err
		}
	}
	return nil
}

// MintEpoch begins a new epoch: at every opening of an SQLite store, after a restore, and when a process misses its own last
// chain head.
func (tx *Tx) MintEpoch() error {
	last, err := tx.newestEpoch()
	if err != nil {
		return err
	}
	var id [16]byte
	if err := tx.Random(id[:]); err != nil {
		return err
	}
	e := Epoch{ID: syncproto.EpochID(hex.EncodeToString(id[:])), Parent: last.ID, Ord: last.Ord + 1, Began: tx.now}
	if err := tx.Exec("INSERT INTO mq_epoch (id, parent, ord, began_ms) VALUES (?, ?, ?, ?)", string(e.ID), string(e.Parent), e.Ord, e.Began); err != nil {
		return err
	}
	// Only streams that moved since they were last noted. A change in several streams counts in each, and has its record in the chain of one.
	err = tx.Exec(`INSERT INTO mq_epoch_stream (stream, ord, seq, pos) SELECT s.id, CAST(? AS BIGINT), s.seq, s.pos FROM mq_stream s
		WHERE s.pos > COALESCE((SELECT MAX(e.pos) FROM mq_epoch_stream e WHERE e.stream = s.id), 0)
		OR s.seq > COALESCE((SELECT MAX(e.seq) FROM mq_epoch_stream e WHERE e.stream = s.id), 0)`, e.Ord)
	if err != nil {
		return err
	}
	tx.epoch = e
	tx.AfterCommit(func() { tx.s.setEpoch(e) })
	return nil
}

// LockStreams locks streams (ascending, whatever the order given; calling it twice in a transaction locks only what is new, which
// must then lie above what is held) and gives where they stand. Streams that are new are made. A snapshot needs no locks, and takes none.
func (tx *Tx) LockStreams(ids ...string) error {
	if !tx.write {
		return nil
	}
	want := map[string]bool{}
	for _, id := range ids {
		if _, have := tx.streams[id]; !have && id != "" {
			want[id] = true
		}
	}
	if len(want) == 0 {
		return nil
	}
	clear(tx.answers) // what was asked before the lock may have changed before it
	sorted := slices.Sorted(maps.Keys(want))
	if err := tx.readStreams(sorted); err != nil {
		return err
	}
	var missing [][]any
	for _, id := range sorted {
		if _, have := tx.streams[id]; !have {
			missing = append(missing, []any{id, int64(0), int64(0), "", int64(0)})
		}
	}
	if len(missing) > 0 {
		if err := tx.insertMany("mq_stream", "id,seq,pos,head,at", "text,bigint,bigint,text,bigint", "ON CONFLICT (id) DO NOTHING", missing); err != nil {
			return err
		}
		if err := tx.readStreams(sorted); err != nil {
			return err
		}
	}
	return tx.missOwnHeads(sorted)
}

// Locked tells whether the locks of streams are held.
func (tx *Tx) Locked(ids ...string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return id != "" && tx.streams[id] == nil })
}

func (tx *Tx) readStreams(ids []string) error {
	if tx.streams == nil {
		tx.streams = map[string]*StreamState{}
	}
	return tx.Each(func(scan func(...any) error) error {
		var st StreamState
		if err := scan(&st.ID, &st.Seq, &st.Pos, &st.Head, &st.At); err != nil {
			return err
		}
		tx.streams[st.ID] = &st
		tx.s.notBefore(st.At)
		tx.now = max(tx.now, st.At)
		return nil
	}, "SELECT id, seq, pos, head, at FROM mq_stream WHERE id = ANY(?) ORDER BY id FOR UPDATE", ids)
}

// missOwnHeads mints an epoch when a stream lacks the newest head that this very process committed: then the database went back
// under it (a fail-over to a standby that lagged).
func (tx *Tx) missOwnHeads(ids []string) error {
	for _, id := range ids {
		tx.s.mu.Lock()
		known, ok := tx.s.known[id]
		tx.s.mu.Unlock()
		if !ok {
			continue
		}
		st := tx.streams[id]
		missing := st.Pos < known.Pos || (st.Pos == known.Pos && st.Head != known.Head)
		if !missing && st.Pos > known.Pos {
			var head string
			if _, err := tx.One("SELECT head FROM mq_chain WHERE stream = ? AND pos = ?", []any{id, known.Pos}, &head); err != nil {
				return err
			}
			missing = head != known.Head
		}
		if missing {
			tx.s.opt.Log.Warn("the database went back; a new epoch begins", "stream", id, "pos", known.Pos)
			tx.AfterCommit(tx.s.forgetHeads)
			return tx.MintEpoch()
		}
	}
	return nil
}

// Stream is where a locked stream stands, with what this transaction added.
func (tx *Tx) Stream(id string) StreamState {
	if st := tx.streams[id]; st != nil {
		return *st
	}
	return StreamState{ID: id}
}

// Streams reads where streams stand, without locking them: those of a list that there are.
func (tx *Tx) Streams(ids []string) ([]StreamState, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.streamStates("SELECT id, seq, pos, head, at FROM mq_stream WHERE id = ANY(?) ORDER BY id", ids)
}

// AllStreams reads where every stream of the city stands. It is no case of Streams: a device without streams asked for none, and got all.
func (tx *Tx) AllStreams() ([]StreamState, error) {
	return tx.streamStates("SELECT id, seq, pos, head, at FROM mq_stream ORDER BY id")
}

func (tx *Tx) streamStates(query string, args ...any) (out []StreamState, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		var st StreamState
		if err := scan(&st.ID, &st.Seq, &st.Pos, &st.Head, &st.At); err != nil {
			return err
		}
		out = append(out, st)
		return nil
	}, query, args...)
	return out, err
}

// SetStream moves a locked stream on; SaveStreams writes it.
func (tx *Tx) SetStream(st StreamState) {
	st.At = tx.now
	tx.streams[st.ID] = &st
	if tx.moved == nil {
		tx.moved = map[string]bool{}
	}
	tx.moved[st.ID] = true
}

// Moved lists the streams that SetStream moved, ascending.
func (tx *Tx) Moved() []string { return slices.Sorted(maps.Keys(tx.moved)) }

// SaveStreams writes the streams that moved; once, at the end of a transaction.
func (tx *Tx) SaveStreams() error {
	var rows [][]any
	for _, id := range slices.Sorted(maps.Keys(tx.moved)) {
		st := tx.streams[id]
		rows = append(rows, []any{st.ID, st.Seq, st.Pos, st.Head, st.At})
	}
	tx.AfterCommit(func() { tx.s.remember(tx) })
	return tx.insertMany("mq_stream", "id,seq,pos,head,at", "text,bigint,bigint,text,bigint",
		"ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, pos = excluded.pos, head = excluded.head, at = excluded.at", rows)
}

// remember keeps the newest heads this process committed. SQLite needs none: one process opens the file, under a new epoch.
func (s *Store) remember(tx *Tx) {
	if s.dialect == sqliteDialect {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range tx.moved {
		if st := tx.streams[id]; st.Pos > s.known[id].Pos {
			s.known[id] = *st
		}
	}
}

func (s *Store) forgetHeads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
}
