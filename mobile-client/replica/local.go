package replica

import "context"

// PutLocal keeps something of this phone's own in the file, under a key: what was typed and not saved yet, what was looked at. It is
// durable when PutLocal returns, encrypted with the file, and never synced. A nil value drops it.
func (r *Replica) PutLocal(ctx context.Context, key string, value []byte) error {
	return r.write(ctx, func() error { return r.putLocal(key, value) })
}

func (r *Replica) putLocal(key string, value []byte) error {
	if value == nil {
		return r.w.exec(`DELETE FROM mq_local WHERE key = ?`, key)
	}
	return r.w.exec(`INSERT INTO mq_local (key, value, at) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at`,
		key, value, r.opt.Now())
}

// PutLocal is PutLocal of the replica inside the transaction: what was kept goes, or stays, with what the transaction writes.
func (tx *Tx) PutLocal(key string, value []byte) error { return tx.r.putLocal(key, value) }

// Local gives what was kept under a key, nil when there is nothing.
func (v *View) Local(key string) (value []byte, err error) {
	_, err = v.c.one(`SELECT value FROM mq_local WHERE key = ?`, []any{key}, &value)
	return value, err
}

// Locals calls f for everything kept under keys that begin with a prefix, in their order; at is when it was put, Unix ms.
func (v *View) Locals(prefix string, f func(key string, value []byte, at int64) error) error {
	var key string
	var value []byte
	var at int64
	return v.c.each(`SELECT key, value, at FROM mq_local WHERE key >= ?1 AND key < ?1 || char(0x10ffff) ORDER BY key`, []any{prefix}, []any{&key, &value, &at},
		func() error { return f(key, append([]byte(nil), value...), at) })
}
