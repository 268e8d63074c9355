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
		inputs: func() string { return hashOf(l.dataSources()) },
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

// dataSources is the text that says what is fetched; a checkout that only
// changes its time is no reason to fetch again.
func (l Layout) dataSources() string {
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(l.Clone, "odslib", "datasets", "*.go"))
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && !strings.HasSuffix(f, "_test.go") {
			b.Write(text)
		}
	}
	return b.String()
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
