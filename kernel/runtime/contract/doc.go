// Package contract is what the kernel and the programs of cells agree on, in one
// place that both import: how programs are called into being ([LivePath] and the
// functions they call), the environment they start in ([EnvKeep] …), the files
// and marks they leave ([Saved], [Failure], [MarkResult] …), and what goes over
// the socket of the resident process ([AskHello] …, [Fingerprint]).
//
// It imports nothing, since every cell links it; the frames in which messages
// travel are package wire.
package contract
