// Command table puts every sampler to posteriors with a known answer and prints how far each is from it, in Markdown.
//
//	go run ./odslib/compare/table            # about 15 minutes on two cores: the table of docs/methods.md
//	go run ./odslib/compare/table -quick     # a look
//	go run ./odslib/compare/table -only T6   # one case
//	go run ./odslib/compare/table -method TDS
//	go run ./odslib/compare/table -out DIR -index 3  # one line, kept in DIR; a task of an array knows its index
//	go run ./odslib/compare/table -out DIR           # the lines that DIR lacks, and the table of all
//	go run ./odslib/compare/table -json              # one object a line
//	go run ./odslib/compare/table -python PATH       # the 30 instances of T2: DPS, ΠGDM and TMPD beside those of azula and deepinv, paired
package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"odslab/odslib/atomicfile"
	"odslab/odslib/compare"
	"odslab/odslib/engine"
	"odslab/odslib/engine/environment"
	_ "odslab/odslib/engine/xla"
)

func main() {
	quick := flag.Bool("quick", false, "fewer seeds, shorter training")
	only := flag.String("only", "", "one case, by its name or the first word of it")
	method := flag.String("method", "", "the lines whose name holds this")
	index := flag.Int("index", -1, "the only line to run, from 0 (default: $SLURM_ARRAY_TASK_ID, $JOB_COMPLETION_INDEX, else all)")
	asJSON := flag.Bool("json", false, "one JSON object a line instead of the table")
	python := flag.String("python", "", "a Python with azula and deepinv: the 30 instances of T2 by their guides and ours instead of the table")
	out := flag.String("out", "", "a `folder` that keeps each line: what is there is not run again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, options{*quick, *asJSON, *only, *method, *out, *python, *index}); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	quick, json               bool
	only, method, out, python string
	index                     int
}

func run(ctx context.Context, o options) error {
	index := o.index
	if index < 0 {
		i, ok, err := environment.TaskIndex()
		if err != nil {
			return err
		}
		if ok {
			index = i
		}
	}
	all := compare.Standard(o.quick)
	if o.python != "" {
		peers, err := startPeers(ctx, o.python)
		if err != nil {
			return err
		}
		defer peers.close()
		all = pairedLines(peers, o.quick)
	}
	lines, names, err := chosen(all, o.only, o.method)
	if err != nil {
		return err
	}
	if index >= len(lines) {
		return fmt.Errorf("index %d is beyond the table: it has %d lines, 0 to %d", index, len(lines), len(lines)-1)
	}
	e, err := engine.Open()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, e.Why)
	var entries []compare.Entry
	for i, line := range lines {
		if index >= 0 && i != index {
			continue
		}
		fmt.Fprintf(os.Stderr, "%d: %s …\n", i, names[i])
		entry, err := kept(o.out, i, names[i], func() (compare.Entry, error) { return line.Run(ctx) })
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		if o.json {
			text, err := entry.JSON()
			if err != nil {
				return err
			}
			fmt.Printf("%s\n", text)
		}
	}
	if o.json {
		return nil
	}
	fmt.Print(compare.Markdown(entries))
	if o.python != "" {
		return paired(os.Stdout, entries)
	}
	return nil
}

// chosen are the lines asked for, and what each is called.
func chosen(all []compare.Line, only, method string) (lines []compare.Line, names []string, err error) {
	for _, line := range all {
		c, err := line.Case(0)
		if err != nil {
			return nil, nil, err
		}
		if word, _, _ := strings.Cut(c.Name, " "); only != "" && word != only && c.Name != only || !strings.Contains(line.Name, method) {
			continue
		}
		lines = append(lines, line)
		names = append(names, fmt.Sprintf("%s, %s, %d draws, %d seeds", c.Name, line.Name, line.N, line.Seeds))
	}
	if len(lines) == 0 {
		return nil, nil, fmt.Errorf("no line of case %q and method %q", only, method)
	}
	return lines, names, nil
}

// kept is a line that the folder has, else the line as it is run and kept there.
func kept(dir string, index int, name string, run func() (compare.Entry, error)) (compare.Entry, error) {
	if dir == "" {
		return run()
	}
	type file struct {
		Name  string
		Entry compare.Entry
	}
	path := filepath.Join(dir, fmt.Sprintf("%04d.line", index))
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		var f file
		if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&f); err != nil {
			return f.Entry, fmt.Errorf("%s: %w: delete it", path, err)
		}
		if f.Name != name {
			return f.Entry, fmt.Errorf("%s is the line of another table (%s): choose another folder", path, f.Name)
		}
		return f.Entry, nil
	case !errors.Is(err, fs.ErrNotExist):
		return compare.Entry{}, err
	}
	entry, err := run()
	if err != nil {
		return entry, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return entry, err
	}
	return entry, atomicfile.Create(path, 0o644, func(w io.Writer) error { return gob.NewEncoder(w).Encode(file{name, entry}) })
}
