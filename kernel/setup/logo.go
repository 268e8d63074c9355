package setup

import _ "embed"

// logo is what front ends show on the kernel's card: a prior, and the part of
// it that a measurement leaves.
//
//go:embed logo.svg
var logo []byte
