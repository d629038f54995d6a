package replica

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
)

func TestOnlyAnEndedProcessIsGone(t *testing.T) {
	process := exec.Command(os.Args[0], "-test.run=^$")
	if err := process.Run(); err != nil {
		t.Fatal(err)
	}
	for holder, want := range map[string]bool{
		"aa " + strconv.Itoa(os.Getpid()):         false,
		"aa " + strconv.Itoa(process.Process.Pid): true,
		"aa":                                     false,
		"aa x":                                   false,
		"aa -1":                                  false,
		"aa 0":                                   false,
		"aa 99999999999999999999999999999999999": false,
	} {
		if got := ended(holder); got != want {
			t.Errorf("ended(%q) = %v, want %v", holder, got, want)
		}
	}
}
