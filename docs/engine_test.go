package docs

import (
	"fmt"
	"strings"
	"testing"

	"odslab/kernel/toolchain"
)

// Every program of engine.md runs, and prints what stands below it. XLA is wanted, since it has a While.
func TestEngineRuns(t *testing.T) {
	l := toolchain.NeedXLA(t)
	var head strings.Builder
	for _, path := range []string{"context", "fmt", "os", "github.com/gomlx/gomlx/core/graph", "github.com/gomlx/gomlx/core/tensors", "odslab/odslib/engine"} {
		fmt.Fprintf(&head, "import %q\n", path)
	}
	head.WriteString("import _ \"odslab/odslib/engine/xla\"\n\nvar _ = context.Background\nvar _ tensors.Tensor\n\n")
	runPrograms(t, "engine.md", 7, head.String(), "ODSLAB_PLUGIN="+l.Plugin(), "ODSLAB_ENGINE=xla-cpu")
}
