// Package register invents a village: a population register as a village committee keeps it in a workbook, and what cadres write
// about its households. Demonstrations, benchmarks and the simulator use it in place of people.
//
// The same seed and size give the same village. Nobody in it exists: ID numbers have a region that no place has (see
// schema.IDNumber) and a right check digit, phones begin with 128, which no operator has. What is wrong in the workbook is wrong
// on purpose, counted, and listed with its row, so that an import can be held to finding it.
package register
