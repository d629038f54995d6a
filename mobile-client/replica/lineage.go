package replica

import (
	"context"
	"encoding/base64"

	"minqing/syncproto"
)

// What a session does when the server finds that one of the two sides is not what it was: the file was copied, the server went back,
// or the cursor means nothing to it.

// dropCursor makes the next request a first sync of what is held: the server compares it with what it has.
func (s *Session) dropCursor() error {
	m := &meta{c: s.r.w}
	for _, key := range []string{"cursor", "resume"} {
		if err := m.set(key, ""); err != nil {
			return err
		}
	}
	s.answer.frames, s.answer.stager = nil, nil
	return s.r.w.exec(`DELETE FROM mq_stage`)
}

// Restart lets the next request begin without a cursor, with the list of buckets held.
func (s *Session) Restart(ctx context.Context) error {
	return s.write(ctx, s.dropCursor)
}

// Fork answers a server that lacks a chain head which this file was given: it went back to a backup. Every change still kept is
// offered again, refused ones too, with every label it was ever given; rows of the lost time show it until they come anew.
func (s *Session) Fork(ctx context.Context) error {
	return s.write(ctx, func() error {
		c, m := s.r.w, &meta{c: s.r.w}
		offered, err := m.text("offer")
		if err != nil || offered == string(s.answer.welcome.Epoch) {
			return err // the offer is under way already
		}
		forks, err := m.num("forks")
		if err != nil {
			return err
		}
		if err := m.setNum("forks", forks+1); err != nil {
			return err
		}
		epoch, _, err := c.epochOf(s.answer.welcome.Epoch)
		if err != nil {
			return err
		}
		if err := c.exec(`UPDATE mq_epoch SET gen = ? WHERE id = ?`, forks+1, epoch); err != nil {
			return err
		}
		for _, key := range []string{"offer", metaWitness} {
			if err := m.set(key, string(s.answer.welcome.Epoch)); err != nil {
				return err
			}
		}
		for _, q := range []string{
			`UPDATE mq_edit SET epoch = NULL, rev = NULL WHERE change IN (SELECT ord FROM mq_change WHERE content <> '' OR sealed IS NOT NULL)`,
			`UPDATE mq_change SET need = 1, state = CASE state WHEN 'accepted' THEN 'pending' ELSE state END WHERE content <> '' OR sealed IS NOT NULL`,
		} {
			if err := c.exec(q); err != nil {
				return err
			}
		}
		if err := s.r.notice(Notice{Kind: NoticeFork}); err != nil {
			return err
		}
		return s.dropCursor()
	})
}

// Copied gives the file a device id of its own after the server found that it was copied or restored from an old copy. All changes
// still kept are renamed, in their order and without gaps, and pushed again under the new names: the server knows by their
// identity those it holds, and tells their verdicts to the new device from then on.
func (s *Session) Copied(ctx context.Context, d Device) error {
	return s.write(ctx, func() error {
		if err := s.r.rename(d); err != nil {
			return err
		}
		return s.r.notice(Notice{Kind: NoticeCopied, Text: string(d.ID)})
	})
}

// rename makes the file another device of the same user's.
func (r *Replica) rename(d Device) error {
	c, m := r.w, &meta{c: r.w}
	var ords []int64
	var ord int64
	if err := c.each(`SELECT ord FROM mq_change WHERE content <> '' OR sealed IS NOT NULL ORDER BY ord`, nil, []any{&ord}, func() error {
		ords = append(ords, ord)
		return nil
	}); err != nil {
		return err
	}
	for i, ord := range ords {
		if err := c.exec(`UPDATE mq_change SET device = ?, number = ?, need = 1 WHERE ord = ?`, string(d.ID), i+1, ord); err != nil {
			return err
		}
	}
	// A cursor of the old id does not prove what the new one was granted: changes made before the next checkpoint name none.
	for _, kv := range [][2]string{{"device", string(d.ID)}, {"seed", base64.StdEncoding.EncodeToString(d.Seed)}, {"capture", ""}, {"resume", ""}} {
		if err := m.set(kv[0], kv[1]); err != nil {
			return err
		}
	}
	if err := m.setNum("next", int64(len(ords)+1)); err != nil {
		return err
	}
	if err := m.setNum("since", r.opt.Now()); err != nil {
		return err
	}
	return c.exec(`DELETE FROM mq_stage`)
}

// Refuse records what the server said to one change that it could not even read: it is refused by itself, and blocks no other.
func (s *Session) Refuse(ctx context.Context, id syncproto.Identity, code syncproto.Code, message string) error {
	return s.write(ctx, func() error {
		v := &syncproto.Verdict{Identity: id, Status: syncproto.Refused, Code: code, Message: message}
		return s.r.takeVerdicts(newLayer(s.r.w), []told{{Verdict: v, at: s.answer.welcome.Now, absent: s.round}})
	})
}
