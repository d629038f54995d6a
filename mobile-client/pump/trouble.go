package pump

import (
	"crypto/tls"
	"errors"
	"net/http"

	"minqing/mobile-client/syncer"
	"minqing/syncproto"
)

// Trouble is why a sync did not go through, as a person can understand it. The pages have a sentence for each.
type Trouble string

// The troubles.
const (
	Fine    Trouble = ""
	Offline Trouble = "offline" // nobody answers
	Portal  Trouble = "portal"  // the network shows its own page: sign in first
	Foreign Trouble = "foreign" // something answers that is not our server
	Cert    Trouble = "cert"    // the certificate does not fit the name, or nobody vouches for it
	Unknown Trouble = "unknown" // 401: the server does not know this phone any more
	Denied  Trouble = "denied"  // 403
	Old     Trouble = "old"     // 426: the program is too old
	Busy    Trouble = "busy"    // 429
	Broken  Trouble = "broken"  // 500, or a full disk there
	Other   Trouble = "other"   // on this phone itself
)

// TroubleOf tells what an error of a sync means.
func TroubleOf(err error) Trouble {
	if err == nil {
		return Fine
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return Cert
	}
	var odd *syncer.Strange
	if errors.As(err, &odd) {
		return strange(odd)
	}
	var e *syncproto.Error
	if !errors.As(err, &e) {
		return Other
	}
	switch e.Code {
	case syncproto.CodeUnavailable:
		return Offline
	case syncproto.CodeAuth:
		return Unknown
	case syncproto.CodeForbidden:
		return Denied
	case syncproto.CodeUpgrade:
		return Old
	case syncproto.CodeBusy:
		return Busy
	case syncproto.CodeInternal, syncproto.CodeFull:
		return Broken
	}
	return Other
}

func strange(s *syncer.Strange) Trouble {
	switch s.Status {
	case http.StatusUnauthorized:
		return Unknown
	case http.StatusForbidden:
		return Denied
	case http.StatusUpgradeRequired:
		return Old
	case http.StatusTooManyRequests:
		return Busy
	case http.StatusNetworkAuthenticationRequired:
		return Portal
	}
	switch {
	case s.Status >= 500 && !s.Page:
		return Broken
	case s.Status < 400: // a redirect, or a page in the place of our answer
		return Portal
	}
	return Foreign
}
