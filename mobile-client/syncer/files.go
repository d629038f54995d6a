package syncer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"

	"minqing/syncproto"
)

// Files sends one request about the content of an attachment (PROTOCOL.md, section 21) and gives an answer that is no error. The caller
// closes its body.
func (s *Syncer) Files(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	for again := false; ; again = true {
		resp, err := s.filesOnce(ctx, method, path, body, header)
		if again || codeOf(err) != syncproto.CodeAuth || s.token == "" {
			return resp, err
		}
		s.token = "" // it ran out
	}
}

func (s *Syncer) filesOnce(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	resp, err := s.signed(ctx, method, path, body, header, func(req *http.Request, token string) []byte {
		if method == http.MethodGet {
			return syncproto.RequestText(method, req.URL.RequestURI(), token, nil)
		}
		u := syncproto.UploadRequest{Method: method, Path: req.URL.RequestURI(), Token: token, Body: sha256.Sum256(body), Offset: req.Header.Get("Upload-Offset"),
			Length: req.Header.Get("Upload-Length"), Metadata: req.Header.Get("Upload-Metadata")}
		if len(body) > 0 {
			req.Header.Set(syncproto.DigestHeader, syncproto.ContentDigest(u.Body))
		}
		return u.Text()
	})
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return resp, err
	}
	defer resp.Body.Close()
	if method != http.MethodHead {
		return nil, problem(resp)
	}
	// The answer to a HEAD has no body to say more.
	e := &syncproto.Error{Code: syncproto.CodeUnavailable, Op: fmt.Sprintf("files: HEAD: status %d", resp.StatusCode), Message: syncproto.Both("服务器现在没有回应。", "The server does not answer now."),
		Hint: syncproto.Both("过一会儿再试。", "Try again later.")}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		e.Code = syncproto.CodeAuth
	case http.StatusForbidden, http.StatusNotFound:
		e.Code = syncproto.CodeForbidden
	}
	return nil, e
}
