package compare

import (
	"sort"

	"gobpftrace.test/referee/timeline"
)

const (
	// Two observers of one transition: usually 1 µs apart, tens of milliseconds when a busy
	// machine takes the thread off the processor in between. Beyond this they are two transitions.
	maxApart = int64(200e6)
	// Leaving two events unmatched costs more than any match, so the alignment is a longest
	// common subsequence first, and only among those the one that fits best in time.
	gapCost = maxApart
	band    = 64 // half the width of the search, in events around the same time
)

// Pair is one step of an alignment: both sides, or one with the other -1.
type Pair struct{ Ref, Ours int }

func sameKind(a, b *timeline.Event) bool { return a.From == b.From && a.To == b.To }

func abs(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// align pairs the transitions of one goroutine in two files, in order. Each side is sorted by
// time. Only transitions from and to the same states are paired; reason and stack are judged
// afterwards.
func align(ref, ours []*timeline.Event) []Pair {
	if p, ok := alignEqual(ref, ours); ok {
		return p
	}
	d := newTable(ref, ours)
	for i := range ref {
		d.row(i + 1)
	}
	return d.backtrace()
}

// alignEqual is the usual case: the same sequence in both.
func alignEqual(ref, ours []*timeline.Event) ([]Pair, bool) {
	if len(ref) != len(ours) {
		return nil, false
	}
	pairs := make([]Pair, len(ref))
	for i := range ref {
		if !sameKind(ref[i], ours[i]) || abs(ref[i].Time-ours[i].Time) > maxApart {
			return nil, false
		}
		pairs[i] = Pair{i, i}
	}
	return pairs, true
}

// table is the dynamic programme over a band: row i is ref[:i], column j is ours[:j]. Left of its
// band a cell is out of reach; right of it, it is the last cell and further gaps.
type table struct {
	ref, ours []*timeline.Event
	off       []int
	cost      [][]int64
	move      [][]byte
}

const (
	moveNone = iota
	moveBoth
	moveRef  // ref[i-1] stays alone
	moveOurs // ours[j-1] stays alone
)

const unreachable = int64(1) << 60

func newTable(ref, ours []*timeline.Event) *table {
	d := &table{ref: ref, ours: ours, off: make([]int, len(ref)+1),
		cost: make([][]int64, len(ref)+1), move: make([][]byte, len(ref)+1)}
	for i := range d.off {
		centre := len(ours)
		if i < len(ref) {
			centre = sort.Search(len(ours), func(j int) bool { return ours[j].Time >= ref[i].Time })
		}
		if i > 0 {
			d.off[i] = max(0, centre-band, d.off[i-1])
		}
		width := max(min(centre+band, len(ours)), d.off[i]) - d.off[i] + 1
		d.cost[i], d.move[i] = make([]int64, width), make([]byte, width)
	}
	for j := range d.cost[0] {
		d.cost[0][j], d.move[0][j] = int64(j)*gapCost, moveOurs
	}
	d.move[0][0] = moveNone
	return d
}

func (d *table) at(i, j int) int64 {
	j -= d.off[i]
	if j < 0 {
		return unreachable
	}
	last := len(d.cost[i]) - 1
	if j > last {
		return d.cost[i][last] + int64(j-last)*gapCost
	}
	return d.cost[i][j]
}

func (d *table) row(i int) {
	for k := range d.cost[i] {
		j := d.off[i] + k
		best, how := d.at(i-1, j)+gapCost, byte(moveRef)
		if k > 0 && d.cost[i][k-1]+gapCost < best {
			best, how = d.cost[i][k-1]+gapCost, moveOurs
		}
		if j > 0 {
			a, b := d.ref[i-1], d.ours[j-1]
			apart := abs(a.Time - b.Time)
			if sameKind(a, b) && apart <= maxApart {
				if c := d.at(i-1, j-1) + apart; c < best {
					best, how = c, moveBoth
				}
			}
		}
		d.cost[i][k], d.move[i][k] = best, how
	}
}

func (d *table) backtrace() []Pair {
	var back []Pair
	i, j := len(d.ref), len(d.ours)
	for i > 0 || j > 0 {
		how := byte(moveOurs) // right of the band
		if k := j - d.off[i]; k < len(d.move[i]) {
			how = d.move[i][k]
		}
		switch how {
		case moveBoth:
			i, j = i-1, j-1
			back = append(back, Pair{i, j})
		case moveRef:
			i--
			back = append(back, Pair{i, -1})
		default:
			j--
			back = append(back, Pair{-1, j})
		}
	}
	for a, b := 0, len(back)-1; a < b; a, b = a+1, b-1 {
		back[a], back[b] = back[b], back[a]
	}
	return back
}
