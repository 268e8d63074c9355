"""What each check types, in the language of each kernel."""

GO = dict(
    name="go", extension=".go",
    hello='fmt.Println("hello, world")',
    stderr='fmt.Fprintln(os.Stderr, "oops")',
    unicode='fmt.Println("日本 é 🎉")',
    value="1 + 2 + 3",
    bind="kept := 41", use="kept + 1",
    rebind='kept := "text"', reuse="len(kept)",
    late="early() * 2\n", function="func early() int { return 21 }",
    both="func half(n int) int { return n / 2 }\nfour := half(8)\nfour",
    missing="nosuchname + 1", missing_name="compile error", missing_text="undefined: nosuchname",
    wrong='fmt.Println("ran")\n\nvar n int = "text"', wrong_place="cell[%d]:3:13", wrong_line='var n int = "text"',
    failing='empty := []int{}\nbefore := 5\nfmt.Println("before")\n_ = empty[3]\nfmt.Println("after")',
    failing_name="panic", failing_text="index out of range [3] with length 0", failing_place="cell[%d]:4", failing_line="_ = empty[3]",
    after_failing="before", fail='panic("on purpose")',
    syntax="x := )", syntax_name="compile error",
    complete=["x := 1", 'fmt.Println("hi")', "func f() int {\n\treturn 1\n}", "1 + 2"],
    incomplete=["func f() int {", "x := 1 +", "for i := range 3 {", "s := `raw", "x := []int{"], indent="\t",
    invalid=["x := )", "func 7q() {}"],
    complete_at="strings.ToUpperS", completed="strings.ToUpperSpecial", prepare="",
    before_cursor='/* 日本 🎉 é */ ', after_cursor=' + "é🎉"',
    inspect_at="fmt.Println", inspected="Println",
    slow='fmt.Println("on")\ntime.Sleep(%g * 1e9)',
    endless='fmt.Println("on")\nfor {\n}',
    slow_fail='fmt.Println("on")\ntime.Sleep(6e8)\npanic("on purpose")',
    bind_and_wait='during := 7\nfmt.Println("on")\nfor {\n}', during="during",
    ask='var name string\nfmt.Print("who? ")\nfmt.Scan(&name)\nfmt.Println("hello", name)',
    ask_twice='in := bufio.NewScanner(os.Stdin)\nin.Scan()\na := in.Text()\nin.Scan()\nfmt.Println(a, "and", in.Text())',
    ask_refused="input not allowed",
    html='gonbui.DisplayHTML("<b>bold</b>")',
    show='gonbui.UpdateHTML("id1", "<i>one</i>")\ngonbui.UpdateHTML("id1", "<i>two</i>")', update='gonbui.UpdateHTML("id1", "<i>three</i>")',
    ordered='for i := range 5 {\n\tfmt.Println("text", i)\n\tsession.Display(session.Bundle{"text/plain": fmt.Sprint("rich ", i)}, "")\n}\nfmt.Println("end")',
    clear="%clear", clear_wait="%clear wait",
    page="%help", page_text="%%writefile", page_about="fmt.Println?", page_about_text="Println",
    magic_unknown="%nosuchmagic", shell="!echo from the shell", shell_fails="!exit 3",
    write_file="%%writefile {}\nwritten\n",
    env="%env BEHAVIOUR=yes", env_read='os.Getenv("BEHAVIOUR")', env_value="yes",
    tick="func tick(file string) int {\n\tf, _ := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)\n\tdefer f.Close()\n\tf.WriteString(\"x\")\n\treturn 7\n}",
    tick_once='once := tick("{}")', tick_use="once + 1", tick_value="8",
    flood='for i := range 20000 {\n\tfmt.Println("line", i)\n}', flood_last="line 19999",
    chatty='for i := range 4 {\n\tfmt.Println("part", i)\n\ttime.Sleep(3e8)\n}',
    child='exec.Command("sleep", "1000").Start()\nfmt.Println("on")\nfor {\n}', detached="!(setsid sleep 1000 >/dev/null 2>&1 &)",
    big_shown='gonbui.DisplayHTML("<!--" + strings.Repeat("x", 5<<20) + "-->")',
)

