package lab

import "sort"

func sorted(values []float64) []float64 {
	s := append([]float64(nil), values...)
	sort.Float64s(s)
	return s
}

// Median of values; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := sorted(values)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// Spread is the distance between the first and the third quartile.
func Spread(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := sorted(values)
	return s[len(s)*3/4] - s[len(s)/4]
}

// LeastForInterval is how many values a 95 % interval of their median needs.
const LeastForInterval = 6

// MedianInterval is the 95 % confidence interval of the median, whatever the distribution: between the k-th
// values from both ends, k such that the median lies outside in at most 5 % of all cases (sign test).
// ok is false of fewer than LeastForInterval values.
func MedianInterval(values []float64) (low, high float64, ok bool) {
	n := len(values)
	if n < LeastForInterval {
		return 0, 0, false
	}
	s := sorted(values)
	// P(fewer than k of n are below the median) = sum of C(n, i) / 2^n for i < k
	term, sum, k := 1.0, 0.0, 0
	for i := 0; i < n; i++ {
		term /= 2
	}
	for i := 0; i < n/2; i++ {
		sum += term
		if 2*sum > 0.05 {
			break
		}
		k = i + 1
		term *= float64(n-i) / float64(i+1)
	}
	return s[k-1], s[n-k], true
}
