package serve

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"odslab/kernel/toolchain"
)

// Our own suite, on this kernel and, so that the suite itself is tested, on
// ipykernel too. Only what is said there not to apply to ipykernel is left out.
func TestBehaviour(t *testing.T) {
	interpreter := toolchain.NeedPython(t, "ipykernel", "jupyter-client")
	for kernel, least := range map[string]int{"odslab": 50, "python3": 40} {
		t.Run(kernel, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			out := python(t, interpreter, "behaviour/run.py", 4*time.Minute, kernel)
			t.Logf("%v\n%s", time.Since(begin).Round(time.Second), out)
			if n := len(regexp.MustCompile(`(?m)^ok `).FindAllString(out, -1)); n < least || strings.Contains(out, "FAIL") {
				t.Errorf("%d checks passed:\n%s", n, out)
			}
			if kernel == "odslab" && strings.Contains(out, "n/a") {
				t.Errorf("checks left out on our own kernel:\n%s", out)
			}
		})
	}
}
