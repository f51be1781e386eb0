package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
)

type area struct {
	name     string
	off, len int
}

// areas are what the tool reads of an executable: everything but code, so that a damaged program
// does nothing that its maker did not write.
func areas(text []byte) ([]area, error) {
	f, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	phoff := int(binary.LittleEndian.Uint64(text[32:]))
	shoff := int(binary.LittleEndian.Uint64(text[40:]))
	list := []area{
		{"ELF header", 0, 64},
		{"program headers", phoff, len(f.Progs) * 56},
		{"section headers", shoff, len(f.Sections) * 64},
	}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NOBITS || s.Size == 0 || s.Flags&elf.SHF_EXECINSTR != 0 || s.Type == elf.SHT_NULL {
			continue
		}
		a := area{s.Name, int(s.Offset), int(s.FileSize)}
		list = append(list, a)
		switch s.Name {
		case ".gopclntab", ".go.buildinfo", ".data.rel.ro", ".go.module", ".noptrdata", ".symtab", ".debug_info":
			// its begin, where the counts and offsets are, more often than the rest
			list = append(list, area{s.Name + "'s begin", a.off, min(a.len, 256)}, area{s.Name + "'s begin", a.off, min(a.len, 256)})
		}
	}
	return list, nil
}

func change(r *rand.Rand, b []byte) string {
	at := r.Intn(len(b))
	switch r.Intn(6) {
	case 0:
		b[at] ^= 1 << r.Intn(8)
		return "a bit"
	case 1:
		for i := 0; i < 16; i++ {
			b[r.Intn(len(b))] ^= 1 << r.Intn(8)
		}
		return "16 bits"
	case 2:
		at &^= 7
		for i := at; i < len(b) && i < at+8; i++ {
			b[i] = 0xff
		}
		return "a word of ones"
	case 3:
		at &^= 7
		for i := at; i < len(b) && i < at+8; i++ {
			b[i] = 0
		}
		return "a word of zeros"
	case 4:
		r.Read(b[at:min(len(b), at+64)])
		return "64 random bytes"
	}
	for i := range b {
		b[i] = 0x1b
	}
	return "all of it ESC"
}

// damage writes a damaged copy of program; the same number makes the same damage.
func damage(program, to string, number uint64) (string, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	list, err := areas(text)
	if err != nil {
		return "", err
	}
	r := rand.New(rand.NewSource(int64(number)))
	what := ""
	switch r.Intn(10) {
	case 0:
		n := r.Intn(len(text))
		text, what = text[:n], fmt.Sprintf("cut at %d", n)
	case 1:
		n := r.Intn(4096)
		text, what = text[:n], fmt.Sprintf("cut at %d", n)
	default:
		for i := 0; i <= r.Intn(3); i++ {
			a := list[r.Intn(len(list))]
			what += fmt.Sprintf("%s of %s; ", change(r, text[a.off:a.off+a.len]), a.name)
		}
	}
	os.Remove(to) // a copy of it may still run
	return what, os.WriteFile(to, text, 0o755)
}
