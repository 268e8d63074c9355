// Package server is the side of the resident process that owns the backend: it
// replays what cells record, keeps compiled programs and arrays, and outlives
// each cell.
//
//   - A client's first connection is its lease. When it ends, so do the
//     client's buffers and half-made programs; what was kept stays.
//   - A program goes by the hash of its recording and is compiled once. The
//     least recently used go first, never one that a client holds.
//   - A kept buffer has an id, is written to disk in the background ("spilled")
//     and is found there by the process that comes after a crash.
//   - A peer that breaks the protocol is dropped, and only that peer.
//
// Package odslab/kernel/runtime/contract lists the requests, package wire frames them.
package server
