package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"odslab/kernel/toolchain"
)

// Doctor prints what is there, what is not and the line that mends it, and
// reports whether anything is broken. It changes nothing.
func Doctor(ctx context.Context, l toolchain.Layout, out io.Writer) (broken bool) {
	list := append(toolchain.Inspect(ctx, l), inspectSpec(l))
	for _, f := range list {
		fmt.Fprintf(out, "%-9s %-8s %s\n", f.Name, f.State, f.Found)
		if f.State != toolchain.OK && f.Mend != "" {
			fmt.Fprintf(out, "%-9s %-8s → %s\n", "", "", f.Mend)
		}
		broken = broken || f.State == toolchain.Broken
	}
	return broken
}

// inspectSpec looks at the kernelspec in the user's own Jupyter.
func inspectSpec(l toolchain.Layout) toolchain.Finding {
	const mend = "go run ./kernel install"
	data, err := UserData()
	if err != nil {
		return toolchain.Finding{Name: "jupyter", State: toolchain.Missing, Found: err.Error()}
	}
	spec, err := ReadSpec(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return toolchain.Finding{Name: "jupyter", State: toolchain.Missing, Found: "not installed into " + data + " (optional)", Mend: mend}
	case err != nil || len(spec.Argv) == 0:
		return toolchain.Finding{Name: "jupyter", State: toolchain.Broken, Found: specDir(data) + " cannot be read", Mend: mend}
	}
	if _, err := os.Stat(spec.program()); err != nil {
		return toolchain.Finding{Name: "jupyter", State: toolchain.Broken, Found: "the kernelspec starts " + spec.program() + ", which is gone", Mend: mend}
	}
	if spec.program() != l.Tool("odslab") {
		return toolchain.Finding{Name: "jupyter", State: toolchain.OK, Found: specDir(data) + ", for another clone: " + spec.Env["ODSLAB_MODULE"]}
	}
	return toolchain.Finding{Name: "jupyter", State: toolchain.OK, Found: specDir(data)}
}
