package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Document is a JSON object whose numbers are kept as written.
type Document map[string]any

// ReadJSON reads a file such as summary.json.
func ReadJSON(path string) (Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in, doc := json.NewDecoder(f), Document{}
	in.UseNumber()
	if err := in.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %v", path, err)
	}
	return doc, nil
}

// At is the value at a dotted path of keys.
func (d Document) At(path string) (any, error) {
	var v any = map[string]any(d)
	for _, key := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: not an object above %q", path, key)
		}
		if v, ok = m[key]; !ok {
			return nil, fmt.Errorf("%s: no key %q", path, key)
		}
	}
	return v, nil
}

// Number is the number at a dotted path.
func (d Document) Number(path string) (float64, error) {
	v, err := d.At(path)
	if err != nil {
		return 0, err
	}
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%s: %v is not a number", path, v)
	}
	return n.Float64()
}
