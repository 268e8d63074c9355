package toolchain

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"odslab/odslib/engine/environment"

	"golang.org/x/sys/unix"
)

// State of a thing that doctor looks at.
type State string

const (
	OK      State = "ok"
	Missing State = "missing" // not there; what needs it says so or makes it
	Broken  State = "broken"  // there and wrong
)

// Finding is one thing that was looked at, and the line that mends it.
type Finding struct {
	Name  string
	State State
	Found string
	Mend  string
}

const (
	mendSetup    = "go run ./kernel setup"
	mendCompiler = "apt install gcc libc6-dev, or your system's C compiler"
)

// Inspect looks at everything that set-up makes or needs and changes nothing.
func Inspect(ctx context.Context, l Layout) []Finding {
	list := []Finding{l.inspectGo(ctx), l.inspectCache(), l.inspectCompiler(ctx)}
	steps, err := l.steps(Options{Data: true})
	if err != nil {
		return append(list, Finding{"clone", Broken, err.Error(), "git status, in the clone"})
	}
	for _, s := range steps {
		if s.name == "plugin" {
			list = append(list, l.inspectPlugin())
			continue
		}
		list = append(list, inspectStep(s))
	}
	engine, why := l.Engine()
	list = append(list, Finding{"engine", OK, fmt.Sprintf("%s (%s)", engine, why), ""})
	return append(list, l.inspectPython(ctx), inspectChromium())
}

func (l Layout) inspectGo(ctx context.Context) Finding {
	goTool, err := RealGo()
	if err != nil {
		return Finding{"go", Broken, "no go command on PATH", "install Go from https://go.dev/dl"}
	}
	var out bytes.Buffer
	if err := run(ctx, command{Dir: l.Clone, Args: []string{goTool, "env", "GOVERSION"}, Out: &out}); err != nil {
		return Finding{"go", Broken, err.Error(), "install Go from https://go.dev/dl"}
	}
	return Finding{"go", OK, strings.TrimSpace(out.String()) + ", " + goTool, ""}
}

func (l Layout) inspectCache() Finding {
	f := Finding{"cache", OK, l.Root, ""}
	info, err := os.Stat(l.Root)
	if err != nil {
		f.State, f.Found, f.Mend = Missing, l.Root+" is not there yet", mendSetup
		return f
	}
	if !info.IsDir() || unix.Access(l.Root, unix.W_OK) != nil {
		return Finding{"cache", Broken, l.Root + " cannot be written", "change its owner, or set ODSLAB_CACHE to another folder"}
	}
	if err := l.room(toolRoom); err != nil {
		return Finding{"cache", Broken, err.Error(), "see there"}
	}
	var disk unix.Statfs_t
	if unix.Statfs(l.Root, &disk) == nil {
		f.Found += ", " + sizeText(int64(disk.Bavail)*int64(disk.Bsize)) + " free"
	}
	return f
}

func (l Layout) inspectCompiler(ctx context.Context) Finding {
	const adds = "; with one, XLA computes some tens of times faster than the pure-Go engine"
	cc, err := compiler()
	if err != nil {
		return Finding{"compiler", Missing, err.Error() + adds, mendCompiler}
	}
	// The trial needs a folder; a cache that is not there yet is not made for it.
	if _, err := os.Stat(l.Root); err == nil {
		if _, err := tryCompiler(ctx); err != nil {
			return Finding{"compiler", Broken, err.Error() + adds, mendCompiler}
		}
	}
	return Finding{"compiler", OK, cc, ""}
}

func inspectStep(s step) Finding {
	f := Finding{Name: s.name, State: OK, Mend: mendSetup}
	if s.name == "data" {
		f.Mend = mendSetup + " -data"
	}
	st, ok := readStamp(s.stamp)
	switch {
	case !ok:
		f.State, f.Found = Missing, "not made yet"
		if s.name == "data" {
			f.Found += " (optional)"
		}
	case st.Failed != "":
		f.State, f.Found = Missing, st.Failed
	case st.Inputs != s.inputs():
		f.State, f.Found = Missing, "out of date: made anew by the next run"
	default:
		for _, o := range st.Outputs {
			if !o.unchanged() {
				f.State, f.Found = Broken, o.Path+" is gone or has changed"
				return f
			}
		}
		f.Found, f.Mend = describe(st), ""
	}
	return f
}

func describe(st stamp) string {
	var size int64
	for i, o := range st.Outputs {
		if i == 0 || o.Size != st.Outputs[i-1].Size || o.Sum != st.Outputs[i-1].Sum { // the seam's go is odslab again
			size += o.Size
		}
	}
	text := "made " + time.Unix(st.At, 0).Format("2006-01-02 15:04")
	if st.Note != "" {
		text = st.Note + ", " + text
	}
	if len(st.Outputs) > 0 && size > 0 && !strings.HasSuffix(st.Outputs[0].Path, "-d") { // not the build cache's
		text += ", " + sizeText(size)
		if dir := filepath.Dir(st.Outputs[0].Path); len(dir) < 60 {
			text += " in " + dir
		}
	}
	return text
}

// inspectPlugin reads the whole file: doctor is asked when something is wrong.
func (l Layout) inspectPlugin() Finding {
	f := Finding{Name: "plugin", State: OK, Mend: mendSetup}
	path := l.Plugin()
	st, stamped := readStamp(l.pluginStamp())
	sum, err := hashFile(path)
	switch given := os.Getenv(environment.Plugin) != ""; {
	case err != nil && given:
		return Finding{"plugin", Broken, environment.Plugin + "=" + path + " cannot be read", "set it to the absolute path of a PJRT plugin, or unset it"}
	case err != nil:
		f.State, f.Found = Missing, "not fetched yet"
		if st.Failed != "" {
			f.Found = st.Failed
		}
		if _, err := compiler(); err != nil {
			f.Mend = mendCompiler
		}
	case given:
		if err := CheckPlugin(path); err != nil {
			return Finding{"plugin", Broken, err.Error(), "set ODSLAB_PLUGIN to the absolute path of a PJRT plugin, or unset it"}
		}
		f.Found, f.Mend = "given by ODSLAB_PLUGIN, sha256 "+sum[:12]+"…", ""
	case sum == xlaWheel.memberSum:
		f.Found, f.Mend = fmt.Sprintf("%s, sha256 %s… as pinned", xlaWheel.source(), sum[:12]), ""
	case stamped && sum == st.Sum:
		f.Found, f.Mend = fmt.Sprintf("%s, sha256 %s…", st.Note, sum[:12]), ""
	default:
		f.State, f.Found = Broken, fmt.Sprintf("%s is damaged (sha256 %s…)", path, sum[:12])
	}
	return f
}

func (l Layout) inspectPython(ctx context.Context) Finding {
	const use = " (for lab, and tests with real front ends)"
	if st, ok := readStamp(l.pythonStamp()); ok && st.current("") {
		return Finding{"python", OK, l.venv() + " with " + st.Note, ""}
	}
	base, err := lookPython(ctx)
	if err != nil {
		return Finding{"python", Missing, err.Error() + use, "apt install python3 python3-venv"}
	}
	return Finding{"python", Missing, base + "; the private environment is not made yet" + use, "go run ./kernel lab"}
}

func inspectChromium() Finding {
	path, err := chromium()
	if err != nil {
		return Finding{"chromium", Missing, "none on PATH (for browser tests only)", "apt install chromium"}
	}
	return Finding{"chromium", OK, path + " (for browser tests only)", ""}
}
