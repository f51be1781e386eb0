// SPDX-License-Identifier: GPL-2.0-only

// Pprofsum adds up a profile: a line "TYPE SUM" for each of its sample types.
//
//	pprofsum FILE
package main

import (
	"fmt"
	"os"

	"github.com/google/pprof/profile"
)

func load(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pprofsum FILE")
		os.Exit(2)
	}
	p, err := load(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "pprofsum:", err)
		os.Exit(1)
	}
	for i, t := range p.SampleType {
		sum := int64(0)
		for _, s := range p.Sample {
			sum += s.Value[i]
		}
		fmt.Println(t.Type, sum)
	}
}
