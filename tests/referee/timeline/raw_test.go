package timeline

import "testing"

func TestLongestRun(t *testing.T) {
	for _, c := range []struct {
		units []uint64
		want  int
	}{
		{nil, 0},
		{[]uint64{7}, 0},
		{[]uint64{7, 9, 11}, 0},
		{[]uint64{7, 8, 20, 21, 22, 23, 40, 41}, 3},
		{[]uint64{22, 7, 21, 8, 20}, 2},           // of several threads
		{[]uint64{7, 7, 7, 7, 8, 8, 8, 9, 30}, 2}, // wakes share a time
	} {
		if is := longestRun(c.units); is != c.want {
			t.Errorf("%v: %d, wanted %d", c.units, is, c.want)
		}
	}
}
