package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// endpoint switches the recorders of a program that serves /debug/pprof: a request that is ended when it
// has been long enough.
type endpoint struct {
	at     string
	cancel context.CancelFunc
	done   chan error
}

func (e *endpoint) command(words string) error {
	w := strings.Fields(words)
	page, ok := map[string]string{"trace": "trace", "cpu": "profile"}[w[0]]
	switch {
	case !ok:
		return errNotHere
	case w[1] == "off":
		e.cancel()
		return <-e.done
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel, e.done = cancel, make(chan error, 1)
	go func() { e.done <- fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/%s?seconds=600", e.at, page)) }()
	return nil
}

// fetch reads a page and forgets it, since its end is missing; that it is ended is no error.
func fetch(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}
