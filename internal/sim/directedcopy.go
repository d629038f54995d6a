package sim

var copyHistories, restoreHistories, designHistories []Directed
