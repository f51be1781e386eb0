// SPDX-License-Identifier: GPL-2.0-only

// Layouts measures how Go releases lay out the runtime's structs and writes the table of
// user/goruntime. See docs/howto-new-go-release.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
)

func main() {
	fieldsFile := flag.String("fields", "", "the list of fields (layout_fields.inc)")
	dataFile := flag.String("data", "", "what was measured so far; read and written")
	tableFile := flag.String("table", "", "the C table to write")
	goCmd := flag.String("go", "go", "a go command that switches toolchains")
	again := flag.Bool("again", false, "measure everything in the data file again")
	verify := flag.Bool("verify", false, "write nothing; fail when the table does not follow from the data")
	flag.Parse()
	if err := run(*fieldsFile, *dataFile, *tableFile, *goCmd, *again, *verify, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "layouts:", err)
		os.Exit(1)
	}
}

func run(fieldsFile, dataFile, tableFile, goCmd string, again, verify bool, args []string) error {
	fields, err := readFields(fieldsFile)
	if err != nil {
		return err
	}
	data, err := readData(dataFile, fields)
	if err != nil {
		return err
	}
	todo, err := releasesToMeasure(data, again, args)
	if err != nil {
		return err
	}
	if verify {
		return verifyTable(tableFile, data)
	}
	if again {
		data = &measured{fields: fields}
	}
	if len(todo) > 0 {
		m, err := newMeter(fields, goCmd)
		if err != nil {
			return err
		}
		defer m.close()
		for _, r := range todo {
			if err := m.measure(r, data); err != nil {
				return fmt.Errorf("%s: %w", r, err)
			}
			// After each release, so that an interrupted run is not lost.
			if err := os.WriteFile(dataFile, data.format(), 0o644); err != nil {
				return err
			}
		}
	}
	table, err := data.table()
	if err != nil {
		return err
	}
	return os.WriteFile(tableFile, table, 0o644)
}

// Newest first: experiments are then measured on the last release of a range.
func releasesToMeasure(data *measured, again bool, args []string) ([]release, error) {
	seen := map[release]bool{}
	for _, a := range args {
		r, err := parseRelease(a)
		if err != nil {
			return nil, err
		}
		seen[r] = true
	}
	if again {
		for _, row := range data.rows {
			seen[row.rel] = true
		}
	}
	var todo []release
	for r := range seen {
		todo = append(todo, r)
	}
	sort.Slice(todo, func(i, j int) bool { return todo[j].less(todo[i]) })
	return todo, nil
}

func verifyTable(tableFile string, data *measured) error {
	have, err := os.ReadFile(tableFile)
	if err != nil {
		return err
	}
	want, err := data.table()
	if err != nil {
		return err
	}
	if string(have) != string(want) {
		return fmt.Errorf("%s does not follow from the measured data: run scripts/layouts", tableFile)
	}
	return nil
}
