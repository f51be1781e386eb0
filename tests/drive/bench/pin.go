package main

import (
	"runtime"
	"syscall"
	"unsafe"
)

type cpuSet [16]uint64

func affinity(call uintptr, set *cpuSet) {
	syscall.Syscall(call, 0, unsafe.Sizeof(*set), uintptr(unsafe.Pointer(set)))
}

// pinThread binds this thread, and what it starts from now on, to the last CPU that it may use.
func pinThread() (release func()) {
	runtime.LockOSThread()
	var before, one cpuSet
	affinity(syscall.SYS_SCHED_GETAFFINITY, &before)
	for i := range before {
		for bit := 0; bit < 64; bit++ {
			if before[i]>>bit&1 == 1 {
				one = cpuSet{}
				one[i] = 1 << bit
			}
		}
	}
	affinity(syscall.SYS_SCHED_SETAFFINITY, &one)
	return func() {
		affinity(syscall.SYS_SCHED_SETAFFINITY, &before)
		runtime.UnlockOSThread()
	}
}
