package syncproto

import "minqing/schema"

// Code is the kind of an error or refusal: a small set, shared by both sides, only ever added to. PROTOCOL.md lists what each
// means and what a client does about it.
type Code string

// The codes.
const (
	CodeInvalid     Code = "invalid"     // a value, frame or request that breaks a rule; mend it
	CodeForbidden   Code = "forbidden"   // no right, or no such thing: the two look alike
	CodeState       Code = "state"       // the row's state, as the author saw it, forbids the edit
	CodeWaits       Code = "waits"       // builds on a change that is refused, or on a row that is not there yet
	CodeUnknown     Code = "unknown"     // a table or column that this server's schema does not have yet
	CodeLate        Code = "late"        // beyond the grace period: in the inbox, somebody must look at it
	CodeAuth        Code = "auth"        // no valid token or signature
	CodeRevoked     Code = "revoked"     // the device was revoked: escrow, then wipe
	CodeUpgrade     Code = "upgrade"     // the client speaks a protocol too old
	CodeBusy        Code = "busy"        // come again after RetryAfter
	CodeTooLarge    Code = "too-large"   // a limit of limits.go was passed
	CodeCopied      Code = "copied"      // the file was restored or copied: take a new id, rename, push again
	CodeFork        Code = "fork"        // the server lacks a chain head that the device holds: offer everything again
	CodeCursor      Code = "cursor"      // a cursor that this server did not seal, or that went back
	CodeHeld        Code = "held"        // the server does not know the digest of buckets held: send the list
	CodeFull        Code = "full"        // the disk is full; nothing was taken
	CodeUnavailable Code = "unavailable" // cannot answer now
	CodeInternal    Code = "internal"
	CodeConflict    Code = "conflict"  // the thing was changed or used by somebody else meanwhile (enrolment codes, inbox decisions)
	CodeNotFound    Code = "not-found" // administration commands only, where existence is no secret
)

// Error is the one error type of both sides: Message is a sentence for the person, Hint what to do; Err is for the log only.
type Error struct {
	Code       Code
	Op         string // the operation and its arguments, for the log
	Message    string // of Both
	Hint       string // of Both
	RetryAfter int    // seconds, for CodeBusy and CodeUnavailable
	Err        error
}

// Error gives operation, code and cause: for logs, not for people.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Message != "" {
		s += ": " + schema.OneLine(e.Message)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Both is a text for people: the Chinese, a line feed, the English, each in whole sentences. Every Message and Hint is made by it,
// and schema.ReadBoth takes it apart for whoever shows it.
func Both(zh, en string) string { return schema.Label{ZH: zh, EN: en}.Both() }
