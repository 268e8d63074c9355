package datasets

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"odslab/odslib/datasets/internal/idx"
)

// Picture 1000 of sklearn.datasets.load_digits(), and what numpy says of all.
var digit1000 = []uint8{
	0, 0, 1, 14, 2, 0, 0, 0,
	0, 0, 0, 16, 5, 0, 0, 0,
	0, 0, 0, 14, 10, 0, 0, 0,
	0, 0, 0, 11, 16, 1, 0, 0,
	0, 0, 0, 3, 14, 6, 0, 0,
	0, 0, 0, 0, 8, 12, 0, 0,
	0, 0, 10, 14, 13, 16, 8, 3,
	0, 0, 2, 11, 12, 15, 16, 15,
}

func TestDigits(t *testing.T) {
	d := Digits()
	if want := []int{1797, 8, 8, 1}; !slices.Equal(d.X.Shape, want) {
		t.Fatalf("shape %v, want %v", d.X.Shape, want)
	}
	for i, v := range d.X.Data[64*1000 : 64*1001] {
		if got := (v + 1) * 8; got != float32(digit1000[i]) {
			t.Errorf("picture 1000, pixel %d: %v, want %d", i, got, digit1000[i])
		}
	}
	if d.Labels[1000] != 1 {
		t.Errorf("label of picture 1000: %d, want 1", d.Labels[1000])
	}
	if got, want := counts(d), []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}; !slices.Equal(got, want) {
		t.Errorf("classes %v, want %v", got, want)
	}
	var sum float64
	for _, v := range d.X.Data {
		sum += (float64(v) + 1) * 8
	}
	if mean := sum / float64(len(d.X.Data)); math.Abs(mean-4.884164579855314) > 1e-9 {
		t.Errorf("mean level %v", mean)
	}
	d.X.Data[0], d.Labels[0] = 9, 9
	if again := Digits(); again.X.Data[0] != -1 || again.Labels[0] != 0 {
		t.Error("a change to one copy is seen in the next")
	}
}

func counts(im Images) []int {
	n := make([]int, len(im.Names))
	for _, l := range im.Labels {
		n[l]++
	}
	return n
}

func TestFashion(t *testing.T) {
	for _, c := range []struct {
		im     Images
		n      int
		labels []uint8 // the first of the published files, as od prints them
	}{
		{Fashion(), 2000, []uint8{9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9, 1, 0, 6, 4}},
		{FashionTest(), 500, []uint8{9, 2, 1, 1, 6, 1, 4, 6, 5, 7}},
	} {
		if want := []int{c.n, 28, 28, 1}; !slices.Equal(c.im.X.Shape, want) {
			t.Fatalf("shape %v, want %v", c.im.X.Shape, want)
		}
		if got := c.im.Labels[:len(c.labels)]; !slices.Equal(got, c.labels) {
			t.Errorf("labels %v, want %v", got, c.labels)
		}
		for k, n := range counts(c.im) {
			if n != c.n/10 {
				t.Errorf("%d pictures of class %d, want %d", n, k, c.n/10)
			}
		}
		if lo, hi := slices.Min(c.im.X.Data), slices.Max(c.im.X.Data); lo != -1 || hi != 1 {
			t.Errorf("levels from %v to %v, want -1 to 1", lo, hi)
		}
	}
}

// TestKeptFiles holds the files to the content that the recipe printed.
func TestKeptFiles(t *testing.T) {
	for name, want := range map[string]string{
		"digits-images":        "359cd13f0f514122884198b78a131df597421cbf5e93a76678fa96fc548f0d96",
		"digits-labels":        "ce71631c1f31ce56fa54f31d1d498fafacff59b001e6c30c4a5e29508aa277ad",
		"fashion-train-images": "a724cd72799a6b1c3a81c4263865a75a73bb6473673b3394e34adf222930f19e",
		"fashion-train-labels": "4738fd437c0f8d6498ae7f6f5c86f1cc3c878d4116ff169fc5635bd6847899cc",
		"fashion-test-images":  "8fdf02ada67d92f4db5ba3c2f6c5b1cc6186ba6e0efd4914661e4389e103b81e",
		"fashion-test-labels":  "9c71808b3a0ebfc091442c0009a7aa35be2d9622bf6aaf6891ce9a0088e96c07",
	} {
		packed, err := kept.ReadFile("data/" + name + ".gz")
		if err != nil {
			t.Fatal(err)
		}
		if _, sum, err := idx.Decode(packed); err != nil || sum != want {
			t.Errorf("%s: content %s, want %s (error %v)", name, sum, want, err)
		}
	}
}

func TestSplit(t *testing.T) {
	d := Digits()
	train, test, err := d.Split(0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 1438 || test.Len() != 359 || test.X.Shape[0] != 359 || len(test.X.Data) != 359*64 {
		t.Errorf("%d and %d pictures, %v; want 1438 and 359", train.Len(), test.Len(), test.X.Shape)
	}
	// Together they are the set: the same pictures with the same labels.
	key := func(im Images, i int) string {
		b := []byte{im.Labels[i]}
		for _, v := range im.X.Data[i*64 : (i+1)*64] {
			b = append(b, byte((v+1)*8))
		}
		return string(b)
	}
	left := map[string]int{}
	for i := range d.Len() {
		left[key(d, i)]++
	}
	for _, im := range []Images{train, test} {
		for i := range im.Len() {
			left[key(im, i)]--
		}
	}
	for k, n := range left {
		if n != 0 {
			t.Fatalf("a picture of %d is there %+d times too often", k[0], -n)
		}
	}
	train2, _, _ := d.Split(0.2, 1)
	train3, _, _ := d.Split(0.2, 2)
	if !reflect.DeepEqual(train, train2) || reflect.DeepEqual(train.Labels, train3.Labels) {
		t.Error("the shuffle is not decided by the seed")
	}
	if all, none, err := d.Split(0, 1); err != nil || all.Len() != 1797 || none.Len() != 0 {
		t.Errorf("fraction 0: %d and %d pictures (error %v)", all.Len(), none.Len(), err)
	}
	for _, bad := range []float64{-0.1, 1.5, math.NaN()} {
		if _, _, err := d.Split(bad, 1); err == nil || !strings.Contains(err.Error(), "0 to 1") {
			t.Errorf("fraction %v: error %v", bad, err)
		}
	}
}

func TestClass(t *testing.T) {
	d := Digits()
	sevens := d.Class(7)
	if sevens.Len() != 179 || sevens.X.Shape[0] != 179 || counts(sevens)[7] != 179 {
		t.Errorf("%v", sevens)
	}
	first := slices.Index(d.Labels, 7)
	if !slices.Equal(sevens.X.Data[:64], d.X.Data[64*first:64*first+64]) {
		t.Error("the first seven is not the first seven of the set")
	}
	if none := d.Class(10); none.Len() != 0 || len(none.X.Data) != 0 {
		t.Errorf("class 10: %v", none)
	}
	if got, want := d.String(), "1797 images of 8×8 in 10 classes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, _, err := (Images{}).Split(.5, 1); err != nil || (Images{}).Class(0).Len() != 0 {
		t.Errorf("no pictures: error %v", err)
	}
}
