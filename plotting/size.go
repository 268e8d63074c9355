package plotting

// Preset is a width on the page and the size of the text that goes with it. Figures are laid out at their final size and
// never scaled, so that text and lines come out as meant.
type Preset struct {
	Width float64 // millimetres
	Text  float64 // 1 is 7.5 pt labels and 6.5 pt numbers
	loose bool    // a plot with little in it may be narrower
}

// Sizes of journals, of a notebook's page and of a slide.
var (
	Column     = Preset{Width: 89, Text: 1}
	OneAndHalf = Preset{Width: 120, Text: 1}
	TwoColumn  = Preset{Width: 183, Text: 1}
	Notebook   = Preset{Width: 170, Text: 1.3, loose: true}
	Slide      = Preset{Width: 280, Text: 2.2, loose: true}
)

const mm = 72 / 25.4 // points
