package store

import "minqing/syncproto"

// Device is what the server remembers of an enrolled device; its name and key are a row of the domain table too.
type Device struct {
	ID          syncproto.DeviceID
	User        syncproto.UserID
	Key         string // public key, as auth writes it
	Next        uint64 // the number its next new change must have
	Nonce       string // lineage nonce given last
	NoncePrev   string // the one that the device used last; see pull.NonceStands
	CursorMS    int64  // server time of the cursor under which its newest change was captured
	LastContact int64
	Client      string
	ClockOffset int64
	Waiting     int64
	Revoked     int64 // server time, 0: not
	VSeq        int64 // counts its verdicts that changed (SaveDevice leaves it alone)
}

// Device reads a device; found is false when it is unknown.
func (tx *Tx) Device(id syncproto.DeviceID) (Device, bool, error) { return tx.device(id, "") }

// LockDevice reads a device and keeps it locked till the commit. Take it after every stream lock of the transaction.
func (tx *Tx) LockDevice(id syncproto.DeviceID) (Device, bool, error) {
	return tx.device(id, " FOR UPDATE")
}

func (tx *Tx) device(id syncproto.DeviceID, lock string) (Device, bool, error) {
	found, err := tx.Devices("id = ?"+lock, string(id))
	if err != nil || len(found) == 0 {
		return Device{}, false, err
	}
	return found[0], true, nil
}

// Devices lists devices by a condition over mq_device (“user_id = ? ORDER BY id”).
func (tx *Tx) Devices(where string, args ...any) ([]Device, error) {
	var out []Device
	err := tx.Each(func(scan func(...any) error) error {
		var d Device
		var next int64
		if err := scan(&d.ID, &d.User, &d.Key, &next, &d.Nonce, &d.NoncePrev, &d.CursorMS, &d.LastContact, &d.Client, &d.ClockOffset, &d.Waiting,
			&d.Revoked, &d.VSeq); err != nil {
			return wrap("scan mq_device", err)
		}
		d.Next = uint64(next)
		out = append(out, d)
		return nil
	}, `SELECT id, user_id, key, next, nonce, nonce_prev, cursor_ms, last_contact, client, clock_offset, waiting, revoked, vseq FROM mq_device WHERE `+where, args...)
	return out, err
}

// SaveDevice writes a device, all but VSeq.
func (tx *Tx) SaveDevice(d Device) error {
	return tx.Exec(`INSERT INTO mq_device (id, user_id, key, next, nonce, nonce_prev, cursor_ms, last_contact, client, clock_offset, waiting, revoked, vseq)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, key = excluded.key, next = excluded.next,
		nonce = excluded.nonce, nonce_prev = excluded.nonce_prev, cursor_ms = excluded.cursor_ms, last_contact = excluded.last_contact,
		client = excluded.client, clock_offset = excluded.clock_offset, waiting = excluded.waiting, revoked = excluded.revoked`,
		string(d.ID), string(d.User), d.Key, int64(d.Next), d.Nonce, d.NoncePrev, d.CursorMS, d.LastContact, d.Client, d.ClockOffset, d.Waiting, d.Revoked)
}

// AdvanceDevice notes what a push proved: the next number, and the server time of the newest cursor. It leaves the rest alone, as a
// pull may write that at the same time.
func (tx *Tx) AdvanceDevice(id syncproto.DeviceID, next uint64, cursorMS int64) error {
	return tx.Exec("UPDATE mq_device SET next = ?, cursor_ms = ? WHERE id = ?", int64(next), cursorMS, string(id))
}

// LockPush lets one push of a device run at a time, across processes. It is taken before any stream, the rows of mq_device after
// all streams, so that no two pushes wait for each other.
func (tx *Tx) LockPush(id syncproto.DeviceID) error {
	if tx.s.dialect != postgresDialect {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(hashtext(?))", "mq_push "+string(id))
}

// proofFresh is how old the newest word of a device may be that says the same again and is not written down, ms.
const proofFresh = 60 * 60 * 1000

// SaveProof notes whether what a device holds is what it should, by its own digest. What only says again what was said within the hour is not
// written: it comes with every sync.
func (tx *Tx) SaveProof(id syncproto.DeviceID, equal bool) error {
	var is int64
	if equal {
		is = 1
	}
	return tx.Exec(`INSERT INTO mq_proof (device, equal, since_ms, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
		since_ms = CASE WHEN mq_proof.equal = excluded.equal THEN mq_proof.since_ms ELSE excluded.since_ms END, equal = excluded.equal, at_ms = excluded.at_ms
		WHERE mq_proof.equal <> excluded.equal OR mq_proof.at_ms < excluded.at_ms - ?`, string(id), is, tx.now, tx.now, int64(proofFresh))
}

// Ticket is an enrolment code, kept by its hash.
type Ticket struct {
	Hash    string
	User    syncproto.UserID
	Made    int64
	Expires int64
	Device  syncproto.DeviceID // who used it, "" while unused
}

// Ticket reads an enrolment code; in a write transaction it stays locked.
func (tx *Tx) Ticket(hash string) (t Ticket, found bool, err error) {
	lock := ""
	if tx.write {
		lock = " FOR UPDATE"
	}
	found, err = tx.One("SELECT hash, user_id, made_ms, expires_ms, device FROM mq_ticket WHERE hash = ?"+lock, []any{hash},
		&t.Hash, &t.User, &t.Made, &t.Expires, &t.Device)
	return t, found, err
}

// SaveTicket writes an enrolment code.
func (tx *Tx) SaveTicket(t Ticket) error {
	return tx.Exec(`INSERT INTO mq_ticket (hash, user_id, made_ms, expires_ms, device) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (hash) DO UPDATE SET device = excluded.device, expires_ms = excluded.expires_ms`, t.Hash, string(t.User), t.Made, t.Expires, string(t.Device))
}

// Held reads the list of buckets of a digest, "" when it is not known.
func (tx *Tx) Held(digest string) (string, error) {
	var list string
	_, err := tx.One("SELECT list FROM mq_held WHERE digest = ?", []any{digest}, &list)
	return list, err
}

// SaveHeld keeps a list of buckets by its digest.
func (tx *Tx) SaveHeld(digest, list string) error {
	return tx.Exec(`INSERT INTO mq_held (digest, list, used_ms) VALUES (?, ?, ?) ON CONFLICT (digest) DO UPDATE SET used_ms = excluded.used_ms`,
		digest, list, tx.now)
}

// HasHeld tells whether a list of buckets is kept, without reading it: that of a phone that holds a town is larger than all else that a
// sync reads.
func (tx *Tx) HasHeld(digest string) (bool, error) {
	return tx.One("SELECT 1 FROM mq_held WHERE digest = ?", []any{digest}, new(int))
}
