package cell

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/toolchain"
)

// link is the Link of a program whose packages all have export data at hand, or
// the zero value.
func (p *packages) link(source []byte, dir string) toolchain.Link {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ImportsOnly)
	if err != nil {
		return toolchain.Link{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tools == "" {
		return toolchain.Link{}
	}
	paths := []string{contract.BootPath, "runtime"}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return toolchain.Link{}
		}
		paths = append(paths, path)
	}
	for _, path := range paths {
		if q := p.exported[path]; path != "unsafe" && (q == nil || q.Export == "" || q.Error != nil) {
			return toolchain.Link{}
		}
	}
	config := filepath.Join(dir, "importcfg")
	if p.linked != len(p.exported) || p.config != config {
		var b strings.Builder
		for _, path := range slices.Sorted(maps.Keys(p.exported)) {
			if q := p.exported[path]; q.Export != "" {
				fmt.Fprintf(&b, "packagefile %s=%s\n", path, q.Export)
			}
		}
		if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
			return toolchain.Link{}
		}
		p.linked, p.config = len(p.exported), config
	}
	return toolchain.Link{Tools: p.tools, Config: config, Key: p.key, Since: p.since}
}
