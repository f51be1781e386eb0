package lab

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

var client = http.Client{Timeout: 2 * time.Minute}

// Fetch reads a page into to, or forgets it.
func Fetch(url string, to io.Writer) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	if to == nil {
		to = io.Discard
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

// FetchFile writes a page to a file.
func FetchFile(url, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return Fetch(url, f)
}
