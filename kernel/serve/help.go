package serve

import (
	"slices"
	"strings"

	"odslab/kernel/gonb"
)

// helpText is the page of %help.
const helpText = `Cells
  A cell holds imports, declarations and statements of Go in any order.
  What a cell defines lives on in the next ones; the last expression is shown.
  A semicolon behind the last expression hushes it.
  Packages of the standard library, of odslab, gomlx and gonum need no import
  line; a name says which one is meant (rand is math/rand/v2): NAME? tells.

  draw(sampler, posterior, n)       samples, with this notebook's seed and a bar
  train(trainer, input[, budget])   a trained prior or sampler
  interact(f, controls…)            sliders and choices for the values of f
  seed             the notebook's seed; seed = 7 sets it
  ctx              the cell's context; an interrupt cancels it

What is kept
  Values are kept as they are when the cell ends, also when it failed: data,
  pointers that share, functions, errors. What belongs to its process (an open
  file, a chan, a func that another func has made) is gone after its cell, and
  a note says so. %who tells how each is kept.

  name?            signature and documentation of a name
  %help            this page

Shell and files
  !command         a shell command; it fails the cell when it fails
  !*command        the same in the folder where GoNB builds
  %%bash, %%sh     the whole cell is a script; %%script PROGRAM for others
  %%writefile F    the whole cell goes into file F (-a appends)
  %with_inputs     the next !command may ask for input (%with_password hides it)
  %clear           clear this cell's output; %clear wait: when new output comes
  %cd DIR          change the folder of cells and commands
  %env NAME=VALUE  set an environment variable for cells and commands

Running
  %args A B        command line of this cell's program; %% A B is the same
  %capture F       this cell's output goes to file F too (-a appends)
  %goflags FLAGS   more flags for go build
  %test            the cell is a Go test, run by GoNB with its own memory
  %wasm            the cell runs in the browser, built by GoNB

Values
  %who             what lives: name, type, size, how it is kept, of which cell
  %drop NAME       forget a name
  %reset           forget everything
  %get M@VERSION   add a module; the line stays in the notebook
  %stale           cells that have read what another cell has changed since
  %rerun           run those again, in order, until one fails

GoNB's own %track, %untrack, %goworkfix, %autoget, %noautoget and %version are
passed on to it. Other words behind % are errors.
`

// pageOf is the text that a cell like "%help" or "fmt.Println?" asks for.
func (k *kernel) pageOf(src string) (text string, isPage bool, err error) {
	src = strings.TrimSpace(src)
	if src == "%help" || src == "?" {
		return helpText, true, nil
	}
	name := strings.Trim(src, "?")
	if len(name) == len(src) || len(strings.Fields(name)) != 1 || strings.ContainsAny(name, "\n\"`'/") {
		return "", false, nil
	}
	found := false
	if text, found = inspectMagic(name, len([]rune(name))); !found {
		err = k.use(func(c Compiler) { text, found = c.Inspect(name, len([]rune(name))) })
	}
	if err == nil && !found {
		text = "nothing is known about " + name + "\n"
	}
	return text, true, err
}

// ownMagics are done by the kernel or the compiler, not by GoNB.
var ownMagics = []string{"%clear", "%help", "%who", "%drop", "%reset", "%stale", "%rerun", "%get"}

// completeMagic completes a line that begins with %. nil means that it does not.
func completeMagic(code string, cursor int) (matches []string, start, end int) {
	before := []rune(code)[:cursor]
	at := len(before)
	for at > 0 && before[at-1] != '\n' {
		at--
	}
	word := string(before[at:])
	if !strings.HasPrefix(word, "%") || strings.ContainsAny(word, " \t") {
		return nil, 0, 0
	}
	matches = []string{}
	for _, m := range append(gonb.Magics(), ownMagics...) {
		if strings.HasPrefix(m, word) && m != word && !slices.Contains(matches, m) {
			matches = append(matches, m)
		}
	}
	slices.Sort(matches)
	return matches, at, cursor
}

// inspectMagic finds the help line of the magic under the cursor.
func inspectMagic(code string, cursor int) (string, bool) {
	line := code
	if r := []rune(code); cursor <= len(r) {
		head := string(r[:cursor])
		start := strings.LastIndexByte(head, '\n') + 1
		line, _, _ = strings.Cut(head[start:]+string(r[cursor:]), "\n")
	}
	if !strings.HasPrefix(line, "%") {
		return "", false
	}
	word := strings.Fields(line)[0]
	for help := range strings.Lines(helpText) {
		for field := range strings.FieldsSeq(help) {
			if strings.TrimSuffix(field, ",") == word {
				return strings.TrimSpace(help) + "\n", true
			}
		}
	}
	return "", false
}
