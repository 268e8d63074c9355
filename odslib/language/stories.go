package language

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Stories is a grammar of five template sentences whose names, places and objects agree, so small that the law of the fourth sentence
// given the others is known by going through it:
//
//	anna walks to the lake .  she has a rope today .  the lake is calm .
//	she pulls the boat gently .                                            ← the gap
//	anna then mends the boat twice .
//
// Who it is says he or she; the place which things there are, the object what is done, the mood how. The last sentence tells of the
// thing, and of what was done to it together, so that the two depend on one another once it is read.
type Stories struct{}

var (
	storyNames     = []string{"anna", "clara", "ruth", "paul", "hugo", "john"} // three of each
	storyPlaces    = []string{"lake", "farm", "mill", "tower"}
	storyObjects   = []string{"rope", "lamp", "book", "map"}
	storyMoods     = []string{"calm", "cold", "dark"}
	storyVerbs     = []string{"pulls", "lights", "reads", "finds"}
	storyThings    = []string{"boat", "cart", "wheel", "bell", "door", "well", "tree", "gate"}
	storyManners   = []string{"gently", "quickly", "quietly"}
	storyReactions = []string{"loves", "leaves", "paints", "mends"}
	storyEndings   = []string{"twice", "again", "alone"}

	choice4 = []float64{.4, .3, .2, .1}
	choice3 = []float64{.6, .3, .1}
)

// Lengths of the parts of a story, in words.
const (
	StoryLeft  = 17 // three sentences
	StoryGap   = 6
	StoryRight = 7
	StoryWords = StoryLeft + StoryGap + StoryRight
)

// rotated is the probability of choice i where k turns the order of preference.
func rotated(p []float64, i, k int) float64 { return p[(i+len(p)-k%len(p))%len(p)] }

// thing is the i-th of four things of a place.
func thing(place, i int) int { return (2*place + i) % len(storyThings) }

// told is the probability of the last sentence's three choices (reaction, thing of the place, ending) after those of the gap.
func told(verb, item, manner, reaction, told, ending int) float64 {
	p := .05
	if reaction == (verb+item)%4 {
		p = .85
	}
	if told == item {
		p *= .7
	} else {
		p *= .1
	}
	if ending == manner {
		return .8 * p
	}
	return .1 * p
}

// storyText are the words that make up a story with these choices.
func storyText(name, place, object, mood, verb, item, manner, reaction, told, ending int) []string {
	who := "she"
	if name >= 3 {
		who = "he"
	}
	return strings.Fields(fmt.Sprintf("%s walks to the %s . %s has a %s today . the %s is %s . %s %s the %s %s . %s then %s the %s %s .",
		storyNames[name], storyPlaces[place], who, storyObjects[object], storyPlaces[place], storyMoods[mood],
		who, storyVerbs[verb], storyThings[thing(place, item)], storyManners[manner],
		storyNames[name], storyReactions[reaction], storyThings[thing(place, told)], storyEndings[ending]))
}

// Tokenizer has the words of all stories.
func (Stories) Tokenizer() Tokenizer {
	text := "walks to the . she he has a today is then"
	for _, list := range [][]string{storyNames, storyPlaces, storyObjects, storyMoods, storyVerbs, storyThings, storyManners, storyReactions, storyEndings} {
		text += " " + strings.Join(list, " ")
	}
	t, err := Words(text)
	if err != nil {
		panic("language: " + err.Error()) // the words are ours
	}
	return t
}

