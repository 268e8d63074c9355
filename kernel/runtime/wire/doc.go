// Package wire carries what a cell and the resident process say to each other:
// frames, failures and the names of arrays. What is asked and answered stands in
// package contract, and operations are coded by package record. Both sides are
// built from one clone; [odslab/kernel/runtime/contract.Fingerprint] tells at the
// first message when they are not.
package wire
