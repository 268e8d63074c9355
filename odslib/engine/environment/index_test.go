package environment

import "testing"

func TestTaskIndex(t *testing.T) {
	for _, c := range []struct {
		slurm, job string
		index      int
		ok, bad    bool
	}{
		{"", "", 0, false, false},
		{"3", "", 3, true, false},
		{"", "0", 0, true, false},
		{"2", "2", 2, true, false},
		{"2", "0", 0, false, true},
		{"x", "", 0, false, true},
		{"-1", "", 0, false, true},
	} {
		t.Setenv("SLURM_ARRAY_TASK_ID", c.slurm)
		t.Setenv("JOB_COMPLETION_INDEX", c.job)
		index, ok, err := TaskIndex()
		if (err != nil) != c.bad || ok != c.ok || ok && index != c.index {
			t.Errorf("%+v: %d, %v, %v", c, index, ok, err)
		}
	}
}
