package pagetest

import "net/url"

// Screen is one page in one state. Path may name rows of the phone: /h/{home}. With Post it is what the form of that page answers
// when these fields are filled in and sent; the others go as they stood.
type Screen struct {
	Name  string // of its picture
	State State
	Path  string
	Post  url.Values
	Want  int  // status; 0 is 200
	Tall  bool // the picture shows the whole page and not only what a phone shows at once
}

// Screens are all pages in the states worth a look. Each screen's own file of tests says more; here is what all have in common.
var Screens = []Screen{
	{Name: "today", State: Full, Path: "/today"},
	{Name: "today-done", State: Done, Path: "/today"},
	{Name: "today-empty", State: Empty, Path: "/today"},
	{Name: "today-long", State: Long, Path: "/today"},
	{Name: "today-many", State: Many, Path: "/today"},
	{Name: "households", State: Full, Path: "/households"},
	{Name: "households-found", State: Full, Path: "/households?q=wgf"},
	{Name: "households-none", State: Full, Path: "/households?q=xyz"},
	{Name: "households-empty", State: Empty, Path: "/households"},
	{Name: "households-long", State: Long, Path: "/households"},
	{Name: "households-many", State: Many, Path: "/households"},
	{Name: "household", State: Full, Path: "/h/{home}", Tall: true},
	{Name: "household-done", State: Done, Path: "/h/{home}"},
	{Name: "household-long", State: Long, Path: "/h/{home}", Tall: true},
	{Name: "household-many", State: Many, Path: "/h/{home}?visits=1000"},
	{Name: "correct", State: Full, Path: "/h/{home}/edit"},
	{Name: "correct-person", State: Full, Path: "/r/{resident}/edit", Tall: true},
	{Name: "correct-long", State: Long, Path: "/h/{home}/edit"},
	{Name: "person-new", State: Full, Path: "/h/{home}/add"},
	{Name: "card", State: Full, Path: "/h/{home}/card"},
	{Name: "card-long", State: Long, Path: "/h/{home}/card"},
	{Name: "me", State: Full, Path: "/me", Tall: true},
	{Name: "me-empty", State: Empty, Path: "/me"},
	{Name: "me-many", State: Many, Path: "/me"},
	{Name: "device", State: Full, Path: "/me/phone"},
	{Name: "practice", State: Full, Path: "/practice"},
	{Name: "export", State: Full, Path: "/me/export"},
	{Name: "export-empty", State: Empty, Path: "/me/export"},
	{Name: "diagnostics", State: Failed, Path: "/me/diagnostics"},
	{Name: "practice-today", State: Practising, Path: "/today"},
	{Name: "practice-household", State: Practising, Path: "/households"},
	{Name: "practice-me", State: Practising, Path: "/me"},
	{Name: "practice-sync", State: Practising, Path: "/sync"},
	{Name: "practice-outside", State: Practising, Path: "/me/export"},
	{Name: "visit", State: Full, Path: "/h/{home}/visit"},
	{Name: "visit-matter", State: Full, Path: "/h/{home}/visit?matter=1", Tall: true},
	{Name: "visit-long", State: Long, Path: "/h/{home}/visit", Tall: true},
	{Name: "visit-round", State: Full, Path: "/h/{home}/visit/homes?draft=0123456789abcdef"},
	{Name: "visit-many", State: Many, Path: "/h/{home}/visit"},
	{Name: "sync", State: Full, Path: "/sync"},
	{Name: "sync-empty", State: Empty, Path: "/sync"},
	{Name: "sync-failed", State: Failed, Path: "/sync", Tall: true},
	{Name: "sync-long", State: Long, Path: "/sync", Tall: true},
	{Name: "enrol", State: Full, Path: "/enrol"},
	{Name: "enrol-wrong", State: Full, Path: "/enrol", Post: url.Values{"code": {"12"}, "pin": {"1"}}, Want: 422},
	{Name: "enrol-first", State: Full, Path: "/enrol/first"},
	{Name: "pin", State: Full, Path: "/me/pin"},
	{Name: "pin-wrong", State: Full, Path: "/me/pin", Post: url.Values{"old": {"1"}, "new": {"1"}}, Want: 422},
	{Name: "journals", State: Full, Path: "/journal"},
	{Name: "journals-empty", State: Empty, Path: "/journal"},
	{Name: "journals-failed", State: Failed, Path: "/journal"},
	{Name: "journals-long", State: Long, Path: "/journal"},
	{Name: "journals-many", State: Many, Path: "/journal?from=900"},
	{Name: "journal", State: Full, Path: "/j/{journal}"},
	{Name: "journal-returned", State: Full, Path: "/j/{returned}"},
	{Name: "journal-complete", State: Full, Path: "/j/{returned}/edit"},
	{Name: "journal-accepted", State: Full, Path: "/j/{journal}/edit", Want: 403},
	{Name: "journal-long", State: Long, Path: "/j/{journal}", Tall: true},
	{Name: "matters", State: Full, Path: "/matters"},
	{Name: "matters-empty", State: Empty, Path: "/matters"},
	{Name: "matters-long", State: Long, Path: "/matters"},
	{Name: "matters-many", State: Many, Path: "/matters"},
	{Name: "matter", State: Full, Path: "/m/{matter}", Tall: true},
	{Name: "matter-done", State: Done, Path: "/m/{matter}"},
	{Name: "matter-long", State: Long, Path: "/m/{matter}", Tall: true},
	{Name: "matter-new", State: Full, Path: "/h/{home}/matter", Tall: true},
	{Name: "matter-edit", State: Full, Path: "/m/{matter}/edit"},
	{Name: "answer", State: Full, Path: "/m/{matter}/answer", Tall: true},
	{Name: "answer-none", State: Done, Path: "/m/{matter}/answer", Want: 422},
	{Name: "missing", State: Full, Path: "/nowhere", Want: 404},
	// What is wrong leaves a draft, so these come after what shows the same form untouched.
	{Name: "correct-wrong", State: Full, Path: "/r/{resident}/edit", Post: url.Values{"phone": {"12"}, "birth": {"1955-13-40"}, "name": {""}}, Want: 422},
	{Name: "visit-wrong", State: Full, Path: "/h/{home}/visit?matter=1", Post: url.Values{"title": {""}}, Want: 422, Tall: true},
	{Name: "journal-wrong", State: Full, Path: "/j/{returned}/edit", Post: url.Values{"text": {""}}, Want: 422},
	{Name: "matter-new-wrong", State: Full, Path: "/h/{home}/matter", Post: url.Values{"title": {""}}, Want: 422, Tall: true},
	{Name: "answer-wrong", State: Full, Path: "/m/{matter}/answer", Post: url.Values{"text": {""}}, Want: 422},
}
