package lab

import (
	"syscall"
	"unsafe"
)

// The kernel's numbers of things made by bpf(2): programs, maps and links each count on their
// own (include/uapi/linux/bpf.h: BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID, BPF_LINK_GET_NEXT_ID).
const (
	sysBPF        = 321 // amd64
	progGetNextID = 11
	mapGetNextID  = 12
	linkGetNextID = 31
)

// BPFID names one BPF object of the kernel.
type BPFID struct {
	Kind string
	ID   uint32
}

func walkIDs(kind string, command uintptr, into map[BPFID]bool) {
	attr := [16]uint32{}
	for {
		_, _, errno := syscall.Syscall(sysBPF, command, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		if errno != 0 {
			return
		}
		into[BPFID{kind, attr[1]}] = true
		attr[0] = attr[1]
	}
}

// BPFObjects lists every program, map and link of the kernel.
func BPFObjects() map[BPFID]bool {
	all := map[BPFID]bool{}
	walkIDs("program", progGetNextID, all)
	walkIDs("map", mapGetNextID, all)
	walkIDs("link", linkGetNextID, all)
	return all
}

// Added returns what is in now and was not in before.
func Added(before, now map[BPFID]bool) (added []BPFID) {
	for id := range now {
		if !before[id] {
			added = append(added, id)
		}
	}
	return added
}
