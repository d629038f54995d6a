package pages

import (
	"testing"
	"time"

	"minqing/internal/webpage"
	"minqing/internal/webpage/reader"
)

// Every text is there in both languages, and none for nothing.
func TestWordsAndPagesFit(t *testing.T) { reader.WordsFit(t, catalogue) }

func TestWords(t *testing.T) {
	catalogue["test.some"] = words{"": {ZH: "<b>{0}</b> 条，{1}", EN: "<b>{0}</b> change, {1}|<b>{0}</b> changes, {1}"}}[""]
	defer delete(catalogue, "test.some")
	for _, c := range [][2]string{
		{tongue("zh").say("test.some", 1234, "<i>"), "1,234 条，<i>"},
		{string(tongue("zh").html("test.some", 2, "<i>")), "<b>2</b> 条，&lt;i&gt;"},
		{tongue("en").say("test.some", 1, "x"), "1 change, x"},
		{tongue("en").say("test.some", 2, "x"), "2 changes, x"},
		{tongue("zh").of("没有网。\nNo network."), "没有网。"}, {tongue("en").of("没有网。\nNo network."), "No network."},
		{tongue("zh").of("口令不对。\nThe PIN is wrong."), "口令不对。"}, {tongue("en").of("口令不对。\nThe PIN is wrong."), "The PIN is wrong."},
		{tongue("en").of("只有中文。"), "只有中文。"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
	now := time.Date(2026, 11, 23, 10, 42, 0, 0, time.UTC)
	for _, c := range [][2]string{
		{tongue("zh").date("2026-11-09", now), "11月9日"}, {tongue("zh").date("2025-11-09", now), "2025年11月9日"}, {tongue("zh").weekday("2026-11-23", now), "11月23日 周一"},
		{tongue("en").weekday("2026-11-23", now), "Mon 23 Nov"}, {tongue("zh").date("bald", now), "bald"}, {tongue("zh").moment(now, now), "今天 10:42"},
		{tongue("zh").moment(now.AddDate(0, 0, -1), now), "昨天 10:42"}, {tongue("en").moment(now.AddDate(0, -1, 0), now), "23 Oct 10:42"}, {webpage.Count(-1234567), "-1,234,567"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}
