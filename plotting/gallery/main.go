// Command gallery draws every kind of plot on fixed data, and a page that shows them (index.html).
//
//	go run ./plotting/gallery -out DIR [-size column|onehalf|two|notebook|slide] [-dark] [-only NAME]
package main

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"time"

	"odslab/plotting"
)

type picture struct {
	name, says string
	draw       func() *plotting.Figure
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
	var page strings.Builder
	for _, p := range append(pictures, more...) {
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
		fmt.Fprintf(&page, "<figure id=%[1]q><img src=\"%[1]s.svg\" alt=%[2]q><figcaption><b>%[1]s</b> %[3]s</figcaption></figure>\n", p.name, html.EscapeString(f.String()), html.EscapeString(p.says))
		size := ""
		for _, ending := range []string{"svg", "pdf", "png"} {
			if info, err := os.Stat(filepath.Join(*out, p.name+"."+ending)); err == nil {
				size += fmt.Sprintf(" %s %4.0f kB", ending, float64(info.Size())/1e3)
			}
		}
		fmt.Printf("%-18s %5.2f s %s  %s\n", p.name, time.Since(start).Seconds(), size, f)
	}
	ground := "color-scheme:light dark"
	if *dark {
		ground = "background:#161a20;color:#eee"
	}
	index := "<!doctype html><meta charset=\"utf-8\"><title>Plots</title><style>body{font:15px sans-serif;max-width:1200px;margin:2em auto;padding:0 1em;" + ground +
		"}figure{margin:0 0 2.5em}img{max-width:100%;height:auto}figcaption{margin-top:.4em}</style><h1>Plots</h1>\n" + page.String()
	if err := os.WriteFile(filepath.Join(*out, "index.html"), []byte(index), 0o644); err != nil {
		fmt.Fprintf(os.Stderr, "gallery: %v\n", err)
		os.Exit(1)
	}
}