GO["sampler"] = """type stepper struct{ Steps int }

func (s stepper) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	r := odslib.NewResult(post, "stepper", s, seed)
	r.Samples = engine.NewArray(n, 1)
	for i := range s.Steps {
		odslib.Notify(ctx, odslib.Progress{What: "stepping", Step: i, Steps: s.Steps, ESS: .5, Loss: math.NaN(), LogZ: math.NaN()})
		time.Sleep(20 * time.Millisecond)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
	}
	return r, nil
}"""
GO["sample"], GO["sampled"] = "drawn := draw(stepper{%d}, odslib.Posterior{}, 3)", "drawn.Samples.Len()"

PYTHON = dict(
    name="python", extension=".py",
    hello='print("hello, world")',
    stderr='import sys\nprint("oops", file=sys.stderr)',
    unicode='print("日本 é 🎉")',
    value="1 + 2 + 3",
    bind="kept = 41", use="kept + 1",
    rebind='kept = "text"', reuse="len(kept)",
    late="early() * 2\n", function="def early(): return 21",
    both="def half(n): return n // 2\nfour = half(8)\nfour",
    missing="nosuchname + 1", missing_name="NameError", missing_text="'nosuchname' is not defined",
    failing='empty = []\nbefore = 5\nprint("before")\nempty[3]\nprint("after")',
    failing_name="IndexError", failing_text="list index out of range", failing_place="In[%d], line 4", failing_line="empty[3]",
    after_failing="before", fail='raise RuntimeError("on purpose")',
    syntax="x = )", syntax_name="SyntaxError",
    complete=["x = 1", 'print("hi")', "1 + 2"],
    incomplete=["def f():", "x = (1 +", "for i in range(3):", 's = """raw', "x = ["], indent="    ",
    invalid=["x = )", "def 7q(): pass"],
    complete_at="os.getcwd", completed="os.getcwdb", prepare="import os",
    before_cursor='"日本 🎉 é"; ', after_cursor=' + "é🎉"',
    inspect_at="print", inspected="Prints the values",
    slow='import time\nprint("on", flush=True)\ntime.sleep(%g)',
    endless='import time\nprint("on", flush=True)\nwhile True: time.sleep(.01)',
    slow_fail='import time\nprint("on", flush=True)\ntime.sleep(.6)\nraise RuntimeError("on purpose")',
    bind_and_wait='import time\nduring = 7\nprint("on", flush=True)\nwhile True: time.sleep(.01)', during="during",
    ask='name = input("who? ")\nprint("hello", name)',
    ask_twice='a = input()\nprint(a, "and", input())',
    ask_refused="StdinNotImplementedError",
    html='from IPython.display import *\ndisplay(HTML("<b>bold</b>"))',
    show='from IPython.display import *\ndisplay(HTML("<i>one</i>"), display_id="id1")\nupdate_display(HTML("<i>two</i>"), display_id="id1")',
    update='update_display(HTML("<i>three</i>"), display_id="id1")',
    ordered='import sys\nclass Rich:\n    def __init__(self, i): self.i = i\n    def __repr__(self): return "rich %d" % self.i\n'
            'for i in range(5):\n    print("text", i)\n    sys.stdout.flush()\n    display(Rich(i))\nprint("end")',
    clear="from IPython.display import clear_output\nclear_output()", clear_wait="from IPython.display import clear_output\nclear_output(wait=True)",
    page="%magic", page_text="magic", page_about="print?", page_about_text="Prints the values",
    magic_unknown="%nosuchmagic", shell="!echo from the shell", shell_fails="!exit 3",
    write_file="%%writefile {}\nwritten\n",
    env="%env BEHAVIOUR=yes", env_read='import os\nprint(os.environ["BEHAVIOUR"])\n"yes"', env_value="yes",
    tick='def tick(file):\n    with open(file, "a") as f: f.write("x")\n    return 7',
    tick_once='once = tick("{}")', tick_use="once + 1", tick_value="8",
    flood='for i in range(20000): print("line", i)', flood_last="line 19999",
    chatty='import time\nfor i in range(4):\n    print("part", i, flush=True)\n    time.sleep(.3)',
    child='import subprocess, time\nsubprocess.Popen(["sleep", "1000"])\nprint("on", flush=True)\nwhile True: time.sleep(.01)',
    big_shown='from IPython.display import *\ndisplay(HTML("<!--" + "x" * (5 << 20) + "-->"))',
)

LANGUAGES = {"odslab": GO, "python3": PYTHON}
