package priors

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/safetensors"
)

//go:embed checkpoints
var kept embed.FS

// Load returns a prior that is kept in the package: [Kept] lists them. An unknown name gives a prior whose Err, and with
// it every sampler, says so.
//
// docs/priors.md shows them; each is made by
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
	p, err := prior(f)
	if err != nil {
		return Unavailable{Why: fmt.Sprintf("prior %q: %v", name, err)}
	}
	return p
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

// LoadClassifier returns a classifier that is kept in the package: "digits", "fashion". An unknown name gives one whose Err says so.
func LoadClassifier(name string) *Classifier {
	data, err := kept.ReadFile("checkpoints/classifiers/" + name + ".safetensors")
	if err != nil {
		return &Classifier{why: fmt.Sprintf("no classifier %q is kept; there are digits, fashion", name)}
	}
	f, err := safetensors.Decode(data)
	if err == nil {
		var c *Classifier
		if c, err = classifier(f); err == nil {
			return c
		}
	}
	return &Classifier{why: fmt.Sprintf("classifier %q: %v", name, err)}
}

// OpenClassifier reads a classifier that Save wrote; path is without ending.
func OpenClassifier(path string) (*Classifier, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	return classifier(f)
}

func classifier(f *safetensors.File) (*Classifier, error) {
	v, err := decode(f)
	if err != nil {
		return nil, err
	}
	c, ok := v.(*Classifier)
	if !ok {
		return nil, fmt.Errorf("the file holds a %T, which is no classifier; read it by priors.Open", v)
	}
	return c, nil
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
