// Package demo tells the main job of Minqing as a story with the real programs: a register arrives as a workbook, cadres are
// assigned households, three phones work without a network, and what they wrote comes together again. Every line it prints
// comes from a command it ran or from a digest it compared; it imports neither side, only their executables.
package demo
