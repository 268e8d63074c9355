package constraint

import "fmt"

// scale says what is wrong with a width of an error model, or nil: its square must be a float32 with room for sums and quotients.
func scale(name string, v float64) error {
	if err := positive(name, v); err != nil {
		return err
	}
	if v < 1e-17 || v > 1e17 {
		return fmt.Errorf("%s is %g, and its square beyond what float32 holds; measure in other units", name, v)
	}
	return nil
}
