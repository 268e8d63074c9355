// Package device keeps GoMLX's tensors and model stores from cell to cell. A
// cell whose program links GoMLX imports it for its effect.
//
// An array on the device of a resident process stays there and is kept by its
// id: nothing is copied, and the next cell goes on where this one stopped. Any
// other is kept by value.
package device
