package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// load asks the service for things whose answers do not change and compares each answer with
// the first one.
type load struct {
	base    string
	period  time.Duration
	client  *http.Client
	paths   []string
	quit    chan struct{}
	done    sync.WaitGroup
	mu      sync.Mutex
	right   int64
	slowest time.Duration
	wrong   []string
	known   map[string]string
}

func newLoad(addr string, rate int) *load {
	l := &load{
		base: "http://" + addr, period: time.Second / time.Duration(rate),
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		quit:   make(chan struct{}), known: map[string]string{},
	}
	for i := 0; i < 8; i++ {
		l.paths = append(l.paths, fmt.Sprint("/search?q=", i), fmt.Sprint("/order?who=", i), "/payment")
	}
	return l
}

func (l *load) get(path string) (string, error) {
	resp, err := l.client.Get(l.base + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", resp.Status)
	}
	return string(body), err
}

func (l *load) ask(path string) {
	defer l.done.Done()
	begin := time.Now()
	got, err := l.get(path)
	took := time.Since(begin)
	l.mu.Lock()
	defer l.mu.Unlock()
	if took > l.slowest {
		l.slowest = took
	}
	switch want := l.known[path]; {
	case err != nil:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %v", path, err))
	case got != want:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %.60q, wanted %.60q", path, got, want))
	default:
		l.right++
	}
}

// start learns the answers, then keeps asking at a fixed rate.
func (l *load) start() error {
	for _, p := range l.paths {
		answer, err := l.get(p)
		if err != nil {
			return err
		}
		l.known[p] = answer
	}
	go func() {
		tick := time.NewTicker(l.period)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				l.done.Add(1)
				go l.ask(l.paths[i%len(l.paths)])
			}
		}
	}()
	return nil
}

func (l *load) takeWrong() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.wrong
	l.wrong = nil
	return w
}

func (l *load) stop() (right int64, slowest time.Duration) {
	close(l.quit)
	time.Sleep(2 * l.period)
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.right, l.slowest
}
