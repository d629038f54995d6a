package sim

import "slices"

// kind is one thing that can be done in a history.
type kind struct {
	weight int
	always bool // in every mood
	inside bool // can happen while a request is under way
	run    func(w *world, d *dice)
}

// kindNames are in a fixed order: histories are drawn from it.
var kindNames = []string{"edit", "create", "sync", "delete", "move", "flow", "render", "save", "several", "mend", "withdraw", "forbidden", "tool", "kill",
	"copy", "image", "old copy", "clock", "update", "new phone", "assign", "role", "rehouse", "desk edit", "desk delete", "decide", "undo", "revoke", "backup",
	"restore", "restart", "power cut", "days", "twins", "rot", "orders", "ghost", "all sync"}

// laterKinds came later. They are drawn from a stream of randomness of their own and put in between, in half of the histories, so that the
// other half stays what it was.
var laterKinds = []string{"bundle", "carry", "receipt", "listen", "sweep", "chain", "take back", "again"}

var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		"edit":        {30, true, true, (*world).doEdit},
		"create":      {12, true, true, (*world).doCreate},
		"sync":        {30, true, true, (*world).doSync},
		"delete":      {3, false, true, (*world).doDelete},
		"move":        {2, false, true, (*world).doMove},
		"flow":        {7, false, true, (*world).doFlow},
		"render":      {4, false, true, (*world).doRender},
		"save":        {5, false, true, (*world).doSave},
		"several":     {3, false, true, (*world).doSeveral},
		"mend":        {4, false, true, (*world).doMend},
		"withdraw":    {1, false, true, (*world).doWithdraw},
		"forbidden":   {3, false, true, (*world).doForbidden},
		"tool":        {5, false, true, (*world).doTool},
		"kill":        {2, false, false, (*world).doKill},
		"copy":        {1, false, false, (*world).doCopy},
		"image":       {2, false, false, (*world).doImage},
		"old copy":    {1, false, false, (*world).doOldCopy},
		"clock":       {3, false, true, (*world).doClock},
		"update":      {1, false, false, (*world).doUpdate},
		"new phone":   {1, false, false, (*world).doNewPhone},
		"assign":      {5, false, true, (*world).doAssign},
		"role":        {1, false, true, (*world).doRole},
		"rehouse":     {1, false, true, (*world).doRehouse},
		"desk edit":   {7, false, true, (*world).doDeskEdit},
		"desk delete": {2, false, true, (*world).doDeskDelete},
		"decide":      {7, false, true, (*world).doDecide},
		"undo":        {3, false, true, (*world).doUndo},
		"revoke":      {1, false, false, (*world).doRevoke},
		"backup":      {2, false, false, (*world).doBackup},
		"restore":     {2, false, false, (*world).doRestore},
		"restart":     {1, false, true, (*world).doRestart},
		"power cut":   {2, false, true, (*world).doPowerCut},
		"days":        {3, false, false, (*world).doDays},
		"twins":       {2, false, true, (*world).doTwins},
		"rot":         {1, false, false, (*world).doRot},
		"orders":      {2, false, false, (*world).doOrders},
		"ghost":       {4, true, true, (*world).doGhost},
		"all sync":    {3, true, false, (*world).doAllSync},
		"bundle":      {8, true, true, (*world).doBundle},
		"carry":       {8, true, true, (*world).doCarry},
		"receipt":     {8, true, true, (*world).doReceipt},
		"listen":      {2, true, false, (*world).doListen},
		"sweep":       {2, true, false, (*world).doSweep},
		"chain":       {3, true, false, (*world).doChain},
		"take back":   {6, true, false, (*world).doTakeBack},
		"again":       {5, true, false, (*world).doAgain},
		"erase":       {0, true, false, (*world).doErase}, // put into some histories, see plan
		"numbers":     {0, true, false, (*world).doNumbers},
		"people":      {0, true, false, (*world).doPeople},
		"let in":      {0, true, true, (*world).doLetIn},
		"name":        {0, true, false, (*world).doName},
	}
}

// interlude lets something happen while a request is under way.
func (w *world) interlude(d *dice) {
	names := kindNames
	if w.history.Wide {
		names = append(slices.Clone(names), laterKinds...)
	}
	weights := make([]int, len(names))
	for i, name := range names {
		if kinds[name].inside {
			weights[i] = kinds[name].weight
		}
	}
	name := names[d.weighed(weights)]
	w.count[cNested]++
	w.depth++
	w.trace.note("meanwhile %s", name)
	kinds[name].run(w, newDice(d.Uint64(), 7))
	w.depth--
}
