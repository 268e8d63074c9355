package plotting

import "image/color"

// okabeIto is the palette of M. Okabe and K. Ito (Color Universal Design, 2008) in the order in which samplers get it;
// black is kept for the truth, and yellow, which is too pale for lines, comes last.
var okabeIto = []color.NRGBA{
	{0x00, 0x72, 0xb2, 255}, // blue: the posterior
	{0xd5, 0x5e, 0x00, 255}, // vermillion
	{0x00, 0x9e, 0x73, 255}, // bluish green
	{0xcc, 0x79, 0xa7, 255}, // reddish purple
	{0xe6, 0x9f, 0x00, 255}, // orange
	{0x56, 0xb4, 0xe9, 255}, // sky blue
	{0xf0, 0xe4, 0x42, 255}, // yellow
}

// okabeItoDark is the same on a dark ground: the two colours that are darker than its middle are lightened.
var okabeItoDark = []color.NRGBA{
	{0x4f, 0xa8, 0xe0, 255},
	{0xf0, 0x82, 0x33, 255},
	{0x2f, 0xc4, 0x98, 255},
	{0xe0, 0x9a, 0xc2, 255},
	{0xf2, 0xb5, 0x3a, 255},
	{0x9f, 0xd8, 0xf7, 255},
	{0xf0, 0xe4, 0x42, 255},
}

// okabeItoEither has a contrast of 3 or more with white and with near-black: the first four fit as they are, the rest is as
// far from them, and from each other, as simulated colour blindness allows.
var okabeItoEither = [...]color.NRGBA{
	{0x00, 0x72, 0xb2, 255},
	{0xd5, 0x5e, 0x00, 255},
	{0x00, 0x9e, 0x73, 255},
	{0xcc, 0x79, 0xa7, 255},
	{0xab, 0x8e, 0x4b, 255},
	{0xba, 0x58, 0xf1, 255},
	{0xc4, 0x00, 0x41, 255},
}

// fade makes a colour transparent: 0 is gone, 1 is solid.
func fade(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(float64(c.A)*alpha + .5)
	return c
}

// tint mixes a colour with the ground: 0 is the ground, 1 is the colour. Unlike fade it hides what lies below.
func tint(c, ground color.NRGBA, share float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*share + float64(b)*(1-share) + .5) }
	return color.NRGBA{mix(c.R, ground.R), mix(c.G, ground.G), mix(c.B, ground.B), 255}
}
