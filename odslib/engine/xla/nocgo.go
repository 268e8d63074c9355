//go:build !cgo || noxla

// Package xla would link XLA in; this build has no C compiler, so the engine is pure Go.
package xla
