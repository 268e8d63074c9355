//go:build cgo && !noxla

package disk

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "pjrt.h"

static void free_owner(serialize_args *a) { if (a->free_owner) a->free_owner(a->owner); }
*/
import "C"

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/gomlx/go-xla/pjrt"

	"odslab/kernel/diskcache"
)

// Programs are XLA's compiled programs on disk.
type Programs struct {
	Cache *diskcache.Cache
	Sum   string // the plugin's sha256; "": its size and time must do

	machine string // what they depend on beside themselves
	loaded  atomic.Int64
}

// installed are the programs of this process; PJRT's functions take nothing that could say whose they are.
var installed atomic.Pointer[Programs]

// Install has the plugin's programs kept, once in a process and before anyone opens the plugin. After an error the plugin
// is opened as if there were no disk. What is loaded is the open file, where there is one.
func (p *Programs) Install(plugin string, file *os.File) error {
	if file == nil {
		var err error
		if file, err = os.Open(plugin); err != nil {
			return err
		}
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	which := p.Sum
	if which == "" {
		which = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	}
	if p.machine, err = processor(); err != nil {
		return err
	}
	p.machine += fmt.Sprintln(which, runtime.NumCPU(), os.Getenv("XLA_FLAGS"))
	if !installed.CompareAndSwap(nil, p) {
		return fmt.Errorf("programs on disk are installed already")
	}
	path := C.CString(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	defer C.free(unsafe.Pointer(path))
	var why *C.char
	table := C.wrap(path, &why)
	if table == nil {
		installed.Store(nil)
		return fmt.Errorf("%s", C.GoString(why))
	}
	if err := pjrt.RegisterPreloadedPlugin(plugin, uintptr(unsafe.Pointer(table))); err != nil {
		installed.Store(nil)
		return err
	}
	return nil
}

// Loaded counts the programs that need not be compiled.
func (p *Programs) Loaded() int { return int(p.loaded.Load()) }

// processor says what code can run here.
func processor() (string, error) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", fmt.Errorf("what the processor can do is not known: %w", err)
	}
	var b strings.Builder
	first, _, _ := strings.Cut(string(text), "\n\n")
	for line := range strings.Lines(first) {
		for _, key := range []string{"vendor_id", "cpu family", "model", "flags", "Features", "CPU "} {
			if strings.HasPrefix(line, key) {
				b.WriteString(line)
				break
			}
		}
	}
	return b.String(), nil
}

//export compileOrLoad
func compileOrLoad(args *C.compile_args) *C.error {
	p := installed.Load()
	name := p.name(args)
	if data := p.Cache.Read(name); data != nil {
		if C.load(args.client, (*C.char)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)), &args.executable) != 0 {
			p.loaded.Add(1)
			return nil
		}
		p.Cache.Drop(name)
	}
	if err := C.compile(args); err != nil {
		return err
	}
	var out C.serialize_args
	if C.serialize(args.executable, &out) != 0 {
		p.Cache.Write(name, C.GoBytes(unsafe.Pointer(out.bytes), C.int(out.bytes_size)))
		C.free_owner(&out)
	}
	return nil
}

// name is the hash of all that the compiled program depends on.
func (p *Programs) name(args *C.compile_args) string {
	h := sha256.New()
	fmt.Fprintln(h, p.machine)
	for _, part := range [][]byte{
		view(args.program.format, args.program.format_size),
		view(args.program.code, args.program.code_size),
		view(args.options, args.options_size),
	} {
		fmt.Fprintln(h, len(part))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func view(p *C.char, n C.size_t) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)) }
