package lab

import (
	"math/rand"
	"testing"
)

func TestMedianIntervalKnown(t *testing.T) {
	// What tables of the sign test say: n, and which values from the ends.
	for n, k := range map[int]int{6: 1, 8: 1, 9: 2, 12: 3, 20: 6, 50: 18} {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(n - i)
		}
		low, high, ok := MedianInterval(values)
		if !ok || low != float64(k) || high != float64(n+1-k) {
			t.Errorf("of %d values: %v to %v, wanted the %d. from both ends", n, low, high, k)
		}
	}
	if _, _, ok := MedianInterval([]float64{1, 2, 3, 4, 5}); ok {
		t.Error("five values have no 95 % interval")
	}
}

func TestMedianIntervalCovers(t *testing.T) {
	const tries = 4000
	source := rand.New(rand.NewSource(1))
	for _, n := range []int{6, 11, 30} {
		within := 0
		for i := 0; i < tries; i++ {
			values := make([]float64, n)
			for j := range values {
				values[j] = source.ExpFloat64()
			}
			if low, high, _ := MedianInterval(values); low <= 0.6931 && 0.6931 <= high {
				within++
			}
		}
		if share := float64(within) / tries; share < 0.94 || share > 0.995 {
			t.Errorf("%d values: %.3f of the intervals have the median in them", n, share)
		}
	}
}
