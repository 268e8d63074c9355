package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"

	"odslab/odslib/engine/environment"
)

// Environment variables that choose the engine.
const (
	EnvEngine   = environment.Engine
	EnvPlugin   = environment.Plugin
	EnvCache    = environment.Cache
	EnvPrograms = environment.Programs
	EnvDevices  = environment.Devices
)

// OpenXLA opens a PJRT plugin; package odslab/odslib/engine/xla sets it when it is linked in.
var OpenXLA func(plugin string, cuda bool) (compute.Backend, error)

// OpenResident, where a program sets it before the first [Open], connects to a process that computes for this one and says
// which engine that runs. Cells of a notebook do.
var OpenResident func() (be compute.Backend, name string, err error)

// Engine is the backend of this process and the reason for it.
type Engine struct {
	Backend compute.Backend
	Name    string // "xla-cuda", "xla-cpu" or "go"
	Why     string // one line: what was chosen and why
}

// Loops says whether While programs (the fast driver) run on this backend.
func (e *Engine) Loops() bool { return e.Name != "go" }

var (
	once    sync.Once
	current *Engine
	openErr error
)

// Open returns the engine of this process, chosen at the first call: XLA-CUDA, XLA-CPU, pure Go, whichever works first,
// or the one that ODSLAB_ENGINE names.
func Open() (*Engine, error) {
	once.Do(func() {
		if current, openErr = choose(os.Getenv(EnvEngine)); current != nil {
			inUse.Store(&current.Name)
		}
	})
	return current, openErr
}

var inUse atomic.Pointer[string]

// InUse is the name of the engine that this process has opened, or "".
func InUse() string {
	if name := inUse.Load(); name != nil {
		return *name
	}
	return ""
}

func choose(want string) (*Engine, error) {
	var tried []string
	switch want {
	case "", "xla-cuda", "xla-cpu", "go":
	default:
		return nil, fmt.Errorf("%s=%s: no such engine; use xla-cuda, xla-cpu or go, or leave it unset", EnvEngine, want)
	}
	if OpenResident != nil && want != "go" {
		return resident(want)
	}
	for _, kind := range []string{"xla-cuda", "xla-cpu"} {
		if want != "" && want != kind {
			continue
		}
		plugin := Plugin(kind)
		be, err := openPlugin(plugin, kind == "xla-cuda")
		if err == nil {
			if be, err = caching(be); err != nil {
				return nil, err
			}
			return &Engine{Backend: be, Name: kind, Why: fmt.Sprintf("engine %s (%s)", kind, filepath.Base(plugin))}, nil
		}
		if want == kind {
			return nil, fmt.Errorf("engine %s: %w", kind, err)
		}
		tried = append(tried, kind+": "+err.Error())
	}
	be, err := pureGo()
	if err == nil {
		be, err = caching(be)
	}
	if err != nil {
		return nil, err
	}
	why := "engine go (pure Go, slow), as " + EnvEngine + " asks"
	if want == "" {
		why = "engine go (pure Go, slow); " + strings.Join(tried, "; ")
	}
	return &Engine{Backend: be, Name: "go", Why: why}, nil
}

// resident does not fall back: a cell that turned slow without a word would be worse than one that fails.
func resident(want string) (*Engine, error) {
	be, name, err := OpenResident()
	if err != nil {
		return nil, err
	}
	if want != "" && want != name {
		return nil, fmt.Errorf("engine %s: the resident process runs %s; restart the kernel with %s=%s", want, name, EnvEngine, want)
	}
	return &Engine{Backend: be, Name: name, Why: fmt.Sprintf("engine %s (resident process)", name)}, nil
}

// Plugin is the path of the PJRT plugin of an engine ("xla-cpu", "xla-cuda"), whether or not it is there.
func Plugin(kind string) string {
	name := "pjrt_c_api_cpu_plugin.so"
	if kind == "xla-cuda" {
		name = "pjrt_c_api_cuda_plugin.so"
	}
	if p := os.Getenv(EnvPlugin); p != "" {
		if strings.Contains(filepath.Base(p), "cuda") == (kind == "xla-cuda") {
			return p
		}
	}
	cache := os.Getenv(EnvCache)
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(dir, "odslab")
	}
	return filepath.Join(cache, "plugin", name)
}
