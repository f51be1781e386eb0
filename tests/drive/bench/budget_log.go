package main

import (
	"encoding/json"
	"math"
	"time"

	"gobpftrace.test/drive/lab"
)

// cell is a line of a target's own log: what it did since the line before. Its operations are of two kinds where
// storms come and go.
type cell struct {
	At      int64   `json:"at_ns"` // its end, CLOCK_MONOTONIC
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	Ops     float64 `json:"ops"`
	Storm   float64 `json:"storm_ops"`
}

func (c cell) begin() int64 { return c.At - int64(c.Seconds*1e9) }

func readCell(p *lab.Program) (c cell, err error) {
	line, err := p.Line(10 * time.Second)
	if err == nil {
		err = json.Unmarshal([]byte(line), &c)
	}
	return c, err
}

// perOp is what an operation of each kind takes untreated, in seconds; a change of the weather is of neither.
type perOp struct{ calm, storm float64 }

func perOpOf(cells []cell) (o perOp) {
	var calm, storm cell
	for _, c := range cells {
		switch {
		case c.Storm == 0:
			calm.CPU, calm.Ops = calm.CPU+c.CPU, calm.Ops+c.Ops
		case c.Storm == c.Ops:
			storm.CPU, storm.Ops = storm.CPU+c.CPU, storm.Ops+c.Ops
		}
	}
	if calm.Ops > 0 {
		o.calm = calm.CPU / calm.Ops
	}
	if storm.Ops > 0 {
		o.storm = storm.CPU / storm.Ops
	}
	return o
}

// A budget is of what the target uses itself, but at least this share of a core (user/recorder/governor.h).
const coreFloor = 0.005

// worst is the most that any so long part of a log took above its own work, in percent; of a part whose budget
// is the floor the floor counts, so that it can be held against the budget too.
func worst(cells []cell, own perOp, budget float64, length time.Duration) float64 {
	most := math.Inf(-1)
	for i := range cells {
		seconds, cpu, work := 0.0, 0.0, 0.0
		for j := i; j < len(cells) && seconds < 0.98*length.Seconds(); j++ {
			c := cells[j]
			seconds += c.Seconds
			cpu += c.CPU
			work += c.Storm*own.storm + (c.Ops-c.Storm)*own.calm
		}
		if seconds < 0.98*length.Seconds() {
			break
		}
		allowed := math.Max(budget*work, coreFloor*seconds)
		most = math.Max(most, 100*budget*(cpu-work)/allowed)
	}
	return most
}
