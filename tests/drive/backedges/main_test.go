package main

import "testing"

const mov, jne, ja, exit = 0xb7, 0x55, 0x05, 0x95

func TestBackEdge(t *testing.T) {
	for _, c := range []struct {
		name  string
		insns []insn
		want  bool
	}{
		{"straight", []insn{{mov, 0}, {mov, 0}, {exit, 0}}, false},
		{"a jump back", []insn{{mov, 0}, {mov, 0}, {jne, -2}, {exit, 0}}, false},
		{"an unconditional jump back", []insn{{jne, 2}, {mov, 0}, {ja, -3}, {exit, 0}}, false},
		// the entry jumps over the body to the head, and the body falls into the head
		{"body before its head", []insn{{ja, 1}, {mov, 0}, {jne, -2}, {exit, 0}}, true},
		{"a call before the head", []insn{{ja, 1}, {0x85, 0}, {jne, -2}, {exit, 0}}, true},
		{"two ways to one place", []insn{{jne, 1}, {mov, 0}, {mov, 0}, {exit, 0}}, false},
		{"out of the function", []insn{{jne, 5}, {exit, 0}}, true},
	} {
		if _, _, is := backEdge(c.insns); is != c.want {
			t.Errorf("%s: %v, want %v", c.name, is, c.want)
		}
	}
}
