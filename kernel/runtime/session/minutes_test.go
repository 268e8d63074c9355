package session

import (
	"math"
	"strings"
	"testing"
	"time"

	"odslab/kernel/runtime/live"
	"odslab/odslib"
)

// A budget in minutes has a share and a rest of its own; work of unknown length has neither.
func TestBudgetInMinutes(t *testing.T) {
	var text string
	live.Send = func(data, _ map[string]any, _ string) { text, _ = data["text/plain"].(string) }
	live.Sync = func() {}
	defer func() { live.Send, live.Sync = nil, nil }()
	for _, c := range []struct {
		limit time.Duration
		p     odslib.Progress
		want  []string
		not   string
	}{
		{2 * time.Minute, odslib.Progress{What: "RTB", Step: 175}, []string{"175 steps", "1m0s of 2m0s", "1m0s left"}, "of 0"},
		{0, odslib.Progress{What: "RTB", Step: 175}, []string{"175 steps", "1m0s"}, "left"},
		{0, odslib.Progress{What: "DPS", Step: 50, Steps: 100}, []string{"50 of 100", "1m0s left"}, "steps"},
		{10 * time.Minute, odslib.Progress{What: "RTB", Step: 75, Steps: 100}, []string{"75 of 100", "20s left"}, "−"},
	} {
		b := newBar()
		b.limit, b.start, b.now = c.limit, time.Now().Add(-time.Minute), c.p
		b.now.Loss, b.now.LogZ = math.NaN(), math.NaN()
		b.show(false)
		for _, w := range c.want {
			if !strings.Contains(text, w) || strings.Contains(text, c.not) {
				t.Errorf("%+v: %q", c.p, text)
			}
		}
	}
}
