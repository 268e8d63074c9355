package live

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"odslab/kernel/runtime/contract"
)

// A cell that changes its working directory or its environment changes those of
// later cells. What the kernel itself sets has the last word where it has
// changed since.

// change is what a cell has made of a variable of the environment, or, under
// the empty name, of the working directory.
type change struct {
	was, is     string
	wasSet, set bool
}

var place struct {
	changes map[string]change
	env     map[string]string // as the program found it
	dir     string
}

func environment() map[string]string {
	out := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		out[name] = value
	}
	return out
}

// workingDir is the folder that the process is in, whatever $PWD says.
func workingDir() string {
	dir, err := syscall.Getwd()
	if err != nil {
		return ""
	}
	return dir
}

// takePlace goes where earlier cells have gone.
func takePlace(dir string) {
	place.changes, place.env, place.dir = map[string]change{}, environment(), workingDir()
	if dir == "" {
		return
	}
	data, err := os.ReadFile(filepath.Join(dir, contract.PlaceFile))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		var f []string
		for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				break
			}
			text, _ := strconv.Unquote(q)
			f, rest = append(f, text), rest[len(q):]
		}
		if len(f) != 5 {
			continue
		}
		c := change{was: f[1], wasSet: f[2] == "set", is: f[3], set: f[4] == "set"}
		now, set := place.dir, true
		if f[0] != "" {
			now, set = place.env[f[0]], false
			_, set = place.env[f[0]]
		}
		if now != c.was || set != c.wasSet { // the kernel has set it anew
			continue
		}
		switch {
		case f[0] == "":
			if os.Chdir(c.is) != nil {
				continue
			}
		case c.set:
			os.Setenv(f[0], c.is)
		default:
			os.Unsetenv(f[0])
		}
		place.changes[f[0]] = c
	}
}

// keepPlace writes down what is otherwise than the program has found it.
func keepPlace(dir string) {
	changes, now := map[string]change{}, environment()
	for name, is := range now {
		if was, set := place.env[name]; !set || was != is {
			changes[name] = change{was, is, set, true}
		}
	}
	for name, was := range place.env {
		if _, set := now[name]; !set {
			changes[name] = change{was: was, wasSet: true}
		}
	}
	if is := workingDir(); is != place.dir && is != "" {
		changes[""] = change{place.dir, is, true, true}
	}
	if maps.Equal(changes, place.changes) {
		return
	}
	word := map[bool]string{true: "set", false: "unset"}
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		c := changes[name]
		for i, f := range []string{name, c.was, word[c.wasSet], c.is, word[c.set]} {
			if i > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendQuote(b, f)
		}
		b = append(b, '\n')
	}
	_ = write(filepath.Join(dir, contract.PlaceFile), b)
}
