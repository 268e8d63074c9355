package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// gonb and goimports are pinned by the module's own go.mod.
var pinnedTools = []string{"github.com/janpfeifer/gonb", "golang.org/x/tools/cmd/goimports"}

func (l Layout) toolsStep(m *module, o Options) step {
	return step{
		name:   "tools",
		what:   "building gonb and goimports",
		stamp:  l.stampOf("tools"),
		inputs: fixed(hashOf(m.hash(), strings.Join(pinnedTools, " "))),
		do: func(ctx context.Context, _ *stepLine) (*stepResult, error) {
			outs, size, err := l.install(ctx, l.Clone, o, pinnedTools...)
			if err != nil {
				return nil, err
			}
			note := "gonb " + m.version("github.com/janpfeifer/gonb") + ", goimports " + m.version("golang.org/x/tools")
			return &stepResult{what: note, note: note, outputs: outs, size: size}, nil
		},
	}
}

// install builds programs in the module at dir and puts them into Bin.
func (l Layout) install(ctx context.Context, dir string, o Options, packages ...string) (outs []string, size int64, err error) {
	work, remove, err := l.work()
	if err != nil {
		return nil, 0, err
	}
	defer remove()
	args := append([]string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", work + string(filepath.Separator)}, packages...)
	c, err := goCommand(dir, args...)
	if err != nil {
		return nil, 0, err
	}
	if o.Offline {
		c.Env = append(c.Env, "GOPROXY=off", "GOTOOLCHAIN=local")
	}
	if err := run(ctx, c); err != nil {
		if o.Offline && strings.Contains(err.Error(), "GOPROXY=off") {
			return nil, 0, fmt.Errorf("the sources of %s are %w (run it once with a network)", strings.Join(packages, " and "), errOffline)
		}
		return nil, 0, err
	}
	if err := between(ctx, "built"); err != nil {
		return nil, 0, err
	}
	if err := os.MkdirAll(l.Bin(), 0o755); err != nil {
		return nil, 0, err
	}
	for _, p := range packages {
		name := filepath.Base(p)
		info, err := os.Stat(filepath.Join(work, name))
		if err != nil {
			return nil, 0, err
		}
		if err := os.Rename(filepath.Join(work, name), l.Tool(name)); err != nil {
			return nil, 0, err
		}
		outs = append(outs, l.Tool(name))
		size += info.Size()
	}
	return outs, size, nil
}