// Draw draws n stories as tokens, [n, StoryWords].
func (s Stories) Draw(n int, seed uint64) (odslib.Array, error) {
	if n < 1 {
		return odslib.Array{}, fmt.Errorf("stories: asked for %d; ask for at least one", n)
	}
	t, rng := s.Tokenizer(), engine.RNG(seed, "language.Stories")
	out := engine.NewArray(n, StoryWords)
	for i := range n {
		name, place, object, mood := rng.IntN(6), rng.IntN(4), rng.IntN(4), rng.IntN(3)
		verb := pick(rng, 4, func(i int) float64 { return rotated(choice4, i, object) })
		item := pick(rng, 4, func(i int) float64 { return rotated(choice4, i, place) })
		manner := pick(rng, 3, func(i int) float64 { return rotated(choice3, i, mood) })
		end := pick(rng, 48, func(i int) float64 { return told(verb, item, manner, i/12, i/3%4, i%3) })
		for j, w := range storyText(name, place, object, mood, verb, item, manner, end/12, end/3%4, end%3) {
			out.Row(i)[j] = float32(slices.Index(t.Pieces, w))
		}
	}
	return out, nil
}

func pick(rng *rand.Rand, n int, p func(i int) float64) int {
	u := rng.Float64()
	for i := range n - 1 {
		if u -= p(i); u < 0 {
			return i
		}
	}
	return n - 1
}

// Fillings are all the fourth sentences that a story may have, as tokens, with their probabilities given the first three sentences
// and given all others, and log Z, the log-probability of the last given the first three. It fails for what is no story.
func (s Stories) Fillings(left, right []int) (x odslib.Array, prior, post []float64, logZ float64, err error) {
	t := s.Tokenizer()
	fail := func() (odslib.Array, []float64, []float64, float64, error) {
		return odslib.Array{}, nil, nil, 0, fmt.Errorf("stories: %q … %q is no story: its last sentence has probability 0 after the others", t.Decode(left), t.Decode(right))
	}
	if len(left) != StoryLeft || len(right) != StoryRight {
		return odslib.Array{}, nil, nil, 0, fmt.Errorf("stories: contexts of %d and %d words; the first three sentences have %d, the last %d", len(left), len(right), StoryLeft, StoryRight)
	}
	l, r := strings.Fields(t.Decode(left)), strings.Fields(t.Decode(right))
	name, place := slices.Index(storyNames, l[0]), slices.Index(storyPlaces, l[4])
	object, mood := slices.Index(storyObjects, l[9]), slices.Index(storyMoods, l[15])
	reaction, ending := slices.Index(storyReactions, r[2]), slices.Index(storyEndings, r[5])
	if min(name, place, object, mood, reaction, ending) < 0 {
		return fail()
	}
	toldItem := -1
	for i := range 4 {
		if storyThings[thing(place, i)] == r[4] {
			toldItem = i
		}
	}
	if toldItem < 0 {
		return fail()
	}
	z := 0.
	for k := range 48 {
		verb, item, manner := k/12, k/3%4, k%3
		words := storyText(name, place, object, mood, verb, item, manner, reaction, toldItem, ending)
		if k == 0 && (!slices.Equal(words[:StoryLeft], l) || !slices.Equal(words[StoryLeft+StoryGap:], r)) {
			return fail()
		}
		p := rotated(choice4, verb, object) * rotated(choice4, item, place) * rotated(choice3, manner, mood)
		w := p * told(verb, item, manner, reaction, toldItem, ending)
		prior, post, z = append(prior, p), append(post, w), z+w
		for _, word := range words[StoryLeft : StoryLeft+StoryGap] {
			x.Data = append(x.Data, float32(slices.Index(t.Pieces, word)))
		}
	}
	for i := range post {
		post[i] /= z
	}
	x.Shape = []int{48, StoryGap}
	return x, prior, post, math.Log(z), nil
}

// Split takes stories apart into left contexts, gaps and right contexts.
func (Stories) Split(x odslib.Array) (left, gap, right [][]int) {
	for i := range x.Len() {
		var row []int
		for _, v := range x.Row(i) {
			row = append(row, int(v))
		}
		left, gap, right = append(left, row[:StoryLeft]), append(gap, row[StoryLeft:StoryLeft+StoryGap]), append(right, row[StoryLeft+StoryGap:])
	}
	return left, gap, right
}
