package sim

// kind is one thing that can be done in a history.
type kind struct {
	weight int
	always bool // in every mood
	inside bool // can happen while a request is under way
	run    func(w *World, d *dice)
}

// kindNames are in a fixed order: histories are drawn from it.
var kindNames = []string{"edit", "create", "sync", "delete", "move", "flow", "render", "save", "several", "mend", "withdraw", "forbidden", "tool", "kill",
	"copy", "image", "old copy", "clock", "update", "new phone", "assign", "role", "rehouse", "desk edit", "desk delete", "decide", "undo", "revoke", "backup",
	"restore", "restart", "power cut", "days", "twins", "rot", "orders", "ghost", "all sync"}

var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		"edit":        {30, true, true, (*World).doEdit},
		"create":      {12, true, true, (*World).doCreate},
		"sync":        {30, true, true, (*World).doSync},
		"delete":      {3, false, true, (*World).doDelete},
		"move":        {2, false, true, (*World).doMove},
		"flow":        {7, false, true, (*World).doFlow},
		"render":      {4, false, true, (*World).doRender},
		"save":        {5, false, true, (*World).doSave},
		"several":     {3, false, true, (*World).doSeveral},
		"mend":        {4, false, true, (*World).doMend},
		"withdraw":    {1, false, true, (*World).doWithdraw},
		"forbidden":   {3, false, true, (*World).doForbidden},
		"tool":        {5, false, true, (*World).doTool},
		"kill":        {2, false, false, (*World).doKill},
		"copy":        {1, false, false, (*World).doCopy},
		"image":       {2, false, false, (*World).doImage},
		"old copy":    {1, false, false, (*World).doOldCopy},
		"clock":       {3, false, true, (*World).doClock},
		"update":      {1, false, false, (*World).doUpdate},
		"new phone":   {1, false, false, (*World).doNewPhone},
		"assign":      {5, false, true, (*World).doAssign},
		"role":        {1, false, true, (*World).doRole},
		"rehouse":     {1, false, true, (*World).doRehouse},
		"desk edit":   {7, false, true, (*World).doDeskEdit},
		"desk delete": {2, false, true, (*World).doDeskDelete},
		"decide":      {7, false, true, (*World).doDecide},
		"undo":        {3, false, true, (*World).doUndo},
		"revoke":      {1, false, false, (*World).doRevoke},
		"backup":      {2, false, false, (*World).doBackup},
		"restore":     {2, false, false, (*World).doRestore},
		"restart":     {1, false, true, (*World).doRestart},
		"power cut":   {2, false, true, (*World).doPowerCut},
		"days":        {3, false, false, (*World).doDays},
		"twins":       {2, false, true, (*World).doTwins},
		"rot":         {1, false, false, (*World).doRot},
		"orders":      {2, false, false, (*World).doOrders},
		"ghost":       {4, true, true, (*World).doGhost},
		"all sync":    {3, true, false, (*World).doAllSync},
	}
}

// interlude lets something happen while a request is under way.
func (w *World) interlude(d *dice) {
	weights := make([]int, len(kindNames))
	for i, name := range kindNames {
		if kinds[name].inside {
			weights[i] = kinds[name].weight
		}
	}
	name := kindNames[d.weighed(weights)]
	w.count[cNested]++
	w.depth++
	w.trace.note("meanwhile %s", name)
	kinds[name].run(w, newDice(d.Uint64(), 7))
	w.depth--
}
