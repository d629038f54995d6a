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
	{Name: "me", State: Full, Path: "/me"},
	{Name: "missing", State: Full, Path: "/nowhere", Want: 404},
}
