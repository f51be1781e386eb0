// Backedges looks for what kernels up to 6.1 refuse in BPF objects: a loop whose way back is no
// jump but the fall-through of an ordinary instruction. Newer kernels load them, so only a boot of
// an old one would tell.
//
//	backedges OBJECT…
package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: backedges OBJECT…")
		os.Exit(2)
	}
	bad := false
	for _, path := range os.Args[1:] {
		found, functions, err := inObject(path)
		if err == nil && functions == 0 {
			err = fmt.Errorf("has no functions")
		}
		if err != nil {
			found = append(found, err.Error())
		}
		for _, text := range found {
			fmt.Printf("%s: %s\n", path, text)
			bad = true
		}
	}
	if bad {
		os.Exit(1)
	}
}

func inObject(path string) (found []string, functions int, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return nil, 0, err
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || int(s.Section) >= len(f.Sections) {
			continue
		}
		code, err := f.Sections[s.Section].Data()
		if err != nil || s.Value+s.Size > uint64(len(code)) || s.Size%8 != 0 {
			return nil, 0, fmt.Errorf("%s: no such code", s.Name)
		}
		functions++
		if from, to, is := backEdge(decode(code[s.Value : s.Value+s.Size])); is {
			found = append(found, fmt.Sprintf("%s: back-edge by fall-through from instruction %d to %d", s.Name, from, to))
		}
	}
	return found, functions, nil
}

type insn struct {
	op  byte
	off int
}

func decode(code []byte) (insns []insn) {
	for i := 0; i+8 <= len(code); i += 8 {
		insns = append(insns, insn{code[i], int(int16(binary.LittleEndian.Uint16(code[i+2:])))})
	}
	return insns
}

const (
	classMask, classJmp, classJmp32 = 7, 5, 6
	opMask, opJa, opCall, opExit    = 0xf0, 0x00, 0x80, 0x90
)

type edge struct {
	to     int
	loopOK bool // by a jump: its way back is accepted
}

func edges(insns []insn, at int) []edge {
	in := insns[at]
	class := in.op & classMask
	if class != classJmp && class != classJmp32 {
		return []edge{{at + 1, false}}
	}
	switch in.op & opMask {
	case opExit:
		return nil
	case opCall:
		return []edge{{at + 1, false}}
	case opJa:
		return []edge{{at + in.off + 1, true}}
	}
	return []edge{{at + 1, true}, {at + in.off + 1, true}}
}

// backEdge walks as the verifier does (check_cfg): depth first, the fall-through before the branch. An
// edge to what is under way closes a loop.
func backEdge(insns []insn) (from, to int, is bool) {
	const fresh, underWay, done = 0, 1, 2
	state, next := make([]int, len(insns)), make([]int, len(insns))
	if len(insns) == 0 {
		return 0, 0, false
	}
	stack := []int{0}
	state[0] = underWay
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		out := edges(insns, at)
		if next[at] == len(out) {
			state[at] = done
			stack = stack[:len(stack)-1]
			continue
		}
		e := out[next[at]]
		next[at]++
		if e.to < 0 || e.to >= len(insns) {
			return at, e.to, true
		}
		switch state[e.to] {
		case fresh:
			state[e.to] = underWay
			stack = append(stack, e.to)
		case underWay:
			if !e.loopOK {
				return at, e.to, true
			}
		}
	}
	return 0, 0, false
}
