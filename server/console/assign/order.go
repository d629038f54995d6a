package assign

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"minqing/schema"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Ways of what is done, and How the households are chosen.
const (
	Give = "give"
	Take = "take"
	Move = "move"
	// listed is what a file says, household by household.
	listed = "list"

	All    = "all"    // all that he has here, of whom they are taken
	Groups = "groups" // of groups, buildings, streets
	List   = "list"   // by code
	Nobody = "nobody" // the next whom nobody of the team contacts, in the order of codes
	Near   = "near"   // those nearest to one in the order of codes, whom nobody of the team contacts
)

// Order is what an administrator wants done, as he typed it.
type Order struct {
	Way      string   `json:"way"`
	From, To string   // logins
	Team     string   `json:"team"`
	Since    string   `json:"since,omitempty"` // "" today
	How      string   `json:"how"`
	Groups   []string `json:"groups,omitempty"`
	Codes    string   `json:"codes,omitempty"`
	N        int      `json:"n,omitempty"`
	Near     string   `json:"near,omitempty"`
}

// Home is one household of a place.
type Home struct {
	ID                syncproto.RowID
	Code, Head, Place string
	order             string // the code as it sorts
	running           []running
}

// running is an assignment that runs, or will. ended tells that its user has left: it counts for nobody.
type running struct {
	id                       syncproto.RowID
	user, team, since, until string
	ended                    bool
}

// MostHomes is how many households a place may have whose assignments are planned here (twice the largest community we know of), and
// mostAtOnce how many one order may be about.
const (
	MostHomes  = 4000
	mostAtOnce = 2000
)

// Problem is what is wrong with an order: the field, and the sentence.
type Problem struct {
	Field string
	Text  schema.Label
}

func (p *Problem) Error() string { return p.Text.EN }

func problem(field, zh, en string) error { return &Problem{field, schema.Label{ZH: zh, EN: en}} }

// user is somebody who is given households, or from whom they are taken.
type user struct {
	id          syncproto.UserID
	login, name string
	ended       bool
}

