package toolchain

import (
	"context"
	"os"
	"path/filepath"
)

// dataStep gets the full data sets. What they are and how they are checked is
// the business of package datasets; its program runs on its own, so that the
// odslab command links nothing of the library.
func (l Layout) dataStep(o Options) step {
	return step{
		name:   "data",
		what:   "fetching the full data sets",
		stamp:  filepath.Join(l.Data(), "stamp.json"),
		inputs: func() string { return hashOf(sourceState(l.Clone, "odslib/datasets")) },
		do: func(ctx context.Context, line *stepLine) (*stepResult, error) {
			if o.Offline {
				return nil, errOffline
			}
			if err := os.MkdirAll(l.Data(), 0o755); err != nil {
				return nil, err
			}
			c, err := goCommand(l.Clone, "run", "odslab/kernel/toolchain/fetchdata", l.Data())
			if err != nil {
				return nil, err
			}
			c.Out = lineWriter(line.say)
			if err := run(ctx, c); err != nil {
				return nil, err
			}
			r := &stepResult{what: "full data sets in " + l.Data()}
			files, err := filepath.Glob(filepath.Join(l.Data(), "*"))
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() && filepath.Base(f) != "stamp.json" {
					r.outputs = append(r.outputs, f)
					r.size += info.Size()
				}
			}
			return r, nil
		},
	}
}

// lineWriter hands each written line to a function.
type lineWriter func(string)

func (w lineWriter) Write(p []byte) (int, error) {
	start := 0
	for i, c := range p {
		if c == '\n' {
			if i > start {
				w(string(p[start:i]))
			}
			start = i + 1
		}
	}
	return len(p), nil
}
