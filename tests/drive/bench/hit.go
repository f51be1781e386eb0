package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gobpftrace.test/drive/lab"
)

// probes is a running tests/bench/hitcost.
type probes struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func (b *bench) probe(pid int, how, sites string) (*probes, error) {
	h := &probes{cmd: exec.Command(filepath.Join(b.drivers, "hitcost"), fmt.Sprint(pid), how, sites)}
	h.cmd.Stderr = os.Stderr
	var err error
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewScanner(out)
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	if !h.out.Scan() {
		h.cmd.Wait()
		return nil, fmt.Errorf("hitcost did not attach")
	}
	return h, nil
}

// counts asks for the hits and losses so far.
func (h *probes) counts() (hits, lost float64, err error) {
	fmt.Fprintln(h.in)
	if !h.out.Scan() {
		return 0, 0, fmt.Errorf("hitcost has ended")
	}
	_, err = fmt.Sscanf(h.out.Text(), "hits %g lost %g", &hits, &lost)
	return hits, lost, err
}

func (h *probes) detach() error {
	h.in.Close()
	return h.cmd.Wait()
}

// cost is what an operation of the target takes with no program and with others at the sites, alternated: a value
// a round.
type cost struct {
	none  []float64            // ns of CPU of an operation, untouched
	added map[string][]float64 // ns of CPU that a hit adds, by program
	lost  float64
}

// over is the ratio of what two programs add, of the rounds in which the second adds anything.
func (c *cost) over(how, base string) (ratios []float64) {
	for i, ns := range c.added[base] {
		if ns > 0 {
			ratios = append(ratios, c.added[how][i]/ns)
		}
	}
	return ratios
}

// treated is one round's ns of CPU an operation and hits an operation, with probes in place.
func (b *bench) treated(p *lab.Program, how, sites string) (perOp, hits, lost float64, err error) {
	h, err := b.probe(p.Pid(), how, sites)
	if err != nil {
		return 0, 0, 0, err
	}
	defer h.detach()
	p.Drop()
	if _, err = p.Line(10 * time.Second); err != nil {
		return 0, 0, 0, err
	}
	before, _, err := h.counts()
	if err != nil {
		return 0, 0, 0, err
	}
	values, ops, err := reports(p, 3)
	if err != nil {
		return 0, 0, 0, err
	}
	after, lost, err := h.counts()
	if err == nil && (after == before || ops == 0) {
		err = fmt.Errorf("%s %s: no hits", how, sites)
	}
	return lab.Median(values), (after - before) / ops, lost, err
}

// added is what a hit at the sites adds to a round's ns. Where besides names some of them, a second
// treatment with these alone is taken off: programs know less without them, so they cannot be left out.
func (b *bench) added(p *lab.Program, how, sites, besides string, none float64) (ns, lost float64, err error) {
	perOp, hits, lost, err := b.treated(p, how, sites)
	if err != nil || besides == "" {
		return (perOp - none) / hits, lost, err
	}
	part, partHits, partLost, err := b.treated(p, how, besides)
	return (perOp - part) / (hits - partHits), lost + partLost, err
}

// compare alternates untouched and treated rounds of one load.
func (b *bench) compare(do, sites, besides string, hows ...string) (*cost, error) {
	p, _, err := lab.Start(b.fixture("bench"), "-do", do, "-procs", "1", "-n", "2", "-every", "300ms")
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	c := &cost{added: map[string][]float64{}}
	for i := 0; i < b.rounds; i++ {
		values, err := measure(p, 3)
		if err != nil {
			return nil, err
		}
		none := lab.Median(values)
		c.none = append(c.none, none)
		for _, how := range hows {
			ns, lost, err := b.added(p, how, sites, besides, none)
			if err != nil {
				return nil, err
			}
			c.added[how] = append(c.added[how], ns)
			c.lost += lost
		}
	}
	return c, nil
}

