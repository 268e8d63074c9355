package plotting

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"odslab/atomicfile"
	"odslab/plotting/internal/ink"
)

// pngDPI is twice the 96 dots an inch of a browser's page.
const pngDPI = 192

// heavy is the size above which a cell shows pixels: an SVG of more bytes makes notebooks slow.
const heavy = 2 << 20

// formats are those of a path without an ending.
var formats = []string{"pdf", "svg", "png"}

// encode draws the figure in one format: "svg", "pdf" or "png".
func (f *Figure) encode(format string) (data []byte, err error) {
	if f.err != nil {
		return nil, f.err
	}
	if page, ok := f.pages[format]; ok {
		return page, nil
	}
	if f.compose == nil {
		return nil, fmt.Errorf("plotting: cannot write %q; use .svg, .pdf or .png", format)
	}
	sh, s := f.lay()
	// Whole pixels, so that the frame of a PNG is not cut.
	w, h := math.Ceil(sh.w*4)/4, math.Ceil(sh.h*4)/4
	var page *ink.Page
	switch format {
	case "svg":
		page = ink.SVG(w, h)
	case "pdf":
		page = ink.PDF(w, h, f.what)
	case "png":
		page = ink.PNG(w, h, pngDPI, s.paper)
	default:
		return nil, fmt.Errorf("plotting: cannot write %q; use .svg, .pdf or .png", format)
	}
	if format != "png" && (f.dark || format == "svg") {
		page.Box(s.paper, ink.Rect{W: w, H: h}) // readable on any page
	}
	sh.draw(page)
	return page.Bytes()
}

// Save writes the figure; the ending of each path says how: .pdf, .svg or .png (192 dots an inch). A path without one
// is written in all three. Missing folders are made.
func (f *Figure) Save(paths ...string) error {
	if f.err != nil {
		return f.err
	}
	if len(paths) == 0 {
		return errors.New("plotting: Save needs a path")
	}
	for _, path := range paths {
		endings := formats
		if ext := filepath.Ext(path); ext != "" {
			endings = []string{strings.ToLower(ext[1:])}
		}
		for _, format := range endings {
			data, err := f.encode(format)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return fmt.Errorf("plotting: %w", err)
			}
			name := path
			if filepath.Ext(path) == "" {
				name = path + "." + format
			}
			if err := atomicfile.Write(name, data, 0o644); err != nil {
				return fmt.Errorf("plotting: %w", err)
			}
		}
	}
	return nil
}

// SavedAs saves the figure and returns it, so that one expression writes a figure and shows it. What goes wrong is the
// figure's Err.
func (f *Figure) SavedAs(paths ...string) *Figure {
	if err := f.Save(paths...); err != nil {
		return &Figure{err: err, preset: f.preset}
	}
	return f
}

// MIMEBundle is what a notebook shows: the figure as SVG (as PNG where the SVG would be heavy) and its description. A
// figure that could not be made is one line of text.
func (f *Figure) MIMEBundle() (map[string]any, error) {
	out := map[string]any{"text/plain": f.String()}
	if f.err != nil {
		return out, nil
	}
	svg, err := f.encode("svg")
	if err != nil {
		return nil, err
	}
	if len(svg) <= heavy {
		out["image/svg+xml"] = string(svg)
		return out, nil
	}
	if out["image/png"], err = f.encode("png"); err != nil {
		return nil, err
	}
	return out, nil
}
