package contract

// InteractionType is the MIME type under which a cell says, beside the first picture, what its picture can be asked for
// again with: an [Interaction]. It never leaves the kernel.
const InteractionType = "application/vnd.odslab.interaction+json"

// Interaction is a function of a cell, and the controls of its parameters.
type Interaction struct {
	Call     int       `json:"call"` // which interact of the cell's run
	Controls []Control `json:"controls"`
	Text     string    `json:"text"` // of the first picture alone; the display's is about the controls too
	// Strip are values of the first control that stand side by side where there are no widgets, Rest says how the others are.
	Strip []StripValue `json:"strip"`
	Rest  string       `json:"rest"`
}

// StripValue is one of a strip.
type StripValue struct {
	Value   float64 `json:"value"`
	Caption string  `json:"caption"`
}

// Kinds of controls.
const (
	FloatSlider = "float"
	IntSlider   = "int"
	DropDown    = "choice"
	CheckBox    = "bool"
)

// Control is how a front end sets one parameter.
type Control struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Min     float64  `json:"min"` // of sliders
	Max     float64  `json:"max"`
	Step    float64  `json:"step"`
	Options []string `json:"options"` // of a drop-down
	Value   float64  `json:"value"`   // at the start: a number, the index of an option, 0 or 1
}

// Again asks a cell's program to run on a copy of its values and to call an interaction's function with other ones.
type Again struct {
	Call   int       `json:"call"`
	Values []float64 `json:"values"`
}

// Descriptors of a program that runs again.
const (
	AgainShown  = 3 // for what it shows, an [AgainMessage] a line
	AgainStdout = 4 // what the function prints
	AgainStderr = 5
)

// AgainMessage is one display of such a program.
type AgainMessage struct {
	Data     map[string]any `json:"data"`
	Metadata map[string]any `json:"metadata"`
	ID       string         `json:"id"`
}
