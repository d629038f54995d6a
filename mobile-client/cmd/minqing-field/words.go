package main

import (
	"fmt"
	"strings"

	"minqing/mobile-client/replica"
	"minqing/schema"
	"minqing/syncproto"
)

// statusWords are what people call the fates of a change (LOOK, words).
var statusWords = map[syncproto.Status]schema.Label{
	syncproto.Applied:    {ZH: "已上传", EN: "applied"},
	syncproto.Merged:     {ZH: "已合并", EN: "merged"},
	syncproto.Conflicted: {ZH: "等决定", EN: "waiting for a decision"},
	syncproto.Refused:    {ZH: "未通过", EN: "refused"},
}

// busyWords stand in the notification while a sync runs.
var busyWords = schema.Label{ZH: "正在同步", EN: "Syncing"}

// noticeWords say what happened, what holds now and who does what next.
var noticeWords = map[replica.NoticeKind]schema.Label{
	replica.NoticeRefused:    {ZH: "服务器没有接受，您写的都在，改好再传就行", EN: "the server did not accept it; your words are kept, mend and send again"},
	replica.NoticeOutvoted:   {ZH: "采用了别人写的，您写的留着，点开能看", EN: "another's words stand; yours are kept and can be seen"},
	replica.NoticeOpen:       {ZH: "和别人写得不一样，先按原来的用，等管理员定", EN: "it differs from another's; the old value holds until an administrator decides"},
	replica.NoticeDecided:    {ZH: "管理员定了，采用您写的", EN: "decided: your words stand"},
	replica.NoticeUnreadable: {ZH: "别的程序写的值存不下，原样留着", EN: "a value written by another program could not be kept in its place; it is noted here"},
	replica.NoticeTriggers:   {ZH: "有人去掉了记录改动的装置，已经装回", EN: "capture had been removed from the file and was put back"},
	replica.NoticeBoxed:      {ZH: "这户已不在本机，没传的放在移交箱里，照样会传", EN: "that household left this device; what was unsent waits in the hand-over box and still goes up"},
	replica.NoticeRepaired:   {ZH: "有一处和服务器不一样，已经自动修好", EN: "something differed from the server and repaired itself"},
	replica.NoticeCopied:     {ZH: "数据文件被复制过，本机换了新编号，内容一条不少", EN: "the file had been copied; this device took a new id, nothing is lost"},
	replica.NoticeFork:       {ZH: "服务器从备份恢复过，本机的内容重新交了一遍", EN: "the server went back to a backup; this device offered everything again"},
}

// aboutFate are the notices that tellFates tells already.
var aboutFate = map[replica.NoticeKind]bool{replica.NoticeRefused: true, replica.NoticeOutvoted: true, replica.NoticeOpen: true, replica.NoticeDecided: true}

// lastNotice is where the notices stand before a sync.
func (a *app) lastNotice(r *replica.Replica) (int64, error) {
	all, err := r.Notices(a.ctx, true)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].Ord, nil
}

// tellNotices prints what came up after a notice.
func (a *app) tellNotices(r *replica.Replica, after int64) error {
	all, err := r.Notices(a.ctx, true)
	if err != nil {
		return err
	}
	for _, n := range all {
		if n.Ord > after && !aboutFate[n.Kind] {
			fmt.Fprintln(a.out, "  "+a.notice(r, n))
		}
	}
	return nil
}

// noticed is a notice with what became of its change, as long as the file knows: who wrote beside, who decides or decided.
func (a *app) noticed(r *replica.Replica, n replica.Notice, told fates) string {
	if f := told[n.Identity]; aboutFate[n.Kind] && f != "" {
		if t := r.Book().Table(n.Table); t != nil {
			return a.label(t.Label) + "：" + f
		}
		return f
	}
	return a.notice(r, n)
}

func (a *app) notice(r *replica.Replica, n replica.Notice) string {
	var b strings.Builder
	if t := r.Book().Table(n.Table); t != nil {
		b.WriteString(a.label(t.Label))
		if cell := r.Book().Cell(n.Table, n.Cell); cell != nil {
			b.WriteString("“" + a.label(cell.Columns[0].Label) + "”")
		}
		b.WriteString("：")
	}
	b.WriteString(a.label(noticeWords[n.Kind]))
	if n.Text != "" && (n.Kind == replica.NoticeRefused || n.Kind == replica.NoticeUnreadable) {
		b.WriteString("（" + a.label(schema.ReadBoth(n.Text)) + "）")
	}
	return b.String()
}
