package toolchain

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// watchSize tells on the step's line how much of a download has come.
func watchSize(dir string, total int64, line *stepLine, what string) (stop func()) {
	line.say(fmt.Sprintf("%s, %s", what, sizeText(total)))
	if !line.p.live {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				line.say(fmt.Sprintf("%s, %s of %s", what, sizeText(min(largestFile(dir), total)), sizeText(total)))
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

func largestFile(dir string) (size int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				size = max(size, info.Size())
			}
		}
		return nil
	})
	return size
}

// lineOf is the telling line of a program's failure, without its name.
func lineOf(err error) string {
	var c *commandError
	if errors.As(err, &c) {
		return c.Line
	}
	return err.Error()
}
