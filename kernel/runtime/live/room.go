package live

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// A cell that takes more memory than there is would be killed by the system, or another process in its place. So it gets
// no more, and Go's runtime says where it asked. Room is for what it may write to: RLIMIT_DATA counts no file that is
// only read and no address that is only reserved.

// room is the limit that bound has set; 0 where there is none.
var room uint64

// bound sets the limit: what the process has, and what the machine has left.
func bound() {
	free := machineFree("/proc/meminfo", "/sys/fs/cgroup/memory.max")
	statm, _ := os.ReadFile("/proc/self/statm")
	f := strings.Fields(string(statm))
	if free == 0 || len(f) < 6 {
		return
	}
	own, err := strconv.ParseUint(f[5], 10, 64)
	if err != nil {
		return
	}
	var l syscall.Rlimit
	if limit := own*uint64(os.Getpagesize()) + free; syscall.Getrlimit(syscall.RLIMIT_DATA, &l) == nil && limit < l.Cur {
		room = limit
		widen(0)
		if debug.SetMemoryLimit(-1) == math.MaxInt64 { // the collector works harder before that
			debug.SetMemoryLimit(int64(free / 10 * 9))
		}
	}
}

// widen gives back the room that a mapped file takes: its pages cost nothing until they are written to.
func widen(size int) {
	var l syscall.Rlimit
	if room == 0 || syscall.Getrlimit(syscall.RLIMIT_DATA, &l) != nil {
		return
	}
	room += uint64(size)
	l.Cur = min(room, l.Max)
	syscall.Setrlimit(syscall.RLIMIT_DATA, &l)
}

// machineFree is how many bytes can be had without another process losing any; 0 where nobody tells.
func machineFree(meminfo, group string) (free uint64) {
	data, _ := os.ReadFile(meminfo)
	for line := range strings.Lines(string(data)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "MemAvailable" && name != "SwapFree" {
			continue
		}
		if kB, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64); err == nil {
			free += kB << 10
		}
	}
	data, _ = os.ReadFile(group)
	if most, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err == nil && free > 0 {
		free = min(free, most)
	}
	return free
}
