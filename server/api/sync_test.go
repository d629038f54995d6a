package api

import "testing"

func TestAnswersAreWrittenInWhatTheClientTakes(t *testing.T) {
	for accept, want := range map[string]string{"": "identity", "gzip": "gzip", "gzip, zstd": "zstd", "br;q=1, gzip;q=0.5": "gzip",
		"zstd;q=0, gzip": "gzip", "zstd; q=0.0, gzip;q=0": "identity", "zstd;q=0.001": "zstd"} {
		if got := choose(accept); got != want {
			t.Errorf("to a client that accepts %q the answer is %s, want %s", accept, got, want)
		}
	}
}
