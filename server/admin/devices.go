package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"minqing/schema"
	"minqing/server/entitle"
	"minqing/server/judge"
	"minqing/server/store"
	"minqing/syncproto"
)

// Invite makes a one-time enrolment code for a user; until is when it ends.
func (d *Desk) Invite(ctx context.Context, login string) (code string, until time.Time, err error) {
	var user syncproto.UserID
	err = d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		u, err := findUser(tx, login)
		if err == nil && u.ended(d.today(tx)) {
			err = wrong("invite", "“"+login+"”已经停用。", "This user's account has ended.", syncproto.Both("先用 minqing user add 恢复或另建用户。", "Make a user first."))
		}
		user = u.ID
		return err
	})
	if err != nil {
		return "", time.Time{}, err
	}
	code, ms, err := d.E.Auth.Invite(ctx, user)
	return code, time.UnixMilli(ms).In(d.E.Zone), err
}

// Device is an enrolled device as an administrator sees it.
type Device struct {
	ID                           syncproto.DeviceID
	Login, Name, Label, Platform string
	Client                       string
	LastContact, Revoked         time.Time // zero: never, not
	Waiting                      int64
}

// Devices lists devices, of one user or of all.
func (d *Desk) Devices(ctx context.Context, login string) (out []Device, err error) {
	err = d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		out, err = d.devices(tx, login)
		return err
	})
	return out, err
}

func (d *Desk) devices(tx *store.Tx, login string) ([]Device, error) {
	where, args := "user_id <> '' ORDER BY user_id, id", []any(nil)
	if login != "" {
		u, err := findUser(tx, login)
		if err != nil {
			return nil, err
		}
		where, args = "user_id = ? ORDER BY id", []any{string(u.ID)}
	}
	list, err := tx.Devices(where, args...)
	if err != nil {
		return nil, err
	}
	var ids, users []string
	for _, dev := range list {
		ids, users = append(ids, string(dev.ID)), append(users, string(dev.User))
	}
	rows, err := rowsOf(tx, "device", ids...)
	if err != nil {
		return nil, err
	}
	people, err := rowsOf(tx, "user", users...)
	if err != nil {
		return nil, err
	}
	out := make([]Device, 0, len(list))
	for _, dev := range list {
		r, u := rows[syncproto.RowID(dev.ID)], people[syncproto.RowID(dev.User)]
		one := Device{ID: dev.ID, Client: dev.Client, Waiting: dev.Waiting, LastContact: d.instant(dev.LastContact), Revoked: d.instant(dev.Revoked)}
		if r.t != nil {
			one.Label, one.Platform = r.text("label"), r.text("platform")
		}
		if u.t != nil {
			one.Login, one.Name = u.text("login"), u.text("name")
		}
		out = append(out, one)
	}
	return out, nil
}

func (d *Desk) instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).In(d.E.Zone)
}

// Revoke stops a device for ever: its next contact is told to hand over what is unsent and to wipe itself. The id may be cut short as
// far as it is clear.
func (d *Desk) Revoke(ctx context.Context, id string) (syncproto.DeviceID, error) {
	var which syncproto.DeviceID
	err := d.write(ctx, func(tx *store.Tx, _ syncproto.UserID) ([]judge.Draft, error) {
		found, err := tx.Devices("user_id <> '' AND id >= ? AND id < ? ORDER BY id LIMIT 2", id, id+"~")
		if err != nil {
			return nil, err
		}
		if len(found) != 1 || id == "" {
			return nil, notFound("revoke", fmt.Sprintf("没有唯一的设备以“%s”开头。", id), "No single device begins with that.", syncproto.Both("用 minqing device list 看看。", "See minqing device list."))
		}
		dev := found[0]
		which = dev.ID
		if dev.Revoked != 0 {
			return nil, wrong("revoke", "这台设备已经停用了。", "This device was revoked already.", syncproto.Both("不用再做什么。", "Nothing is left to do."))
		}
		dev.Revoked = tx.Now()
		if err := tx.SaveDevice(dev); err != nil {
			return nil, err
		}
		e, err := set(tx, "device", syncproto.RowID(dev.ID), "revoked", strconv.FormatInt(tx.Now(), 10))
		return []judge.Draft{{Edits: []syncproto.Edit{e}}}, err
	})
	return which, err
}

