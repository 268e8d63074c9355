package notebook

import (
	"errors"
	"fmt"
	"strings"
)

// CheckKernel says whether the notebook is for a Go kernel, and if not, what
// to do about it.
func (nb *Notebook) CheckKernel() error {
	const mend = `open it in Jupyter, choose the kernel "Go (odslab)" and save it`
	spec, ok := nb.Metadata["kernelspec"].(map[string]any)
	name, _ := spec["name"].(string)
	if !ok || name == "" {
		return errors.New(`names no kernel (metadata.kernelspec): ` + mend)
	}
	language, _ := spec["language"].(string)
	if language == "" {
		if info, ok := nb.Metadata["language_info"].(map[string]any); ok {
			language, _ = info["name"].(string)
		}
	}
	if name == "odslab" || name == "gonb" || strings.EqualFold(language, "go") {
		return nil
	}
	if language == "" {
		language = "unknown language"
	}
	return fmt.Errorf("is for the kernel %q (%s), and only Go notebooks are run: %s", name, language, mend)
}
