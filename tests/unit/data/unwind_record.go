//go:build ignore

// Records a goroutine's own stack and what runtime.Callers says of it, as a C table for
// capture_unwind_test.c: go run unwind_record.go >unwind_stack.inc
package main

import (
	"fmt"
	"runtime"
	"unsafe"
)

var pcs [64]uintptr

//go:noinline
func leaf() int {
	var here uintptr
	n := runtime.Callers(1, pcs[:]) // from leaf on
	sp := uintptr(unsafe.Pointer(&here))
	words := unsafe.Slice((*uintptr)(unsafe.Pointer(sp)), 900)
	// The frame record of leaf: its return address is what Callers has second.
	at := 0
	for words[at] != pcs[1] {
		at++
	}
	fmt.Printf("/* %s, made by unwind_record.go */\n", runtime.Version())
	fmt.Printf("static const uint64_t recorded_lo = %#x, recorded_fp = %#x;\n", sp, sp+uintptr(8*(at-1)))
	fmt.Println("static const uint64_t recorded_pcs[] = {")
	for i := 1; i < n; i++ {
		fmt.Printf("\t%#x,\n", pcs[i])
	}
	fmt.Println("};\nstatic const uint64_t recorded_words[] = {")
	for _, w := range words {
		fmt.Printf("\t%#x,\n", w)
	}
	fmt.Println("};")
	return at
}

//go:noinline
func small(n int) int {
	if n == 0 {
		return leaf()
	}
	return small(n-1) + 1
}

//go:noinline
func large(n int) int { // a frame larger than the walk's buffer
	var fill [400]int
	for i := range fill {
		fill[i] = n + i
	}
	r := small(n)
	return r + fill[n]
}

func main() {
	done := make(chan int)
	go func() { done <- large(10) }()
	<-done
}
