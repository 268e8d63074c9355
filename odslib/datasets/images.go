package datasets

import (
	"fmt"
	"math/rand/v2"

	"odslab/odslib"
)

// Images is a set of labelled pictures.
type Images struct {
	X      odslib.Array // [n, height, width, 1], from -1 (black) to 1 (white)
	Labels []uint8      // [n], indices into Names
	Names  []string     // of the classes
}

// Len returns the number of pictures.
func (im Images) Len() int { return len(im.Labels) }

// String describes the set in a line.
func (im Images) String() string {
	if len(im.X.Shape) != 4 {
		return fmt.Sprintf("%d images", im.Len())
	}
	return fmt.Sprintf("%d images of %d×%d in %d classes", im.Len(), im.X.Shape[1], im.X.Shape[2], len(im.Names))
}

// Split shuffles the pictures by seed and returns two sets, the second of which
// has the fraction test of them, rounded to the nearest number.
func (im Images) Split(test float64, seed uint64) (Images, Images, error) {
	if !(test >= 0 && test <= 1) {
		return Images{}, Images{}, fmt.Errorf("datasets: Split: the test fraction is %v; want 0 to 1", test)
	}
	order := rand.New(rand.NewPCG(seed, 0x5b11)).Perm(im.Len())
	cut := im.Len() - int(test*float64(im.Len())+0.5)
	return im.take(order[:cut]), im.take(order[cut:]), nil
}

// Class returns the pictures of class k, in their order: none if there is no
// such class.
func (im Images) Class(k int) Images {
	var rows []int
	for i, l := range im.Labels {
		if int(l) == k {
			rows = append(rows, i)
		}
	}
	return im.take(rows)
}

// take copies the pictures at rows.
func (im Images) take(rows []int) Images {
	shape := append([]int{}, im.X.Shape...)
	size := 1
	for i := 1; i < len(shape); i++ {
		size *= shape[i]
	}
	if len(shape) > 0 {
		shape[0] = len(rows)
	}
	out := Images{
		X:      odslib.Array{Shape: shape, Data: make([]float32, 0, len(rows)*size)},
		Labels: make([]uint8, 0, len(rows)),
		Names:  im.Names,
	}
	for _, r := range rows {
		out.X.Data = append(out.X.Data, im.X.Data[r*size:(r+1)*size]...)
		out.Labels = append(out.Labels, im.Labels[r])
	}
	return out
}
