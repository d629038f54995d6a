// Package sheet reads and writes tables as people keep them: workbooks (.xlsx) and CSV.
//
// Reading finds the table by what its columns are called, below whatever titles stand above it, on every sheet that has it, and
// hands out its rows one by one. What it promises:
//
//   - Nothing is lost in silence. A damaged file is refused before its first row; a sheet or column that is not read is named in
//     Info; a cell whose value the spreadsheet itself has spoilt carries a problem; Row.Raw has every cell as it stands in the file.
//   - Memory does not grow with the rows. Of a workbook, only the table of distinct texts is held (and bounded); a CSV is one
//     record at a time. Every size is limited before anything is allocated for it, so that a zip bomb costs an error message.
//   - A message names what is wrong and what to do, Chinese first.
//
// Workbooks are read by own code on archive/zip and encoding/xml. The row iterator of excelize, which tests use to write real
// workbooks, holds the whole file in memory, writes what it unpacks to temporary files (a register is personal data), and ends
// quietly where the XML of a damaged sheet ends: the rest of the village would be missing without a word.
//
// Writing streams too, with every cell as text, so that no spreadsheet takes an ID number for a number, and with formulas made
// harmless in CSV.
package sheet
