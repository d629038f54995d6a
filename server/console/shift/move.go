package shift

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"minqing/schema"
	"minqing/server/admin"
	"minqing/server/console/assign"
	"minqing/server/entitle"
	"minqing/server/register"
	"minqing/server/store"
	"minqing/syncproto"
)

// Problem is what is wrong with an order, to be shown at its field.
type Problem struct{ Text schema.Label }

func (p *Problem) Error() string { return p.Text.EN }

func problem(zh, en string) error { return &Problem{schema.Label{ZH: zh, EN: en}} }

// Effect is what an order does to whom.
type Effect struct {
	People []*Person
	Unsent int // edits that wait on the phones of those who lose, as they last said
}

// Person is somebody who gains or loses sight of households: on his phones, or at the consoles alone.
type Person struct {
	Name, Login  string
	Role, Over   string // by which role, over which place
	Gains, Loses assign.Sum
	Holds        bool // on his phones; else he looks at the consoles
	Phones       []assign.Phone

	id syncproto.UserID
}

// Move is a place that is laid beneath another.
type Move struct {
	Effect
	Place, From, To register.Place
	Places, Homes   int // that lie in it
	Digest          string
}

const placeColumns = "SELECT p.id, COALESCE(p.parent, ''), COALESCE(p.level, ''), COALESCE(p.name, ''), COALESCE(p.code, '') FROM place p WHERE "

func places(tx *store.Tx, where string, args ...any) (out []register.Place, err error) {
	err = tx.Each(func(scan func(...any) error) error {
		var p register.Place
		err := scan(&p.ID, &p.Parent, &p.Level, &p.Name, &p.Code)
		out = append(out, p)
		return err
	}, placeColumns+where, args...)
	return out, err
}

// within tells whether a place is another or lies beneath it.
func within(tx *store.Tx, place, other string) (bool, error) {
	var n int64
	_, err := tx.One("SELECT COUNT(*) FROM mq_above WHERE place = ? AND above = ?", []any{place, other}, &n)
	return n > 0, err
}

// find finds a place, root or beneath it, by id, code or name.
func find(tx *store.Tx, root, text string) (register.Place, error) {
	code, name := schema.NormalizeCode(text), schema.NormalizeName(text)
	found, err := places(tx, "(p.id = ? OR p.code = ? OR p.name = ?) AND EXISTS (SELECT 1 FROM mq_above a WHERE a.place = p.id AND a.above = ?)", text, code, name, root)
	if err != nil {
		return register.Place{}, err
	}
	var coded, named []register.Place
	for _, p := range found {
		switch {
		case p.ID == text:
			return p, nil
		case p.Code != "" && p.Code == code:
			coded = append(coded, p)
		case p.Name == name:
			named = append(named, p)
		}
	}
	if len(coded) == 0 {
		coded = named
	}
	switch {
	case text == "":
		return register.Place{}, problem("请写明移到哪里。", "Say where it goes.")
	case len(coded) == 0:
		return register.Place{}, problem("这里没有“"+text+"”这个地方。", "There is no place “"+text+"” here.")
	case len(coded) > 1:
		return register.Place{}, problem("这里不止一个地方叫“"+text+"”，请写代码。", "Several places here are called “"+text+"”; give the code.")
	}
	return coded[0], nil
}

// above are a place and those above it.
func above(tx *store.Tx, place string) (out []string, err error) {
	rows, err := tx.RowsAbove([]string{place})
	byID := map[string]*store.Row{}
	for _, r := range rows {
		byID[string(r.ID)] = r
	}
	for at := place; byID[at] != nil && !slices.Contains(out, at); at = string(byID[at].Parent) {
		out = append(out, at)
	}
	return out, err
}

