package codec

import (
	"strconv"

	"minqing/syncproto"
)

func (w *Writer) hello(h *syncproto.Hello) {
	o := w.open("hello").count("protocol", uint64(h.Protocol)).count("schema", uint64(h.Schema)).textKey("device", string(h.Device))
	o.textKey("cursor", h.Cursor).textKey("resume", h.Resume).digest("root", h.Root).count("next", h.Next)
	if len(h.Heads) > 0 {
		o.key("heads")
		writeTexts(o, h.Heads)
	}
	o.textKey("offer", string(h.Offer)).count("waiting", uint64(h.Waiting)).textKey("client", h.Client).close(w)
}

// held writes a long list as several lines; an empty one is said too, for it means that nothing is held.
func (w *Writer) held(buckets []syncproto.BucketID) {
	for first := true; first || len(buckets) > 0; first = false {
		n := min(len(buckets), syncproto.BucketsPerLine)
		w.b = append(w.b, `{"held":`...)
		w.list(n, func(i int) { w.texts(buckets[i].Scope, buckets[i].Period) })
		w.b = append(w.b, '}')
		w.endLine()
		buckets = buckets[n:]
	}
}

func (w *Writer) probe(p *syncproto.Probe) {
	o := w.open("probe").bucket(p.ID)
	if len(p.Prefixes) > 0 {
		o.key("prefixes")
		writeTexts(o, p.Prefixes)
	}
	if len(p.Rows) > 0 {
		o.key("rows")
		w.list(len(p.Rows), func(i int) { w.texts(p.Rows[i].Table, string(p.Rows[i].ID)) })
	}
	o.flag("refill", p.Refill).close(w)
}

func (w *Writer) welcome(f *syncproto.Welcome) {
	o := w.open("welcome").count("protocol", uint64(f.Protocol)).count("schema", uint64(f.Schema)).textKey("epoch", string(f.Epoch))
	o.number("now", f.Now).number("grace", f.Grace).number("lease", f.Lease).flag("resumed", f.Resumed).close(w)
}

func (w *Writer) gone(g *syncproto.Gone) {
	o := w.open("gone").textKey("table", g.Table).textKey("id", string(g.ID)).flag("deleted", g.Deleted)
	if g.Deleted && g.Label.Epoch != w.epoch {
		o.textKey("epoch", string(g.Label.Epoch))
	}
	o.count("rev", g.Label.Rev).close(w)
}

func (w *Writer) ranges(g *syncproto.Ranges) {
	o := w.open("ranges").bucket(g.ID).textKey("prefix", g.Prefix).count("width", uint64(g.Width))
	if g.Width > 0 {
		o.textKey("sums", packSums(g.Sums)).close(w)
		return
	}
	o.key("rows")
	w.list(len(g.Rows), func(i int) {
		r := &g.Rows[i]
		w.texts(r.Table, string(r.ID), hex16(r.Sum))
	})
	o.close(w)
}

func hex16(n uint64) string {
	s := strconv.FormatUint(n, 16)
	return "0000000000000000"[len(s):] + s
}

func (w *Writer) checkpoint(c *syncproto.Checkpoint) {
	states := c.Buckets
	for len(states) > syncproto.BucketsPerLine {
		w.b = append(w.b, `{"states":`...)
		w.states(states[:syncproto.BucketsPerLine])
		w.b = append(w.b, '}')
		w.endLine()
		states = states[syncproto.BucketsPerLine:]
	}
	o := w.open("checkpoint").textKey("cursor", c.Cursor)
	if len(states) > 0 {
		o.key("buckets")
		w.states(states)
	}
	o.digest("root", c.Root)
	if len(c.Safe) > 0 {
		o.key("safe")
		writeTexts(o, c.Safe)
	}
	o.flag("more", c.More).close(w)
	w.inside = false
}

func (w *Writer) states(states []syncproto.BucketState) {
	w.list(len(states), func(i int) {
		s := &states[i]
		w.b = append(w.b, '[')
		w.text(s.ID.Scope)
		w.b = append(w.b, ',')
		w.text(s.ID.Period)
		w.b = strconv.AppendInt(append(w.b, ','), int64(s.Rows), 10)
		w.b = append(w.b, ',')
		w.list(len(s.Digests), func(k int) { w.text(s.Digests[k].String()) })
		w.b = append(w.b, ']')
	})
}

func (w *Writer) failure(f *syncproto.Failure) {
	o := w.open("failure").textKey("code", string(f.Code)).textKey("message", f.Message).textKey("hint", f.Hint)
	o.number("retry", int64(f.RetryAfter))
	if len(f.Known) > 0 {
		o.key("known")
		writeTexts(o, f.Known)
	}
	o.textKey("ticket", f.Ticket).close(w)
}

func (w *Writer) verdict(v *syncproto.Verdict) {
	o := w.open("verdict").count("number", v.Number).textKey("identity", string(v.Identity)).textKey("status", string(v.Status))
	o.flag("late", v.Late).textKey("code", string(v.Code)).textKey("message", v.Message).textKey("waits", string(v.Waits))
	if len(v.Items) > 0 {
		o.key("items")
		w.list(len(v.Items), func(i int) {
			n := &v.Items[i]
			w.b = append(w.b, '{')
			inner := &object{w: w}
			inner.textKey("item", n.Item).textKey("table", n.Table).textKey("row", string(n.Row)).textKey("cell", n.Cell)
			inner.textKey("kind", string(n.Kind)).textKey("outcome", n.Outcome)
			w.b = append(w.b, '}')
		})
	}
	if len(v.Merges) > 0 {
		o.key("merges")
		w.list(len(v.Merges), func(i int) {
			n := &v.Merges[i]
			w.b = append(w.b, '{')
			inner := &object{w: w}
			inner.textKey("table", n.Table).textKey("row", string(n.Row)).textKey("cell", n.Cell).textKey("rule", string(n.Rule)).flag("shows", n.Shows)
			w.b = append(w.b, '}')
		})
	}
	if len(v.Labels) > 0 {
		o.key("labels")
		w.list(len(v.Labels), func(i int) {
			l := &v.Labels[i]
			w.b = append(w.b, '[')
			w.text(string(l.Row))
			w.b = append(w.b, ',')
			w.text(string(l.Label.Epoch))
			w.b = strconv.AppendUint(append(w.b, ','), l.Label.Rev, 10)
			w.b = append(w.b, ']')
		})
	}
	o.textKey("mended", string(v.MendedBy))
	if len(v.People) > 0 {
		o.key("people")
		w.list(len(v.People), func(i int) {
			n := &v.People[i]
			w.b = append(w.b, '{')
			inner := &object{w: w}
			inner.textKey("row", string(n.Row)).textKey("cell", n.Cell).textKey("part", string(n.Part)).textKey("name", n.Name).textKey("post", n.Post)
			inner.textKey("role", string(n.Role)).number("at", n.At)
			w.b = append(w.b, '}')
		})
	}
	o.close(w)
}
