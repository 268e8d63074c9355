package engine

// What tests of behaviour need to see from outside.
var (
	BoxMuller   = boxMuller
	CheckPlugin = checkPlugin
	Choose      = choose
)
