package toolchain

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"odslab/odslib/engine/environment"
)

var engines = []string{"xla-cpu", "xla-cuda", "go"}

func checkEngine(name string) error {
	if name != "" && !slices.Contains(engines, name) {
		return fmt.Errorf("unknown engine %q: choose one of %s", name, strings.Join(engines, ", "))
	}
	return nil
}

// Engine says which engine cells of this set-up run on, and why in a few
// words: $ODSLAB_ENGINE, else XLA where its plugin was checked and a C compiler
// is there, else the pure-Go engine. Cells import odslib/engine/xla only when
// the name begins with "xla".
func (l Layout) Engine() (name, why string) { return l.EngineFor(os.Getenv(environment.Engine)) }

// EngineFor is Engine for an engine that is asked for by name, or "" for the
// best that works.
func (l Layout) EngineFor(asked string) (name, why string) {
	name, why = l.xla(asked)
	if !strings.HasPrefix(name, "xla") {
		return name, why
	}
	switch st, ok := readStamp(l.stampOf("resident")); {
	case !ok:
		return "go", "the resident process has not been built: `go run ./kernel setup`"
	case st.Failed != "":
		return "go", st.Failed
	case len(st.Outputs) == 0 || !st.Outputs[0].unchanged():
		return "go", "the resident process has not been built with XLA: `go run ./kernel setup`"
	}
	return name, why
}

// PluginSum is the sha256 of the plugin that set-up has checked.
func (l Layout) PluginSum() string {
	st, _ := readStamp(l.pluginStamp())
	return st.Sum
}

// xlaPossible says whether a resident process can be built that runs the engine
// asked for.
func (l Layout) xlaPossible(asked string) bool {
	if asked == "" {
		asked = os.Getenv(environment.Engine)
	}
	name, _ := l.xla(asked)
	return strings.HasPrefix(name, "xla")
}

// xla is EngineFor before it is known whether the resident process was built.
func (l Layout) xla(asked string) (name, why string) {
	if asked != "" && !strings.HasPrefix(asked, "xla") {
		return asked, "asked for"
	}
	st, ok := readStamp(l.pluginStamp())
	switch {
	case !ok && noCompiler():
		_, err := compiler()
		return "go", err.Error()
	case !ok:
		return "go", "the XLA plugin has not been set up: `go run ./kernel setup`"
	case st.Failed != "":
		return "go", st.Failed
	case !st.current(l.pluginInputs()):
		return "go", "the XLA plugin has changed since it was checked: `go run ./kernel setup`"
	}
	name = "xla-cpu"
	if asked != "" {
		name = asked
	} else if given := os.Getenv(environment.Plugin); strings.Contains(given, "cuda") {
		name = "xla-cuda"
	}
	return name, st.Note
}
