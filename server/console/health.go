package console

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"minqing/server/console/chart"
	"minqing/server/console/health"
	"minqing/server/store"
	"minqing/syncproto"
)

// healthPage says how the server and its fleet are.
type healthPage struct {
	frame
	*health.Report
	Facts   []healthGroup
	Picture template.HTML
	Kinds   []healthKind
	Weeks   []string
	Desk    string // address of the conflict desk
}

type healthGroup struct {
	Title string
	Facts []healthFact
}

// healthFact is one line; Bad says that a hand is needed, with the word for it.
type healthFact struct{ Label, Text, Bad string }

type healthKind struct {
	Label  string
	Opened []int
	Open   int
}

var healthHandlers = map[string]handler{"GET /at/{place}/health": showHealth}

var healthWords = words{
	"nav.health":            {ZH: "运行状况", EN: "Health"},
	"health.server":         {ZH: "服务器", EN: "Server"},
	"health.version":        {ZH: "程序", EN: "Program"},
	"health.memory":         {ZH: "内存", EN: "Memory"},
	"health.database":       {ZH: "数据库", EN: "Database"},
	"health.size":           {ZH: "大小", EN: "Size"},
	"health.schema":         {ZH: "规则书版本", EN: "Rule book"},
	"health.streams":        {ZH: "记录链", EN: "Chains"},
	"health.epoch":          {ZH: "这一纪元从", EN: "This epoch began"},
	"health.queue":          {ZH: "排队", EN: "Queue"},
	"health.syncs":          {ZH: "正在同步的手机", EN: "Syncs under way"},
	"health.listeners":      {ZH: "等着通知的手机", EN: "Phones that listen"},
	"health.uploads":        {ZH: "没传完的照片", EN: "Photos on their way"},
	"health.waits":          {ZH: "等别的改动的改动", EN: "Changes that wait for others"},
	"health.safety":         {ZH: "备份和磁盘", EN: "Backup and disk"},
	"health.backup":         {ZH: "最近的备份", EN: "Last backup"},
	"health.backup.never":   {ZH: "从来没有做过", EN: "never made"},
	"health.backup.old":     {ZH: "太久了，请让管服务器的人做一次备份", EN: "too long ago: have whoever runs the server make one"},
	"health.disk":           {ZH: "磁盘", EN: "Disk"},
	"health.disk.free":      {ZH: "还剩 {0}，一共 {1}", EN: "{0} free of {1}"},
	"health.disk.full":      {ZH: "快满了", EN: "nearly full"},
	"health.unknown":        {ZH: "这台机器不告诉", EN: "this machine does not tell"},
	"health.prometheus":     {ZH: "给监控程序（Prometheus）的数字在", EN: "Figures for Prometheus are at"},
	"health.fleet":          {ZH: "手机，按程序版本和最近联系", EN: "Phones, by version and last contact"},
	"health.fleet.none":     {ZH: "还没有登记手机。", EN: "No phone is enrolled yet."},
	"health.phones":         {ZH: "手机", EN: "Phones"},
	"health.today":          {ZH: "今天", EN: "Today"},
	"health.week":           {ZH: "7 天内", EN: "In 7 days"},
	"health.month":          {ZH: "30 天内", EN: "In 30 days"},
	"health.longer":         {ZH: "更久", EN: "Longer ago"},
	"health.never":          {ZH: "从来没有", EN: "Never"},
	"health.waiting":        {ZH: "没交的（自己说的）", EN: "Unsent (as they said)"},
	"health.skewed":         {ZH: "时钟不准", EN: "Clock off"},
	"health.all":            {ZH: "合计", EN: "All"},
	"health.nosay":          {ZH: "没有说", EN: "did not say"},
	"health.conflicts":      {ZH: "要人定的事，近 12 周每周新出现的", EN: "Conflicts: newly opened, by week"},
	"health.conflicts.d":    {ZH: "近 12 周一共 {0} 件，现在还有 {1} 件等着定。下面的表是同样的数字。", EN: "{0} in 12 weeks, {1} of all waiting now. The table below has the same figures."},
	"health.conflicts.none": {ZH: "近 12 周没有要人定的事。", EN: "Nothing to decide in 12 weeks."},
	"health.kind":           {ZH: "种类", EN: "Kind"},
	"health.open":           {ZH: "等着定", EN: "Waiting"},
	"health.kind.cell":      {ZH: "写得不一样", EN: "Written differently"},
	"health.kind.state":     {ZH: "状态不许再改", EN: "State forbids it"},
	"health.kind.rowrule":   {ZH: "合起来不合规矩", EN: "Together break a rule"},
	"health.kind.delete":    {ZH: "一边删一边改", EN: "Deleted and changed"},
	"health.kind.twin":      {ZH: "可能重复", EN: "Perhaps twins"},
	"health.kind.late":      {ZH: "到得太晚", EN: "Too late"},
	"health.series.words":   {ZH: "写得不一样（含状态、规矩）", EN: "Written differently (state and rules too)"},
	"health.series.delete":  {ZH: "一边删一边改", EN: "Deleted and changed"},
	"health.series.rest":    {ZH: "重复和晚到", EN: "Twins and late work"},
}

