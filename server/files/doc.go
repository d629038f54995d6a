// Package files takes and serves the contents of attachments: photos and papers, by tus (tusd v2.8.0 as a library).
//
// It promises:
//
//   - A content is taken only for an attachment row that the server accepted, from the row's author, and only the one that the row
//     declares: its length, its SHA-256, its media type by what is in it. Anything else is thrown away and the sender told why.
//   - An upload goes on where it was cut, on another link, after a restart of either side, at another process.
//   - A content is on record only when it is durable. It is kept once however many rows declare it; but a row gets it only from
//     somebody who had all of it. Who merely knows a hash learns neither the content nor whether anybody else has it.
//   - A content goes out only to those who may see its row at that moment, each time on record, in headers that let no browser run it.
//   - When the last row that refers to a content is gone, so is the content: within the hour, at once after a lawful erasure.
//
// Storage is a folder (beside the database, or shared by several processes) or an S3-compatible store. DESIGN.md says how a content gets
// from one state to the next, and what was weighed.
package files