// hitRows: our program against the bare one at the same instruction; and what the least of a tracer takes there, which
// says how near to the limit this machine lets anyone come.
func hitRows(b *bench) {
	for _, r := range []struct {
		name, do, sites, besides, least string
		limit                           float64
	}{
		{"a hit without a stack, against a bare probe", "yield", "run", "", "least", 1.4},
		{"a hit with a stack, against a bare probe", "pingpong", "run,unblock", "run", "least-stack", 1.7},
	} {
		target := fmt.Sprintf("≤ %.1f ×", r.limit)
		c, err := b.compare(r.do, r.sites, r.besides, "bare", r.least, "ours")
		if err != nil {
			b.failed(r.name, target, err)
			continue
		}
		ratios := c.over("ours", "bare")
		if len(ratios) < b.rounds/2+1 {
			b.failed(r.name, target, fmt.Errorf("the bare probe cost nothing in %d of %d rounds", b.rounds-len(ratios), b.rounds))
			continue
		}
		ratio := lab.Median(ratios)
		b.row(r.name, fmt.Sprintf("%.2f × (spread %.2f; bare %.0f ns, ours %.0f ns, the least of a tracer %.0f ns; %s)", ratio,
			lab.Spread(ratios), lab.Median(c.added["bare"]), lab.Median(c.added["ours"]), lab.Median(c.added[r.least]), r.do),
			target, ratio <= r.limit)
	}
}

// priceRows: what a hit of a whole capture costs under different loads; docs/cost.md.
func priceRows(b *bench) {
	for _, do := range []string{"yield", "pingpong", "spawn", "http"} {
		name := "price of a hit, all probes, " + do
		c, err := b.compare(do, "all", "", "ours")
		if err != nil {
			b.failed(name, "measurable", err)
			continue
		}
		b.note(name, fmt.Sprintf("%.0f ns (spread %.0f; an operation alone takes %.0f ns)",
			lab.Median(c.added["ours"]), lab.Spread(c.added["ours"]), lab.Median(c.none)))
	}
	for _, rate := range []int{50, 200, 1000} {
		name := fmt.Sprintf("price of a hit, all probes, demo service at %d requests/s", rate)
		price, hits, err := b.coldPrice(rate)
		if err != nil {
			b.failed(name, "measurable", err)
			continue
		}
		b.note(name, fmt.Sprintf("%.0f ns (spread %.0f; %.0f hits/s)", lab.Median(price), lab.Spread(price), lab.Median(hits)))
	}
}

// coldPrice: between hits a service that is mostly idle does other work or sleeps, so caches are cold.
func (b *bench) coldPrice(rate int) (price, perSecond []float64, err error) {
	const window = 3 * time.Second
	p, ready, err := lab.Start(b.fixture("demo-stripped"))
	if err != nil {
		return nil, nil, err
	}
	defer p.Stop()
	url := "http://" + ready[strings.LastIndexByte(ready, ' ')+1:]
	load := exec.Command(b.fixture("loadgen"), "-rate", fmt.Sprint(rate), "-for", "0", url+"/order?who=me", url+"/payment")
	if err := load.Start(); err != nil {
		return nil, nil, err
	}
	defer func() {
		load.Process.Kill()
		load.Wait()
	}()
	time.Sleep(time.Second)
	for i := 0; i < b.rounds; i++ {
		none, err := cpuOver(p.Pid(), window)
		if err != nil {
			return nil, nil, err
		}
		h, err := b.probe(p.Pid(), "ours", "all")
		if err != nil {
			return nil, nil, err
		}
		time.Sleep(100 * time.Millisecond)
		before, _, _ := h.counts()
		treated, err := cpuOver(p.Pid(), window)
		after, _, e := h.counts()
		h.detach()
		if err == nil {
			err = e
		}
		if err == nil && after == before {
			err = fmt.Errorf("no hits")
		}
		if err != nil {
			return nil, nil, err
		}
		price = append(price, float64(treated-none)/(after-before))
		perSecond = append(perSecond, (after-before)/window.Seconds())
	}
	return price, perSecond, nil
}

// cpuOver is the CPU time in ns that a process takes during the window.
func cpuOver(pid int, window time.Duration) (int64, error) {
	begin, err := lab.ProcessCPU(pid)
	if err != nil {
		return 0, err
	}
	time.Sleep(window)
	end, err := lab.ProcessCPU(pid)
	return end - begin, err
}
