package syncer

import (
	"bufio"
	"context"
	"net/http"
	"strings"
)

// Wait listens until the server has something for this device, and tells whether it said so; false without an error means that the
// server closed the stream. The first event says only that the stream stands, so it is not waited for.
func (s *Syncer) Wait(ctx context.Context) (woken bool, err error) {
	resp, err := s.send(ctx, http.MethodGet, "/v1/sync/events", nil, http.Header{"Accept": {"text/event-stream"}})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, problem(resp)
	}
	lines := bufio.NewScanner(resp.Body)
	for events := 0; lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "event: sync") {
			continue
		}
		if events++; events > 1 {
			return true, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, broken(err)
	}
	return false, nil
}
