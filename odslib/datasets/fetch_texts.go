package datasets

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"odslab/odslib/atomicfile"
)

// FetchTexts puts the King James Bible and Jane Austen's novels into dir
// ([DefaultDir] if dir is empty), out of the Debian packages bible-kjv,
// bible-kjv-text and r-cran-janeaustenr. Neither root nor an installed package
// is needed. progress, if not nil, gets a line for each thing that is done.
func FetchTexts(ctx context.Context, dir string, progress func(line string)) error {
	dir, err := orDefault(dir)
	if err != nil {
		return err
	}
	if progress == nil {
		progress = func(string) {}
	}
	_, a := kjv.read(dir)
	_, b := austen.read(dir)
	if a == nil && b == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "texts"), 0o755); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	tmp, err := os.MkdirTemp(dir, ".fetch-*")
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer os.RemoveAll(tmp)
	progress("texts: downloading the Debian packages bible-kjv, bible-kjv-text and r-cran-janeaustenr, 4 MB")
	if err := debian(ctx, tmp, progress, "bible-kjv", "bible-kjv-text", "r-cran-janeaustenr"); err != nil {
		return fmt.Errorf("datasets: texts: %w", err)
	}
	for _, t := range []struct {
		text
		make func(ctx context.Context, dir string) (string, error)
	}{{kjv, verses}, {austen, novels}} {
		whole, err := t.make(ctx, filepath.Join(tmp, "deb"))
		if err != nil {
			return fmt.Errorf("datasets: %s: %w", t.path, err)
		}
		if err := atomicfile.Write(filepath.Join(dir, filepath.FromSlash(t.path)), []byte(whole), 0o644); err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
		if _, err := t.read(dir); err != nil {
			return fmt.Errorf("%w; the package has another text than was expected", err)
		}
		progress(fmt.Sprintf("texts: %s, %d bytes", t.path, len(whole)))
	}
	return nil
}

// verses has the Bible printed by the program of its package.
func verses(ctx context.Context, deb string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(deb, "usr/bin/bible"), "-f", "-p", filepath.Join(deb, "usr/lib"), "Genesis1:1-Revelation22:21")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("its program bible: %w", err)
	}
	var b strings.Builder
	for _, line := range strings.Split(string(out), "\n") {
		if _, verse, ok := strings.Cut(line, " "); ok && strings.Contains(line[:len(line)-len(verse)], ":") {
			b.WriteString(strings.Join(strings.Fields(verse), " ") + "\n")
		}
	}
	return b.String(), nil
}

// novels reads the package's data, R objects one behind the other, each zlib'd
// behind its length: a list of lines, of which an empty one ends a paragraph.
func novels(_ context.Context, deb string) (string, error) {
	data, err := os.ReadFile(filepath.Join(deb, "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"))
	if err != nil {
		return "", err
	}
	books := map[string]string{}
	for len(data) > 4 {
		rest := bytes.NewReader(data[4:])
		z, err := zlib.NewReader(rest)
		if err != nil {
			return "", err
		}
		object, err := io.ReadAll(z)
		if err != nil {
			return "", err
		}
		data = data[len(data)-rest.Len():]
		lines, err := strings16(object)
		if err != nil {
			return "", err
		}
		if len(lines) > 0 {
			books[lines[0]] = paragraphs(lines)
		}
	}
	var b strings.Builder
	for _, title := range []string{"SENSE AND SENSIBILITY", "PRIDE AND PREJUDICE", "Mansfield Park", "EMMA", "NORTHANGER ABBEY", "PERSUASION"} {
		found := false
		for first, body := range books {
			if strings.HasPrefix(strings.ToUpper(first), strings.ToUpper(title)) {
				b.WriteString(body)
				found = true
			}
		}
		if !found {
			return "", fmt.Errorf("no novel begins with %q", title)
		}
	}
	return b.String(), nil
}

func paragraphs(lines []string) string {
	var b strings.Builder
	var p []string
	for _, l := range append(lines, "") {
		if l = strings.TrimSpace(l); l != "" {
			p = append(p, l)
		} else if len(p) > 0 {
			b.WriteString(strings.Join(strings.Fields(strings.Join(p, " ")), " ") + "\n")
			p = nil
		}
	}
	return b.String()
}

// strings16 reads a vector of strings (type 16) in R's XDR serialisation.
func strings16(object []byte) ([]string, error) {
	short := errors.New("its R data end too soon")
	at := 0
	number := func() (int, error) {
		if at+4 > len(object) {
			return 0, short
		}
		at += 4
		return int(int32(binary.BigEndian.Uint32(object[at-4:]))), nil
	}
	if len(object) < 14 || string(object[:2]) != "X\n" {
		return nil, errors.New("its R data are in another form")
	}
	at = 2
	version, err := number()
	if err != nil {
		return nil, err
	}
	at += 8 // versions of R
	if version == 3 {
		n, err := number()
		if err != nil {
			return nil, err
		}
		at += n // the native encoding
	}
	kind, err := number()
	if err != nil || kind&0xff != 16 {
		return nil, err
	}
	n, err := number()
	if err != nil {
		return nil, err
	}
	var out []string
	for range n {
		kind, err := number()
		if err != nil {
			return nil, err
		}
		size, err := number()
		if err != nil {
			return nil, err
		}
		if kind&0xff != 9 || size < -1 || at+max(0, size) > len(object) {
			return nil, short
		}
		out = append(out, string(object[at:at+max(0, size)]))
		at += max(0, size)
	}
	return out, nil
}
