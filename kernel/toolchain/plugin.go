package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"odslab/odslib/engine/environment"
)

// pluginStep gets the XLA plugin, or checks the one that ODSLAB_PLUGIN names.
// There is no such step for the pure-Go engine.
func (l Layout) pluginStep(o Options) (step, bool) {
	engine := o.Engine
	if engine == "" {
		engine = os.Getenv(environment.Engine)
	}
	if engine == "go" {
		return step{}, false
	}
	s := step{
		name:   "plugin",
		what:   "looking for the XLA plugin",
		stamp:  l.pluginStamp(),
		inputs: l.pluginInputs,
		soft:   "no XLA, so the pure-Go engine",
	}
	s.do = func(ctx context.Context, line *stepLine) (*stepResult, error) {
		if _, err := tryCompiler(ctx); err != nil {
			return nil, err
		}
		if given := os.Getenv(environment.Plugin); given != "" {
			return checkGiven(given)
		}
		if engine == "xla-cuda" {
			return nil, errors.New(cudaHelp)
		}
		return l.ownPluginReady(ctx, o, xlaWheel, line)
	}
	return s, true
}

const cudaHelp = "the CUDA plugin is not fetched by set-up: `pip install jax-cuda13-pjrt` into an environment of yours and set ODSLAB_PLUGIN to its xla_cuda_plugin.so"

// pluginStamp lies beside our own plugin, which all clones share; a given
// plugin is this clone's affair.
func (l Layout) pluginStamp() string {
	if os.Getenv(environment.Plugin) != "" {
		return l.stampOf("plugin")
	}
	return filepath.Join(filepath.Dir(l.ownPlugin()), "stamp.json")
}

// pluginInputs changes with the plugin that is asked for.
func (l Layout) pluginInputs() string {
	given := os.Getenv(environment.Plugin)
	state := ""
	if given != "" {
		if info, err := os.Stat(given); err == nil {
			state = fmt.Sprint(info.Size()) // whether it is the same, the stamp says
		}
	}
	return hashOf(xlaWheel.sum, given, state, "true") // as it was written when a compiler counted too
}

// checkGiven looks at a plugin that the user chose.
func checkGiven(path string) (*stepResult, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("ODSLAB_PLUGIN=%s must be an absolute path", path)
	}
	if err := CheckPlugin(path); err != nil {
		return nil, fmt.Errorf("ODSLAB_PLUGIN: %w", err)
	}
	sum, err := hashFile(path)
	if err != nil {
		return nil, err
	}
	return &stepResult{what: "XLA plugin of ODSLAB_PLUGIN", note: "given by ODSLAB_PLUGIN", sum: sum, outputs: []string{path}}, nil
}

// ownPluginReady checks the plugin in the cache, and fetches it when it is not
// there or not what it was.
func (l Layout) ownPluginReady(ctx context.Context, o Options, w wheel, line *stepLine) (*stepResult, error) {
	final := l.ownPlugin()
	dir := filepath.Dir(final)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if sum, err := hashFile(final); err == nil {
		old, _ := readStamp(l.pluginStamp())
		switch {
		case sum == w.memberSum:
			return pluginResult(final, sum, w.source())
		case sum == old.Sum && CheckPlugin(final) == nil:
			return pluginResult(final, sum, old.Note)
		}
		// It must not stay where the engine would load it.
		line.p.note("the XLA plugin in the cache is damaged (sha256 %s…): set aside and fetched again", sum[:12])
		if err := os.Rename(final, final+".rejected"); err != nil {
			return nil, err
		}
	}
	if o.Offline {
		if _, err := os.Stat(filepath.Join(dir, w.file)); err != nil {
			return nil, fmt.Errorf("the plugin (%s, %s) is %w", w.source(), sizeText(w.size), errOffline)
		}
	}
	if err := l.room(w.memberSize); err != nil {
		return nil, err
	}
	file, err := w.fetch(ctx, l, dir, line)
	if err == nil {
		if err := w.extract(ctx, l, file, dir, final, line); err != nil {
			return nil, err
		}
		os.Remove(file)
		return pluginResult(final, w.memberSum, w.source())
	}
	if ctx.Err() != nil || errors.Is(l.growth(err), errNoRoom) {
		return nil, err
	}
	sum, second := l.fetchByInstaller(ctx, final, line)
	if second == nil {
		return pluginResult(final, sum, installerSource)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("%w; go-xla's own installer: %s", err, lineOf(second))
}

func pluginResult(path, sum, source string) (*stepResult, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return &stepResult{what: "XLA plugin from " + source, note: source, sum: sum, outputs: []string{path}, size: info.Size()}, nil
}

// installerSource is what doctor says of a plugin from go-xla's installer.
const installerSource = "go-xla's own installer (GitHub release over HTTPS; it publishes no sha256, so ours was taken on arrival)"

// fetchByInstaller runs go-xla's installer as a program of its own: it knows
// no context and prints where it likes.
func (l Layout) fetchByInstaller(ctx context.Context, final string, line *stepLine) (sum string, err error) {
	line.say("fetching the plugin by go-xla's own installer")
	work, remove, err := l.work()
	if err != nil {
		return "", err
	}
	defer remove()
	c, err := goCommand(l.Clone, "run", "odslab/kernel/toolchain/fetchplugin", work)
	if err != nil {
		return "", err
	}
	if err := run(ctx, c); err != nil {
		return "", err
	}
	got, err := filepath.EvalSymlinks(filepath.Join(work, "pjrt_c_api_cpu_plugin.so"))
	if err != nil {
		return "", fmt.Errorf("it left no plugin for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	if err := CheckPlugin(got); err != nil {
		return "", err
	}
	if sum, err = hashFile(got); err != nil {
		return "", err
	}
	return sum, os.Rename(got, final)
}
