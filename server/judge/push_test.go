package judge_test

import (
	"testing"

	"minqing/syncproto"
)

func TestOnePhoneWorks(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ann := w.phone("ann")
		v := ann.do(w.create("thing", "t1", "household", "@h1", "name", "门前路", "total", 3, "tags", []string{"red"}))
		ann.wants(v, syncproto.Applied, "")
		if len(v.Labels) != 1 || v.Labels[0].Label.Rev != 1 || len(w.last.Head.Streams) != 1 {
			t.Errorf("labels %v, head %v", v.Labels, w.last.Head)
		}
		w.shows("thing", "t1", "name", "门前路")
		w.shows("thing", "t1", "total", 3)
		w.shows("thing", "t1", "state", "open")
		ann.wants(ann.do(w.update("thing", "t1", "name", "门前的路", "total", 4)), syncproto.Applied, "")
		w.shows("thing", "t1", "name", "门前的路")
		w.shows("thing", "t1", "total", 7)
		ann.wants(ann.do(w.remove("thing", "t1")), syncproto.Applied, "")
		w.shows("thing", "t1", "name", nil)
		if r := w.row("t1"); r.Dead == 0 || r.Label.Rev != 3 {
			t.Errorf("the mark of the dead row is %+v", r)
		}
	})
}
