package toolchain

import "strings"

// WithTags adds up the build tags of flags and of GOFLAGS in an environment: to
// the go command, one -tags takes the place of another.
func WithTags(flags, env []string) []string {
	var fromEnv []string
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			fromEnv = strings.Fields(v)
		}
	}
	var tags, rest []string
	take := func(flags []string, keep bool) {
		for i := 0; i < len(flags); i++ {
			name, value, has := strings.Cut(strings.TrimPrefix(flags[i], "-"), "=")
			switch {
			case strings.TrimPrefix(name, "-") != "tags":
				if keep {
					rest = append(rest, flags[i])
				}
			case has:
				tags = append(tags, value)
			case i+1 < len(flags):
				i++
				tags = append(tags, flags[i])
			}
		}
	}
	take(flags, true)
	take(fromEnv, false)
	if len(tags) == 0 {
		return rest
	}
	return append(rest, "-tags="+strings.Join(tags, ","))
}
