package priors

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/safetensors"
)

//go:embed checkpoints
var kept embed.FS

// Load returns a prior that is kept in the package: [Kept] lists them. An unknown name gives a prior whose Err, and with
// it every sampler, says so.
//
// "digits" is a diffusion prior over handwritten digits [8, 8, 1] from -1 to 1, made by
//
//	go run ./odslib/priors/recipe -name digits
func Load(name string) odslib.Prior {
	data, err := kept.ReadFile("checkpoints/" + name + ".safetensors")
	if err != nil {
		return Unavailable{Why: fmt.Sprintf("no prior %q is kept; there are %s", name, strings.Join(Kept(), ", "))}
	}
	f, err := safetensors.Decode(data)
	if err != nil {
		return Unavailable{Why: fmt.Sprintf("prior %q: %v", name, err)}
	}
	prior, err := decode(f)
	if err != nil {
		return Unavailable{Why: fmt.Sprintf("prior %q: %v", name, err)}
	}
	return prior
}

// Kept lists the names that Load knows.
func Kept() []string {
	files, err := fs.Glob(kept, "checkpoints/*.safetensors")
	if err != nil {
		panic("priors: " + err.Error()) // the pattern is ours
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "checkpoints/"), ".safetensors")
	}
	slices.Sort(files)
	return files
}

// Unavailable stands for a prior that could not be had.
type Unavailable struct{ Why string }

// Err says why.
func (u Unavailable) Err() error { return fmt.Errorf("%s", u.Why) }

// Shape implements odslib.Prior.
func (u Unavailable) Shape() []int { return nil }

// Sample implements odslib.Prior; it fails.
func (u Unavailable) Sample(context.Context, int, uint64) (odslib.Array, error) {
	return odslib.Array{}, u.Err()
}

// String says why.
func (u Unavailable) String() string { return "no prior: " + u.Why }
