package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"minqing/schema"
	"minqing/server/exchange"
	"minqing/server/store"
	"minqing/syncproto"
)

// Setting is one of the city's settings: a number with its bounds, of days or of households.
type Setting struct {
	Name        string
	Least, Most int
	Homes       string           // the team whose number of households it is; "" for a number of days
	Number      int              // as it holds
	By          syncproto.UserID // who set it last, "" for nobody yet
	At          int64            // when, Unix ms
	held        func(*settings) *atomic.Int64
	configured  func(*Config) time.Duration
}

// settingList is every setting there is. A replica may be used for as long as its lease; marks must outlast both that and the time in which late
// work is judged by what held when it was written.
var settingList = []Setting{
	{Name: "grace", Least: 7, Most: 365, held: func(s *settings) *atomic.Int64 { return &s.grace }, configured: func(c *Config) time.Duration { return c.Grace }},
	{Name: "lease", Least: 3, Most: 365, held: func(s *settings) *atomic.Int64 { return &s.lease }, configured: func(c *Config) time.Duration { return c.Lease }},
	{Name: "horizon", Least: syncproto.LeastHorizon, Most: 3650, held: func(s *settings) *atomic.Int64 { return &s.horizon }, configured: func(c *Config) time.Duration { return c.Horizon }},
	homesOf("leading"), homesOf("cadre"), homesOf("member"),
}

// homesOf is the setting of how many households somebody of a team is to have. Only previews and lists go by it, so no process holds it.
func homesOf(team string) Setting {
	return Setting{Name: "homes." + team, Least: 1, Most: 500, Homes: team}
}

// UsualHomes is how many households somebody of a team is to have in this city.
func UsualHomes(tx *store.Tx, team string) (int, error) {
	if schema.UsualHomes(team) == 0 {
		return 0, nil // no team of ours
	}
	raw, err := tx.Meta(metaSetting(homesOf(team).Name))
	if err != nil || raw == "" {
		return schema.UsualHomes(team), err
	}
	var k kept
	err = json.Unmarshal([]byte(raw), &k)
	return k.Days, err
}

// settings are those that hold in this process, in ms; since is when one that devices are told of last changed.
type settings struct{ grace, lease, horizon, since atomic.Int64 }

// kept is how the database keeps a setting; a number of households stands where days do.
type kept struct {
	Days int              `json:"days"`
	By   syncproto.UserID `json:"by"`
	At   int64            `json:"at"`
}

func metaSetting(name string) string { return "setting " + name }

func (e *Engine) terms() exchange.Terms {
	return exchange.Terms{Grace: time.Duration(e.set.grace.Load()) * time.Millisecond, Lease: time.Duration(e.set.lease.Load()) * time.Millisecond, Since: e.set.since.Load()}
}

func (e *Engine) horizon() time.Duration {
	return time.Duration(e.set.horizon.Load()) * time.Millisecond
}

const dayMS = int64(24 * time.Hour / time.Millisecond)

// Settings reads the city's settings as they hold.
func (e *Engine) Settings(tx *store.Tx) ([]Setting, error) {
	out := make([]Setting, len(settingList))
	copy(out, settingList)
	for i := range out {
		raw, err := tx.Meta(metaSetting(out[i].Name))
		if err != nil {
			return nil, err
		}
		if out[i].Number = schema.UsualHomes(out[i].Homes); out[i].Homes == "" {
			out[i].Number = int(out[i].configured(&e.cfg) / (24 * time.Hour))
		}
		if raw == "" {
			continue
		}
		var k kept
		if err := json.Unmarshal([]byte(raw), &k); err != nil {
			return nil, err
		}
		out[i].Number, out[i].By, out[i].At = k.Days, k.By, k.At
	}
	return out, nil
}

// readSettings brings this process up to what the database says.
func (e *Engine) readSettings(ctx context.Context) error {
	var list []Setting
	if err := e.Store.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = e.Settings(tx)
		return err
	}); err != nil {
		return err
	}
	since := int64(0)
	for _, s := range list {
		if s.Homes != "" {
			continue
		}
		ms := int64(s.Number) * dayMS
		if s.At == 0 {
			ms = s.configured(&e.cfg).Milliseconds()
		}
		s.held(&e.set).Store(ms)
		if s.Name != "horizon" {
			since = max(since, s.At)
		}
	}
	e.set.since.Store(since)
	if e.Judge != nil {
		e.Judge.SetGrace(e.terms().Grace)
	}
	return nil
}

// settingsHeeded is how often a process looks for what another has set.
const settingsHeeded = time.Minute

func (e *Engine) heedSettings(ctx context.Context) {
	every := time.NewTicker(settingsHeeded)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := e.readSettings(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.Warn("cannot read the settings", "error", err.Error()) // those that held go on holding
		}
	}
}

// ChainSettings is the chain that records every change of a setting.
const ChainSettings = "settings"

// SettingChange is its record.
type SettingChange struct {
	What    string `json:"what"` // setting
	Setting string `json:"setting"`
	From    int    `json:"from"`
	To      int    `json:"to"`
}

// Set changes a setting, in the name of somebody whose right to it the caller has proven. It is on record in a chain of its own, holds at once in
// this process, within a minute in others, and phones hear of it with their next sync.
func (e *Engine) Set(ctx context.Context, by syncproto.UserID, name string, to int) error {
	err := e.Store.Write(ctx, func(tx *store.Tx) error {
		list, err := e.Settings(tx)
		if err != nil {
			return err
		}
		var s *Setting
		held := map[string]int{}
		for i := range list {
			if held[list[i].Name] = list[i].Number; list[i].Name == name {
				s = &list[i]
			}
		}
		switch {
		case s == nil:
			return &syncproto.Error{Code: syncproto.CodeNotFound, Op: "set " + name}
		case to < s.Least || to > s.Most:
			zh, en := "天", "days"
			if s.Homes != "" {
				zh, en = "户", "households"
			}
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "set " + name, Message: syncproto.Both("要在 "+strconv.Itoa(s.Least)+" 到 "+strconv.Itoa(s.Most)+" "+zh+"之间。", "It is from "+strconv.Itoa(s.Least)+" to "+strconv.Itoa(s.Most)+" "+en+"."),
				Hint: syncproto.Both("改个数再存。", "Change it and save again.")}
		case s.Number == to:
			return nil
		}
		held[name] = to
		if held["horizon"] < max(held["grace"], held["lease"]) {
			return &syncproto.Error{Code: syncproto.CodeInvalid, Op: "set " + name, Message: syncproto.Both("删除标记要留得比晚到期限和脱机期限都长。", "Marks of deletion must be kept longer than late work counts and than a phone may stay away."),
				Hint: syncproto.Both("先改另外一个。", "Change the other one first.")}
		}
		raw, err := json.Marshal(kept{to, by, tx.Now()})
		if err != nil {
			return err
		}
		record, err := json.Marshal(SettingChange{What: "setting", Setting: name, From: s.Number, To: to})
		if err != nil {
			return err
		}
		return errors.Join(tx.SetMeta(metaSetting(name), string(raw)), tx.Disclose(ChainSettings, "", by, record))
	})
	if err != nil {
		return err
	}
	return e.readSettings(ctx)
}
