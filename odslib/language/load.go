package language

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed checkpoints
var kept embed.FS

// Load returns a model that is kept in the package; [Kept] lists them. "stories" is the masked-diffusion model of grammar stories
// and "stories-ar" its autoregressive reward, which takes all four reactions of the last sentence for alike; they are made by
//
//	go run ./odslib/language/recipe -name stories
//	go run ./odslib/language/recipe -name stories-ar
func Load(name string) (*LM, error) {
	data, err := kept.ReadFile("checkpoints/" + name + ".safetensors")
	if err != nil {
		return nil, fmt.Errorf("no language model %q is kept; there are %s", name, strings.Join(Kept(), ", "))
	}
	return Decode(data)
}

// Kept lists the names that Load knows.
func Kept() (names []string) {
	files, err := fs.Glob(kept, "checkpoints/*.safetensors")
	if err != nil {
		panic("language: " + err.Error()) // the pattern is ours
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "checkpoints/"), ".safetensors"))
	}
	return names
}
