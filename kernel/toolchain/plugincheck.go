package toolchain

import (
	"debug/elf"
	"fmt"
	"os"
	"runtime"
)

// elfMachines are the processors that Go and ELF both know by our builds.
var elfMachines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// CheckPlugin looks whether a file can be a PJRT plugin of this machine, before
// anything loads it: the loader crashes on junk and on a truncated file. The
// error is one line.
func CheckPlugin(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the plugin %s is not there", path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the plugin %s is not a file", path)
	}
	if runtime.GOOS != "linux" {
		return nil // no ELF there
	}
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("the plugin %s is not a shared library (%s)", path, sizeText(info.Size()))
	}
	defer f.Close()
	if want, ok := elfMachines[runtime.GOARCH]; ok && f.Machine != want || f.Type != elf.ET_DYN {
		return fmt.Errorf("the plugin %s is built for another machine (%v, %v)", path, f.Machine, f.Type)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Off+p.Filesz > uint64(info.Size()) {
			return fmt.Errorf("the plugin %s is truncated: %s of at least %s", path, sizeText(info.Size()), sizeText(int64(p.Off+p.Filesz)))
		}
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return fmt.Errorf("the plugin %s has no readable symbols", path)
	}
	for _, s := range symbols {
		if s.Name == "GetPjrtApi" && s.Section != elf.SHN_UNDEF {
			return nil
		}
	}
	return fmt.Errorf("the library %s is not a PJRT plugin: it does not define GetPjrtApi", path)
}
