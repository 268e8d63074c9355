// Package boot is linked into every cell program, beside its main package. It
// ends the cell when GoNB dies and connects standard input to the kernel, which
// then knows the cell's process id and sees when the cell waits for input. Its
// work is done before main starts, by package syscall alone, so that it adds
// nothing to the time of linking.
package boot
