package syncproto

// AppOffer is the answer of GET /v1/app, and the file that stands beside the package in the server's folder: the package for phones that
// enrolled devices may fetch from /v1/app/file.
type AppOffer struct {
	Version int    `json:"version"` // versionCode: a phone is offered a greater one than its own
	Name    string `json:"name"`    // as people say it
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"` // of the file, hex
	Signer  string `json:"signer"` // SHA-256 of the certificate that signed it, hex
}
