// Package register finds places, households and users by what people call them, and brings whole registers in and out: workbooks
// and CSV of one row a resident or one row a household.
//
// What an import promises:
//
//   - It writes by the one path that all domain data takes, as changes of the user who imports; a household and its people
//     are one change, taken whole or not at all.
//   - Importing the same file again changes nothing, and so does importing what was exported. A broken import is gone on with by
//     importing the file again. Only cells that the file says anew are written, over what the office last said of the row; what
//     somebody corrected meanwhile is never written over in silence: an older word in the file is left out and reported, a new one
//     beside a correction meets it by the column's merge rule. Blank cells say nothing.
//   - Every row that is not taken is reported with its line and what to do about it; the others are taken.
//   - Memory does not grow with the rows, save for a few bytes a row by which repetitions in the file are found.
//
// Households are the same by their code within the village; people by their ID number, else by household, name and birth date.
package register
