package collectors

import (
	"testing"

	"bellwether/collectors/procfs"

	"github.com/google/go-cmp/cmp"
)

func TestTree(t *testing.T) {
	type row struct{ PID, Depth int }
	for _, tt := range []struct {
		name string
		ppid map[int]int
		want []row
	}{
		{"children below their parents", map[int]int{1: 0, 2: 0, 10: 1, 11: 10, 12: 1, 5: 2}, []row{{1, 0}, {10, 1}, {11, 2}, {12, 1}, {2, 0}, {5, 1}}},
		{"a parent that is not listed", map[int]int{7: 99}, []row{{7, 0}}},
		{"a circle", map[int]int{3: 4, 4: 3, 1: 0, 6: 6}, []row{{1, 0}, {3, 0}, {4, 1}, {6, 0}}},
	} {
		var ps []procfs.Process
		for pid, ppid := range tt.ppid {
			ps = append(ps, procfs.Process{PID: pid, PPID: ppid})
		}
		var got []row
		for _, p := range tree(ps) {
			got = append(got, row{p.PID, p.Depth})
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

func TestMarkOwn(t *testing.T) {
	ps := []procfs.Process{{PID: 5, PPID: 4}, {PID: 4, PPID: 3}, {PID: 3, PPID: 1}, {PID: 1}, {PID: 9, PPID: 1}}
	markOwn(ps, 3)
	var own []int
	for _, p := range ps {
		if p.Own {
			own = append(own, p.PID)
		}
	}
	if !cmp.Equal(own, []int{5, 4, 3}) {
		t.Errorf("own: %v", own)
	}
}
