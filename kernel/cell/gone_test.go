package cell

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gone runs a cell that names what is gone: an error that says what it was, why, and what to do.
func (b *notebook) gone(src, name, why string) {
	b.t.Helper()
	o := b.run(src)
	if o.err == nil || !strings.Contains(o.err.Msg, name+" is gone: the ") || !strings.Contains(o.err.Msg, why) || !strings.Contains(o.err.Msg, "make it in the cell that uses it, or wrap it in a func") || strings.Contains(o.err.Msg, "\n") {
		b.t.Errorf("%s\n%v\nwant %s is gone: … %s", src, o.err, name, why)
	}
}

// TestGone: what holds a handle, a chan or a func that another func has made is made once, and is gone.
func TestGone(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("f, err := os.Create(\"log.txt\")\nfmt.Fprint(f, \"one\")", "")
	b.gone("fmt.Fprint(f, \"two\")", "f", "an os.File can't leave its process")
	if data, _ := os.ReadFile(filepath.Join(b.dir, "log.txt")); string(data) != "one" {
		t.Errorf("the file holds %q", data)
	}
	b.want("err == nil", "true")
	o := b.run("ch := make(chan int, 2)\nch <- 1\nch <- 2")
	if !strings.Contains(o.notes, "ch is gone after this cell: a chan can't leave its process") || o.out != "" {
		t.Errorf("notes %q, out %q", o.notes, o.out)
	}
	b.gone("<-ch", "ch", "a chan can't")
	b.want("done := make(chan struct{})\nclose(done)", "")
	b.gone("<-done", "done", "a chan can't")
	b.want("tick := time.NewTicker(time.Hour)", "")
	b.gone("tick.Stop()", "tick", "a chan can't")
	b.want("ctx, cancel := context.WithCancel(context.Background())", "")
	b.gone("cancel()", "cancel", "a func can't")
	b.gone("ctx.Err()", "ctx", "%drop ctx brings the usual ctx back")
	b.want("%drop ctx\nctx.Err() == nil", "ctx is dropped.\ntrue")
	b.want("counter := func() func() int { n := 0; return func() int { n++; return n } }()\ncounter()", "1")
	b.gone("counter()", "counter", "a func can't")
	b.want("for i := range 3 { _ = i }\nvar late func() int\nfor i := range 2 { late = func() int { return i } }\nlate()", "1")
	b.gone("late()", "late", "a func can't")
	b.gone("func usesF() { f.Close() }", "f", "an os.File can't")
	b.want("func usesG() int { return g1 }\ng1, pipe := 1, make(chan int)\nusesG()", "1")
	b.want("func usesPipe() int { pipe := 2; return pipe + usesG() }\nusesPipe()", "3")
	b.want("h := sha1.New()\nh.Write([]byte(\"a\"))", "")
	b.gone("h.Sum(nil)", "h", "the hidden type")
	b.want("f := 3\nf", "3") // a new f
	o = b.run("%who")
	for _, w := range []string{"ch ", "gone: a chan can't leave its process"} {
		if !strings.Contains(o.out, w) {
			t.Errorf("%%who lacks %q:\n%s", w, o.out)
		}
	}
}

// TestOnce: a counter on disk proves that each initialiser with an effect runs once, however its value is kept.
func TestOnce(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	log := filepath.Join(b.dir, "count")
	b.want("func count[T any](what string, x T) T {\n\tf, _ := os.OpenFile(\""+log+"\", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)\n\tdefer f.Close()\n\tf.WriteString(what + \" \")\n\treturn x\n}", "")
	defines := []string{
		"a := count(\"a\", 1)", "b := count(\"b\", make(chan int))", "c := count(\"c\", func() int { return a })", "d := count(\"d\", regexp.MustCompile(\"x+\"))",
		"e := count(\"e\", map[string]any{\"f\": math.Sin})", "f := count(\"f\", os.Stdin)", "g, err := count(\"g\", 1), errors.New(\"x\")", "h := template.Must(template.New(count(\"h\", \"t\")).Parse(\"x\"))",
		"i := strings.NewReplacer(count(\"i\", \"a\"), \"b\")", "j := bufio.NewScanner(strings.NewReader(count(\"j\", \"a\")))", "k := &http.Client{Timeout: count(\"k\", time.Second)}",
	}
	for _, d := range defines {
		b.want(d, "")
	}
	for range 2 {
		for _, d := range defines {
			b.run(d[:1] + "2 := " + d[:1] + "\n_ = " + d[:1] + "2")
		}
	}
	if data, _ := os.ReadFile(log); string(data) != "a b c d e f g h i j k " {
		t.Errorf("ran %q", data)
	}
}

