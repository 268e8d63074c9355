package notebook

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

// Normalise returns the notebook as it is kept under version control: no
// outputs, no execution counts, no traces of the front end or of a run, ids
// unique and stable. Written out, its keys are sorted. It leaves nb as it was
// and is idempotent.
func Normalise(nb *Notebook) *Notebook {
	out := &Notebook{Metadata: map[string]any{}}
	for _, key := range []string{"kernelspec", "title", "authors"} {
		if v, ok := nb.Metadata[key]; ok {
			out.Metadata[key] = v
		}
	}
	if info, ok := nb.Metadata["language_info"].(map[string]any); ok {
		kept := maps.Clone(info)
		delete(kept, "version") // of the compiler that happened to run it
		out.Metadata["language_info"] = kept
	}
	for _, c := range nb.Cells {
		k := Cell{Type: c.Type, ID: c.ID, Source: normaliseSource(c.Source), Metadata: map[string]any{}, Attachments: c.Attachments}
		for key, v := range c.Metadata {
			if !frontEndState[key] {
				k.Metadata[key] = v
			}
		}
		out.Cells = append(out.Cells, k)
	}
	out.assignIDs()
	return out
}

// frontEndState are the metadata of cells that say how one front end showed
// the cell or when it ran, not what the cell is.
var frontEndState = map[string]bool{
	"ExecuteTime": true, "collapsed": true, "execution": true, "jupyter": true,
	"scrolled": true, "trusted": true, "vscode": true,
}

func normaliseSource(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.TrimRight(s, " \t\n")
}

var validID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// assignIDs keeps each id that is valid and not taken by a cell before it, and
// derives the others from what the cell says, so that they do not depend on
// where the cell stands.
func (nb *Notebook) assignIDs() {
	taken := make(map[string]bool)
	var missing []*Cell
	for i := range nb.Cells {
		c := &nb.Cells[i]
		if validID.MatchString(c.ID) && !taken[c.ID] {
			taken[c.ID] = true
		} else {
			missing = append(missing, c)
		}
	}
	for _, c := range missing {
		for n := 0; ; n++ {
			sum := sha256.Sum256([]byte(c.Type + "\x00" + strconv.Itoa(n) + "\x00" + c.Source))
			if id := hex.EncodeToString(sum[:4]); !taken[id] {
				c.ID, taken[id] = id, true
				break
			}
		}
	}
}
