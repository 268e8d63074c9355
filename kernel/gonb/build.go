package gonb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"odslab/kernel/toolchain"
)

// kept is how many binaries stay for cells that are run again unchanged.
const kept = 8

// cacheMax is how many bytes of binaries stay for kernels to come: about a hundred.
const cacheMax = 512 << 20

// build builds a program, or finds the binary of an earlier run of the same one,
// and puts it where GoNB's go build finds it. log is what the compiler says
// about a program that does not compile.
func (c *Child) build(ctx context.Context, program []byte, from toolchain.Link) (log string, err error) {
	if err := os.WriteFile(c.path("next/main.go"), program, 0o600); err != nil {
		return "", err
	}
	files := []string{c.path("next/main.go"), c.path("next/boot.go")}
	flags := toolchain.WithTags(slices.Concat(toolchain.BuildFlags(c.cfg.Resident), c.goflags), slices.Concat(c.cmd.Env, c.env))
	env, module := goEnv(c.env), c.cfg.Module
	if from.Module != "" {
		module = from.Module
	}
	key, changed, err := fingerprint(files, append(env, flags...), module)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(c.path("next/bin"), key)
	plain := len(env) == 0 && len(c.goflags) == 0 && from.Current(changed)
	if _, err := os.Stat(bin); err != nil && !(plain && c.cache.Take(from.Key+key, bin)) {
		tmp := bin + ".tmp"
		linked := plain && from.Build(ctx, tmp, files, func(cmd *exec.Cmd) {
			cmd.Dir, cmd.Env = c.path("next"), slices.Clone(c.cmd.Env)
			DeathSignal(cmd)
		}) == nil
		if !linked { // the go command knows what to say
			cmd := exec.CommandContext(ctx, c.cfg.Go, slices.Concat([]string{"build", "-o", tmp}, flags, files)...)
			cmd.Dir, cmd.Env = module, slices.Concat(c.cmd.Env, c.env)
			DeathSignal(cmd)
			if said, err := cmd.CombinedOutput(); err != nil {
				if len(said) == 0 {
					return "go build: " + err.Error() + "\n", nil
				}
				return string(said), nil
			}
		}
		if err := os.Rename(tmp, bin); err != nil {
			return "", err
		}
		if linked {
			c.cache.Put(from.Key+key, bin)
		}
	}
	prune(c.path("next/bin")) // those from the disk cache too
	os.Remove(c.next())
	return "", os.Link(bin, c.next())
}

// goEnv are the variables that change what go build makes; the last of a name counts.
func goEnv(env []string) (out []string) {
	for _, kv := range env {
		for _, prefix := range []string{"GO", "CGO_", "CC=", "CXX=", "PATH="} {
			if strings.HasPrefix(kv, prefix) {
				out = append(out, kv)
			}
		}
	}
	return out
}

// fingerprint covers all that the binary depends on: the program, the flags, the
// module of cells and the sources of the clone, by their sizes and times, the
// last of which is changed.
func fingerprint(files, flags []string, module string) (key string, changed time.Time, err error) {
	h := sha256.New()
	fmt.Fprintln(h, flags, os.Getenv("CGO_ENABLED"), os.Getenv("GOFLAGS"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return "", changed, err
		}
		fmt.Fprintln(h, filepath.Base(f), len(data))
		h.Write(data)
	}
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", changed, err
	}
	h.Write(mod)
	for _, clone := range replaced(mod) {
		for _, part := range []string{"odslib", "plotting", "kernel/runtime"} {
			err := filepath.WalkDir(filepath.Join(clone, part), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
					return nil
				}
				info, err := d.Info()
				if err == nil {
					fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
					if info.ModTime().After(changed) {
						changed = info.ModTime()
					}
				}
				return nil
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", changed, err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), changed, nil
}

// replaced lists the folders that a go.mod puts in place of modules.
func replaced(mod []byte) (dirs []string) {
	for line := range bytes.Lines(mod) {
		_, to, ok := strings.Cut(string(line), "=>")
		if to = strings.Trim(strings.TrimSpace(to), `"`); ok && filepath.IsAbs(to) {
			dirs = append(dirs, to)
		}
	}
	return dirs
}

// prune removes all but the binaries made last.
func prune(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= kept {
		return
	}
	age := func(i int) int64 {
		info, err := entries[i].Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	sort.Slice(entries, func(i, j int) bool { return age(i) > age(j) })
	for _, e := range entries[kept:] {
		os.Remove(filepath.Join(dir, e.Name()))
	}
}
