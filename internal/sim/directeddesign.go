package sim

var designHistories []directed
