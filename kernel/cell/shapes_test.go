package cell

import (
	"strings"
	"testing"
)

// TestNames: variables may have any name: of builtins and predeclared types, of
// packages, of what is at hand in cells. Where that is in the way of something
// else, one line says so.
func TestNames(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("func shout(a string) string { return fmt.Sprint(a, len(a), \"!\") }", "")
	b.want("len := 3\nlen + 1", "4")
	b.want("len", "3")
	b.want("xs := []int{1}\nlen(xs)", "1") // which can only be the builtin
	b.bad("fmt.Println(len(xs))\nlen", 2, 1, "this cell uses len as Go's own and as the variable of cell 2")
	b.bad("len := 4\nlen(xs)", 2, 1, "cannot call len")
	b.want("string, other := \"s\", \"o\"\nshout(string)", `"s1!"`)
	b.want("shout(string + other)", `"so2!"`)
	b.want("var q string = `typed`\nq", `"typed"`)
	b.want("string", `"s"`)
	b.want("%drop string len\nvar q string\nlen(q)", "string is dropped.\nlen is dropped.\n0")
	b.want("nil, true, new, append, error, any, iota := 1, 2, 3, 4, 5, 6, 7\nnil + true + new + append + error + any + iota", "28")
	b.want("%drop nil true new append error any iota\nvar e error\ne == nil == true", "nil is dropped.\ntrue is dropped.\nnew is dropped.\nappend is dropped.\nerror is dropped.\nany is dropped.\niota is dropped.\ntrue")
	b.want("ctx, seed, draw, train := 5, \"s\", 2.5, []int{1}\nctx", "5")
	b.want("func uses() int { return ctx + len(train) }\nfmt.Println(uses(), seed, draw)", "6 s 2.5")
	b.want("%drop seed draw train", "seed is dropped.\ndraw is dropped.\ntrain is dropped. These use it and no longer compile: uses (cell 15).")
	b.want("%drop ctx\nctx.Err() == nil", "ctx is dropped.\ntrue")
	b.want("seed + 1", "2")
	b.want("main, init, fmt, live_, x_, x_p_, type_ := 1, 2, 3, 4, 5, 6, 7\nfor i := range 3 { x_ += i; x_p_ += x_ }\nmain + init + fmt + live_ + x_ + x_p_ + type_", "50")
	b.want("main + init + fmt + live_ + x_ + x_p_ + type_", "50")
	b.bad("fmt.Println(1)", 1, 5, "fmt.Println undefined")
	b.bad("1\nfunc um() int { return main }", 2, 24, "a function can't use a variable named main: give it another name")
	b.bad("func um() int { return init }\num()", 1, 24, "a function can't use a variable named init: give it another name")
	b.want("%drop fmt\nfmt.Println(main)", "fmt is dropped.\n1")
	b.want("func f(x int) int { return x }\nx := 1", "")
	b.want("%drop x", "x is dropped.") // f has an x of its own
	b.want("type T struct{ A int }\nv := T{1}\nfunc get() int { return v.A }", "")
	b.want("%drop T", "T is dropped. These are of its type and go with it: v.")
	b.bad("v", 1, 1, "undefined: v")
}

// TestGoroutines: a panic in any goroutine is an error at the user's own line,
// and what was set before it is kept.
func TestGoroutines(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("type W struct{ n int }\nfunc (w W) Run(i int) { panic(fmt.Sprint(\"in Run \", w.n+i)) }\nfunc deeper() {\n\tpanic(\"deep\")\n}\nfunc deep() { go func() { go deeper() }() }\nfunc all[T any](at float64, xs ...T) {\n\tpanic(fmt.Sprint(at, xs))\n}", "")
	wait := "\ntime.Sleep(10 * time.Second)"
	for _, c := range []struct {
		src, value string
		line       int
	}{
		{"go boom()" + wait + "\nfunc boom() {\n\tpanic(\"by name\")\n}", "by name", 4},
		{"f := func(i int) {\n\tpanic(fmt.Sprint(\"closure \", i))\n}\ngo f(3)" + wait, "closure 3", 2},
		{"w := W{1}\ngo w.Run(w.n)\nw.n = 5" + wait, "in Run 2", 2},
		{"go deep()" + wait, "deep", 4},
		{"go all(1, []string{\"a\", \"b\"}...)" + wait, "1 [a b]", 8},
		{"go all(1, 2, 3)" + wait, "1 [2 3]", 8},
		{"go all[error](.5)" + wait, "0.5 []", 8},
		{"var wg sync.WaitGroup\nwg.Go(func() {\n\tpanic(\"in wg.Go\")\n})\nwg.Wait()", "in wg.Go", 3},
		{"time.AfterFunc(1, func() {\n\tpanic(\"in a timer\")\n})" + wait, "in a timer", 2},
		{"c := make(chan int)\nclose(c)\ngo close(c)" + wait, "close of closed channel", 3},
		{"go panic(\"of its own\")" + wait, "of its own", 1},
		{"var m map[string]int\ngo (delete)(m, fmt.Sprint(m[\"a\"], []int{}[len(os.Args)]))" + wait, "index out of range", 2},
		{"var none func()\ngo none()" + wait, "nil pointer", 2},
		{"go fmt.Println([]int{}[len(os.Args)+3])", "index out of range [4]", 1},
	} {
		set := "kept := " + strings.ReplaceAll("\"§\"", "§", c.value) + "; "
		o := b.run(set + c.src)
		line := 0
		if o.err == nil && len(o.fail.Traceback) > 1 { // the innermost line, of whichever cell
			for i, r := range o.fail.Traceback[1] {
				if r == ':' {
					line = int(o.fail.Traceback[1][i+1] - '0')
				}
			}
		}
		if o.err != nil || o.fail.Ename != "panic" || !strings.Contains(o.fail.Evalue, c.value) || line != c.line {
			t.Errorf("%s\n%v status %d %+v %s", c.src, o.err, o.status, o.fail, o.out)
			continue
		}
		b.want("kept == `"+c.value+"`", "true")
	}
	b.want("over := make(chan int)\ngo close(over)\n<-over", "0")
	b.want("type K string\nm := map[K][]int{\"a\": nil, \"b\": nil}\ngo delete(m, \"a\")\nfor len(m) > 1 { time.Sleep(1e6) }\nto := make([]byte, 2)\ngo copy(to, \"xy\")\nfor to[1] == 0 { time.Sleep(1e6) }\ngo print()\nfmt.Sprint(m, string(to))", "\"map[b:[]]xy\"")
	b.want("n := make(chan int, 3)\nadd := func(to chan<- int, v ...int) { for _, x := range v { to <- x } }\ngo add(n, 1, 2)\na, c := <-n, <-n\nfmt.Println(a + c)", "3") // and goes on as it was
}
