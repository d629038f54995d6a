package courier

import (
	"bytes"
	"fmt"

	"minqing/syncproto"
)

// contentLine is the first line of a file with the content of one attachment, and the purpose of its box.
const contentLine = "minqing content 1 x25519\n"

// PackContent makes a file that anybody can carry and only the server can read: the content of an attachment that its device cannot send
// any more. It needs no signature: the row that the server accepted says what the content must be.
func PackContent(to string, row syncproto.RowID, content []byte) ([]byte, error) {
	box, err := Seal(to, contentLine, append([]byte(string(row)+"\n"), content...))
	return append([]byte(contentLine), box...), err
}

// IsContent tells a file with a content from a bundle.
func IsContent(file []byte) bool { return bytes.HasPrefix(file, []byte(contentLine)) }

// OpenContent reads one.
func OpenContent(file, private []byte) (row syncproto.RowID, content []byte, err error) {
	plain, err := Open(private, contentLine, bytes.TrimPrefix(file, []byte(contentLine)))
	if err != nil {
		return "", nil, err
	}
	head, content, ok := bytes.Cut(plain, []byte("\n"))
	if !ok {
		return "", nil, &syncproto.Error{Code: syncproto.CodeInvalid, Op: "open a content", Message: syncproto.Both("这份文件坏了。", "The file is damaged."), Hint: syncproto.Both("从手机上重新取一份。", "Take it from the phone again."),
			Err: fmt.Errorf("no line names a row")}
	}
	return syncproto.RowID(head), content, nil
}
