package sheet

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"minqing/schema"
	"minqing/syncproto"
)

const (
	// maxDirectory bounds what may be read to list the parts of a package: some 20,000 parts, where a workbook has 20.
	maxDirectory = 2 << 20
	// maxRatio is beyond what sheets reach (15 with text, 60 with nothing but formatted blanks), below what bombs need (1,000).
	maxRatio = 250
	// ratioFrom lets small parts compress as they like.
	ratioFrom = 32 << 20
	// maxToken bounds one XML tag or text: the longest cell, every character escaped.
	maxToken = 1 << 20
	// maxSmallPart bounds the parts that describe the workbook.
	maxSmallPart = 64 << 20
)

var (
	errToken   = errors.New("an XML tag or text is too long")
	savedAgain = label("请用 Excel 或 WPS 打开它，另存为 .xlsx，再导入。", "Open it in Excel or WPS, save it as .xlsx, and import that.")
)

// parts is an opened OOXML package: a zip archive of XML parts.
type parts struct {
	byName map[string]*zip.File // lower-case path without leading slash
	limits Limits
}

// budget lets a reader take only so much, whatever the file says of itself.
type budget struct {
	r     io.ReaderAt
	left  int64
	spent bool
	off   bool
}

func (b *budget) ReadAt(p []byte, at int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 && !b.off {
		b.spent = true
		return 0, errToken
	}
	return b.r.ReadAt(p, at)
}

// openParts lists the parts and refuses archives that unpack to more than they should.
func openParts(r io.ReaderAt, size int64, limits Limits) (*parts, error) {
	const op = "open archive"
	b := &budget{r: r, left: maxDirectory}
	z, err := zip.NewReader(b, size)
	if err != nil {
		if b.spent {
			return nil, refusal(syncproto.CodeTooLarge, op, label("这个文件里的部件太多，不像一张表格。", "The file has more parts than any workbook."), savedAgain)
		}
		return nil, damaged(op, err)
	}
	b.off = true // what follows is limited part by part
	p := &parts{byName: map[string]*zip.File{}, limits: limits}
	for _, f := range z.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if p.byName[name] != nil {
			return nil, damaged(op, fmt.Errorf("two parts are called %s", name))
		}
		p.byName[name] = f
		if f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/max(1, f.CompressedSize64) > maxRatio {
			return nil, bomb(op, f.UncompressedSize64)
		}
	}
	return p, nil
}

func bomb(op string, unpacked uint64) error {
	return refusal(syncproto.CodeTooLarge, op,
		label(fmt.Sprintf("这个文件解开后有 %d MB，不像正常的表格，没有打开。", unpacked>>20), fmt.Sprintf("The file unpacks to %d MB, as no table does, and was not opened.", unpacked>>20)),
		label("请核对来源；如果是真的登记表，请删掉空白的格式后另存，或者分成几个文件。", "Check where it comes from; if it is a real register, clear the formats of blank cells and save it again, or split it."))
}

func damaged(op string, err error) error {
	e := refusal(syncproto.CodeInvalid, op, label("这个表格文件坏了，读不全，所以一行也没有导入。", "The file is damaged and cannot be read whole, so not one row was taken."), savedAgain)
	e.Err = err
	return e
}

func (p *parts) has(name string) bool { return p.byName[strings.ToLower(name)] != nil }

// size is the declared size of a part; archive/zip holds the part to it.
func (p *parts) size(name string) uint64 {
	if f := p.byName[strings.ToLower(name)]; f != nil {
		return f.UncompressedSize64
	}
	return 0
}

func (p *parts) open(name string) (io.ReadCloser, error) {
	f := p.byName[strings.ToLower(name)]
	if f == nil {
		return nil, damaged("open "+name, errors.New("the part is missing"))
	}
	r, err := f.Open()
	if err != nil {
		return nil, damaged("open "+name, err)
	}
	return r, nil
}

// tokens reads the XML of a part token by token. Names have their prefix apart, unresolved: the local name says enough here, and
// the strict and the transitional form of OOXML differ in nothing else. Nesting costs no memory.
type tokens struct {
	name string
	part io.ReadCloser
	xml  *xml.Decoder
	left int // bytes that the current token may still take
}

func (p *parts) tokens(name string) (*tokens, error) {
	part, err := p.open(name)
	if err != nil {
		return nil, err
	}
	t := &tokens{name: name, part: part}
	t.xml = xml.NewDecoder(t)
	return t, nil
}

// Read feeds the decoder.
func (t *tokens) Read(b []byte) (int, error) {
	if t.left <= 0 {
		return 0, errToken
	}
	n, err := t.part.Read(b[:min(len(b), t.left)])
	t.left -= n
	return n, err
}

// next gives the next token, valid until the next call, and io.EOF at the end.
func (t *tokens) next() (xml.Token, error) {
	t.left = maxToken
	tok, err := t.xml.RawToken()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, damaged("read "+t.name, err)
	}
	return tok, nil
}

func (t *tokens) close() { shut(t.part) }

// shut closes what was only read: by then nothing can be lost by an error.
func shut(part io.Closer) { _ = part.Close() }

// each calls f for every start tag of a small part.
func (p *parts) each(name string, f func(xml.StartElement) error) error {
	if p.size(name) > maxSmallPart {
		return bomb("read "+name, p.size(name))
	}
	t, err := p.tokens(name)
	if err != nil {
		return err
	}
	defer t.close()
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := tok.(xml.StartElement); ok {
			if err := f(start); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// relation is one link of a part to another.
type relation struct {
	kind   string // the last element of the type's address
	target string // path of the part
}

// relations reads the links of a part ("" for the package itself), by id.
func (p *parts) relations(of string) (map[string]relation, error) {
	dir, base := path.Split(of)
	name := dir + "_rels/" + base + ".rels"
	out := map[string]relation{}
	if !p.has(name) {
		return out, nil
	}
	err := p.each(name, func(e xml.StartElement) error {
		if e.Name.Local != "Relationship" || attr(e, "TargetMode") == "External" {
			return nil
		}
		target := strings.ReplaceAll(attr(e, "Target"), `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		out[attr(e, "Id")] = relation{kind: path.Base(attr(e, "Type")), target: strings.TrimPrefix(path.Clean(target), "/")}
		return nil
	})
	return out, err
}

// unreadable is the refusal of a kind of file.
func unreadable(what schema.Label) error {
	return refusal(syncproto.CodeInvalid, "recognise", what, savedAgain)
}
