package guide_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
)

// A Result says which engine made it, and the same seed on the same engine gives the same bits.
func TestResultSaysItsEngine(t *testing.T) {
	const child = "GUIDE_ENGINE_TEST"
	if os.Getenv(child) != "" {
		r := sample(t, guide.Plain{Steps: 20}, odslib.Given(priors.Grid25(), nil), 100, 3)
		fmt.Printf("made by %s: %x.\n", r.Engine, crc32.ChecksumIEEE(fmt.Append(nil, r.Samples.Data)))
		return
	}
	said := regexp.MustCompile(`made by (\S+): (\w+)\.`)
	for _, want := range []string{"go", "xla-cpu"} {
		var bits []string
		for range 2 {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
			cmd.Env = append(os.Environ(), child+"=1", engine.EnvEngine+"="+want)
			out, err := cmd.CombinedOutput()
			if err != nil && want != "go" && strings.Contains(string(out), "engine xla-cpu:") && os.Getenv("CI") != "true" {
				t.Skipf("no XLA: %s", out)
			}
			m := said.FindStringSubmatch(string(out))
			if err != nil || m == nil || m[1] != want {
				t.Fatalf("%s: %v\n%s", want, err, out)
			}
			bits = append(bits, m[2])
		}
		if bits[0] != bits[1] {
			t.Errorf("%s: one seed gave two results", want)
		}
		t.Log(want, bits[0])
	}
}
