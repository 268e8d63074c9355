package datasets_test

import (
	"fmt"

	"odslab/odslib/datasets"
)

func Example() {
	train, test, err := datasets.Digits().Split(0.2, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train)
	fmt.Println(test.X.Shape)
	fmt.Println(datasets.Fashion().Class(7).Len(), "pictures of a", datasets.Fashion().Names[7])
	// Output:
	// 1438 images of 8×8 in 10 classes
	// [359 8 8 1]
	// 200 pictures of a sneaker
}