// Targets are the places of the tree beneath root that a place may be laid beneath, at most some. It goes down level by level, only as far as such
// places lie: of a city's fifteen thousand, the groups are never read.
func Targets(tx *store.Tx, root, place string, most int) ([]register.Place, error) {
	var up, level string
	if _, err := tx.One("SELECT COALESCE(parent, ''), COALESCE(level, '') FROM place WHERE id = ?", []any{place}, &up, &level); err != nil {
		return nil, err
	}
	levels := tx.Book().Table("place").Column("level").Options
	over, through := []string{}, []string{level} // right above it, and anywhere above
	for range levels {
		for _, o := range levels {
			if below := admin.LevelsBelow(o.Value); !slices.Contains(through, o.Value) && slices.ContainsFunc(below, func(l string) bool { return slices.Contains(through, l) }) {
				through = append(through, o.Value)
				if slices.Contains(below, level) {
					over = append(over, o.Value)
				}
			}
		}
	}
	through = through[1:]
	at, err := places(tx, "p.id = ? AND p.level = ANY(?)", root, through)
	var out []register.Place
	for range levels {
		if err != nil || len(at) == 0 || len(out) >= most {
			break
		}
		var ids []string
		for _, p := range at {
			if ids = append(ids, p.ID); p.ID != up && slices.Contains(over, p.Level) {
				out = append(out, p)
			}
		}
		if slices.ContainsFunc(through, func(l string) bool {
			return slices.ContainsFunc(at, func(p register.Place) bool { return slices.Contains(admin.LevelsBelow(p.Level), l) })
		}) {
			at, err = places(tx, "p.parent = ANY(?) AND p.level = ANY(?) AND p.id <> ? ORDER BY p.code, p.name, p.id", ids, through, place)
		} else {
			at = nil
		}
	}
	slices.SortFunc(out, func(a, b register.Place) int {
		return cmp.Or(register.Natural(a.Code, b.Code), register.Natural(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), most)], err
}

// PreviewMove reckons what laying a place beneath another would do; both lie in root or below it. A *Problem says why it cannot be.
func PreviewMove(tx *store.Tx, root, place, to string) (*Move, error) {
	m := &Move{}
	inside, err := within(tx, place, root)
	if err != nil {
		return nil, err
	}
	if inside && place != root {
		pair, err := places(tx, "p.id = ? OR p.id = (SELECT x.parent FROM place x WHERE x.id = ?)", place, place)
		if err != nil {
			return nil, err
		}
		for _, p := range pair {
			if p.ID == place {
				m.Place = p
			} else {
				m.From = p
			}
		}
	}
	if m.From.ID == "" {
		return m, problem("这个地方要到上一级去移。", "This place is moved from the page of the one above.")
	}
	if m.To, err = find(tx, root, to); err != nil {
		return m, err
	}
	beneath, err := within(tx, m.To.ID, place)
	if err != nil {
		return nil, err
	}
	switch {
	case beneath:
		return m, problem("不能移到自己下面。", "A place cannot lie beneath itself.")
	case m.To.ID == m.From.ID:
		return m, problem("它已经在“"+m.To.Name+"”下面。", "It lies beneath “"+m.To.Name+"” already.")
	case !slices.Contains(admin.LevelsBelow(m.To.Level), m.Place.Level):
		return m, problem("“"+m.To.Name+"”下面不能直接放这一级的地方。", "A place of this level cannot lie right beneath “"+m.To.Name+"”.")
	}
	return m, m.reckon(tx)
}

// reckon finds out who gains and who loses.
func (m *Move) reckon(tx *store.Tx) error {
	places, err := tx.PlacesBeneath(m.Place.ID)
	if err != nil {
		return err
	}
	m.Places = len(places) - 1
	var homes []string
	if err := tx.Each(func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		homes = append(homes, "household:"+id)
		return err
	}, "SELECT id FROM household WHERE place = ANY(?) ORDER BY id", places); err != nil {
		return err
	}
	m.Homes = len(homes)
	before, err := above(tx, m.From.ID)
	if err != nil {
		return err
	}
	after, err := above(tx, m.To.ID)
	if err != nil {
		return err
	}
	only := func(a, b []string) (out []string) {
		return slices.DeleteFunc(slices.Clone(a), func(p string) bool { return slices.Contains(b, p) })
	}
	roles, err := rolesOver(tx, only(before, after), only(after, before))
	if err != nil {
		return err
	}
	if err := m.sight(tx, roles, homes); err != nil {
		return err
	}
	slices.SortFunc(m.People, func(a, b *Person) int {
		return cmp.Or(-cmp.Compare(a.Loses.Homes, b.Loses.Homes), cmp.Compare(a.Name, b.Name), cmp.Compare(a.id, b.id))
	})
	raw, err := json.Marshal([]any{m.Place.ID, m.From.ID, m.To.ID, homes, m.People})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	m.Digest = hex.EncodeToString(sum[:])
	return m.phones(tx)
}

// held is a role that runs, over a place that comes to lie above or does no more.
type held struct {
	id, user, name, login, role, over string
	gains                             bool
}

