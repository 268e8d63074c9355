// Package snapshot writes the memory that a set of variables reaches to bytes,
// and reads it back in another process built from the same type declarations.
//
// The usual encodings lose what a notebook needs: hidden fields, cycles, two
// pointers to one value, a sub-slice that shares its array, nil against empty,
// NaN. Here memory is taken as it lies: pass one collects the address ranges
// that pointers and slices reach and merges those that overlap into objects;
// pass two writes each object once, and every pointer as (object, offset).
//
//	group, err := snapshot.Encode([]snapshot.Root{{Name: "x", Ptr: &x}, {Name: "p", Ptr: &p}})
//	_, err = group.Image.WriteTo(file)
//	...
//	err = snapshot.Decode(bytes, []snapshot.Root{{Name: "x", Ptr: &x}, {Name: "p", Ptr: &p}})
//
// Long arrays and strings stand apart in the file, behind all else, and are not
// copied on their way there. [Adopt] leaves them where they lie in a mapping of
// the file, so that a program that has megabytes at hand touches what it uses.
// A [Stamp] tells whether anything has changed since a file was written.
//
// What packages hold in exported variables is kept by name, so that io.EOF is
// io.EOF in the next process; so are functions that a program has registered.
// What can't leave its process is refused with the path to it: another func, a
// chan that isn't nil, a lock that somebody waits for, a foreign struct with
// hidden fields that has no MarshalBinary. Values inside interfaces need their
// types made known with [Register] before they are decoded; [Groups] lists which.
//
// Bytes are in the layout of the machine and are meant for the same machine.
package snapshot
