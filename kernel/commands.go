package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// subcommand is one word after odslab.
type subcommand struct {
	name  string
	args  string // for the usage line
	short string // "" hides it
	run   func(ctx context.Context, args []string) error
}

func subcommands() []subcommand {
	return []subcommand{
		{"run", "NB.ipynb… [-html DIR] [-out DIR] [-timeout D] [-param k=v] [-sweep GRID.yaml]", "run notebooks and write a page for each; one at each point of a grid", cmdRun},
		{"collect", "[-failed] DIR", "join what a sweep has made: tables, Results, log Z over seeds", cmdCollect},
		{"setup", "[-engine xla-cpu|xla-cuda|go] [-offline] [-data] [-lab]", "make what is missing", cmdSetup},
		{"lab", "[-no-browser] [DIR] [-- ARGS]", "JupyterLab in notebooks/, from a private environment", cmdLab},
		{"install", "", "put the kernel into your own Jupyter", cmdInstall},
		{"uninstall", "", "take it out again", cmdUninstall},
		{"doctor", "", "what is there, what is not, and the line that mends it", cmdDoctor},
		{"bench", "[-json] [-n N] [-python PATH]", "latencies against stock GoNB and ipykernel", cmdBench},
		{"soak", "[-minutes M] [-seed N]", "random cells, interrupts, kills and a full disk against a model", cmdSoak},
		{"kernel", "-f FILE", "", cmdKernel},
		{"version", "", "versions of everything pinned", cmdVersion},
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		usage(os.Stderr)
		return exitStatus(2)
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		usage(os.Stdout)
		return nil
	}
	for _, c := range subcommands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:])
		}
	}
	return fmt.Errorf("unknown command %q; `odslab help` lists them", args[0])
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: odslab COMMAND")
	for _, c := range subcommands() {
		if c.short != "" {
			fmt.Fprintf(w, "  %s\n      %s\n", strings.TrimSpace(c.name+" "+c.args), c.short)
		}
	}
}

// flagSet is the flags of one subcommand.
func flagSet(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(os.Stderr)
	fs.Usage = func() {
		for _, c := range subcommands() {
			if c.name == name {
				fmt.Fprintf(os.Stderr, "usage: odslab %s %s\n", c.name, c.args)
			}
		}
		fs.PrintDefaults()
	}
	return fs
}

// parse reads flags before, between and after the plain arguments. What
// follows "--" is left alone and comes back as rest.
func parse(fs *flag.FlagSet, args []string) (plain, rest []string, err error) {
	if i := slices.Index(args, "--"); i >= 0 {
		args, rest = args[:i], args[i+1:]
	}
	for {
		if err := fs.Parse(args); err != nil {
			if err == flag.ErrHelp {
				return nil, nil, exitStatus(0)
			}
			return nil, nil, exitStatus(2) // the flag package has said why
		}
		if fs.NArg() == 0 {
			return plain, rest, nil
		}
		plain = append(plain, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// none refuses plain arguments.
func none(name string, plain []string) error {
	if len(plain) > 0 {
		return fmt.Errorf("%s takes no argument %q", name, plain[0])
	}
	return nil
}
