package replica

import "context"

// defaultLease is how long a device may be out of touch before its server has said anything about it (DESIGN section 8): 30 days.
const defaultLease = 30 * 24 * 60 * 60 * 1000

// Contact is when the device last heard of its server.
type Contact struct {
	At     int64 // Unix ms by this device's clock; 0: never
	Ends   int64 // when the lease runs out, by the same clock
	Lapse  bool  // it has run out
	Offset int64 // how far this device's clock is behind the server's, in ms, as of that contact
}

// Contact tells when the device last heard of its server, and whether the lease has run out since. A clock set back does not win time: the
// latest time that was seen since the contact counts. A device that never had a contact has nothing to lock yet.
func (r *Replica) Contact(ctx context.Context) (out Contact, err error) {
	now := r.opt.Now()
	var seen int64
	err = r.read(ctx, func(c *conn) error {
		m := &meta{c: c}
		var vals [4]int64
		for i, key := range []string{"contact", "offset", "lease", "seen"} {
			if vals[i], err = m.num(key); err != nil {
				return err
			}
		}
		if vals[0] == 0 {
			return nil
		}
		lease := vals[2]
		if lease == 0 {
			lease = defaultLease
		}
		out.At, out.Offset = vals[0]-vals[1], vals[1]
		out.Ends = out.At + lease
		seen = max(vals[3], out.At)
		out.Lapse = max(now, seen) > out.Ends
		return nil
	})
	if err != nil || out.At == 0 || now < seen+seenEvery {
		return out, err
	}
	return out, r.write(ctx, func() error { return (&meta{c: r.w}).setNum("seen", now) })
}

// seenEvery is how finely passed time is noted: it costs a write each.
const seenEvery = 60 * 60 * 1000
