package datasets

import (
	"embed"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/datasets/internal/idx"
)

//go:generate go run ./make

//go:embed data/*.gz
var kept embed.FS

var (
	digitNames   = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	fashionNames = []string{
		"T-shirt/top", "trouser", "pullover", "dress", "coat",
		"sandal", "shirt", "sneaker", "bag", "ankle boot",
	}
)

// Digits returns 1797 handwritten digits of 8×8 pixels with 17 grey levels: the
// test half of the UCI set of optical recognition of handwritten digits
// (E. Alpaydin, C. Kaynak, 1998).
func Digits() Images { return fromKept("digits", 16, digitNames) }

// Fashion returns 2000 pictures of clothes, 28×28 pixels: the first 200 of each
// class of the training half of Fashion-MNIST (arXiv:1708.07747).
func Fashion() Images { return fromKept("fashion-train", 255, fashionNames) }

// FashionTest returns 500 pictures: the first 50 of each class of the test half
// of Fashion-MNIST.
func FashionTest() Images { return fromKept("fashion-test", 255, fashionNames) }

// fromKept reads a set that is part of the package. Each call returns its own
// copy, which a caller may change.
func fromKept(name string, white float32, names []string) Images {
	part := func(kind string) idx.Bytes {
		packed, err := kept.ReadFile("data/" + name + "-" + kind + ".gz")
		if err != nil {
			panic("datasets: " + err.Error())
		}
		a, _, err := idx.Decode(packed)
		if err != nil {
			panic("datasets: " + name + ": " + err.Error())
		}
		return a
	}
	im, err := assemble(part("images"), part("labels"), white, names)
	if err != nil {
		panic("datasets: " + name + ": " + err.Error())
	}
	return im
}

// assemble joins pictures [n, height, width], whose levels are 0 to white, and
// labels [n].
func assemble(images, labels idx.Bytes, white float32, names []string) (Images, error) {
	if len(images.Shape) != 3 || len(labels.Shape) != 1 || images.Shape[0] != labels.Shape[0] {
		return Images{}, fmt.Errorf("images of shape %v do not go with labels of shape %v", images.Shape, labels.Shape)
	}
	x := make([]float32, len(images.Data))
	for i, v := range images.Data {
		if float32(v) > white {
			return Images{}, fmt.Errorf("level %d is above %v", v, white)
		}
		x[i] = float32(v)/(white/2) - 1
	}
	for _, l := range labels.Data {
		if int(l) >= len(names) {
			return Images{}, fmt.Errorf("label %d of %d classes", l, len(names))
		}
	}
	return Images{
		X:      odslib.Array{Shape: append(append([]int{}, images.Shape...), 1), Data: x},
		Labels: labels.Data,
		Names:  append([]string{}, names...),
	}, nil
}
