package realserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// AlertmanagerServer is an Alertmanager that runs for one test, alone.
type AlertmanagerServer struct {
	URL    string
	Config string // its configuration file
	p      *Process
}

// Alertmanager starts one that tells nobody. Debian's package is
// prometheus-alertmanager.
func Alertmanager(t testing.TB) *AlertmanagerServer {
	t.Helper()
	return AlertmanagerWith(t, "route: {receiver: nobody, group_wait: 100ms}\nreceivers: [{name: nobody}]\n")
}

// AlertmanagerWith starts one with this configuration.
func AlertmanagerWith(t testing.TB, config string) *AlertmanagerServer {
	t.Helper()
	binary := Find(t, "prometheus-alertmanager", "prometheus-alertmanager")
	dir := TempDir(t, "")
	file := filepath.Join(dir, "alertmanager.yml")
	write(t, file, config)
	address := fmt.Sprintf("127.0.0.1:%d", Port(t))
	log := filepath.Join(dir, "log")
	s := &AlertmanagerServer{URL: "http://" + address, Config: file, p: Start(t, "", dir, log,
		binary, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--cluster.listen-address=")}
	WaitFor(t, "alertmanager", 30*time.Second, log, func() error {
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

// Fire sends one alert with these labels, as Prometheus does, for ten minutes.
func (s *AlertmanagerServer) Fire(t testing.TB, labels map[string]string) {
	t.Helper()
	body, err := json.Marshal([]map[string]any{{"labels": labels, "endsAt": time.Now().Add(10 * time.Minute)}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(s.URL+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatalf("fire an alert: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("fire an alert: HTTP %d", res.StatusCode)
	}
}

// Signal sends a signal to the server: SIGSTOP makes it hang, SIGCONT wakes it.
func (s *AlertmanagerServer) Signal(sig syscall.Signal) error { return s.p.Cmd.Process.Signal(sig) }

// Stop ends the server.
func (s *AlertmanagerServer) Stop() { s.p.Stop(syscall.SIGKILL) }
