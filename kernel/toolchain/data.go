package toolchain

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
			r := &stepResult{what: "full data sets"}
			err = filepath.WalkDir(l.Data(), func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") || d.Name() == "stamp.json" {
					return err
				}
				info, err := d.Info()
				if err == nil {
					r.outputs = append(r.outputs, path)
					r.size += info.Size()
				}
				return err
			})
			if err != nil {
				return nil, err
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
