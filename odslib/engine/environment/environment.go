// Package environment names the environment variables that choose the engine of
// a program, for whoever sets them as well, and reads which task of an array it is.
// It imports nothing of the module.
package environment

const (
	Engine   = "ODSLAB_ENGINE"   // xla-cuda, xla-cpu or go; empty: the first that works
	Plugin   = "ODSLAB_PLUGIN"   // absolute path of a PJRT plugin
	Cache    = "ODSLAB_CACHE"    // where set-up keeps its files
	Programs = "ODSLAB_PROGRAMS" // how many compiled programs are kept; empty: 128
	Devices  = "ODSLAB_DEVICES"  // how many devices a CPU is divided into; empty: 1
)
