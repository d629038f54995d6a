package consoletest

import "strings"

// Screen is one page in one state, as somebody sees it. As is who, "" for nobody; in Path, {place} is the village of the story and any
// other word in braces one of Places or Rows.
type Screen struct {
	Name  string
	State State
	As    string
	Path  string
	Want  int // status; 0 is 200
	Tall  bool
	// Post, if set, is the address to which a form of the page at Path is then sent, with Fields in place of its own.
	Post   string
	Fields map[string][]string
}

// Screens are all pages in the states worth a look.
var Screens = []Screen{
	{Name: "signin", State: Full, Path: "/signin"},
	{Name: "missing", State: Full, As: "secretary", Path: "/nowhere", Want: 404},
	{Name: "me", State: Full, As: "secretary", Path: "/me"},
	{Name: "factor", State: Full, As: "secretary", Path: "/me/factor"},
	{Name: "places", State: Full, As: "admin", Path: "/at/{city}"},
	{Name: "places-none", State: Full, As: "cadre", Path: "/at/{place}"},
	{Name: "places-long", State: Long, As: "admin", Path: "/at/{city}"},
	{Name: "review", State: Full, As: "secretary", Path: "/at/{place}/review"},
	{Name: "review-urgent", State: Full, As: "township", Path: "/at/{place}/review/{journal.urgent}"},
	{Name: "review-returned", State: Full, As: "secretary", Path: "/at/{place}/review?show=returned"},
	{Name: "visits", State: Full, As: "secretary", Path: "/at/{place}/visits"},
	{Name: "visits-none", State: Full, As: "township", Path: "/at/{town}/visits?state=accepted&month=2026-01"},
	{Name: "visits-empty", State: Empty, As: "secretary", Path: "/at/{place}/visits"},
	{Name: "visits-long", State: Long, As: "secretary", Path: "/at/{place}/visits"},
	{Name: "visits-many", State: Many, As: "secretary", Path: "/at/{place}/visits?month=2026-11"},
	{Name: "review-empty", State: Empty, As: "secretary", Path: "/at/{place}/review"},
	{Name: "review-long", State: Long, As: "secretary", Path: "/at/{place}/review"},
	{Name: "review-many", State: Many, As: "secretary", Path: "/at/{place}/review"},
	{Name: "coverage", State: Full, As: "secretary", Path: "/at/{place}/coverage"},
	{Name: "coverage-row", State: Full, As: "township", Path: "/at/{town}/coverage?show=short&at={he}"},
	{Name: "coverage-empty", State: Empty, As: "secretary", Path: "/at/{place}/coverage"},
	{Name: "coverage-none", State: Full, As: "secretary", Path: "/at/{place}/coverage?show=overdue&group={group7}"},
	{Name: "coverage-long", State: Long, As: "secretary", Path: "/at/{place}/coverage?show=nobody.short.enough"},
	{Name: "coverage-many", State: Many, As: "secretary", Path: "/at/{place}/coverage"},
	{Name: "cadres", State: Full, As: "secretary", Path: "/at/{place}/cadres"},
	{Name: "cadres-empty", State: Empty, As: "secretary", Path: "/at/{place}/cadres?month=2026-10"},
	{Name: "cadres-long", State: Long, As: "secretary", Path: "/at/{place}/cadres"},
	{Name: "cadres-many", State: Many, As: "township", Path: "/at/{town}/cadres"},
	{Name: "coverage-cadre", State: Full, As: "secretary", Path: "/at/{place}/coverage?cadre={user.cadre}&show=short.enough"},
	{Name: "matters", State: Full, As: "secretary", Path: "/at/{place}/matters?state=all"},
	{Name: "matters-narrowed", State: Full, As: "township", Path: "/at/{town}/matters?kind=request&team=leading&urgency=1&age=7&late=1&day=2026-10&solved=2026-01.2026-11&order=new"},
	{Name: "matters-empty", State: Empty, As: "secretary", Path: "/at/{place}/matters"},
	{Name: "matters-long", State: Long, As: "secretary", Path: "/at/{place}/matters?state=all"},
	{Name: "matters-many", State: Many, As: "secretary", Path: "/at/{place}/matters?end=1"},
	{Name: "matter", State: Full, As: "secretary", Path: "/at/{place}/matters/{matter}"},
	{Name: "matter-answered", State: Full, As: "township", Path: "/at/{place}/matters/{matter.light}"},
	{Name: "matter-long", State: Long, As: "secretary", Path: "/at/{place}/matters/{matter}"},
	{Name: "numbers", State: Full, As: "secretary", Path: "/at/{place}/numbers"},
	{Name: "numbers-town", State: Full, As: "township", Path: "/at/{town}/numbers?from=2026-09&to=2026-11"},
	{Name: "numbers-empty", State: Empty, As: "secretary", Path: "/at/{place}/numbers"},
	{Name: "numbers-long", State: Long, As: "secretary", Path: "/at/{place}/numbers"},
	{Name: "numbers-many", State: Many, As: "secretary", Path: "/at/{place}/numbers?from=2025-01&to=2026-11"},
	{Name: "conflicts", State: Full, As: "admin", Path: "/at/{place}/conflicts"},
	{Name: "conflicts-empty", State: Empty, As: "admin", Path: "/at/{place}/conflicts"},
	{Name: "conflicts-long", State: Long, As: "admin", Path: "/at/{city}/conflicts"},
	{Name: "conflict", State: Full, As: "admin", Path: "/at/{place}/conflicts/{item.note}?pick=2"},
	{Name: "conflict-third", State: Full, As: "admin", Path: "/at/{place}/conflicts/{item.low_income}?pick=third"},
	{Name: "conflict-long", State: Long, As: "admin", Path: "/at/{place}/conflicts/{item.note}?pick=both"},
	{Name: "conflict-delete", State: Full, As: "admin", Path: "/at/{place}/conflicts/{item.delete}?pick=keep"},
	{Name: "refused", State: Full, As: "admin", Path: "/at/{place}/refused"},
	{Name: "refused-late", State: Full, As: "admin", Path: "/at/{place}/refused?list=late"},
	{Name: "refused-empty", State: Empty, As: "admin", Path: "/at/{place}/refused"},
	{Name: "refused-long", State: Long, As: "admin", Path: "/at/{city}/refused"},
	{Name: "refused-many", State: Many, As: "admin", Path: "/at/{place}/refused"},
	{Name: "refused-one", State: Full, As: "admin", Path: "/at/{place}/refused/{change}"},
	{Name: "refused-one-long", State: Long, As: "admin", Path: "/at/{place}/refused/{change}"},
	{Name: "refused-toolate", State: Full, As: "admin", Path: "/at/{place}/refused/{change.toolate}"},
	{Name: "refused-came", State: Full, As: "admin", Path: "/at/{place}/refused/{change.late}"},
	{Name: "assign", State: Full, As: "admin", Path: "/at/{place}/assign?to=hanlijun"},
	{Name: "assign-preview", State: Full, As: "admin", Path: "/at/{place}/assign?preview=1&way=move&from=chenxiulan&to=hanlijun&team=member&how=all"},
	{Name: "assign-nobody", State: Full, As: "admin", Path: "/at/{place}/assign?preview=1&way=take&from=chenxiulan&how=groups&group={group7}&group={group8}"},
	{Name: "assign-wrong", State: Full, As: "admin", Path: "/at/{place}/assign?preview=1&way=move&from=baihe&to=hanlijun&how=list&codes=1&since=yesterday"},
	{Name: "assign-empty", State: Empty, As: "admin", Path: "/at/{place}/assign"},
	{Name: "assign-long", State: Long, As: "admin", Path: "/at/{place}/assign?preview=1&way=move&from=chenxiulan&to=hanlijun&team=member&how=all"},
	{Name: "assign-many", State: Many, As: "admin", Path: "/at/{place}/assign?preview=1&way=give&to=chenxiulan&team=member&how=nobody&n=1000"},
	{Name: "assigned", State: Full, As: "admin", Path: "/at/{place}/assign/{work}"},
	{Name: "assigned-long", State: Long, As: "admin", Path: "/at/{place}/assign/{work}"},
	{Name: "cards", State: Full, As: "admin", Path: "/at/{place}/assign/{work}/cards"},
	{Name: "cards-long", State: Long, As: "admin", Path: "/at/{place}/assign/{work}/cards"},
	{Name: "import", State: Full, As: "admin", Path: "/at/{place}/import"},
	{Name: "import-empty", State: Empty, As: "admin", Path: "/at/{place}/import"},
	{Name: "import-choose", State: Full, As: "admin", Path: "/at/{town}/import"},
	{Name: "import-one", State: Full, As: "admin", Path: "/at/{place}/import/{file}"},
	{Name: "import-one-stopped", State: Full, As: "admin", Path: "/at/{place}/import/{file.stopped}"},
	{Name: "import-users", State: Full, As: "admin", Path: "/at/{place}/import/{file.users}"},
	{Name: "import-users-long", State: Long, As: "admin", Path: "/at/{place}/import/{file.users}"},
	{Name: "import-assignments", State: Full, As: "admin", Path: "/at/{place}/import/{file.assignments}"},
	{Name: "import-assignments-long", State: Long, As: "admin", Path: "/at/{place}/import/{file.assignments}"},
	{Name: "import-one-long", State: Long, As: "admin", Path: "/at/{place}/import/{file}"},
	{Name: "import-one-many", State: Many, As: "admin", Path: "/at/{place}/import/{file}"},
	{Name: "homes", State: Full, As: "admin", Path: "/at/{place}/homes"},
	{Name: "homes-empty", State: Empty, As: "admin", Path: "/at/{place}/homes"},
	{Name: "homes-find", State: Full, As: "admin", Path: "/at/{place}/homes?q=王"},
	{Name: "homes-nomatch", State: Full, As: "admin", Path: "/at/{place}/homes?q=zzz"},
	{Name: "homes-city", State: Full, As: "admin", Path: "/at/{city}/homes"},
	{Name: "homes-long", State: Long, As: "admin", Path: "/at/{place}/homes"},
	{Name: "homes-many", State: Many, As: "admin", Path: "/at/{place}/homes"},
	{Name: "home", State: Full, As: "admin", Path: "/at/{place}/homes/{wang}"},
	{Name: "home-long", State: Long, As: "admin", Path: "/at/{place}/homes/{wang}"},
	{Name: "home-new", State: Full, As: "admin", Path: "/at/{place}/homes/new"},
	{Name: "person", State: Full, As: "admin", Path: "/at/{place}/persons/{wang.0}"},
	{Name: "person-long", State: Long, As: "admin", Path: "/at/{place}/persons/{wang.0}"},
	{Name: "person-new", State: Full, As: "admin", Path: "/at/{place}/homes/{wang}/person"},
	{Name: "users", State: Full, As: "admin", Path: "/at/{place}/users"},
	{Name: "users-empty", State: Empty, As: "admin", Path: "/at/{group7}/users"},
	{Name: "users-long", State: Long, As: "admin", Path: "/at/{city}/users"},
	{Name: "user", State: Full, As: "admin", Path: "/at/{place}/users/{user.cadre}"},
	{Name: "user-long", State: Long, As: "admin", Path: "/at/{place}/users/{user.cadre}"},
	{Name: "user-new", State: Full, As: "admin", Path: "/at/{place}/users/new"},
	{Name: "tree", State: Full, As: "admin", Path: "/at/{place}/tree"},
	{Name: "tree-long", State: Long, As: "admin", Path: "/at/{city}/tree"},
	{Name: "tree-one", State: Full, As: "admin", Path: "/at/{place}/tree/{group7}"},
	{Name: "teams", State: Full, As: "admin", Path: "/at/{place}/teams"},
	{Name: "devices", State: Full, As: "admin", Path: "/at/{place}/devices"},
	{Name: "devices-empty", State: Empty, As: "admin", Path: "/at/{place}/devices"},
	{Name: "devices-none", State: Full, As: "admin", Path: "/at/{place}/devices?q=nobody"},
	{Name: "devices-long", State: Long, As: "admin", Path: "/at/{city}/devices"},
	{Name: "resident", State: Full, Path: "/c/{serial.foreign}", Tall: true},
	{Name: "resident-three", State: Full, Path: "/c/{serial.ou}", Tall: true},
	{Name: "resident-nobody", State: Full, Path: "/c/{serial.nobody}"},
	{Name: "resident-gone", State: Empty, Path: "/c/0000-0000-0000-0000", Want: 404},
	{Name: "resident-long", State: Long, Path: "/c/{serial.foreign}", Tall: true},
	{Name: "resident-many", State: Many, Path: "/c/{serial.foreign}"},
	{Name: "audit", State: Full, As: "admin", Path: "/at/{place}/audit"},
	{Name: "audit-city", State: Full, As: "admin", Path: "/at/{city}/audit?kind=seen"},
	{Name: "audit-empty", State: Empty, As: "admin", Path: "/at/{place}/audit?kind=exported"},
	{Name: "audit-none", State: Full, As: "admin", Path: "/at/{place}/audit?who=nobody", Want: 422},
	{Name: "audit-long", State: Long, As: "admin", Path: "/at/{city}/audit"},
	{Name: "health", State: Full, As: "admin", Path: "/at/{city}/health"},
	{Name: "health-place", State: Full, As: "admin", Path: "/at/{place}/health"},
	{Name: "health-empty", State: Empty, As: "admin", Path: "/at/{city}/health"},
	{Name: "health-long", State: Long, As: "admin", Path: "/at/{city}/health"},
	{Name: "settings", State: Full, As: "admin", Path: "/at/{city}/settings"},
	{Name: "settings-place", State: Empty, As: "admin", Path: "/at/{place}/settings"},
	{Name: "audit-many", State: Many, As: "admin", Path: "/at/{place}/audit"},
	{Name: "device", State: Full, As: "admin", Path: "/at/{place}/devices/{device}"},
	{Name: "enrol", State: Full, As: "admin", Path: "/at/{place}/devices", Post: "/at/{place}/devices/enrol", Fields: map[string][]string{"login": {"chenxiulan"}}},
	{Name: "enrol-nobody", State: Full, As: "admin", Path: "/at/{place}/devices", Post: "/at/{place}/devices/enrol", Fields: map[string][]string{"login": {"nobody"}}, Want: 422},
	{Name: "review-say", State: Full, As: "secretary", Path: "/at/{place}/review", Post: "/at/{place}/review/{journal.returned}", Fields: map[string][]string{"comment": {" "}, "do": {"return"}}, Want: 422},
	{Name: "settings-wrong", State: Full, As: "admin", Path: "/at/{city}/settings", Post: "/at/{city}/settings", Fields: map[string][]string{"term": {"grace"}, "value": {"很久"}}, Want: 422},
	{Name: "signin-wrong", State: Full, Path: "/signin", Post: "/signin", Fields: map[string][]string{"login": {"lugang"}, "password": {"guess"}}, Want: 422},
	{Name: "conflict-late", State: Knots, As: "admin", Path: "/at/{place}/conflicts/{item.late}?pick=take"},
	{Name: "conflict-state", State: Knots, As: "admin", Path: "/at/{place}/conflicts/{item.state}?pick=1"},
	{Name: "conflict-twins", State: Knots, As: "admin", Path: "/at/{place}/conflicts/{item.household}?pick=1"},
	{Name: "conflict-people", State: Knots, As: "admin", Path: "/at/{place}/conflicts/{item.identity}?pick=2"},
	{Name: "conflicts-kinds", State: Knots, As: "admin", Path: "/at/{place}/conflicts"},
	{Name: "conflicts-many", State: Many, As: "admin", Path: "/at/{place}/conflicts"},
	{Name: "device-revoked", State: Knots, As: "admin", Path: "/at/{place}/devices/{device.lost}"},
	{Name: "devices-revoked", State: Knots, As: "admin", Path: "/at/{place}/devices"},
	{Name: "devices-many", State: Many, As: "admin", Path: "/at/{place}/devices"},
	{Name: "settings-many", State: Many, As: "admin", Path: "/at/{place}/settings"},
	{Name: "settings-long", State: Long, As: "admin", Path: "/at/{place}/settings"},
	{Name: "users-many", State: Many, As: "admin", Path: "/at/{place}/users"},
	{Name: "tree-many", State: Many, As: "otheradmin", Path: "/at/{other}/tree"},
	{Name: "home-many", State: Many, As: "admin", Path: "/at/{place}/homes/{ding}"},
	{Name: "matter-many", State: Many, As: "secretary", Path: "/at/{place}/matters/{matter}"},
	{Name: "assigned-many", State: Many, As: "admin", Path: "/at/{place}/assign/{work.many}"},
	{Name: "cards-many", State: Many, As: "admin", Path: "/at/{place}/assign/{work.many}/cards"},
	{Name: "health-many", State: Many, As: "admin", Path: "/at/{city}/health"},
	{Name: "teams-long", State: Long, As: "admin", Path: "/at/{place}/teams"},
	{Name: "device-long", State: Long, As: "admin", Path: "/at/{place}/devices/{device}"},
	{Name: "me-long", State: Long, As: "secretary", Path: "/me"},
}

// At is a path with its words filled in.
func (c *City) At(path string) string {
	pairs := []string{"{place}", c.Places["village"]}
	for name, id := range c.Places {
		pairs = append(pairs, "{"+name+"}", id)
	}
	for name, id := range c.Rows {
		pairs = append(pairs, "{"+name+"}", string(id))
	}
	for who, id := range c.Users {
		pairs = append(pairs, "{user."+who+"}", string(id))
	}
	for home, serial := range c.Serials {
		pairs = append(pairs, "{serial."+home+"}", serial)
	}
	return strings.NewReplacer(pairs...).Replace(path)
}
