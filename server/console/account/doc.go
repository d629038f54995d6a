// Package account knows who signs in to the consoles and whether he is who he says: passwords, one-time codes, recovery codes, sessions
// and one-time links. It speaks no HTTP.
//
// It promises:
//
//   - A password is kept as argon2id of its HMAC under a key that is not in the database; one that is common, or was in a breach, or holds
//     the name of its owner, is not taken (common.txt, the union of the lists of zxcvbn 4.4.2, Dan Wheeler and Dropbox, and of
//     @zxcvbn-ts/language-common 4.1.3, both MIT, cut to words of six characters and more, and some of our own;
//     names, well-known words and initials with digits put to them, and digits alone, are known by rule).
//   - What a browser, a link or a slip of paper holds is random and kept here only by its hash.
//   - Whoever tries passwords makes himself wait, ever longer, and nobody else: attempts are counted for an account from one address, and
//     a browser that has signed in to the account before is counted apart from its address. Unknown accounts, wrong passwords and accounts
//     that have ended look and cost alike.
//   - Whoever has what cannot be guessed, a contact card, is answered whatever others try or say from his address.
//   - A one-time code is good once; so is a recovery code; so is a link, of several tries at once one wins.
//   - A session ends when it is ended, when it rests for half a day, when its owner's password changes elsewhere, or with his account.
package account
