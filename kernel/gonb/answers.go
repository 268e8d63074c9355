package gonb

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// What GoNB asks of go and goimports for each cell is answered by two shell
// scripts, which start in a millisecond, when the kernel has a program ready:
// its binary is linked to where GoNB wants one, and there is nothing to import.
// GoNB's module gets the complete go.mod of cells under its own name, so that
// nothing has to be resolved. All else goes on to the seam's go and to the real
// goimports.
const (
	goScript = `#!/bin/sh
if [ "$1 $2 $3" = "build -o $GONB_TMP_DIR/${GONB_TMP_DIR##*/}" ] && [ -f "$%[1]s" ]; then
	exec ln -f "$%[1]s" "$3"
fi
if [ "$1 $2 $3" = "mod init ${GONB_TMP_DIR##*/}" ]; then
	{ echo "module $3"; cat "${0%%/*}/requires"; } >go.mod && exec cp "${0%%/*}/go.sum" go.sum
fi
exec %[2]s "$@"
`
	goimportsScript = `#!/bin/sh
[ -f "$%[1]s" ] || exec %[2]s "$@"
`
)

// writeAnswers makes the folder that is first on GoNB's PATH.
func writeAnswers(dir string, cfg Config) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(cfg.Module, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(cfg.Module, "go.sum"))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"go":        fmt.Sprintf(goScript, envNext, quote(filepath.Join(cfg.Seam, "go"))),
		"goimports": fmt.Sprintf(goimportsScript, envNext, quote(cfg.Goimports)),
		"gopls":     "#!/bin/sh\n", // GoNB would start one, and nobody would ask it
		"requires":  moduleLine.ReplaceAllString(string(mod), ""),
		"go.sum":    string(sum),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			return err
		}
	}
	return nil
}

var moduleLine = regexp.MustCompile(`(?m)^module .*$`)

// quote makes one word of the shell of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
