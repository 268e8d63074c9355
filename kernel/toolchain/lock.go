package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lock takes the lock of all set-ups of this cache. The system frees it when
// the process ends in any way. waiting is called once when another one holds it.
func (l Layout) lock(ctx context.Context, waiting func()) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(l.lockFile()), 0o755); err != nil {
		return nil, l.growth(err)
	}
	f := flock.New(l.lockFile())
	ok, err := f.TryLock()
	if err == nil && !ok {
		if waiting != nil {
			waiting()
		}
		_, err = f.TryLockContext(ctx, 50*time.Millisecond)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, l.growth(fmt.Errorf("lock %s: %w", l.lockFile(), err))
	}
	return func() { f.Unlock() }, nil
}
