package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine is what the figures were taken on.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Guest  bool   `json:"virtual_machine"`
	Load   string `json:"load_average"` // as the run began
	Begun  string `json:"begun"`
}

func (m machine) String() string {
	guest := ""
	if m.Guest {
		guest = ", a virtual machine"
	}
	return fmt.Sprintf("%s, %d cores%s; Linux %s; load average %s; %s", m.CPU, m.Cores, guest, m.Kernel, m.Load, m.Begun)
}

func firstLine(path, prefix string) string {
	text, _ := os.ReadFile(path)
	for _, l := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(l, prefix) {
			return strings.TrimSpace(strings.TrimLeft(l[len(prefix):], " \t:"))
		}
	}
	return ""
}

func thisMachine() machine {
	load := strings.Fields(firstLine("/proc/loadavg", ""))
	return machine{
		CPU:    firstLine("/proc/cpuinfo", "model name"),
		Cores:  runtime.NumCPU(),
		Kernel: firstLine("/proc/sys/kernel/osrelease", "") + " " + runtime.GOARCH,
		Guest:  strings.Contains(firstLine("/proc/cpuinfo", "flags"), " hypervisor"),
		Load:   strings.Join(load[:min(3, len(load))], " "),
		Begun:  time.Now().UTC().Format("2006-01-02 15:04 MST"),
	}
}
