package sim

var designHistories []Directed
