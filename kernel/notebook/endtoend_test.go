package notebook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/notebook"
	"odslab/kernel/toolchain"
)

// realKernel is the command of the kernel that Jupyter would start.
func realKernel(t *testing.T) notebook.Command {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the real kernel")
	}
	l := toolchain.ForTest(t)
	return notebook.Command{
		Argv: []string{l.Tool("odslab"), "kernel", "-f", "{connection_file}"},
		Env:  []string{"ODSLAB_MODULE=" + l.Clone, "ODSLAB_CACHE=" + l.Root},
	}
}

func code(src string, tags ...any) notebook.Cell {
	return notebook.Cell{Type: "code", Source: src, Metadata: map[string]any{"tags": append([]any{}, tags...)}}
}

func save(t *testing.T, dir, name string, cells ...notebook.Cell) string {
	t.Helper()
	nb := &notebook.Notebook{Cells: cells, Metadata: map[string]any{
		"kernelspec": map[string]any{"name": "odslab", "display_name": "Go (odslab)", "language": "go"},
	}}
	path := filepath.Join(dir, name+".ipynb")
	if err := nb.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRealKernel(t *testing.T) {
	kernel := realKernel(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "beside.txt"), []byte("found"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := save(
		t, dir, "good",
		notebook.Cell{Type: "markdown", Source: "# Good\n\nA square: $n^2$."},
		code("n := 2 // how many", "parameters"),
		code("text, err := os.ReadFile(\"beside.txt\")\nfmt.Println(string(text), err)\nn * n"),
		code("if n != 7 {\n\tpanic(\"n is not what was asked for\")\n}", "check"),
		code("var m []int\nm[n] = 1", "raises-exception"),
		code("fmt.Println(\"still\", n)"),
	)
	bad := save(
		t, dir, "bad",
		code("x := 1"),
		code("fmt.Println(x)\ny := x + \"a\"", "check"),
		code("fmt.Println(\"never\")"),
	)
	slow := save(t, dir, "slow", code("fmt.Println(\"begun\")\ntime.Sleep(time.Hour)"))

	var out bytes.Buffer
	err := notebook.Run(t.Context(), notebook.Config{
		Paths: []string{good, bad}, Timeout: 2 * time.Minute, Params: map[string]string{"n": "7"}, Kernel: kernel, Out: &out,
	})
	t.Logf("\n%s\n%v", &out, err)
	if err == nil || !errors.Is(err, notebook.ErrFailed) {
		t.Fatalf("one of two fails, but the error is %v", err)
	}
	late := notebook.Run(t.Context(), notebook.Config{Paths: []string{slow}, Timeout: 3 * time.Second, Kernel: kernel})
	if late == nil || !strings.Contains(late.Error(), slow+": cell[1]: ran longer than 3s and was interrupted") {
		t.Errorf("a cell that sleeps: %v", late)
	}
	for _, want := range []string{bad + ": check cell[2]:2:", "mismatched types", `y := x + "a"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q", want)
		}
	}
	if strings.Contains(err.Error(), good) {
		t.Error("the good notebook is in the error")
	}
	if line := regexp.MustCompile(`good\.ipynb +5/5 .* 1 ok +\S*good\.html`); !line.MatchString(out.String()) {
		t.Error("the table lacks the good notebook's line")
	}
	nb, err := notebook.ReadFile(filepath.Join(dir, "out", "good.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(nb.Cells[2].Outputs); !strings.Contains(got, "found <nil>") || !strings.Contains(got, "49") {
		t.Errorf("outputs %s, want the file beside the notebook and 49", got)
	}
	if o := nb.Cells[4].Outputs; len(o) != 1 || o[0].Type != "error" || !strings.Contains(o[0].EValue, "out of range [7]") {
		t.Errorf("outputs %+v, want one error", o)
	}
	if python := toolchain.NeedPython(t, "nbformat"); python != "" {
		check := "import sys, nbformat\nfor p in sys.argv[1:]:\n nb = nbformat.read(p, nbformat.NO_CONVERT)\n assert (nb.nbformat, nb.nbformat_minor) == (4, 5)\n nbformat.validate(nb)\n"
		args := []string{"-W", "error", "-c", check}
		for _, name := range []string{"good", "bad", "slow"} {
			args = append(args, filepath.Join(dir, "out", name+".ipynb"))
		}
		if said, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput(); err != nil {
			t.Errorf("nbformat refuses what was written: %v\n%s", err, said)
		}
	}
}

// Two runs into one folder at the same time must leave whole files.
func TestTwoRunsAtOnce(t *testing.T) {
	kernel := realKernel(t)
	dir := t.TempDir()
	path := save(t, dir, "same", code("fmt.Println(strings.Repeat(\"x\", 100000))"))
	done := make(chan error, 2)
	for range 2 {
		go func() {
			done <- notebook.Run(context.WithoutCancel(t.Context()), notebook.Config{Paths: []string{path}, Kernel: kernel})
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	nb, err := notebook.ReadFile(filepath.Join(dir, "out", "same.ipynb"))
	if err != nil || len(nb.Cells[0].Outputs) != 1 {
		t.Errorf("%v", err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "out", "*")); len(names) != 2 {
		t.Errorf("files %q, want the notebook and the page", names)
	}
}

// A browser must read the page as it is meant: formulas have a size and their
// font, and the shadow tree holds the table with a style of its own.
func TestPageInBrowser(t *testing.T) {
	chromium := toolchain.NeedChromium(t)
	nb, err := notebook.ReadFile("testdata/sample.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	const probe = `<script>addEventListener("load",function(){
const widths=[...document.querySelectorAll("math")].map(e=>e.getBoundingClientRect().width);
const tree=document.querySelector(".output.html > div").shadowRoot;
const colour=e=>getComputedStyle(e).color;
fetch("/found",{method:"POST",body:JSON.stringify({Formulas:widths.length,Narrowest:Math.min(...widths),
Font:document.fonts.check("16px 'Page Math'"),Table:!!(tree&&tree.querySelector("td")),
OwnStyle:!!tree&&colour(document.querySelector(".prose td"))!==colour(tree.querySelector("td")),
Fits:document.documentElement.scrollWidth<=innerWidth})})})</script></body>`
	page := bytes.Replace(notebook.HTML(nb, notebook.PageOptions{}), []byte("</body>"), []byte(probe), 1)
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	if !policy.Match(page) {
		t.Fatal("the page has no policy")
	}
	page = policy.ReplaceAll(page, nil) // which would not let the probe run
	type answer struct {
		Formulas              int
		Narrowest             float64
		Font, Table, OwnStyle bool
		Fits                  bool
	}
	found := make(chan answer, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/found" {
			w.Write(page)
			return
		}
		var a answer
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			t.Error(err)
		}
		found <- a
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--window-size=1000,900", "--remote-debugging-port=0", server.URL)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() // its folder can go only then
	defer cancel()
	select {
	case a := <-found:
		if a.Formulas < 8 || a.Narrowest <= 0 || !a.Font || !a.Table || !a.OwnStyle || !a.Fits {
			t.Errorf("the page is not as meant: %+v", a)
		}
	case <-ctx.Done():
		t.Error("the page never answered, or the browser did not start")
	}
}