func rolesOver(tx *store.Tx, lost, gained []string) (out []held, err error) {
	today := time.UnixMilli(tx.Now()).UTC().Format(time.DateOnly)
	err = tx.Each(func(scan func(...any) error) error {
		var h held
		var place string
		err := scan(&h.id, &h.user, &h.name, &h.login, &h.role, &place, &h.over)
		h.gains = slices.Contains(gained, place)
		out = append(out, h)
		return err
	}, `SELECT r.id, r."user", COALESCE(u.name, ''), COALESCE(u.login, ''), COALESCE(r.role, ''), r.place, COALESCE(p.name, '')
		FROM role r JOIN "user" u ON u.id = r."user" JOIN place p ON p.id = r.place
		WHERE r.place = ANY(?) AND r.role <> 'cadre' AND (r.until IS NULL OR r.until >= ?) AND (u.ended IS NULL OR u.ended >= ?) ORDER BY r.id`, slices.Concat(lost, gained), today, today)
	return out, err
}

// sight counts, for everybody who has such a role, the households that come into his sight and that leave it. Phones hold what grants say; whoever
// looks at the consoles sees what lies beneath his role.
func (m *Move) sight(tx *store.Tx, roles []held, homes []string) error {
	rows, err := rowsIn(tx, homes)
	if err != nil {
		return err
	}
	byUser := map[string][]held{}
	for _, h := range roles {
		byUser[h.user] = append(byUser[h.user], h)
	}
	users := slices.Sorted(maps.Keys(byUser))
	sources, err := grantsOf(tx, users, homes)
	if err != nil {
		return err
	}
	for _, user := range users {
		lost, holds := map[string]bool{}, map[bool]bool{} // of phones: whether he gains or loses a role that holds all
		var phone, desk *Person
		for _, h := range byUser[user] {
			p := &Person{id: syncproto.UserID(user), Name: h.name, Login: h.login, Role: h.role, Over: h.over}
			if entitle.HoldsAll(schema.Role(h.role)) {
				lost[h.id], holds[h.gains], p.Holds = !h.gains, true, true
				if phone == nil {
					phone = p
				}
				continue
			}
			if desk == nil {
				desk = p
			}
			for _, home := range homes {
				if h.gains {
					desk.Gains.Add(rows[home])
				} else {
					desk.Loses.Add(rows[home])
				}
			}
		}
		for _, home := range homes {
			had := sources[user+" "+home]
			kept := slices.ContainsFunc(had, func(s string) bool { return !lost[s] })
			switch {
			case phone == nil:
			case len(had) > 0 && !kept && !holds[true]:
				phone.Loses.Add(rows[home])
			case len(had) == 0 && holds[true]:
				phone.Gains.Add(rows[home])
			}
		}
		for _, p := range []*Person{phone, desk} {
			if p != nil && p.Gains.Homes+p.Loses.Homes > 0 && p.Gains != p.Loses {
				m.People = append(m.People, p)
			}
		}
	}
	return nil
}

// grantsOf are the sources by which users hold scopes now, by user and scope.
func grantsOf(tx *store.Tx, users, scopes []string) (map[string][]string, error) {
	out := map[string][]string{}
	return out, tx.Each(func(scan func(...any) error) error {
		var user, scope, source string
		err := scan(&user, &scope, &source)
		out[user+" "+scope] = append(out[user+" "+scope], source)
		return err
	}, "SELECT user_id, scope, source FROM mq_grant WHERE user_id = ANY(?) AND scope = ANY(?) AND since_ms <= ? AND until_ms > ?", users, scopes, tx.Now(), tx.Now())
}

// rowsIn counts the rows that lie in scopes.
func rowsIn(tx *store.Tx, scopes []string) (map[string]int, error) {
	out := map[string]int{}
	return out, tx.Each(func(scan func(...any) error) error {
		var scope string
		var n int64
		err := scan(&scope, &n)
		out[scope] = int(n)
		return err
	}, "SELECT scope, CAST(SUM(rows) AS BIGINT) FROM mq_bucket WHERE scope = ANY(?) GROUP BY scope", scopes)
}

// phones fills in the phones of those who hold what moves on them.
func (e *Effect) phones(tx *store.Tx) error {
	var ids []string
	for _, p := range e.People {
		ids = append(ids, string(p.id))
	}
	phones, err := assign.PhonesOf(tx, ids)
	for _, p := range e.People {
		if !p.Holds {
			continue
		}
		p.Phones = phones[p.id]
		for _, d := range p.Phones {
			if p.Loses.Homes > 0 {
				e.Unsent += d.Waiting
			}
		}
	}
	return err
}
