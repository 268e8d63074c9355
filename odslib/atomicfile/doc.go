// Package atomicfile writes files that are old or new and never half of
// either, whatever ends the program or the machine meanwhile:
//
//	err := atomicfile.Write("result.json", data, 0o644)
//
// What is written goes to a file without a name, or where the system has none
// to a new one with a name that nobody can foresee; it is synced, and takes the
// place of the old file in one step. A program that is killed while it writes
// leaves nothing behind. A link under the name is replaced, never followed;
// devices, pipes and sockets are written to as they are.
package atomicfile
