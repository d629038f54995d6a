package sim

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"minqing/internal/simdisk"
	"minqing/internal/sqlitex/crypt"
	"minqing/internal/sqlitex/vfs"
	"minqing/mobile-client/replica"
)

// inspectPlain looks for what its reader may not know in answers that are no stream of frames, errors above all, and in the header of every
// answer; inspect looks into the streams.
func (w *world) inspectPlain(a *answer) {
	m := &a.marks[len(a.marks)-1]
	var head bytes.Buffer
	if err := a.header.Write(&head); err != nil {
		w.must(err, "write a header")
	}
	w.search(a, m, head.Bytes())
	if a.code != http.StatusOK || !strings.Contains(a.header.Get("Content-Type"), "ndjson") {
		for line := range bytes.SplitSeq(a.unpack(a.buf.Len()), []byte{'\n'}) {
			w.search(a, m, line)
		}
	}
}

// ownWords are the words in what the user wrote and the server has not accepted: the hand-over box keeps them, with what of others'
// words he left standing in a text.
func (p *phone) ownWords() map[string]bool {
	return p.wordsOf(replica.Pending, replica.Refused, replica.Withdrawn)
}

// wordsOf are the words in the user's changes of some states, or of all.
func (p *phone) wordsOf(states ...replica.State) map[string]bool {
	out := map[string]bool{}
	list, err := p.rep.Entries(context.Background(), states...)
	p.w.must(err, "entries of "+p.name)
	for _, e := range list {
		for _, word := range canaries.FindAll(e.Change.Content, -1) {
			out[string(word)] = true
		}
	}
	return out
}

// checkFile looks in every byte of the phone's files for words of rows that it may not hold. Encrypted files show none at all, and are then
// read with the key: what lies in a free page or an old frame of the log was not forgotten.
func (p *phone) checkFile(c *cut) {
	if c.more {
		return
	}
	own := p.ownWords()
	var kept map[string]bool
	if len(c.view.Erased) > 0 {
		kept = p.wordsOf()
	}
	look := func(name string, data []byte) {
		for _, word := range canaries.FindAll(data, -1) {
			t := p.w.tokens[string(word)]
			if t == nil || t.user == p.userID() || own[string(word)] {
				continue
			}
			if c.view.Erased[t.row] && !kept[string(word)] { // what he wrote he keeps till backups reach past it, as anything that he wrote
				p.w.violate(iConfidentiality, "%s of %s holds the word %s of the row %s, which was erased by law", name, p.name, word, t.row)
			}
			if !p.w.readable(c.view, c.can, t, string(word)) {
				p.w.violate(iConfidentiality, "%s of %s holds the word %s of the row %s, which its user may not see", name, p.name, word, t.row)
			}
		}
	}
	if !p.kind.encrypted {
		p.disk.Walk(look)
		return
	}
	p.disk.Walk(func(name string, data []byte) {
		if word := canaries.Find(data); word != nil {
			p.w.violate(iConfidentiality, "%s of %s is encrypted, and shows the word %s", name, p.name, word)
		}
	})
	files := p.decrypted()
	for _, name := range sortedKeys(files) {
		look(name+", decrypted,", files[name])
	}
}

// decrypted are the phone's database and the log beside it, as its key opens them.
func (p *phone) decrypted() map[string][]byte {
	disk := simdisk.New()
	disk.Restore(phonePath, p.disk.Clone(phonePath, false))
	keyed, err := crypt.Wrap(disk.VFS(), phoneKey)
	p.w.must(err, "open the files of "+p.name)
	tls := libc.NewTLS()
	defer tls.Close()
	out := map[string][]byte{}
	for name, kind := range map[string]int32{phonePath: sqlite3.SQLITE_OPEN_MAIN_DB, phonePath + "-wal": sqlite3.SQLITE_OPEN_WAL} {
		f, _, rc := keyed.Open(tls, name, kind|sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE)
		if rc != vfs.OK {
			p.w.violate(iSound, "%s of %s does not open with its key: code %d", name, p.name, rc)
		}
		size, rc := f.Size(tls)
		if rc != vfs.OK {
			p.w.violate(iSound, "%s of %s has no size: code %d", name, p.name, rc)
		}
		data := make([]byte, size)
		n, rc := f.ReadAt(tls, data, 0)
		if rc != vfs.OK {
			p.w.violate(iSound, "%s of %s cannot be read: code %d", name, p.name, rc)
		}
		out[name] = data[:n]
		f.Close(tls)
	}
	return out
}
