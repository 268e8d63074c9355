package toolchain

import (
	"slices"
	"strings"
)

// Version of odslab.
const Version = "0.1.0"

// Pin is one thing that comes in one version only.
type Pin struct{ Name, Version string }

// shownModules are the direct requirements that users ask about.
var shownModules = []string{
	"github.com/janpfeifer/gonb",
	"github.com/gomlx/gomlx",
	"github.com/gomlx/compute",
	"github.com/gomlx/go-xla",
	"gonum.org/v1/gonum",
	"gonum.org/v1/plot",
	"golang.org/x/tools",
}

// Pins lists the versions of the clone's tools, libraries and of what set-up
// fetches beside them.
func Pins(l Layout) ([]Pin, error) {
	m, err := readModule(l.Clone)
	if err != nil {
		return nil, err
	}
	var list []Pin
	for _, path := range shownModules {
		list = append(list, Pin{path, m.version(path)})
	}
	list = append(list, Pin{xlaWheel.name, xlaWheel.version})
	var python []Pin
	for name, version := range pythonPins {
		python = append(python, Pin{name, version})
	}
	slices.SortFunc(python, func(a, b Pin) int { return strings.Compare(a.Name, b.Name) })
	return append(list, python...), nil
}