// Digests gives the state of every bucket that the devices of a user would hold now, reckoned anew from the rows themselves: what a
// replica that is up to date must equal, digest by digest. A sum that the server kept along the way and that differs is an error.
func (d *Desk) Digests(ctx context.Context, login string) (out []syncproto.BucketState, err error) {
	err = d.read(ctx, func(tx *store.Tx, _ syncproto.UserID) error {
		u, err := findUser(tx, login)
		if err != nil {
			return err
		}
		scopes, err := entitle.Scopes(tx, u.ID)
		if err != nil {
			return err
		}
		buckets, err := tx.Buckets(scopes)
		if err != nil {
			return err
		}
		now := time.UnixMilli(tx.Now()).In(d.E.Zone)
		out = nil
		for _, b := range buckets {
			if !tx.Book().Kept(b.ID.Scope, b.ID.Period, now) {
				continue
			}
			s, err := reckon(tx, b.ID)
			if err != nil {
				return err
			}
			kept := syncproto.BucketState{ID: b.ID, Rows: int(b.Rows), Digests: trim(b.Digests)}
			if s.Rows != kept.Rows || !slices.Equal(s.Digests, kept.Digests) {
				return &syncproto.Error{Code: syncproto.CodeInternal, Op: "digests " + b.ID.Scope + " " + b.ID.Period,
					Message: syncproto.Both("服务器自己的摘要和内容对不上："+DigestLine(kept)+" ≠ "+DigestLine(s)+"。", "The server's own digest differs from its rows."),
					Hint:    syncproto.Both("运行 minqing verify --rebuild 看哪里不对。", "Run minqing verify --rebuild.")}
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

// digestPage bounds the rows of a bucket held in memory.
const digestPage = 1000

// reckon sums a bucket from its living rows.
func reckon(tx *store.Tx, id syncproto.BucketID) (syncproto.BucketState, error) {
	out := syncproto.BucketState{ID: id}
	var hash syncproto.CellHasher
	for after := syncproto.RowID(""); ; {
		page, err := tx.BucketRows(id.Scope, id.Period, after, digestPage)
		if err != nil {
			return out, err
		}
		byTable := map[string][]string{}
		for _, r := range page {
			byTable[r.Table] = append(byTable[r.Table], string(r.ID))
			after = r.ID
		}
		for _, table := range slices.Sorted(maps.Keys(byTable)) {
			t := tx.Book().Table(table)
			if t == nil {
				continue // of a newer server
			}
			values, err := tx.Values(table, byTable[table])
			if err != nil {
				return out, err
			}
			for row, v := range values {
				out.Rows++
				hash.Row(table, row)
				addRow(&out, &hash, t, v)
			}
		}
		if len(page) < digestPage {
			out.Digests = trim(out.Digests)
			return out, nil
		}
	}
}

func addRow(s *syncproto.BucketState, hash *syncproto.CellHasher, t *schema.Table, values []schema.Value) {
	for i, v := range values {
		if v.IsNull() {
			continue
		}
		at := max(1, t.Columns[i].Since) - 1
		for len(s.Digests) <= at {
			s.Digests = append(s.Digests, syncproto.Digest{})
		}
		s.Digests[at] = s.Digests[at].Add(hash.Cell(t.Columns[i].Name, v))
	}
}

func trim(d []syncproto.Digest) []syncproto.Digest {
	for len(d) > 0 && d[len(d)-1] == (syncproto.Digest{}) {
		d = d[:len(d)-1]
	}
	return d
}

// DigestLine is a bucket's state as both sides print it: scope, period, rows, digests with commas between.
func DigestLine(s syncproto.BucketState) string {
	digests := make([]string, len(s.Digests))
	for i, d := range s.Digests {
		digests[i] = d.String()
	}
	return fmt.Sprintf("%s %s %d %s", s.ID.Scope, s.ID.Period, s.Rows, strings.Join(digests, ","))
}
