package cell

import (
	"strings"
	"testing"
)

// TestShown: the text forms of what a last expression may be.
func TestShown(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("[]byte(\"hé\")", `[]byte("hé"), 3 bytes: 68 c3 a9`)
	b.want("[]byte{0xff, 0, 1}", "[]byte, 3 bytes: ff 00 01")
	b.want("make([]byte, 100)[:40]", `[]byte("`+strings.Repeat(`\x00`, 40)+`"), 40 bytes: `+strings.Repeat("00 ", 15)+"00 …")
	b.want("[]byte(nil)", "[]uint8(nil)")
	b.want("'é'", "'é' (233)")
	b.want("r := []rune(\"añ\")\nr", `[]rune("añ")`)
	b.want("r[1]", "'ñ' (241)")
	b.want("int32(65)", "65")
	b.want("'x', '€', 3, r", `'x' (120), '€' (8364), 3, []rune("añ")`)
	b.want("c := 'a'\nc + 1, int32(c), (c)", "'b' (98), 97, 'a' (97)")
	b.want("'a', 'b';", "")
	b.want("m := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6.5})\nm", "2 × 3\n0  1    2\n1  2    3\n4  5  6.5")
	b.want("mat.Formatted(m)", "⎡  1    2    3⎤\n⎣  4    5  6.5⎦")
	b.want("m.T()", "3 × 2\n0    1\n1    4\n2    5\n3  6.5")
	o := b.run("mat.NewDense(30, 40, nil)")
	if lines := strings.Split(o.out, "\n"); lines[0] != "30 × 40" || len(lines) != 14 || !strings.Contains(o.out, "…") {
		t.Errorf("a large matrix: %s", o.out)
	}
	b.want("image.NewGray(image.Rect(0, 0, 4, 3))", "*image.Gray, 4 × 3 pixels")
	b.want("var im image.Image = image.NewRGBA(image.Rect(0, 0, 2, 2))\nim", "*image.RGBA, 2 × 2 pixels")
	b.want("image.Black", "*image.Uniform, without bounds")
	b.want("p := plot.New()\np.Title.Text = \"T\"\np", "plot: T")
	b.want("big.NewFloat(1.5)", "1.5")
	b.want("e9 := errors.New(\"e\")\ne9", "e")
	b.want("type fig struct{ err error }\nfunc (f fig) Err() error { return f.err }\nfunc (f fig) MIMEBundle() (map[string]any, error) { return map[string]any{\"text/plain\": \"drawn\"}, nil }\nfig{}", "drawn")
	o = b.run("fig{errors.New(\"no such column\")}")
	if o.status != 1 || o.fail.Ename != "error" || o.fail.Evalue != "no such column" {
		t.Errorf("a figure that could not be made: %+v", o)
	}
	b.want("seed = 7\nseed", "7")
	b.want("seed", "7")
	b.want("seed = 8\nfunc s2() any { return seed }\ns2()", "8")
	b.bad("rand.Intn(3)", 1, 6, "undefined: rand.Intn (but have IntN); rand is math/rand/v2")
}

func TestHelpOfWords(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for name, want := range map[string]string{"draw": "draw(sampler, posterior, n)", "train": "train(trainer, input", "seed": "The notebook's seed", "ctx": "This cell's context"} {
		for _, src := range []string{name, name + "(", "x := " + name + "(1, 2)"} {
			if text, ok := s.Inspect(src, strings.Index(src, name)+1); !ok || !strings.Contains(text, want) {
				t.Errorf("%s: %q", src, text)
			}
		}
	}
	if text, _ := s.Inspect("draw.Draw", 8); strings.Contains(text, "posterior") {
		t.Errorf("draw.Draw is image/draw's: %q", text)
	}
	for src, want := range map[string]string{`import "encoding/js`: "encoding/json", "import (\n\t\"fmt\"\n\tm \"math/ran": "math/rand/v2", `import "gonum.org/v1/gonum/sta`: "gonum.org/v1/gonum/stat"} {
		matches, _, _ := s.Complete(src, len([]rune(src)))
		if !strings.Contains(strings.Join(matches, " "), want) {
			t.Errorf("%q completes to %q", src, matches)
		}
	}
	if matches, _, _ := s.Complete(`x := "encoding/js`, 17); len(matches) > 0 {
		t.Errorf("a text completes to %q", matches)
	}
}
