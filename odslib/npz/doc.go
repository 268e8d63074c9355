// Package npz writes results for NumPy.
//
//	err := npz.Write("r.npz", r)
//
// and in Python
//
//	r = numpy.load("r.npz"); r["samples"], r["log_weights"], r["log_z"]
//
// The format is that of NumPy's savez: a zip file of arrays in the format of NEP 1.
package npz
