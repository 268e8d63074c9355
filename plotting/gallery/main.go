// Command gallery draws every kind of plot on fixed data.
//
//	go run ./plotting/gallery -out DIR [-size column|onehalf|two|notebook|slide] [-dark] [-only NAME]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"odslab/plotting"
)

type picture struct {
	name string
	draw func() *plotting.Figure
}

func main() {
	out := flag.String("out", "out/gallery", "folder for the pictures")
	size := flag.String("size", "", "column, onehalf, two, notebook or slide instead of each plot's own")
	dark := flag.Bool("dark", false, "dark theme")
	only := flag.String("only", "", "draw only the pictures whose name starts so")
	flag.Parse()
	presets := map[string]plotting.Preset{
		"column": plotting.Column, "onehalf": plotting.OneAndHalf, "two": plotting.TwoColumn, "notebook": plotting.Notebook, "slide": plotting.Slide,
	}
	preset, ok := presets[*size]
	if *size != "" && !ok {
		fmt.Fprintf(os.Stderr, "gallery: there is no size %q\n", *size)
		os.Exit(2)
	}
	for _, p := range pictures {
		if !strings.HasPrefix(p.name, *only) {
			continue
		}
		start := time.Now()
		f := p.draw()
		if ok {
			f.Size(preset)
		}
		if *dark {
			f.Dark()
		}
		if err := f.Save(filepath.Join(*out, p.name)); err != nil {
			fmt.Fprintf(os.Stderr, "gallery: %s: %v\n", p.name, err)
			os.Exit(1)
		}
		fmt.Printf("%-18s %5.2f s  %s\n", p.name, time.Since(start).Seconds(), f)
	}
}
