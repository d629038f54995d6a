// Package server is the side that everybody's replica is a part of: one SQLite file, or one PostgreSQL database, a city.
//
// Its rooms: store keeps (both databases behind one door), entitle knows what a user may see and could see at a past moment,
// judge decides what becomes of pushed changes, pull what travels down, auth who is asking, api speaks HTTP. Nothing in any of
// them reads the clock or draws randomness by itself: both are handed in, so that a simulator can run the whole of it on one
// goroutine.
package server