// backupOld is after how long a backup is too old, diskFull at how little left (a part of a hundred) a disk is nearly full.
const (
	backupOld = 48 * time.Hour
	diskFull  = 10
)

func showHealth(rq *request) error {
	p := &healthPage{frame: frame{Title: rq.words.say("nav.health"), Nav: "health", Sub: rq.place.Name}, Desk: rq.at("/conflicts")}
	err := rq.app.opt.Engine.Store.Read(rq.Context(), func(tx *store.Tx) (err error) {
		p.Report, err = rq.app.fleets.Read(tx, rq.app.opt.Engine, rq.place.ID, rq.ofCity(), rq.now)
		return err
	})
	if err != nil {
		return err
	}
	if p.Server != nil {
		p.Facts = rq.healthFacts(p.Server)
	}
	for i := range p.Fleet {
		if p.Fleet[i].Name == "" {
			p.Fleet[i].Name = rq.words.say("health.nosay")
		}
	}
	rq.healthConflicts(p)
	return rq.show("health", p)
}

func (rq *request) healthFacts(s *health.Server) []healthGroup {
	l := rq.words
	database := "SQLite"
	if s.Postgres {
		database = "PostgreSQL"
	}
	backup := healthFact{Label: l.say("health.backup"), Text: l.say("health.backup.never"), Bad: l.say("health.backup.old")}
	if !s.Backup.IsZero() {
		backup.Text = l.moment(s.Backup, rq.now) + " (" + l.ago(s.Backup, rq.now) + ")"
		if rq.now.Sub(s.Backup) <= backupOld {
			backup.Bad = ""
		}
	}
	disk := healthFact{Label: l.say("health.disk"), Text: l.say("health.unknown")}
	if s.DiskTold {
		disk.Text = l.say("health.disk.free", bytesText(s.DiskFree), bytesText(s.DiskSize))
		if s.DiskFree*100 < s.DiskSize*diskFull {
			disk.Bad = l.say("health.disk.full")
		}
	}
	return []healthGroup{
		{l.say("health.server"), []healthFact{{Label: l.say("health.version"), Text: strings.TrimPrefix(s.Version+" ", " ") + s.Go + " " + s.System}, {Label: l.say("health.memory"), Text: bytesText(int64(s.Memory))}}},
		{l.say("health.database"), []healthFact{{Label: l.say("health.database"), Text: database}, {Label: l.say("health.size"), Text: bytesText(s.Database)},
			{Label: l.say("health.schema"), Text: fmt.Sprint(s.Schema)}, {Label: l.say("health.streams"), Text: fmt.Sprint(s.Streams)}, {Label: l.say("health.epoch"), Text: l.moment(s.Epoch, rq.now)}}},
		{l.say("health.queue"), []healthFact{{Label: l.say("health.syncs"), Text: fmt.Sprint(s.Syncs)}, {Label: l.say("health.listeners"), Text: fmt.Sprint(s.Listeners)},
			{Label: l.say("health.uploads"), Text: fmt.Sprint(s.Uploads)}, {Label: l.say("health.waits"), Text: fmt.Sprint(s.Waiting)}}},
		{l.say("health.safety"), []healthFact{backup, disk}},
	}
}

// bytesText writes a size: 1.2 GB.
func bytesText(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v := float64(n)
	at := 0
	for v >= 1000 && at < len(units)-1 {
		v, at = v/1000, at+1
	}
	if at == 0 || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, units[at])
	}
	return fmt.Sprintf("%.1f %s", v, units[at])
}

// healthSeries are the kinds that one row of bars tells.
var healthSeries = []struct {
	key   string
	kinds []syncproto.ItemKind
}{{"words", []syncproto.ItemKind{syncproto.ItemCell, syncproto.ItemState, syncproto.ItemRowRule}}, {"delete", []syncproto.ItemKind{syncproto.ItemDelete}},
	{"rest", []syncproto.ItemKind{syncproto.ItemTwin, syncproto.ItemLate}}}

func (rq *request) healthConflicts(p *healthPage) {
	total, open := 0, 0
	for _, w := range p.Conflicts.Weeks {
		p.Weeks = append(p.Weeks, rq.words.date(w.Format(time.DateOnly), rq.now))
	}
	series := make([]chart.Series, len(healthSeries))
	for i, s := range healthSeries {
		series[i] = chart.Series{Name: rq.words.say("health.series." + s.key), Values: make([]int, len(p.Weeks))}
	}
	for _, k := range p.Conflicts.Kinds {
		p.Kinds = append(p.Kinds, healthKind{Label: rq.words.say("health.kind." + string(k.Kind)), Opened: k.Opened, Open: k.Open})
		open += k.Open
		for w, n := range k.Opened {
			total += n
			for i, s := range healthSeries {
				if slices.Contains(s.kinds, k.Kind) {
					series[i].Values[w] += n
				}
			}
		}
	}
	if len(p.Kinds) > 0 {
		p.Picture = chart.Bars("conflicts", rq.words.say("health.conflicts"), rq.words.say("health.conflicts.d", total, open), p.Weeks, series, len(p.Weeks), func(int, int) string { return p.Desk })
	}
}