// TestFuncsLive: functions are kept wherever they lie, and capture the notebook's variables.
func TestFuncsLive(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("var fib func(int) int\nfib = func(n int) int { if n < 2 { return n }; return fib(n-1) + fib(n-2) }\nfib(10)", "55")
	b.want("fib(20)", "6765")
	b.want("k := 2\nops := map[string]func(float64) float64{\"sin\": math.Sin, \"twice\": func(x float64) float64 { return float64(k) * x }}", "")
	b.want("ops[\"twice\"](4) + ops[\"sin\"](0)", "8")
	b.want("k = 3\nops[\"more\"] = func(x float64) float64 { return ops[\"twice\"](x) + 1 }", "")
	b.want("ops[\"more\"](4)", "13")
	b.want("type Opt struct { F func(float64) float64; N int }\no := Opt{F: math.Sin}\nps := []*Opt{&o}", "")
	b.want("o.N = 5\nps[0].F = math.Cos", "")
	b.want("fmt.Print(o.F(0), o.N, ps[0].N)", "1 5 5")
	b.want("func sq(i int) int { return i * i }\nh := sq\nvar any1 any = sq", "")
	b.want("h(4) + any1.(func(int) int)(2)", "20")
	o := b.run("func sq(i int) int { return i * i * i }")
	if !strings.Contains(o.notes, "h is gone: it holds the function sq, which has changed since") {
		t.Errorf("notes: %q", o.notes)
	}
	b.gone("h(4)", "h", "it holds the function sq, which has changed since")
	b.want("type Handler func(string) string\nvar hd Handler = strings.ToUpper\nif k == 3 { hd = func(s string) string { return s + s } }", "")
	b.want("hd(\"a\")", `"aa"`)
	b.want("add := func(a, b int) int { return a + b }\nmul := add\nfunc apply(f func(int, int) int) int { return f(3, 4) }", "")
	b.want("apply(mul)", "7")
	b.want("hooks := []func(){}\nfor i := range 2 { _ = i; hooks = append(hooks, func() { fmt.Print(k) }) }", "")
	b.want("for _, f := range hooks { f() }", "33")
	b.want("x := 1\nf := func() int { return x }", "")
	b.want("x = 7\nf()", "7")
	b.want("f", "func() int")
	b.want("g := 3", "")
	b.run("g := func() int { return g }")
	b.gone("g()", "g", "a func can't")
	b.want("cmp1 := func(a, b string) int { return strings.Compare(b, a) }\nwords := []string{\"a\", \"c\", \"b\"}", "")
	b.want("slices.SortFunc(words, cmp1)\nwords", `[]string{"c", "b", "a"}`)
}

// TestSteady: source runs again only where nobody can notice.
func TestSteady(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("pat := \"a+\"\nre := regexp.MustCompile(pat)\nres := map[string]*regexp.Regexp{\"a\": re, \"b\": regexp.MustCompile(\"b\")}", "")
	b.want("pat = \"b+\"", "")
	b.want("fmt.Print(re, res[\"a\"] == re, res[\"b\"])", "a+ true b")
	b.want("name := \"N\"\nt := template.Must(template.New(\"x\").Funcs(template.FuncMap{\"up\": strings.ToUpper}).Parse(name + \"{{up .}}\"))", "")
	b.want("t.Execute(os.Stdout, \"abc\")", "NABC")
	o := b.run("%who")
	if !strings.Contains(o.out, "made again: ") {
		t.Errorf("%%who: %s", o.out)
	}
	o = b.run("name = \"M\"")
	if !strings.Contains(o.notes, "t is gone: it was made from name, which has changed since") {
		t.Errorf("notes: %q", o.notes)
	}
	b.gone("t.Execute(os.Stdout, 1)", "t", "it was made from name, which has changed since")
	b.want("t := template.Must(template.New(\"x\").Parse(\"{{.}}\"))", "")
	b.want("t.Execute(os.Stdout, 1)", "1")
	b.want("template.Must(t.Parse(\"changed {{.}}\")).Execute(os.Stdout, 1)", "changed 1")
	b.gone("t.Execute(os.Stdout, 1)", "t", "can't leave its process")
	b.want("t := template.Must(template.New(\"x\").Parse(\"{{.}}\"))\nt.Parse(\"other\");", "")
	b.gone("t.Execute(os.Stdout, 1)", "t", "can't leave its process")
	b.want("r := strings.NewReplacer(\"a\", \"b\")\nq := r\nr.Replace(\"a\")", `"b"`)
	b.want("q.Replace(\"aa\")", `"bb"`)
	b.want("r = strings.NewReplacer(\"a\", \"c\")", "")
	b.want("r.Replace(\"a\")", `"c"`)
	b.want("if true { r = strings.NewReplacer(\"a\", \"d\") }\nr.Replace(\"a\")", `"d"`)
	b.gone("r.Replace(\"a\")", "r", "")
	b.want("enc := base64.NewEncoding(strings.Repeat(\"A\", 0) + \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\")", "")
	b.want("enc.EncodeToString([]byte(\"hi\"))", `"aGk="`)
}

