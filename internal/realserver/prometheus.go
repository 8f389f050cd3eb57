package realserver

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PrometheusConfig is what a test's Prometheus runs with.
type PrometheusConfig struct {
	Scrape string   // the scrape_configs list, as YAML, indented by two spaces
	Rules  string   // a rules file; empty for none
	Alerts []string // host:port of the Alertmanagers that it sends to
	Args   []string // further flags
}

// PrometheusServer is a Prometheus that runs for one test.
type PrometheusServer struct {
	URL string
	p   *Process
}

// Prometheus starts Prometheus with a scrape and evaluation interval of one
// second, and waits until it is ready. Debian's package is prometheus.
func Prometheus(t testing.TB, c PrometheusConfig) *PrometheusServer {
	t.Helper()
	binary := Find(t, "prometheus", "prometheus")
	dir := TempDir(t, "")
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 800ms}\n"
	if c.Rules != "" {
		write(t, filepath.Join(dir, "rules.yml"), c.Rules)
		config += "rule_files: [" + filepath.Join(dir, "rules.yml") + "]\n"
	}
	if len(c.Alerts) > 0 {
		config += "alerting: {alertmanagers: [{static_configs: [{targets: ['" + strings.Join(c.Alerts, "','") + "']}]}]}\n"
	}
	if c.Scrape != "" {
		config += "scrape_configs:\n" + c.Scrape
	}
	write(t, filepath.Join(dir, "prometheus.yml"), config)
	address := fmt.Sprintf("127.0.0.1:%d", Port(t))
	log := filepath.Join(dir, "log")
	args := append([]string{
		binary, "--config.file=" + filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address,
	}, c.Args...)
	s := &PrometheusServer{URL: "http://" + address, p: Start(t, "", dir, log, args...)}
	WaitFor(t, "prometheus", 30*time.Second, log, func() error {
		res, err := http.Get(s.URL + "/-/ready")
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("HTTP %d", res.StatusCode)
		}
		return nil
	})
	return s
}

// Signal sends a signal to the server: SIGSTOP makes it hang, SIGCONT wakes it.
func (s *PrometheusServer) Signal(sig syscall.Signal) error { return s.p.Cmd.Process.Signal(sig) }

// Stop ends the server.
func (s *PrometheusServer) Stop() { s.p.Stop(syscall.SIGKILL) }

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
