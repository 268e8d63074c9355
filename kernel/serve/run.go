package serve

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"odslab/kernel/cell"
	"odslab/kernel/gonb"
	"odslab/kernel/jupyter"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// Version is the version of the kernel.
const Version = "0.1.0"

// Run is the process of one kernel. It returns after a shutdown request, a
// SIGTERM or the death of the front end that started it. SIGINT interrupts the
// cell at work; ctx should not be cancelled by it. unable is why no cell can run,
// or nil: whoever runs one is told.
func Run(ctx context.Context, connectionFile string, layout toolchain.Layout, unable error) error {
	conn, err := jupyter.ReadConnection(connectionFile)
	if err != nil {
		return err
	}
	goCmd, err := toolchain.RealGo()
	if unable == nil {
		unable = err
	}
	residentPath := "" // there is one where there is XLA
	slow := ""
	switch engine, why := layout.Engine(); {
	case strings.HasPrefix(engine, "xla"):
		residentPath = layout.Resident()
	case os.Getenv(environment.Engine) != "go":
		slow = why
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	k, err := start(ctx, config{
		conn: conn,
		child: gonb.Config{
			Gonb: layout.Tool("gonb"), Seam: layout.Seam(), Goimports: layout.Tool("goimports"),
			Go: goCmd, Module: layout.CellModule(), Name: filepath.Base(connectionFile),
			Env: []string{environment.Plugin + "=" + layout.Plugin()}, Resident: residentPath != "",
			Cache: layout.Cells(),
		},
		prepare: func(keep string, env []string) (Compiler, error) {
			return newCells(cell.Options{ModuleDir: layout.CellModule(), Go: goCmd, KeepDir: keep, Env: env, Resident: residentPath != ""})
		},
		resident: residentPath,
		programs: layout.Programs(),
		sum:      layout.PluginSum(),
		slow:     slow,
		gone: func() string {
			for _, path := range []string{layout.Tool("gonb"), filepath.Join(layout.Seam(), "go"), filepath.Join(layout.CellModule(), "go.mod"), residentPath} {
				if path == "" {
					continue
				}
				if _, err := os.Stat(path); err != nil {
					return fmt.Sprintf("%s is gone: the cache has been deleted under this kernel; run `go run ./kernel setup` in %s and restart the kernel", path, layout.Clone)
				}
			}
			return ""
		},
		residentEnv: []string{environment.Plugin + "=" + layout.Plugin()},
		history:     filepath.Join(layout.Root, "history.jsonl"),
		unable:      unable,
		version:     Version,
	})
	if err != nil {
		return err
	}
	go func() {
		for s := range signals {
			if s == os.Interrupt {
				k.interrupt()
			} else {
				k.end()
			}
		}
	}()
	if os.Getenv("JPY_PARENT_PID") != "" {
		go k.endWithParent(os.Getppid())
	}
	k.wait(ctx)
	return nil
}

// endWithParent ends the kernel when the front end that started it has died.
func (k *kernel) endWithParent(parent int) {
	for os.Getppid() == parent {
		select {
		case <-k.stop:
			return
		case <-time.After(time.Second):
		}
	}
	k.end()
}
