// Package disk keeps the programs that XLA has compiled for the next process.
//
// PJRT's interface is a table of functions, and go-xla takes a plugin's table from whoever has it
// (pjrt.RegisterPreloadedPlugin). Install gives it the table of the real plugin with one entry changed:
// PJRT_Client_Compile looks for the program on disk first (PJRT_Executable_DeserializeAndLoad) and puts there what had to
// be compiled (PJRT_Executable_Serialize). Nothing else is touched, so a program runs as it always does, to the bit.
//
//	programs := &disk.Programs{Cache: &diskcache.Cache{Dir: dir, Max: 256 << 20}}
//	err := programs.Install(plugin, file) // before the engine opens the plugin
//
// Reference: the PJRT C API, xla/pjrt/c/pjrt_c_api.h of openxla/xla.
package disk
