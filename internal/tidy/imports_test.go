package tidy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A room is a part of the house with its own rules of import.
const (
	roomSchema = "schema"
	roomProto  = "syncproto"
	roomServer = "server"
	roomClient = "mobile-client"
	roomShared = "internal (shared)"
	roomBoth   = "internal (both sides)"
)

// bothSides are the only folders of internal/ that may import the server and the client alike: they run the two
// against each other.
var bothSides = []string{"sim", "e2e", "demo", "bench", "cmd"}

// mayImport is the whole law of the house: from a room to the rooms it may import.
var mayImport = map[string][]string{
	roomSchema: {roomSchema},
	roomProto:  {roomSchema, roomProto},
	roomServer: {roomSchema, roomProto, roomServer, roomShared},
	roomClient: {roomSchema, roomProto, roomClient, roomShared},
	roomShared: {roomSchema, roomProto, roomShared},
	roomBoth:   {roomSchema, roomProto, roomServer, roomClient, roomShared, roomBoth},
}

// impure are imports that let the pure rooms reach the world: files, sockets, databases, the log, global randomness.
// A path stands for everything below it.
var impure = []string{
	"os", "net", "syscall", "database", "log", "io/ioutil", "math/rand", "crypto/rand",
	"github.com/jackc", "github.com/labstack", "modernc.org", "golang.org/x/sys", "golang.org/x/net",
}

// harmless are exceptions to impure: they only parse.
var harmless = []string{"net/url", "net/netip"}

// oracle is what the simulator holds the production code against. It reads the declarations of the book and the plain types of
// syncproto, and shares no function with what it judges (docs/DESIGN.md section 7): of the module it imports what is listed here, and
// nothing below it.
const oracle = "internal/sim/oracle"

var mayImportOracle = []string{"schema", "syncproto"}

// roomOf tells the room of a directory of the module; no room means that Go code has no place there.
func roomOf(dir string) string {
	first, rest, _ := strings.Cut(dir, "/")
	switch first {
	case roomSchema, roomProto, roomServer, roomClient:
		return first
	case "internal":
		second, _, _ := strings.Cut(rest, "/")
		if slices.Contains(bothSides, second) {
			return roomBoth
		}
		return roomShared
	}
	return ""
}

func under(name string, parents []string) bool {
	return slices.ContainsFunc(parents, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}

// checkImports holds imports to one direction, the pure rooms to being pure, and Go files to the rooms.
func checkImports(h *house) []problem {
	var out []problem
	for _, f := range h.files {
		if !f.isGo() {
			continue
		}
		room := roomOf(f.dir())
		if room == "" {
			out = append(out, problem{"imports", f.path, 1, "Go code lives in schema, syncproto, server, mobile-client " +
				"or internal; move it there"})
			continue
		}
		if f.dir() == roomClient {
			out = append(out, problem{"imports", f.path, 1, "mobile-client holds no Go file of its own; move it one " +
				"level down, so that no import needs an alias"})
		}
		for _, spec := range f.syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				out = append(out, problem{"imports", f.path, h.line(spec.Pos()), err.Error()})
				continue
			}
			if what := judgeImport(f, room, name); what != "" {
				out = append(out, problem{"imports", f.path, h.line(spec.Pos()), what})
			}
			if spec.Name != nil && spec.Name.Name == "." {
				out = append(out, problem{"imports", f.path, h.line(spec.Pos()), "names come from nowhere with a dot " +
					"import; import " + name + " by its name"})
			}
		}
	}
	return out
}

// judgeImport says what is wrong with an import, or nothing.
func judgeImport(f file, room, name string) string {
	dir, own := strings.CutPrefix(name, modulePath+"/")
	if !own {
		pure := room == roomSchema || room == roomProto
		if pure && !f.test() && under(name, impure) && !under(name, harmless) {
			return fmt.Sprintf("%s is pure and must not import %s; take what it gives as an argument, or move the code "+
				"to server, mobile-client or internal", room, name)
		}
		return ""
	}
	if f.dir() == oracle && !slices.Contains(mayImportOracle, dir) {
		return fmt.Sprintf("%s shares no function with what it judges and must not import %s; of the module it may import: %s", oracle, name,
			strings.Join(mayImportOracle, ", "))
	}
	to := roomOf(dir)
	// Tests of the pure rooms may use the shared helpers, a real PostgreSQL say.
	if slices.Contains(mayImport[room], to) || f.test() && to == roomShared {
		return ""
	}
	if to == "" {
		to = "a place without a room"
	}
	return fmt.Sprintf("%s must not import %s, which is %s; it may import: %s", room, name, to,
		strings.Join(mayImport[room], ", "))
}
