package lab

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Server is a real program that serves HTTP: one of Debian's.
type Server struct {
	Cmd  *exec.Cmd
	Addr string
}

func (s *Server) Pid() int { return s.Cmd.Process.Pid }

func (s *Server) Stop() {
	s.Cmd.Process.Kill()
	s.Cmd.Wait()
}

// FreeAddr is a loopback address whose port nobody has just now.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// WaitHTTP waits until a page is served.
func WaitHTTP(url string, patience time.Duration) error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("%s does not answer", url)
}

func (s *Server) begin(page string) (*Server, error) {
	if err := s.Cmd.Start(); err != nil {
		return nil, err
	}
	if err := WaitHTTP("http://"+s.Addr+page, time.Minute); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// StartPrometheus runs a prometheus that scrapes itself; its data goes below dir. It serves /debug/pprof.
func StartPrometheus(program, interval, dir string, env ...string) (*Server, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: %s, scrape_timeout: %s}\nscrape_configs:\n- job_name: self\n  static_configs: [{targets: ['%s']}]\n",
		interval, interval, addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
		"--web.listen-address="+addr, "--log.level=error")
	cmd.Env = append(os.Environ(), env...)
	return (&Server{cmd, addr}).begin("/-/ready")
}

// StartSyncthing runs a syncthing without folders and without the process that watches over it. profiler
// serves /debug/pprof.
func StartSyncthing(program, dir string, env ...string) (s *Server, profiler string, err error) {
	addr, err := FreeAddr()
	if err == nil {
		profiler, err = FreeAddr()
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(program, "serve", "--no-browser", "--no-restart", "--home="+filepath.Join(dir, "home"), "--gui-address="+addr)
	cmd.Env = append(append(os.Environ(), "STMONITORED=yes", "STNODEFAULTFOLDER=1", "STNOUPGRADE=1", "HOME="+dir,
		"STPROFILER="+profiler), env...)
	s, err = (&Server{cmd, addr}).begin("/")
	return s, profiler, err
}

// AskOften fetches pages one after the other, n at a time, until stopped.
func AskOften(n int, pause time.Duration, urls ...string) (stop func()) {
	quit := make(chan bool)
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(at int) {
			defer wg.Done()
			for ; ; at++ {
				select {
				case <-quit:
					return
				case <-time.After(pause):
				}
				Fetch(urls[at%len(urls)], nil)
			}
		}(i)
	}
	return func() {
		close(quit)
		wg.Wait()
	}
}
