package engine

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// available is the memory that the system says it can give, in bytes; 0 when it does not say.
func available() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(strings.TrimSpace(lines.Text()), "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// CheckMemory refuses n samples of a shape that would not fit beside themselves twice: as a state and as a result.
func CheckMemory(n int, shape []int) error {
	bytes := 8 * float64(n)
	for _, d := range shape {
		bytes *= float64(d)
	}
	if have := float64(available()); have > 0 && bytes > have {
		return fmt.Errorf("%d samples of shape %v need %.1f GB, %.1f GB are free; ask for fewer", n, shape, bytes/1e9, have/1e9)
	}
	return nil
}
