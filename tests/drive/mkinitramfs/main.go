// Mkinitramfs writes a cpio archive of the kind that Linux unpacks at boot ("newc", see the
// kernel's Documentation/driver-api/early-userspace/buffer-format.rst).
//
//	mkinitramfs NAME=FILE… >initramfs
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"path"
	"strings"
)

type archive struct {
	w   *bufio.Writer
	ino int
}

func (a *archive) pad(n int) {
	for ; n%4 != 0; n++ {
		a.w.WriteByte(0)
	}
}

func (a *archive) entry(name string, mode, major, minor int, data []byte) {
	a.ino++
	head := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.ino, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name)
	a.w.WriteString(head)
	a.pad(len(head))
	a.w.Write(data)
	a.pad(len(data))
}

func main() {
	const dir, file, device = 0o40755, 0o100755, 0o20600
	a := &archive{w: bufio.NewWriter(os.Stdout)}
	made := map[string]bool{".": true}
	a.entry("dev", dir, 0, 0, nil)
	// The kernel opens /dev/console for init before anything is mounted.
	a.entry("dev/console", device, 5, 1, nil)
	for _, arg := range os.Args[1:] {
		i := strings.IndexByte(arg, '=')
		if i < 0 {
			log.Fatalf("mkinitramfs: %q is not NAME=FILE", arg)
		}
		data, err := os.ReadFile(arg[i+1:])
		if err != nil {
			log.Fatal("mkinitramfs: ", err)
		}
		if d := path.Dir(arg[:i]); !made[d] {
			made[d] = true
			a.entry(d, dir, 0, 0, nil)
		}
		a.entry(arg[:i], file, 0, 0, data)
	}
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	if err := a.w.Flush(); err != nil {
		log.Fatal("mkinitramfs: ", err)
	}
}
