package compare_test

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/compare"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
)

// Is plain sampling right where there is a measurement? A hundred draws of x* and y say no, and how.
func ExampleCalibrating() {
	family, err := odslib.FamilyOf(exact.T13(1).Post)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := compare.Calibrating{Runs: 100, Draws: 50}.Calibrate(context.Background(), family, guide.Plain{Steps: 20}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("passes:", c.Passes())
	// Output: passes: false
}
