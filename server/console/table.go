package console

import (
	"slices"

	"minqing/schema"
	"minqing/server/console/intake"
)

// access says who may call a route at all.
type access int

const (
	byRight  access = iota // who holds a role over the place of the address that has the rights named
	public                 // anybody
	halfWay                // who gave a password and still owes a code
	signedIn               // whoever is signed in, for himself
)

// right is a line of the rule book's permission matrix that a route needs: Cell for OpChange, From and To for OpMove.
type right struct {
	table    string
	op       schema.Op
	cell     string
	from, to string
}

// showing says what of people in the register a route shows: that it did is on record before it answers (seen.go).
type showing int

const (
	nobody showing = iota // figures, settings, who works here
	aRow                  // the row of the address, and what lies around it
	aList                 // rows of the place, each by a line
)

// entry is one line of the authorization table. of names the table of the row that {row} names in the address, "item" for one of the
// inbox, "change" for one that was refused or came late, "order" for what was assigned, "file" for one that was brought,
// "shift" for what was moved or deleted; it must lie in the place.
type entry struct {
	pattern string
	access  access
	needs   []right
	of      string
	shows   showing
	body    int64 // bytes of a form that carries a file; 0: maxBody
}

// The rights that pages are about. Whoever may decide about accounts and devices is an administrator; who may write reviews reads journals.
var (
	// Whoever makes accounts administers the place.
	administers = []right{{table: "user", op: schema.OpCreate}}
	devices     = []right{{table: "device", op: schema.OpChange, cell: "revoked"}}
	reminds     = []right{{table: "reminder", op: schema.OpCreate}}
	reviews     = []right{{table: "review", op: schema.OpCreate}, {table: "journal", op: schema.OpMove, from: "submitted", to: "accepted"}}
)