// TestErrorsLive: errors keep what they are, wrap and mean.
func TestErrorsLive(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("var ErrOwn = errors.New(\"own\")\ntype MyErr struct{ code int; inner error }\nfunc (e *MyErr) Error() string { return fmt.Sprint(\"my \", e.code) }\nfunc (e *MyErr) Unwrap() error { return e.inner }", "")
	b.want("_, e1 := os.Open(\"/no/such\")\ne2 := fmt.Errorf(\"reading: %w\", ErrOwn)\ne3 := errors.Join(e1, e2, io.EOF)\n_, e4 := strconv.Atoi(\"x\")\nvar e5 error = &MyErr{3, e1}\ne6 := fmt.Errorf(\"%w %w\", ErrOwn, sql.ErrNoRows)\n_ = e4", "")
	b.want("fmt.Print(errors.Is(e1, fs.ErrNotExist), errors.Is(e2, ErrOwn), errors.Is(e3, ErrOwn), errors.Is(e3, io.EOF), errors.Is(e3, fs.ErrNotExist), errors.Is(e4, strconv.ErrSyntax), errors.Is(e6, sql.ErrNoRows))", "true true true true true true true")
	b.want("var pe *fs.PathError\nvar me *MyErr\nfmt.Println(errors.As(e3, &pe), errors.As(e5, &me), me.code, pe.Path, errors.Is(e5, fs.ErrNotExist))", "true true 3 /no/such true")
	b.want("errors.Is(e5, ErrOwn)", "false")
	b.want("import \"gonum.org/v1/plot/font\"\nc, z, w := http.DefaultClient, time.UTC, os.Stdout\nfont1 := font.DefaultCache", "")
	b.want("fmt.Fprint(w, c == http.DefaultClient, z == time.UTC, font1 == font.DefaultCache)", "true true true")
	o := b.run("req, _ := http.NewRequest(\"GET\", \":bad\", nil)\n_, hid := json.Marshal(func() {})\n_ = req")
	if o.err != nil || o.status != 0 {
		t.Errorf("%v %+v", o.err, o)
	}
	b.gone("hid", "hid", ".Type: the hidden type *reflect.rtype") // an error that holds a type
	b.want("syn := json.Unmarshal([]byte(\"{\"), &struct{}{})\n_ = syn", "")
	b.want("var se *json.SyntaxError\nfmt.Println(errors.As(syn, &se), se.Offset, syn)", "true 1 unexpected end of JSON input")
}

// TestKeptKinds: values of the library and the standard library that hide their fields.
func TestKeptKinds(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("p := plot.New()\nl, _ := plotter.NewLine(plotter.XYs{{0, 0}, {1, 2}})\np.Add(l)\np.Title.Text = \"T\"\nsum := func() string { w, err := p.WriterTo(200, 200, \"svg\"); if err != nil { panic(err) }; var s strings.Builder; w.WriteTo(&s); return s.String() }\nwas := sum()", "")
	b.want("sum() == was && len(was) > 1000", "true")
	b.want("l.Color = color.RGBA{R: 255, A: 255}\nsum() == was", "false") // the same line
	b.want("q := plot.New()\nq.Add(plotter.NewGrid())\nsc, _ := plotter.NewScatter(plotter.XYs{{1, 1}})\nq.Add(sc)\nh, _ := plotter.NewHist(plotter.Values{1, 2, 2, 3}, 3)\nbars, _ := plotter.NewBarChart(plotter.Values{1, 2}, 5)\nq.Add(h, bars)\nq.Legend.Add(\"s\", sc)", "")
	b.want("w, err := q.WriterTo(100, 100, \"png\"); var n int64; if err == nil { n, _ = w.WriteTo(io.Discard) }; n > 500", "true")
	o := b.run("fn := plotter.NewFunction(func(x float64) float64 { return x })\nfn.XMax = 2")
	if o.status != 0 || o.err != nil {
		t.Errorf("%+v %v", o, o.err)
	}
	b.want("z := time.Date(2026, 1, 1, 12, 0, 0, 0, must(time.LoadLocation(\"Europe/Berlin\")))\nfunc must[T any](x T, err error) T { if err != nil { panic(err) }; return x }\nbegan := time.Now()", "")
	b.want("z.AddDate(0, 6, 0).Format(time.RFC822)", `"01 Jul 26 12:00 CEST"`)
	b.want("time.Since(began) > 0 && time.Since(began) < time.Hour", "true")
	b.want("import mr \"math/rand\"\nr1 := mr.New(mr.NewSource(7))\nr2 := rand.New(rand.NewPCG(1, 2))\nr3 := rand.New(rand.NewChaCha8([32]byte{}))\nr1.Intn(9); r2.IntN(9); r3.IntN(9);", "")
	b.want("v1, v2, v3 := mr.New(mr.NewSource(7)), rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewChaCha8([32]byte{}))\nv1.Intn(9); v2.IntN(9); v3.IntN(9)\nfmt.Println(r1.Intn(1e9) == v1.Intn(1e9), r2.IntN(1e9) == v2.IntN(1e9), r3.IntN(1e9) == v3.IntN(1e9))", "true true true")
	b.want("var sm sync.Map\nsm.Store(\"a\", 1)\nvar mu sync.Mutex\nmu.Lock()", "")
	b.want("v, ok := sm.Load(\"a\"); fmt.Print(v, ok, mu.TryLock())", "1 true false")
	b.want("type D struct{ A int }\nvar x any = D{1}\ny := []any{D{2}}", "")
	b.want("type D struct{ A, B int }", "")
	o = b.run("x")
	if o.fail.Evalue == "" || !strings.Contains(o.fail.Evalue, "x can't be loaded: it holds a main.D: its type has changed since it was kept") {
		t.Errorf("%+v %v", o.fail, o.err)
	}
	b.want("os.Chdir(\"/\")\nos.Setenv(\"MINE\", \"1\")", "")
	b.want("d, _ := os.Getwd(); fmt.Print(d, os.Getenv(\"MINE\"))", "/1")
	b.want("os.Unsetenv(\"MINE\")\nos.Chdir(\"/tmp\")", "")
	b.want("d, _ := os.Getwd(); _, set := os.LookupEnv(\"MINE\"); fmt.Print(d, set)", "/tmpfalse")
	o = b.run("go func() {\n\ttime.Sleep(time.Hour)\n}()\ngo func() { select {} }()\ngo func() { }()")
	if !strings.Contains(o.notes, "goroutine at cell["+itoa(b.n)+"]:2 has ended with its cell") || !strings.Contains(o.notes, "]:4 has") || strings.Contains(o.notes, "]:5 has") {
		t.Errorf("notes: %q", o.notes)
	}
}

