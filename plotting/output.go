package plotting

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"odslab/odslib/atomicfile"
	"odslab/plotting/internal/ink"
)

// pngDPI is twice the 96 dots an inch of a browser's page.
const pngDPI = 192

// heavy is the size above which a cell shows pixels: an SVG of more bytes makes notebooks slow.
const heavy = 2 << 20

// manyMarks is the number of marks above which a cell shows pixels.
const manyMarks = 5000

// formats are those of a path without an ending.
var formats = []string{"pdf", "svg", "png"}

// encode draws the figure in one format, "svg", "pdf" or "png", for the ground that it is saved for.
func (f *Figure) encode(format string) (data []byte, err error) {
	return f.encodeOn(format, f.ground())
}

// encodeOn draws it for a ground.
func (f *Figure) encodeOn(format string, t theme) (data []byte, err error) {
	if f.err != nil {
		return nil, f.err
	}
	if page, ok := f.pages[format]; ok {
		return page, nil
	}
	if f.compose == nil {
		return nil, fmt.Errorf("plotting: cannot write %q; use .svg, .pdf or .png", format)
	}
	sh, s := f.lay(t)
	// Whole pixels, so that the frame of a PNG is not cut.
	w, h := math.Ceil(sh.w*4)/4, math.Ceil(sh.h*4)/4
	var page *ink.Page
	switch format {
	case "svg":
		page = ink.SVG(w, h, f.heading(), f.describe())
	case "pdf":
		page = ink.PDF(w, h, f.heading())
	case "png":
		page = ink.PNG(w, h, f.resolution(), s.paper)
	default:
		return nil, fmt.Errorf("plotting: cannot write %q; use .svg, .pdf or .png", format)
	}
	if s.paper.A > 0 && (t == darkness || format == "svg") {
		page.Box(s.paper, ink.Rect{W: w, H: h})
	}
	sh.draw(page)
	return page.Bytes()
}

// Save writes the figure; the ending of each path says how: .pdf, .svg or .png (192 dots an inch, or those of DPI). A path without one
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
			name := path
			if filepath.Ext(path) == "" {
				name = path + "." + format
			}
			if err := writeFile(name, data); err != nil {
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

// writeFile puts a whole file in place or leaves what was there; missing folders are made.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o644)
}

// heading is the figure's name in one line.
func (f *Figure) heading() string {
	if f.title != "" {
		return plainText(f.title)
	}
	return plainText(f.what)
}

// describe is the figure in words and numbers.
func (f *Figure) describe() string {
	out := f.String()
	if f.numbers != nil {
		if n := f.numbers(); n != "" {
			out += "\n" + n
		}
	}
	return plainText(out)
}

// plainText leaves out what no file of text may hold.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

// resolution is that of PNG files, in dots an inch.
func (f *Figure) resolution() int {
	if f.dpi > 0 {
		return f.dpi
	}
	return pngDPI
}

// shown is the ground that a cell's page may have.
func (f *Figure) shown() theme {
	if f.dark {
		return darkness
	}
	return either
}

// MIMEBundle is what a notebook shows: the figure as SVG (as PNG where it has many marks) without a ground of its own, what
// it says in numbers, and an interactive form where it has one. A figure that could not be made is one line of text.
func (f *Figure) MIMEBundle() (map[string]any, error) {
	if f.err != nil {
		return map[string]any{"text/plain": f.err.Error()}, nil
	}
	if f.bundle != nil {
		return f.bundle, nil
	}
	out := map[string]any{"text/plain": f.describe()}
	svg, err := f.encodeOn("svg", f.shown())
	if err != nil {
		return nil, err
	}
	if len(svg) <= heavy && bytes.Count(svg, []byte("<path")) <= manyMarks {
		out["image/svg+xml"] = string(svg)
	} else if out["image/png"], err = f.encodeOn("png", f.shown()); err != nil {
		return nil, err
	}
	if f.html != nil {
		out["text/html"] = f.html()
	}
	if f.interactive {
		out["application/vnd.vegalite.v5+json"] = f.vega()
	}
	return out, nil
}
