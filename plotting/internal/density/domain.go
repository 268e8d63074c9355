package density

// Domain is the interval on which a variable's density is estimated.
type Domain struct{ Min, Max float64 }
