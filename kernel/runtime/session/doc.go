// Package session is what a notebook cell has at hand by name: draw and train
// stand for [Draw] and [Train], ctx for [Context] and seed for [Seed]. It is
// linked only into cells that draw or train; what every cell needs is in
// package live below it.
//
//	tds := draw(smc.TDS{Particles: 4000}, post, 2000)
//
// becomes
//
//	live.At("tds")
//	tds := session.Draw(smc.TDS{Particles: 4000}, post, 2000)
package session
