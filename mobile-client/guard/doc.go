// Package guard keeps the local pages to the person whose phone it is (DESIGN section 8). Every program on the phone, and every
// page in its browser, can reach a port of the loopback interface; none of them may read or write through it.
//
// It promises:
//
//   - Nobody gets a page without the cookie of a session, and a session is opened only by a launch secret, once. A secret that comes
//     a second time is refused, and ends the session it had opened: one of the two who used it was a thief. Secrets and sessions live
//     in memory and die with the process.
//   - The Host header must be the very address that was bound: a name that was rebound to 127.0.0.1 is refused before anything else.
//   - What changes something must come from a page of this origin, by Origin or by Sec-Fetch-Site; what is fetched, framed or embedded
//     by another origin is refused, also by one of another port, which browsers take for the same site and give the cookie.
//   - Every answer forbids scripts and styles that are not files of this origin, framing, plugins, other targets of forms, sniffing
//     and keeping.
//
// Cookies know no ports: a browser sends them to every port of 127.0.0.1. The name of ours carries the port, and SameSite=Strict
// keeps other sites from using it; that another program on the laptop lures its user to a port of its own and reads the cookie
// there is beyond what a local page can prevent. In the phone's shell only our pages load.
//
// The package keeps no clock; randomness is handed in.
package guard
