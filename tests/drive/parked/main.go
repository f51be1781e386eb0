// Parked holds many goroutines in 1,024 distinct stacks of at least ten frames, and counts in
// one more how often it gets round a loop.
//
//	parked -n 100000
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

const levels = 10 // each level goes one of two ways: 1,024 stacks

var (
	never   = make(chan int)
	arrived sync.WaitGroup
)

//go:noinline
func left(path, level int) { down(path, level+1) }

//go:noinline
func right(path, level int) { down(path, level+1) }

//go:noinline
func down(path, level int) {
	if level == levels {
		arrived.Done()
		<-never
		return
	}
	if path>>level&1 == 0 {
		left(path, level)
	} else {
		right(path, level)
	}
}

func count(period time.Duration) {
	for {
		var rounds, sink uint64
		begin := time.Now()
		for time.Since(begin) < period {
			for i := uint64(0); i < 1000; i++ {
				sink += i * rounds
			}
			rounds++
		}
		fmt.Printf("{\"rate\": %f, \"sink\": %d}\n", float64(rounds)/time.Since(begin).Seconds(), sink&1)
	}
}

func main() {
	n := flag.Int("n", 1000, "goroutines")
	busy := flag.Bool("busy", false, "count in one more goroutine")
	period := flag.Duration("every", 100*time.Millisecond, "print the rate of counting this often")
	flag.Parse()
	arrived.Add(*n)
	for i := 0; i < *n; i++ {
		go down(i%(1<<levels), 0)
	}
	arrived.Wait()
	runtime.GC()
	fmt.Printf("ready %d\n", os.Getpid())
	if *busy {
		go count(*period)
	}
	for { // not a select: with everybody parked the runtime would call it a deadlock
		time.Sleep(time.Hour)
	}
}
