package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// parkedProgram is built with the driver, beside it.
func parkedProgram() (string, error) {
	self, err := os.Executable()
	return filepath.Join(filepath.Dir(self), "parked"), err
}

// dumpRows: grouped dumps of many parked goroutines, and what the target notices of them.
func dumpRows(b *bench) {
	for _, r := range []struct {
		n       int
		limitMs float64
	}{{1000, 3}, {100000, 120}, {1000000, 1000}} {
		name := fmt.Sprintf("grouped dump of %d goroutines in 1,024 stacks", r.n)
		target := fmt.Sprintf("≤ %.0f ms", r.limitMs)
		if err := b.dumpOf(name, target, r.n, r.limitMs); err != nil {
			b.failed(name, target, err)
		}
	}
}

func (b *bench) dumpOf(name, target string, n int, limitMs float64) error {
	program, err := parkedProgram()
	if err != nil {
		return err
	}
	p, _, err := lab.Start(program, "-n", fmt.Sprint(n), "-busy", "-every", "100ms")
	if err != nil {
		return err
	}
	defer p.Stop()
	// A process's first dump reads the target's symbols in from its file; those after it have them.
	var first, warm, memory []float64
	for i := 0; i < b.rounds; i++ {
		d, err := b.dump(p, n, 4, 20)
		if err != nil {
			return err
		}
		first, warm, memory = append(first, d.ms[0]), append(warm, lab.Median(d.ms[1:])), append(memory, d.memory)
	}
	ms, mb := lab.Median(warm), lab.Median(memory)/1e6
	b.row(name+", symbols loaded", fmt.Sprintf("%.1f ms (spread %.1f; the first of a process %.1f)", ms, lab.Spread(warm), lab.Median(first)),
		target, ms <= limitMs)
	b.row(name+", memory", fmt.Sprintf("%.1f MB", mb), "≤ 32 MB", mb <= 32)
	return b.throughput(name, p, n)
}

type dumps struct {
	ms     []float64
	memory float64
}

func (b *bench) dump(p *lab.Program, n, times, periodMs int) (d dumps, err error) {
	cmd := exec.Command(filepath.Join(b.drivers, "dumpcost"), pidOf(p), fmt.Sprint(times), fmt.Sprint(periodMs))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return d, err
	}
	for _, line := range strings.Split(string(out), "\n") {
		var ms, goroutines, groups, peak float64
		if _, err := fmt.Sscanf(line, "dump %g goroutines %g groups %g", &ms, &goroutines, &groups); err == nil {
			if int(goroutines) < n || groups < 1000 {
				return d, fmt.Errorf("the dump has %.0f goroutines in %.0f stacks", goroutines, groups)
			}
			d.ms = append(d.ms, ms)
		}
		fmt.Sscanf(line, "memory %g peak %g", &d.memory, &peak)
	}
	if len(d.ms) != times || d.memory == 0 {
		err = fmt.Errorf("dumpcost said %q", out)
	}
	return d, err
}

// throughput compares the target's counting in a second with a dump to the seconds before and behind it, until the
// interval of the median says on which side of 1 % it lies, or is narrow.
func (b *bench) throughput(name string, p *lab.Program, n int) error {
	const limit, most = 1.0, 60
	alone, err := rates(p, 10, func() {})
	if err != nil {
		return err
	}
	var change []float64
	for len(change) < most {
		dumped, err := b.ratesDumped(p, n)
		if err != nil {
			return err
		}
		behind, err := rates(p, 10, func() {})
		if err != nil {
			return err
		}
		change = append(change, 100*(2*mean(dumped)/(mean(alone)+mean(behind))-1))
		alone = behind
		if resolved(change, -limit) {
			break
		}
	}
	c := lab.Median(change)
	low, high, _ := lab.MedianInterval(change)
	text := fmt.Sprintf("%+.2f %% (%+.2f to %+.2f, %d pairs)", c, low, high, len(change))
	if !resolved(change, -limit) {
		text = "not resolved: " + text
	}
	b.row(name+", the target's throughput in a second with a dump", text, "≥ -1 %", resolved(change, -limit) && c >= -limit)
	return nil
}

// resolved: all of the interval lies on one side of the limit, or is narrower than a percent.
func resolved(values []float64, limit float64) bool {
	low, high, ok := lab.MedianInterval(values)
	return ok && (low >= limit || high < limit || high-low <= 1)
}

func (b *bench) ratesDumped(p *lab.Program, n int) ([]float64, error) {
	done := make(chan error, 1)
	values, err := rates(p, 10, func() {
		go func() {
			_, err := b.dump(p, n, 1, 0)
			done <- err
		}()
	})
	if err != nil {
		return nil, err
	}
	return values, <-done
}

// rates reads n whole periods of the target's counting; begun is called as the first begins.
func rates(p *lab.Program, n int, begun func()) (values []float64, err error) {
	p.Drop()
	if _, err = p.Line(10 * time.Second); err != nil {
		return nil, err
	}
	begun()
	for i := 0; i < n; i++ {
		line, err := p.Line(10 * time.Second)
		if err != nil {
			return nil, err
		}
		var r struct{ Rate float64 }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, err
		}
		values = append(values, r.Rate)
	}
	return values, nil
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}
