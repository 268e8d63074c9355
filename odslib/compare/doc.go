// Package compare puts posteriors with a known answer to many samplers and says how far each is from it.
//
//	go run ./odslib/compare/table            // the table of docs/methods.md
//	go run ./odslib/compare/table -quick     // fewer seeds
//
// Every figure stands beside its floor: the same distance between two exact samples of the same size. Evidence is
// compared with Z_T, the evidence of the discretised reference chain that a sampler of T steps targets, and with Z.
package compare