// Fits tells whether a place is small enough; Below are those under it.
func Fits(tx *store.Tx, place string) (fits bool, homes int, below []register.Place, err error) {
	if err := tx.Each(func(scan func(...any) error) error {
		b := register.Place{Parent: place}
		err := scan(&b.ID, &b.Name, &b.Code)
		below = append(below, b)
		return err
	}, "SELECT id, COALESCE(name, ''), COALESCE(code, '') FROM place WHERE parent = ?", place); err != nil {
		return false, 0, nil, err
	}
	slices.SortFunc(below, func(a, b register.Place) int {
		return cmp.Or(register.Natural(a.Code, b.Code), register.Natural(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	var up string
	if _, err := tx.One("SELECT COALESCE(parent, '') FROM place WHERE id = ?", []any{place}, &up); err != nil {
		return false, 0, nil, err
	}
	where, args := "1 = 1", []any{}
	if up != "" { // a whole city is known without the thousands of its places
		places, err := register.Beneath(tx, place)
		if err != nil {
			return false, 0, nil, err
		}
		where, args = "place = ANY(?)", []any{idsOf(places)}
	}
	var n int64
	_, err = tx.One("SELECT COUNT(*) FROM (SELECT 1 FROM household WHERE "+where+" LIMIT ?) counted", append(args, int64(MostHomes+1)), &n)
	return n <= MostHomes, int(n), below, err
}

func idsOf(places []register.Place) []string {
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	return ids
}

// planner reads what orders of one place are about.
type planner struct {
	tx     *store.Tx
	place  string
	today  string
	places map[string]register.Place
	homes  []*Home // in the order of codes
	byID   map[syncproto.RowID]*Home
	users  map[string]user // by id
}

// newPlanner reads the households of a place and below it; one more than a plan may have, should there be so many.
func newPlanner(tx *store.Tx, place, today string) (*planner, error) {
	p, err := plannerAt(tx, place, today)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(p.places))
	for id := range p.places {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return p, p.read("h.place = ANY(?)", ids, MostHomes+1)
}

// plannerOf reads some households of a place only: those of them that lie there.
func plannerOf(tx *store.Tx, place, today string, homes []string) (*planner, error) {
	p, err := plannerAt(tx, place, today)
	if err != nil {
		return nil, err
	}
	return p, p.read("h.id = ANY(?)", homes, len(homes))
}

func plannerAt(tx *store.Tx, place, today string) (*planner, error) {
	beneath, err := register.Beneath(tx, place)
	if err != nil {
		return nil, err
	}
	p := &planner{tx: tx, place: place, today: today, places: map[string]register.Place{}, byID: map[syncproto.RowID]*Home{}, users: map[string]user{}}
	for _, b := range beneath {
		p.places[b.ID] = b
	}
	return p, nil
}

func (p *planner) read(where string, among []string, most int) error {
	if err := p.tx.Each(func(scan func(...any) error) error {
		h := &Home{}
		err := scan(&h.ID, &h.Code, &h.Head, &h.Place)
		if _, here := p.places[h.Place]; here {
			h.order = register.SortKey(h.Code)
			p.homes, p.byID[h.ID] = append(p.homes, h), h
		}
		return err
	}, "SELECT h.id, COALESCE(h.code, ''), COALESCE(h.head, ''), h.place FROM household h WHERE "+where+" LIMIT ?", among, int64(most)); err != nil {
		return err
	}
	slices.SortFunc(p.homes, inOrder)
	return p.tx.Each(func(scan func(...any) error) error {
		var home syncproto.RowID
		var r running
		var ended string
		if err := scan(&r.id, &home, &r.user, &r.team, &r.since, &r.until, &ended); err != nil {
			return err
		}
		r.ended = ended != "" && ended < p.today
		if h := p.byID[home]; h != nil {
			h.running = append(h.running, r)
		}
		return nil
	}, `SELECT a.id, a.household, COALESCE(a."user", ''), COALESCE(a.team, ''), COALESCE(a.since, ''), COALESCE(a.until, ''), COALESCE(u.ended, '')
		FROM household h JOIN assignment a ON a.household = h.id LEFT JOIN "user" u ON u.id = a."user"
		WHERE `+where+` AND (a.until IS NULL OR a.until >= ?) ORDER BY a.id`, among, p.today)
}

func inOrder(a, b *Home) int {
	return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID))
}

// findUser finds who is meant by a login: somebody who is at home here or above or below, or has a role here. Others look like nobody.
func (p *planner) findUser(field, login string, leaving bool) (user, error) {
	login = schema.NormalizeCode(login)
	if login == "" {
		return user{}, problem(field, "请写明是谁。", "Say who.")
	}
	var u user
	var home, ended string
	found, err := p.tx.One(`SELECT id, COALESCE(login, ''), COALESCE(name, ''), COALESCE(ended, ''), COALESCE(place, '') FROM "user" WHERE login = ? ORDER BY id LIMIT 1`,
		[]any{login}, &u.id, &u.login, &u.name, &ended, &home)
	if err != nil {
		return u, err
	}
	near := false
	if found {
		if near, err = p.near(string(u.id), home); err != nil {
			return u, err
		}
	}
	if !near {
		return user{}, problem(field, "这里没有登录名是“"+login+"”的人。", "Nobody here has the login “"+login+"”.")
	}
	u.ended = ended != "" && ended < p.today
	if u.ended && !leaving {
		return u, problem(field, "“"+login+"”已经停用，不能再给他户。", "The account “"+login+"” has ended; nothing can be given to it.")
	}
	p.users[string(u.id)] = u
	return u, nil
}

// near tells whether a user belongs to the place: his home or one of his roles lies in it or above it, or he contacts a household here.
func (p *planner) near(id, home string) (bool, error) {
	around := map[string]bool{}
	for pl := range p.places {
		around[pl] = true
	}
	above, err := p.tx.RowsAbove([]string{p.place})
	if err != nil {
		return false, err
	}
	for _, r := range above {
		around[string(r.ID)] = true
	}
	if around[home] {
		return true, nil
	}
	for _, h := range p.homes {
		if slices.ContainsFunc(h.running, func(r running) bool { return r.user == id }) {
			return true, nil
		}
	}
	here := false
	err = p.tx.Each(func(scan func(...any) error) error {
		var place string
		err := scan(&place)
		here = here || around[place]
		return err
	}, `SELECT COALESCE(place, '') FROM role WHERE "user" = ? AND (until IS NULL OR until >= ?)`, id, p.today)
	return here, err
}

// choose finds the households that an order is about, in the order of codes.
func (p *planner) choose(o *Order, from user) ([]*Home, error) {
	pool := p.homes
	if o.Way != Give { // only what he has can be taken
		pool = slices.DeleteFunc(slices.Clone(pool), func(h *Home) bool { return !has(h, string(from.id), o.Team) })
	}
	free := func(h *Home) bool {
		return !slices.ContainsFunc(h.running, func(r running) bool { return r.team == o.Team && !r.ended })
	}
	switch o.How {
	case All:
		if o.Way == Give {
			return nil, problem("how", "请选哪些户。", "Choose the households.")
		}
	case Groups:
		in := map[string]bool{}
		for _, g := range o.Groups {
			if _, here := p.places[g]; here {
				beneath, err := register.Beneath(p.tx, g)
				if err != nil {
					return nil, err
				}
				for _, b := range beneath {
					in[b.ID] = true
				}
			}
		}
		if len(in) == 0 {
			return nil, problem("groups", "请选至少一个组。", "Choose at least one group.")
		}
		pool = slices.DeleteFunc(slices.Clone(pool), func(h *Home) bool { return !in[h.Place] })
	case List:
		var err error
		if pool, err = p.listed(o, pool); err != nil {
			return nil, err
		}
	case Nobody:
		pool = slices.DeleteFunc(slices.Clone(pool), func(h *Home) bool { return o.Way == Give && !free(h) })
		pool = pool[:min(len(pool), count(o.N))]
	case Near:
		at := slices.IndexFunc(p.homes, func(h *Home) bool { return h.Code == schema.NormalizeCode(o.Near) })
		if at < 0 {
			return nil, problem("near", "这里没有户号“"+o.Near+"”。", "No household here has the code “"+o.Near+"”.")
		}
		pool = p.nearest(at, count(o.N), func(h *Home) bool { return slices.Contains(pool, h) && (o.Way != Give || free(h)) })
	default:
		return nil, problem("how", "请选哪些户。", "Choose the households.")
	}
	if len(pool) > mostAtOnce {
		return nil, problem("how", "一次最多 2,000 户，请分几次。", "At most 2,000 households at once; do it in several steps.")
	}
	return pool, nil
}

func count(n int) int { return min(max(n, 0), mostAtOnce) }

func has(h *Home, user, team string) bool {
	return slices.ContainsFunc(h.running, func(r running) bool { return r.user == user && (team == "" || r.team == team) })
}

// nearest are the n that fit nearest to one in the order of codes, that one among them.
func (p *planner) nearest(at, n int, fits func(*Home) bool) []*Home {
	var out []*Home
	for away := 0; away < len(p.homes) && len(out) < n; away++ {
		for _, i := range []int{at - away, at + away} {
			if i < 0 || i >= len(p.homes) || away == 0 && i == at && len(out) > 0 || len(out) >= n {
				continue
			}
			if fits(p.homes[i]) && !slices.Contains(out, p.homes[i]) {
				out = append(out, p.homes[i])
			}
		}
	}
	slices.SortFunc(out, inOrder)
	return out
}

// codesIn are the codes of a text that somebody pasted: one a line, or with commas or blanks between.
func codesIn(text string) []string {
	var out []string
	for _, c := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",，、;；\n\r\t ", r) }) {
		if c = schema.NormalizeCode(c); c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// listed finds the households of a list; what is wrong with it is said of all codes at once.
func (p *planner) listed(o *Order, pool []*Home) ([]*Home, error) {
	codes := codesIn(o.Codes)
	if len(codes) == 0 {
		return nil, problem("codes", "请贴上户号，或者选一个表格。", "Paste the codes, or choose a workbook.")
	}
	byCode := map[string][]*Home{}
	for _, h := range p.homes {
		byCode[h.Code] = append(byCode[h.Code], h)
	}
	inPool := map[*Home]bool{}
	for _, h := range pool {
		inPool[h] = true
	}
	var out []*Home
	var missing, several, others []string
	for _, c := range codes {
		switch found := byCode[c]; {
		case len(found) == 0:
			missing = append(missing, c)
		case len(found) > 1:
			several = append(several, c)
		case !inPool[found[0]]:
			others = append(others, c)
		default:
			out = append(out, found[0])
		}
	}
	switch {
	case len(missing) > 0:
		return nil, problem("codes", "这里没有这些户号："+few(missing)+"。", "No household here has these codes: "+few(missing)+".")
	case len(several) > 0:
		return nil, problem("codes", "这些户号不止一户："+few(several)+"。请到村里去派。", "Several households have these codes: "+few(several)+". Do it in the village.")
	case len(others) > 0:
		return nil, problem("codes", "这些户不由他联系："+few(others)+"。", "These are not his: "+few(others)+".")
	}
	slices.SortFunc(out, inOrder)
	return out, nil
}

// few names some of many.
func few(list []string) string {
	const most = 20
	if len(list) > most {
		return strings.Join(list[:most], "、") + "……"
	}
	return strings.Join(list, "、")
}

// digest marks what a plan was reckoned from.
func digest(o *Order, homes []*Home) string {
	h := sha256.New()
	raw, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	h.Write(raw)
	for _, x := range homes {
		h.Write([]byte("\n" + x.ID))
		for _, r := range x.running {
			h.Write([]byte(" " + string(r.id) + " " + r.until))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
