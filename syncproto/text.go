package syncproto

import "minqing/syncproto/internal/strict"

// clip shortens input for a message.
func clip(s string) string { return strict.Clip(s) }
