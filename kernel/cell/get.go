package cell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// A notebook may add modules: `%get module@version` is a line of it, and the
// record of what it needs. The notebook then has a go.mod of its own, that of all
// cells and the modules added. What is pinned there never moves.

const getLimit = 3 * time.Minute

// get adds a module, or says which line to write.
func (s *Session) get(what string) (text string, err error) {
	path, version, ok := strings.Cut(what, "@")
	if err := module.CheckPath(path); err != nil {
		return "", fmt.Errorf("%%get wants module@version: %s", err)
	}
	if !ok || version == "" || version == "latest" {
		in, v, err := s.latest(path)
		if err != nil {
			return "", err
		}
		return "", fmt.Errorf("say which version: %%get %s@%s is the latest", in, v)
	}
	if s.got[path] == version {
		return fmt.Sprintf("%s %s is at hand.\n", path, version), nil
	}
	base := s.base.ModuleDir
	pins, err := requirements(base)
	if err != nil {
		return "", err
	}
	if pin := pins[path]; pin != "" && pin != version {
		return "", fmt.Errorf("%s is pinned at %s, and %s is wanted: what the kernel is built on does not move", path, pin, version)
	}
	dir, err := os.MkdirTemp(s.opt.KeepDir, "module-")
	if err != nil {
		return "", err
	}
	done := false
	defer func() {
		if !done {
			os.RemoveAll(dir)
		}
	}()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(s.opt.ModuleDir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			return "", err
		}
	}
	if _, err := s.goCommand(dir, "get", path+"@"+version); err != nil {
		return "", getError(path, err)
	}
	now, err := requirements(dir)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		if now[name] != "" && now[name] != pins[name] {
			return "", fmt.Errorf("%s@%s needs %s %s, and %s is pinned: take an older version of it", path, version, name, now[name], pins[name])
		}
	}
	cgo, err := s.goCommand(dir, "list", "-mod=mod", "-e", "-deps", "-f", "{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}", path+"/...")
	if c := strings.Fields(cgo); err == nil && len(c) > 0 {
		return "", fmt.Errorf("%s uses cgo (package %s), which cells are built without", path, c[0])
	}
	done = true
	s.got[path] = version
	s.opt.ModuleDir = dir
	s.pkgs = newPackages(s.opt)
	for _, p := range slices.Sorted(maps.Keys(s.got)) {
		s.pkgs.extra = append(s.pkgs.extra, p+"/...")
	}
	return fmt.Sprintf("%s %s is at hand from now on; keep this line in the notebook.\n", path, version), nil
}

// latest asks for the newest version of a module, or of the one that has the package.
func (s *Session) latest(path string) (in, version string, err error) {
	var first error
	for in, ok := path, true; ok && strings.Contains(in, "."); in, _, ok = cutLast(in, "/") {
		out, err := s.goCommand(s.opt.ModuleDir, "list", "-mod=mod", "-m", "-f", "{{.Version}}", in+"@latest")
		if err == nil {
			return in, strings.TrimSpace(out), nil
		}
		if first == nil {
			first = getError(path, err)
		}
	}
	return "", "", first
}

// getError is what the go command says, in one line for a person.
func getError(path string, err error) error {
	text := err.Error()
	for _, sign := range []string{"no such host", "connection refused", "network is unreachable", "i/o timeout", "module lookup disabled", "GOPROXY=off", "Client.Timeout", "server misbehaving"} {
		if strings.Contains(text, sign) {
			return fmt.Errorf("%s can't be fetched: there is no network here, or the module proxy does not answer (%s)", path, sign)
		}
	}
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool {
		l = strings.TrimSpace(l)
		return l == "" || strings.HasPrefix(l, "go: downloading") || strings.HasPrefix(l, "go: added") || strings.HasPrefix(l, "go: upgraded")
	})
	if len(lines) == 0 {
		return fmt.Errorf("%s can't be fetched: %s", path, firstLine(text))
	}
	return fmt.Errorf("%s can't be fetched: %s", path, strings.TrimPrefix(strings.TrimSpace(strings.Join(lines, " ")), "go: "))
}

// goCommand runs the go command where a go.mod may change.
func (s *Session) goCommand(dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), getLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.opt.Go, args...)
	env := s.opt.Env
	if env == nil {
		env = os.Environ()
	}
	cmd.Dir, cmd.Env = dir, append(slices.Clone(env), "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if stderr.Len() > 0 {
			return "", errors.New(strings.TrimSpace(stderr.String()))
		}
		return "", err
	}
	return stdout.String(), nil
}

// requirements are the versions of a go.mod.
func requirements(dir string) (map[string]string, error) {
	name := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, r := range mod.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	return out, nil
}

// noModule: what the go command says about a package of a module that is not required.
var noModule = regexp.MustCompile(`no required module provides package|cannot find module providing package|module lookup disabled|updates to go\.mod needed|missing go\.sum entry|: reading https?://|dial tcp`)
