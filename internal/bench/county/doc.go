// Package county plants a county-level city into an empty database, fast: 900 villages with their register, two months of visits and their
// journals, matters, phones and conflicts, for benches that need a full house. It promises that production code reads what was planted as if it had
// written it: rows, values, history, chains, digests and rights agree (a test verifies every chain and rebuilds every row). Only the
// conflicts and refusals come through the judge, as nobody else can make them; all else goes into the tables in large transactions.
package county