// TestOutside: what a cell changes in a package is named.
func TestOutside(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.says("http.DefaultClient.Timeout = time.Second\nlog.SetPrefix(\"a\")\nlog.SetFlags(0)\nhttp.HandleFunc(\"/x\", func(http.ResponseWriter, *http.Request) {})", "what http.DefaultClient.Timeout changes belongs to its package, and is gone after this cell", "what log.SetPrefix changes", "what log.SetFlags", "what http.HandleFunc")
	b.says("func quiet() { flag.CommandLine.SetOutput(io.Discard); flag.Usage = nil }\nquiet()", "what flag.CommandLine.SetOutput changes", "what flag.Usage changes")
	for _, src := range []string{"os.Args = nil\nos.Setenv(\"A\", \"b\")", "c := &http.Client{}\nc.Timeout = 3", "x := big.NewInt(1)\nx.SetInt64(3);", "fmt.Println(http.DefaultClient.Timeout == 0, log.Prefix() == \"\")"} {
		if o := b.run(src); o.notes != "" || o.err != nil {
			t.Errorf("%s: %q %v", src, o.notes, o.err)
		}
	}
}

// TestOpened: what the world outside sees is done once.
func TestOpened(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	posts := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { posts++; fmt.Fprint(w, "answer") }))
	defer server.Close()
	b.want("resp, err := http.Post(\""+server.URL+"\", \"text/plain\", strings.NewReader(\"a\"))\nerr != nil", "false")
	b.gone("resp.StatusCode", "resp", "can't be kept in an interface")
	b.gone("io.ReadAll(resp.Body)", "resp", "can't be kept in an interface")
	if posts != 1 {
		t.Errorf("posted %d times", posts)
	}
	b.want("cmd := exec.Command(\"sh\", \"-c\", \"echo x >> ran\")\ncmd.Run()", "")
	b.run("cmd.ProcessState.Success()")
	b.want("data, _ := os.ReadFile(\"ran\")\nstring(data)", `"x\n"`)
	b.want("l, _ := net.Listen(\"tcp\", \"127.0.0.1:0\")\nport := l.Addr().(*net.TCPAddr).Port\nport > 0", "true")
	b.gone("l.Accept()", "l", "")
	b.want("tmp, _ := os.MkdirTemp(\"\", \"x\")\nos.RemoveAll(tmp)", "")
	b.want("len(tmp) > 0", "true")
	b.want("lg := log.New(os.Stdout, \"p \", 0)\nlg.Print(\"one\")", "p one")
	b.run("lg.Print(\"two\")") // by value or gone, and never another
	b.want("w := bufio.NewWriter(os.Stdout)\nfmt.Fprint(w, \"buffered\")", "")
	b.want("w.Flush()", "buffered")
}
