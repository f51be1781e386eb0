// Textsum prints the digest of the text that a process has in memory: equal before and after a
// capture when every probe is gone.
//
//	textsum PID
package main

import (
	"fmt"
	"os"
	"strconv"

	"gobpftrace.test/drive/lab"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: textsum PID")
		os.Exit(2)
	}
	pid, err := strconv.Atoi(os.Args[1])
	if err == nil {
		var sum string
		if sum, err = lab.TextSum(pid); err == nil {
			fmt.Println(sum)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "textsum:", err)
	os.Exit(1)
}
