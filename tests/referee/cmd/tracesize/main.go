// Tracesize counts the events that Go's own reader finds in a trace, and prints
// "BYTES bytes EVENTS events". It judges nothing.
//
//	tracesize FILE
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"golang.org/x/exp/trace"
)

func count(path string) (size int64, events int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	r, err := trace.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return 0, 0, err
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return info.Size(), events, nil
		}
		if err != nil {
			return 0, 0, err
		}
		if ev.Kind() != trace.EventSync {
			events++
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tracesize FILE")
		os.Exit(2)
	}
	size, events, err := count(os.Args[1])
	if err == nil && events == 0 {
		err = fmt.Errorf("no events")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "tracesize: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
	fmt.Printf("%d bytes %d events\n", size, events)
}
