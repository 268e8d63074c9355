package language

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Tokenizer turns text into the numbers of its pieces. Without merges the pieces are characters; with them it is byte-pair encoding
// on characters: merges are made one after the other, each everywhere it can be, and no piece goes on across a space.
type Tokenizer struct {
	Pieces []string // by number: characters, then what the merges make
	Merges [][2]int // numbers of what is merged into piece len(characters)+i
	Words  bool     // pieces are words, and between them is a space
}

// Characters is the tokenizer of the characters of a text, in their order.
func Characters(text string) (Tokenizer, error) {
	if text == "" {
		return Tokenizer{}, fmt.Errorf("tokenizer: there is no text")
	}
	r := []rune(text)
	slices.Sort(r)
	var t Tokenizer
	for _, c := range slices.Compact(r) {
		t.Pieces = append(t.Pieces, string(c))
	}
	return t, nil
}

// Words is the tokenizer of the words of a text, which are what stands between single spaces.
func Words(text string) (Tokenizer, error) {
	w := strings.Fields(text)
	if len(w) == 0 {
		return Tokenizer{}, fmt.Errorf("tokenizer: there is no text")
	}
	slices.Sort(w)
	return Tokenizer{Pieces: slices.Compact(w), Words: true}, nil
}

// BytePairs learns a vocabulary of so many pieces from a text by byte-pair encoding: the most frequent pair of neighbouring pieces
// becomes one, again and again; of pairs as frequent the first by number. It has fewer where no pair comes twice.
func BytePairs(text string, vocabulary int) (Tokenizer, error) {
	t, err := Characters(text)
	if err != nil {
		return t, err
	}
	if vocabulary < len(t.Pieces) {
		return t, fmt.Errorf("tokenizer: a vocabulary of %d for a text of %d different characters; ask for as many at least", vocabulary, len(t.Pieces))
	}
	// Words, each with the space before it, and how often they come.
	count := map[string]int{}
	for _, w := range split(text) {
		count[w]++
	}
	type word struct {
		x []int
		n int
	}
	var words []word
	for w, n := range count {
		x, err := t.characters(w)
		if err != nil {
			return t, err
		}
		words = append(words, word{x, n})
	}
	for len(t.Pieces) < vocabulary {
		pairs := map[[2]int]int{}
		for _, w := range words {
			for i := 1; i < len(w.x); i++ {
				pairs[[2]int{w.x[i-1], w.x[i]}] += w.n
			}
		}
		best, most := [2]int{}, 1
		for p, n := range pairs {
			if n > most || n == most && n > 1 && (p[0] < best[0] || p[0] == best[0] && p[1] < best[1]) {
				best, most = p, n
			}
		}
		if most < 2 {
			break
		}
		next := len(t.Pieces)
		t.Pieces, t.Merges = append(t.Pieces, t.Pieces[best[0]]+t.Pieces[best[1]]), append(t.Merges, best)
		for i := range words {
			words[i].x = merged(words[i].x, best, next)
		}
	}
	return t, nil
}

// split takes a text apart before each space.
func split(text string) (out []string) {
	for text != "" {
		i := strings.IndexByte(text[1:], ' ')
		if i < 0 {
			return append(out, text)
		}
		out, text = append(out, text[:i+1]), text[i+1:]
	}
	return out
}

func merged(x []int, pair [2]int, into int) []int {
	out := x[:0]
	for i := 0; i < len(x); i++ {
		if i+1 < len(x) && x[i] == pair[0] && x[i+1] == pair[1] {
			out = append(out, into)
			i++
		} else {
			out = append(out, x[i])
		}
	}
	return out
}

func (t Tokenizer) characters(text string) ([]int, error) {
	var x []int
	for at, c := range text {
		i := slices.Index(t.Pieces[:len(t.Pieces)-len(t.Merges)], string(c))
		if i < 0 {
			return nil, fmt.Errorf("tokenizer: %q at byte %d of %.40q is none of its %d characters", c, at, text, len(t.Pieces)-len(t.Merges))
		}
		x = append(x, i)
	}
	return x, nil
}

// Len is the number of pieces; it is the number of the mask, too.
func (t Tokenizer) Len() int { return len(t.Pieces) }

// Encode is the text as numbers. It fails on what is not in the vocabulary, and says where.
func (t Tokenizer) Encode(text string) ([]int, error) {
	if t.Words {
		var x []int
		for k, w := range strings.Fields(text) {
			i := slices.Index(t.Pieces, w)
			if i < 0 {
				return nil, fmt.Errorf("tokenizer: word %d of %.40q, %q, is none of its %d", k+1, text, w, t.Len())
			}
			x = append(x, i)
		}
		return x, nil
	}
	var out []int
	for _, w := range split(text) {
		x, err := t.characters(w)
		if err != nil {
			return nil, err
		}
		for i, pair := range t.Merges {
			x = merged(x, pair, len(t.Pieces)-len(t.Merges)+i)
		}
		out = append(out, x...)
	}
	return out, nil
}

// Decode is the text of tokens; a mask is "_", a number that is none of the vocabulary "?".
func (t Tokenizer) Decode(x []int) string {
	parts := make([]string, len(x))
	for i, k := range x {
		switch {
		case k == t.Len():
			parts[i] = "_"
		case k < 0 || k > t.Len():
			parts[i] = "?"
		default:
			parts[i] = t.Pieces[k]
		}
	}
	if t.Words {
		return strings.Join(parts, " ")
	}
	return strings.Join(parts, "")
}

// DecodeRow is [Tokenizer.Decode] of a row of samples.
func (t Tokenizer) DecodeRow(row []float32) string {
	x := make([]int, len(row))
	for i, v := range row {
		x[i] = -1
		if v >= 0 && v <= float32(t.Len()) {
			x[i] = int(v)
		}
	}
	return t.Decode(x)
}

// Windows cuts a text into sequences of so many tokens, [n, length]; what is left at the end is dropped.
func (t Tokenizer) Windows(text string, length int) (odslib.Array, error) {
	x, err := t.Encode(text)
	if err != nil {
		return odslib.Array{}, err
	}
	if length < 1 || len(x) < length {
		return odslib.Array{}, fmt.Errorf("tokenizer: windows of %d tokens of a text that has %d", length, len(x))
	}
	out := engine.NewArray(len(x)/length, length)
	for i := range out.Data {
		out.Data[i] = float32(x[i])
	}
	return out, nil
}

// CheckSum tells tokenizers apart.
func (t Tokenizer) CheckSum() string {
	return fmt.Sprintf("%d pieces, crc32 %08x", t.Len(), crc32.ChecksumIEEE([]byte(fmt.Sprint(t.Pieces, t.Merges))))
}
