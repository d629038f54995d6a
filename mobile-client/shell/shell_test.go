package shell

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func start(secret string) string {
	return fmt.Sprintf(`{"kind":"start","secret":%q,"version":7,"share":"/tmp/out"}`+"\n", base64.StdEncoding.EncodeToString([]byte(secret)))
}

func TestTalk(t *testing.T) {
	in := start("a secret of the keystore") +
		`{"kind":"network","state":"metered","dns":["192.0.2.1","2001:db8::1"]}` + "\n" +
		`{"kind":"from tomorrow","what":[1]}` + "\n" + "no line at all\n" + `{"kind":"link","link":"` + strings.Repeat("x", 3*maxLine) + "\"}\n" + `{"kind":7}` + "\n" +
		`{"kind":"link"}` + "\n" + `{"kind":"link","link":"minqing:enrol"}` + "\n" + `{"kind":"bundle","path":"/tmp/out/b"}` + "\n" + `{"kind":"hidden"}` + "\n" + `{"kind":"shown"}` + "\n"
	var out strings.Builder
	s, first, err := Open(strings.NewReader(in), &out)
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Secret) != "a secret of the keystore" || first.Version != 7 || first.Share != "/tmp/out" {
		t.Errorf("start is %+v", first)
	}
	var heard []string
	err = s.Run(t.Context(), Heard{
		Link:    func(code string) (string, error) { return "http://127.0.0.1:1/enter?k=1" + code, nil },
		Bundle:  func(path string) { heard = append(heard, "bundle "+path) },
		Network: func(n Network) { heard = append(heard, fmt.Sprint("network ", n.State, n.DNS)) },
		Looked:  func(looks bool) { heard = append(heard, fmt.Sprint("looked ", looks)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"network metered[192.0.2.1 2001:db8::1]", "bundle /tmp/out/b", "looked false", "looked true"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
	for _, say := range []func() error{func() error { return s.Busy("3 条") }, s.Idle, func() error { return s.Share("f") }, func() error { return s.Install("a") }, s.Taken, s.Wiped} {
		if err := say(); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"kind":"link","link":"http://127.0.0.1:1/enter?k=1"}
{"kind":"link","link":"http://127.0.0.1:1/enter?k=1minqing:enrol"}
{"kind":"busy","text":"3 条"}
{"kind":"idle"}
{"kind":"share","path":"f"}
{"kind":"install","path":"a"}
{"kind":"taken"}
{"kind":"wiped"}
`
	if out.String() != want {
		t.Errorf("said\n%s\nwant\n%s", out.String(), want)
	}
}

// What is not the shell is told at once, and not waited for.
func TestNotTheShell(t *testing.T) {
	for name, in := range map[string]string{"nothing": "", "another line first": `{"kind":"link"}` + "\n", "no JSON": "hello\n",
		"a secret that is no base64": `{"kind":"start","secret":"?"}` + "\n", "a line without end": strings.Repeat("x", maxLine+1)} {
		if _, _, err := Open(strings.NewReader(in), &strings.Builder{}); err == nil {
			t.Errorf("%s: taken for a start", name)
		}
	}
}

// A link that cannot be made ends the talk with its reason: the shell shows that the program ended.
func TestNoLink(t *testing.T) {
	s, _, err := Open(strings.NewReader(start("")+`{"kind":"link"}`+"\n"), &strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no randomness")
	if err := s.Run(t.Context(), Heard{Link: func(string) (string, error) { return "", broken }}); !errors.Is(err, broken) {
		t.Errorf("Run gives %v", err)
	}
}

// Names are asked of the servers that the shell told, in turn.
func TestNames(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	asked := make(chan int, 16)
	go func() {
		buf := make([]byte, 512)
		for {
			n, _, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			select {
			case asked <- n:
			default:
			}
		}
	}()
	var names Names
	names.servers = []string{server.LocalAddr().String()}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go names.Dialer().DialContext(ctx, "tcp", "minqing.example:443") //nolint:errcheck // the server never answers; that it is asked counts
	select {
	case <-asked:
	case <-ctx.Done():
		t.Fatal("the name server was not asked")
	}
	names.Use([]string{"192.0.2.7", "not an address", "2001:db8::7"})
	got := []string{names.server("s"), names.server("s")}
	slices.Sort(got)
	if !slices.Equal(got, []string{"192.0.2.7:53", "[2001:db8::7]:53"}) {
		t.Errorf("servers are %q", got)
	}
	names.Use(nil)
	if names.server("as the system says") != "as the system says" {
		t.Error("without servers the system's are asked")
	}
}
