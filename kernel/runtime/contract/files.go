package contract

// Names of files in the folder of a notebook's values.
const (
	SavedFile  = "saved.json" // a [Saved]: what the cell that ran last has kept
	PlaceFile  = "place"      // working directory and environment, where cells have changed them
	KeptSuffix = ".val"       // a group of variables
	// NewSuffix is behind the name of a kept file until the kernel has read the list of its save and puts it in place: a save
	// that is cut short changes nothing.
	NewSuffix = ".new"
	// TmpSuffix, with the process's id, is behind the name of a file that is being written.
	TmpSuffix = ".tmp"
)

// Saved is what a cell says at its end about what it has kept. The cell writes its JSON by hand.
type Saved struct {
	Number  int               `json:"number"` // of the cell
	Groups  []SavedGroup      `json:"groups"`
	Refused map[string]string `json:"refused"` // variable → why it is not kept by value
	Running []string          `json:"running"` // lines of cells at which goroutines were that end with the cell
}

// SavedGroup is a file of variables that share memory.
type SavedGroup struct {
	File      string   `json:"file"`
	Bytes     int      `json:"bytes"`
	Same      bool     `json:"same"` // as it was loaded
	Sums      []uint64 `json:"sums"` // of each name, unless Same
	Names     []string `json:"names"`
	Types     []string `json:"types"`
	Dynamic   []string `json:"dynamic"`   // types that interfaces in it hold
	Known     []string `json:"known"`     // variables of packages, and functions, that it names
	Held      []string `json:"held"`      // arrays of the resident process
	HeldBytes int      `json:"heldBytes"` // how large those are
	Shared    []string `json:"shared"`    // sums of arrays that the resident process has too, as far as this cell knows
	Pointed   []bool   `json:"pointed"`   // which names others point into
}

// Failure is how a cell says that it failed.
type Failure struct {
	EName     string   `json:"ename"`
	EValue    string   `json:"evalue"`
	Line      int      `json:"line"` // of the running cell, 0: none
	Traceback []string `json:"traceback"`
}

// Marks in the metadata of a display.
const (
	MarkResult = "odslab_result" // it is the value of the cell's last expression
	MarkOrder  = "odslab_order"  // its number, which stands between OrderHead and OrderTail behind what was printed before it
)

// Around the number of a display in what a cell prints, which terminals ignore.
const (
	OrderHead = "\x1b_odslab "
	OrderTail = "\x1b\\"
)
