package pages

import "minqing/syncproto"

// The addresses that pages link to, also those of other files. A page is free to have more of its own.
const (
	todayPath      = "/today"
	householdsPath = "/households"
	journalsPath   = "/journal"
	mattersPath    = "/matters"
	mePath         = "/me"
	syncPath       = "/sync"
)

func householdPath(id syncproto.RowID) string { return "/h/" + string(id) }
func visitPath(home syncproto.RowID) string   { return "/h/" + string(home) + "/visit" } // records a visit to a household
func cardPath(home syncproto.RowID) string    { return "/h/" + string(home) + "/card" }
func matterPath(id syncproto.RowID) string    { return "/m/" + string(id) }
func answerPath(id syncproto.RowID) string    { return "/m/" + string(id) + "/answer" } // delivers the answer to a matter
func journalPath(id syncproto.RowID) string   { return "/j/" + string(id) }             // one journal: read it, complete it when it was returned

// pathFuncs gives the paths to templates: {{paths.Visit .ID}}.
type pathFuncs struct{}

func (pathFuncs) Sync() string                           { return syncPath }
func (pathFuncs) Households() string                     { return householdsPath }
func (pathFuncs) Household(id syncproto.RowID) string    { return householdPath(id) }
func (pathFuncs) Visit(household syncproto.RowID) string { return visitPath(household) }
func (pathFuncs) Card(household syncproto.RowID) string  { return cardPath(household) }
func (pathFuncs) Matter(id syncproto.RowID) string       { return matterPath(id) }
func (pathFuncs) Journal(id syncproto.RowID) string      { return journalPath(id) }
