// Field prints one value of a JSON file.
//
//	field FILE lost.events
package main

import (
	"fmt"
	"os"

	"gobpftrace.test/drive/lab"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: field FILE PATH")
		os.Exit(2)
	}
	doc, err := lab.ReadJSON(os.Args[1])
	if err == nil {
		var v any
		if v, err = doc.At(os.Args[2]); err == nil {
			fmt.Println(v)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "field:", err)
	os.Exit(1)
}
