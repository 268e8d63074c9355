// Command fetchdata puts the full data sets into a folder. It is a program of
// its own so that the odslab command links nothing of the library.
//
//	go run odslab/kernel/toolchain/fetchdata DIR
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"odslab/odslib/datasets"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fetchdata DIR")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := datasets.Fetch(ctx, os.Args[1], func(line string) { fmt.Println(line) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