// table is the authorization table: every route there is, and who may call it. Nothing else is registered.
var table = []entry{
	{pattern: "GET /{$}", access: public},
	{pattern: "GET /signin", access: public},
	{pattern: "POST /signin", access: public},
	{pattern: "POST /signin/code", access: halfWay},
	{pattern: "GET /signin/code", access: halfWay},
	{pattern: "GET /signin/oidc", access: public},
	{pattern: "GET /signin/oidc/back", access: public},
	{pattern: "GET /link/{code}", access: public},
	{pattern: "POST /link/{code}", access: public},
	{pattern: "POST /settings", access: public},
	{pattern: "POST /signout", access: public},
	{pattern: "GET /c/{serial}", access: public}, // the serial is all that opens it
	{pattern: "POST /c/{serial}", access: public},
	{pattern: "GET /me", access: signedIn},
	{pattern: "POST /me/password", access: signedIn},
	{pattern: "GET /me/factor", access: signedIn},
	{pattern: "POST /me/factor", access: signedIn},
	{pattern: "POST /me/factor/drop", access: signedIn},
	{pattern: "POST /me/sessions", access: signedIn},
	{pattern: "GET /at/{place}", access: signedIn},

	{pattern: "GET /at/{place}/review", needs: reviews, shows: aList},
	{pattern: "GET /at/{place}/review/{row}", needs: reviews, of: "journal", shows: aRow},
	{pattern: "POST /at/{place}/review/{row}", needs: reviews, of: "journal", shows: aRow},
	{pattern: "GET /at/{place}/visits", needs: reviews, shows: aList},
	{pattern: "GET /at/{place}/photo/{row}", needs: reviews, of: "attachment"},

	{pattern: "GET /at/{place}/coverage", needs: reviews, shows: aList},
	{pattern: "POST /at/{place}/coverage/export", needs: reviews},
	{pattern: "POST /at/{place}/coverage/remind", needs: reminds, shows: aList},

	{pattern: "GET /at/{place}/matters", needs: reviews, shows: aList},
	{pattern: "GET /at/{place}/matters/{row}", needs: reviews, of: "matter", shows: aRow},
	{pattern: "GET /at/{place}/cadres", needs: reviews},
	{pattern: "GET /at/{place}/numbers", needs: reviews},
	{pattern: "POST /at/{place}/numbers/export", needs: reviews},

	{pattern: "GET /at/{place}/conflicts", needs: administers, shows: aList},
	{pattern: "GET /at/{place}/conflicts/{row}", needs: administers, of: itemRow, shows: aRow},
	{pattern: "POST /at/{place}/conflicts/{row}", needs: administers, of: itemRow, shows: aRow},
	{pattern: "POST /at/{place}/conflicts/{row}/undo", needs: administers, of: itemRow},
	{pattern: "POST /at/{place}/conflicts/{row}/unmask", needs: administers, of: itemRow},

	{pattern: "GET /at/{place}/refused", needs: administers, shows: aList},
	{pattern: "GET /at/{place}/refused/{row}", needs: administers, of: changeRow, shows: aRow},
	{pattern: "POST /at/{place}/refused/{row}", needs: administers, of: changeRow, shows: aRow},

	{pattern: "GET /at/{place}/assign", needs: administers, shows: aList},
	{pattern: "POST /at/{place}/assign", needs: administers, shows: aList, body: 8 << 20},
	{pattern: "GET /at/{place}/assign/{row}", needs: administers, of: orderRow, shows: aList},
	{pattern: "POST /at/{place}/assign/{row}/undo", needs: administers, of: orderRow},
	{pattern: "GET /at/{place}/assign/{row}/cards", needs: administers, of: orderRow, shows: aList},

	{pattern: "GET /at/{place}/import", needs: administers},
	{pattern: "POST /at/{place}/import", needs: administers, body: intake.MostBytes + maxBody},
	{pattern: "GET /at/{place}/import/{row}", needs: administers, of: fileRow, shows: aList},
	{pattern: "POST /at/{place}/import/{row}", needs: administers, of: fileRow},
	{pattern: "GET /at/{place}/import/{row}/bad", needs: administers, of: fileRow},
	{pattern: "POST /at/{place}/import/{row}/links", needs: administers, of: fileRow},
	{pattern: "POST /at/{place}/import/{row}/undo", needs: administers, of: fileRow},

	{pattern: "GET /at/{place}/homes", needs: administers, shows: aList},
	{pattern: "GET /at/{place}/homes/new", needs: administers},
	{pattern: "POST /at/{place}/homes/new", needs: administers},
	{pattern: "GET /at/{place}/homes/{row}", needs: administers, of: "household", shows: aRow},
	{pattern: "POST /at/{place}/homes/{row}", needs: administers, of: "household", shows: aRow},
	{pattern: "POST /at/{place}/homes/{row}/unmask", needs: administers, of: "household"},
	{pattern: "GET /at/{place}/homes/{row}/person", needs: administers, of: "household", shows: aRow},
	{pattern: "POST /at/{place}/homes/{row}/person", needs: administers, of: "household", shows: aRow},
	{pattern: "GET /at/{place}/persons/{row}", needs: administers, of: "resident", shows: aRow},
	{pattern: "POST /at/{place}/persons/{row}", needs: administers, of: "resident", shows: aRow},
	{pattern: "POST /at/{place}/persons/{row}/unmask", needs: administers, of: "resident"},

	{pattern: "GET /at/{place}/homes/{row}/twin", needs: administers, of: "household", shows: aRow},
	{pattern: "POST /at/{place}/homes/{row}/twin", needs: administers, of: "household", shows: aRow},
	{pattern: "GET /at/{place}/persons/{row}/twin", needs: administers, of: "resident", shows: aRow},
	{pattern: "POST /at/{place}/persons/{row}/twin", needs: administers, of: "resident", shows: aRow},

	{pattern: "GET /at/{place}/users", needs: administers},
	{pattern: "GET /at/{place}/users/new", needs: administers},
	{pattern: "POST /at/{place}/users/new", needs: administers},
	{pattern: "GET /at/{place}/users/{row}", needs: administers, of: "user"},
	{pattern: "POST /at/{place}/users/{row}", needs: administers, of: "user"},
	{pattern: "POST /at/{place}/users/{row}/do", needs: administers, of: "user"},

	{pattern: "GET /at/{place}/tree", needs: administers},
	{pattern: "POST /at/{place}/tree", needs: administers},
	{pattern: "GET /at/{place}/tree/{row}", needs: administers, of: "place"},
	{pattern: "POST /at/{place}/tree/{row}", needs: administers, of: "place"},
	{pattern: "GET /at/{place}/tree/{row}/move", needs: administers, of: "place"},
	{pattern: "POST /at/{place}/tree/{row}/move", needs: administers, of: "place"},
	{pattern: "GET /at/{place}/tree/{row}/delete", needs: administers, of: "place"},
	{pattern: "POST /at/{place}/tree/{row}/delete", needs: administers, of: "place"},
	{pattern: "GET /at/{place}/users/{row}/delete", needs: administers, of: "user"},
	{pattern: "POST /at/{place}/users/{row}/delete", needs: administers, of: "user"},
	{pattern: "GET /at/{place}/homes/{row}/delete", needs: administers, of: "household", shows: aRow},
	{pattern: "POST /at/{place}/homes/{row}/delete", needs: administers, of: "household", shows: aRow},
	{pattern: "GET /at/{place}/persons/{row}/delete", needs: administers, of: "resident", shows: aRow},
	{pattern: "POST /at/{place}/persons/{row}/delete", needs: administers, of: "resident", shows: aRow},
	{pattern: "GET /at/{place}/shifts/{row}", needs: administers, of: shiftRow, shows: aList},
	{pattern: "POST /at/{place}/shifts/{row}/undo", needs: administers, of: shiftRow},
	{pattern: "GET /at/{place}/teams", needs: administers},
	{pattern: "POST /at/{place}/teams", needs: administers},

	{pattern: "GET /at/{place}/devices", needs: devices},
	{pattern: "POST /at/{place}/devices/enrol", needs: devices},
	{pattern: "GET /at/{place}/devices/{row}", needs: devices, of: "device"},
	{pattern: "POST /at/{place}/devices/{row}/revoke", needs: devices, of: "device"},

	{pattern: "GET /at/{place}/audit", needs: administers, shows: aList},
	{pattern: "POST /at/{place}/audit/verify", needs: administers, shows: aList},
	{pattern: "POST /at/{place}/audit/export", needs: administers},
	{pattern: "GET /at/{place}/health", needs: administers},
	{pattern: "GET /at/{place}/settings", needs: administers},
	{pattern: "POST /at/{place}/settings", needs: administers},
}

// roles are those that hold every right a route needs.
func (e *entry) roles(b *schema.Book) []schema.Role {
	var out []schema.Role
	for _, r := range schema.Roles {
		if !slices.ContainsFunc(e.needs, func(n right) bool { return !granted(b, r, n) }) {
			out = append(out, r)
		}
	}
	return out
}

// granted asks the permission matrix for one right of a role.
func granted(b *schema.Book, r schema.Role, n right) bool {
	return slices.ContainsFunc(b.Matrix(), func(g schema.Grant) bool {
		return g.Table == n.table && g.Role == r && g.Op == n.op && (n.cell == "" || slices.Contains(g.Cells, n.cell)) && (n.op != schema.OpMove || g.From == n.from && g.To == n.to)
	})
}
