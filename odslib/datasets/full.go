package datasets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"odslab/odslib/datasets/internal/idx"
	"odslab/odslib/engine/environment"
)

// file is one file of a full set in the cache.
type file struct {
	path string // below the data folder
	sum  string // SHA-256 of the unpacked bytes
}

// A set of pictures is two files.
type pair struct{ images, labels file }

var (
	fashionTrain = pair{
		file{"fashion-mnist/train-images-idx3-ubyte.gz", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
		file{"fashion-mnist/train-labels-idx1-ubyte.gz", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
	}
	fashionTest = pair{
		file{"fashion-mnist/t10k-images-idx3-ubyte.gz", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
		file{"fashion-mnist/t10k-labels-idx1-ubyte.gz", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
	}
	mnist = pair{
		file{"mnist/images-idx3-ubyte.gz", "4e3355b0dd14bc12e53353f1d2789806361e6ef7350c92a8c5e778a74ea77696"},
		file{"mnist/labels-idx1-ubyte.gz", "364de413ea4102745aa4d08a168e3501716cb789ace0f8b3033481882a00e25f"},
	}
)

// DefaultDir returns the data folder of the user's cache:
// $ODSLAB_CACHE/data, or odslab/data below the system's cache folder.
func DefaultDir() (string, error) {
	root := os.Getenv(environment.Cache)
	if root == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("datasets: no cache folder (%w); set ODSLAB_CACHE", err)
		}
		root = filepath.Join(cache, "odslab")
	}
	return filepath.Join(root, "data"), nil
}

// FashionFull returns the 60 000 training and 10 000 test pictures of
// Fashion-MNIST, 28×28 pixels, 220 MB as float32. They are read from dir, or
// from [DefaultDir] if dir is empty.
func FashionFull(dir string) (train, test Images, err error) {
	if train, err = load(dir, fashionTrain, fashionNames); err != nil {
		return Images{}, Images{}, err
	}
	if test, err = load(dir, fashionTest, fashionNames); err != nil {
		return Images{}, Images{}, err
	}
	return train, test, nil
}

// MNISTFull returns 10 000 handwritten digits of MNIST, 28×28 pixels, in the
// order of their classes. They are read from dir, or from [DefaultDir] if dir
// is empty.
func MNISTFull(dir string) (Images, error) { return load(dir, mnist, digitNames) }

// load reads a set from the data folder.
func load(dir string, p pair, names []string) (Images, error) {
	dir, err := orDefault(dir)
	if err != nil {
		return Images{}, err
	}
	images, err := p.images.read(dir)
	if err != nil {
		return Images{}, err
	}
	labels, err := p.labels.read(dir)
	if err != nil {
		return Images{}, err
	}
	im, err := assemble(images, labels, 255, names)
	if err != nil {
		return Images{}, fmt.Errorf("datasets: %s: %w", filepath.Join(dir, p.images.path), err)
	}
	return im, nil
}

func orDefault(dir string) (string, error) {
	if dir == "" {
		return DefaultDir()
	}
	return dir, nil
}

// read returns the content of f, which belongs into dir.
func (f file) read(dir string) (idx.Bytes, error) {
	a, err := f.open(dir)
	path := filepath.Join(dir, filepath.FromSlash(f.path))
	if errors.Is(err, os.ErrNotExist) {
		return a, fmt.Errorf("datasets: %s is not there; get it with: go run ./kernel setup -data", path)
	}
	if err != nil {
		return a, fmt.Errorf("datasets: %s is damaged (%w); delete it and run: go run ./kernel setup -data", path, err)
	}
	return a, nil
}

// open reads f and checks its hash.
func (f file) open(dir string) (idx.Bytes, error) {
	packed, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.path)))
	if err != nil {
		return idx.Bytes{}, err
	}
	a, sum, err := idx.Decode(packed)
	if err == nil && sum != f.sum {
		err = fmt.Errorf("the SHA-256 of its content is %.12s…, not %.12s…", sum, f.sum)
	}
	return a, err
}
