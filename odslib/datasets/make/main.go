// Make writes the data files that package datasets keeps, from their sources:
//
//	go run ./odslib/datasets/make
//	go run ./odslib/datasets/make -texts
//
// It gets the 8×8 digits out of the PyPI wheel scikit-learn (by pip) and
// Fashion-MNIST out of the Debian package dataset-fashion-mnist (by apt-get),
// checks what it got, and says for each file whether it changed.
package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"

	"odslab/odslib/datasets"
	"odslab/odslib/datasets/internal/idx"
)

func main() {
	dir := flag.String("dir", "odslib/datasets/data", "folder of the files")
	texts := flag.Bool("texts", false, "only the texts: the King James Bible and Jane Austen, out of Debian packages")
	cache := flag.String("cache", "", "folder that holds, or gets, the full Fashion-MNIST (default: the user's cache)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := write
	if *texts {
		work = writeTexts
	}
	if err := work(ctx, *dir, *cache); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

// writeTexts puts the texts into the cache, and the beginnings that the package
// keeps into dir.
func writeTexts(ctx context.Context, dir, cache string) error {
	if err := datasets.FetchTexts(ctx, cache, func(s string) { fmt.Println(s) }); err != nil {
		return err
	}
	files, err := datasets.KeptTexts(cache)
	if err != nil {
		return err
	}
	for name, packed := range files {
		path, state := filepath.Join(dir, name), "new"
		if old, err := os.ReadFile(path); err == nil {
			state = "unchanged"
			if !bytes.Equal(old, packed) {
				state = "CHANGED"
			}
		}
		if err := os.WriteFile(path, packed, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s, %d bytes: %s\n", path, len(packed), state)
	}
	return nil
}

func write(ctx context.Context, dir, cache string) error {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return fmt.Errorf("%s is not a folder; run this from the root of the module", dir)
	}
	images, labels, err := digits(ctx)
	if err != nil {
		return fmt.Errorf("digits: %w", err)
	}
	if err := save(dir, "digits", images, labels); err != nil {
		return err
	}
	if _, _, err := datasets.FashionFull(cache); err != nil {
		if err := datasets.Fetch(ctx, cache, func(s string) { fmt.Println(s) }); err != nil {
			fmt.Println(err) // it may be the other set's; the next lines tell
		}
	}
	train, test, err := datasets.FashionFull(cache)
	if err != nil {
		return err
	}
	images, labels = first(train, 200)
	if err := save(dir, "fashion-train", images, labels); err != nil {
		return err
	}
	images, labels = first(test, 50)
	return save(dir, "fashion-test", images, labels)
}

// csvSum is the SHA-256 of digits.csv, unpacked.
const csvSum = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"

// digits reads digits.csv.gz of the scikit-learn wheel: 64 levels and the label
// in a row.
func digits(ctx context.Context) (images, labels idx.Bytes, err error) {
	tmp, err := os.MkdirTemp("", "digits-*")
	if err != nil {
		return images, labels, err
	}
	defer os.RemoveAll(tmp)
	pip := exec.CommandContext(ctx, "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", tmp, "scikit-learn")
	pip.Stderr = os.Stderr
	if err := pip.Run(); err != nil {
		return images, labels, fmt.Errorf("python3 -m pip download scikit-learn: %w", err)
	}
	wheels, err := filepath.Glob(filepath.Join(tmp, "*.whl"))
	if err != nil {
		return images, labels, err
	}
	if len(wheels) != 1 {
		return images, labels, errors.New("pip download left no wheel behind")
	}
	text, err := unpack(wheels[0], "sklearn/datasets/data/digits.csv.gz")
	if err != nil {
		return images, labels, err
	}
	if h := sha256.Sum256(text); hex.EncodeToString(h[:]) != csvSum {
		return images, labels, fmt.Errorf("SHA-256 of digits.csv is %x; want %s", h, csvSum)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return images, labels, err
	}
	for _, row := range rows {
		for i, cell := range row {
			v, err := strconv.ParseUint(cell, 10, 8)
			if err != nil {
				return images, labels, err
			}
			if i < 64 {
				images.Data = append(images.Data, uint8(v))
			} else {
				labels.Data = append(labels.Data, uint8(v))
			}
		}
	}
	images.Shape, labels.Shape = []int{len(rows), 8, 8}, []int{len(rows)}
	return images, labels, nil
}

// unpack returns the content of a gzip'd file of a zip archive.
func unpack(archive, name string) ([]byte, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	g, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(g)
}

// first returns the first n pictures of each class, in the order of the set.
func first(im datasets.Images, n int) (images, labels idx.Bytes) {
	height, width := im.X.Shape[1], im.X.Shape[2]
	taken := make([]int, len(im.Names))
	for i, l := range im.Labels {
		if taken[l]++; taken[l] > n {
			continue
		}
		labels.Data = append(labels.Data, l)
		for _, v := range im.X.Data[i*height*width : (i+1)*height*width] {
			images.Data = append(images.Data, uint8(math.Round((float64(v)+1)*127.5)))
		}
	}
	images.Shape, labels.Shape = []int{len(labels.Data), height, width}, []int{len(labels.Data)}
	return images, labels
}

// save writes both files of a set.
func save(dir, name string, images, labels idx.Bytes) error {
	for kind, a := range map[string]idx.Bytes{"images": images, "labels": labels} {
		packed, sum, err := a.Encode()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(dir, name+"-"+kind+".gz")
		state := "new"
		if old, err := os.ReadFile(path); err == nil {
			state = "unchanged"
			if !bytes.Equal(old, packed) {
				state = "CHANGED"
			}
		}
		if err := os.WriteFile(path, packed, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s %v, %d bytes, content %s: %s\n", path, a.Shape, len(packed), sum, state)
	}
	return nil
}
