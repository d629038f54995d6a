package admin

import (
	"errors"

	"minqing/syncproto"
)

// codeOf is the code of an error, "" when it has none.
func codeOf(err error) syncproto.Code {
	var e *syncproto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
