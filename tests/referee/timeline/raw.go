package timeline

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// Go's trace reader never gives a time that falls: where one thread's stamp is late (the kernel took
// it off the processor between its claim to the next place in the order and reading the clock), it
// moves all that follows to that time plus 1 ns. What was written is what both recorders measured,
// so times are taken from the bytes. Format: internal/trace/tracev2 of Go 1.27.

// Numbers of the format that are needed here.
const (
	evEventBatch        = 1
	evStacks            = 2
	evStrings           = 4
	evCPUSamples        = 6
	evFrequency         = 8
	evExperimentalBatch = 49
	evSync              = 50
	evEndOfGeneration   = 52
)

// rawArgs is the number of arguments of each event in an event batch, dt included; -1: none such.
var rawArgs = [...]int{
	9: 3, 10: 3, 11: 1, 12: 4, 13: 3, 14: 4, 15: 2, 16: 3, 17: 1, 18: 1, 19: 3, 20: 3, 21: 4, 22: 3, 23: 1,
	24: 1, 25: 4, 26: 3, 27: 1, 28: 2, 29: 3, 30: 2, 31: 2, 32: 2, 33: 3, 34: 2, 35: 2, 36: 1, 37: 2, 38: 2,
	39: 2, 40: 5, 41: 3, 42: 4, 43: 4, 44: 5, 45: 3, 46: 3, 47: 4, 48: 5,
}

// transitionsOf tells the events of which the reader makes transitions that are no statuses; a switch
// makes three.
var transitionsOf = map[byte]int{14: 1, 15: 1, 16: 1, 17: 1, 18: 1, 19: 1, 20: 1, 21: 1, 22: 1, 23: 1, 24: 1, 45: 3, 46: 3, 47: 1}

var errRaw = errors.New("the bytes cannot be followed")

type rawReader struct{ b []byte }

func (r *rawReader) byte() (byte, error) {
	if len(r.b) == 0 {
		return 0, errRaw
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, nil
}

func (r *rawReader) uvarint() (uint64, error) {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		return 0, errRaw
	}
	r.b = r.b[n:]
	return v, nil
}

func (r *rawReader) skip(n int) error {
	for ; n > 0; n-- {
		if _, err := r.uvarint(); err != nil {
			return err
		}
	}
	return nil
}

// written holds the times that are in the bytes.
type written struct {
	byM   map[int64][]int64 // of every thread's transitions in ns, in the order of its stream
	units []uint64          // of all events
	freq  uint64
}

// rawTimes takes them from a file.
func rawTimes(file []byte) (*written, error) {
	w := &written{byM: map[int64][]int64{}}
	r := &rawReader{file[16:]}
	for len(r.b) > 0 {
		kind, err := r.byte()
		if err != nil {
			return nil, err
		}
		switch kind {
		case evEndOfGeneration:
			continue
		case evExperimentalBatch:
			if _, err := r.byte(); err != nil {
				return nil, err
			}
		case evEventBatch:
		default:
			return nil, errRaw
		}
		var head [4]uint64 // generation, thread, time, size
		for i := range head {
			if head[i], err = r.uvarint(); err != nil {
				return nil, err
			}
		}
		if head[3] > uint64(len(r.b)) {
			return nil, errRaw
		}
		body := &rawReader{r.b[:head[3]]}
		r.b = r.b[head[3]:]
		if kind == evExperimentalBatch || len(body.b) == 0 {
			continue
		}
		switch body.b[0] {
		case evStacks, evStrings, evCPUSamples:
		case evSync, evFrequency:
			at := bytes.IndexByte(body.b[:min(2, len(body.b))], evFrequency)
			if at < 0 {
				return nil, errRaw
			}
			body.b = body.b[at+1:]
			if w.freq, err = body.uvarint(); err != nil {
				return nil, err
			}
		default:
			if err := w.batch(body, int64(head[1]), head[2]); err != nil {
				return nil, err
			}
		}
	}
	if w.freq == 0 {
		return nil, errRaw
	}
	scale := 1e9 / float64(w.freq)
	for _, list := range w.byM {
		for i := range list {
			list[i] = int64(float64(list[i]) * scale)
		}
	}
	return w, nil
}

// longestRun is how many times at most follow each other by one unit.
func longestRun(units []uint64) (longest int) {
	slices.Sort(units)
	for run, i := 0, 1; i < len(units); i++ {
		switch units[i] - units[i-1] {
		case 0: // nothing was moved to get here
		case 1:
			run++
			longest = max(longest, run)
		default:
			run = 0
		}
	}
	return longest
}

func (w *written) batch(r *rawReader, m int64, at uint64) error {
	for len(r.b) > 0 {
		kind, err := r.byte()
		if err != nil {
			return err
		}
		if int(kind) >= len(rawArgs) || rawArgs[kind] == 0 {
			return errRaw
		}
		dt, err := r.uvarint()
		if err != nil {
			return err
		}
		at += dt
		w.units = append(w.units, at)
		for n := transitionsOf[kind]; n > 0; n-- {
			w.byM[m] = append(w.byM[m], int64(at))
		}
		if err := r.skip(rawArgs[kind] - 1); err != nil {
			return err
		}
	}
	return nil
}

// asWritten gives every transition the time that is in the bytes.
func (t *Trace) asWritten(file []byte) error {
	w, err := rawTimes(file)
	if err != nil {
		return err
	}
	t.Unit, t.LongestRun = int64(1e9/w.freq), longestRun(w.units)
	times := w.byM
	next := map[int64]int{}
	for i := range t.Events {
		e := &t.Events[i]
		n := next[e.M]
		if n >= len(times[e.M]) || times[e.M][n] > e.Time {
			return errRaw
		}
		e.Time = times[e.M][n]
		next[e.M]++
	}
	for m, list := range times {
		if next[m] != len(list) {
			return errRaw
		}
	}
	t.inOrder()
	return nil
}

// inOrder makes times rise along each goroutine: what came before was not later.
func (t *Trace) inOrder() {
	for _, list := range t.ByG {
		for k := len(list) - 2; k >= 0; k-- {
			if after := t.Events[list[k+1]].Time; t.Events[list[k]].Time > after {
				t.Events[list[k]].Time = after
			}
		}
	}
}
