// Command table puts every sampler to posteriors with a known answer and prints how far each is from it, in Markdown.
//
//	go run ./odslib/compare/table            # about 15 minutes on two cores: the table of docs/methods.md
//	go run ./odslib/compare/table -quick     # a look
//	go run ./odslib/compare/table -only T6   # one case
//	go run ./odslib/compare/table -method TDS
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"odslab/odslib/compare"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

func main() {
	quick := flag.Bool("quick", false, "fewer seeds, shorter training")
	only := flag.String("only", "", "one case, by its name or the first word of it")
	method := flag.String("method", "", "the lines whose name holds this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *quick, *only, *method); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, quick bool, only, method string) error {
	e, err := engine.Open()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, e.Why)
	var entries []compare.Entry
	for _, line := range compare.Standard(quick) {
		c, err := line.Case(0)
		if err != nil {
			return err
		}
		if word, _, _ := strings.Cut(c.Name, " "); only != "" && word != only && c.Name != only || !strings.Contains(line.Name, method) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s, %s …\n", c.Name, line.Name)
		entry, err := line.Run(ctx)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	if len(entries) == 0 {
		return fmt.Errorf("no line of case %q and method %q", only, method)
	}
	fmt.Print(compare.Markdown(entries))
	return nil
}
