package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Files in the shop's directory.
const (
	settingsFile = "settings.json"
	deployedFile = "deployed.json"
	jobsFile     = "jobs.json"
	databaseFile = "shop.db"
	logFile      = "shop.json"
	pidFile      = "shop.pid"
	outputFile   = "shop.out"
)

// settings are what the shop's process is told.
type settings struct {
	Seed      uint64
	Orders    int
	RoundTrip time.Duration
	Address   string // where it answers
	Provider  string // where the payment provider answers
	Lifeline  string // see lifeline
}

func save(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	// Whole or not at all: the process may be ended at any moment.
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func load(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// freePort is an address of this machine that nobody listens at.
func freePort() (string, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port for the shop: %w", err)
	}
	return socket.Addr().String(), socket.Close()
}

// launch starts the shop's process, in a session of its own so that a Ctrl-C
// for us does not end it first, and waits until it answers.
func (s *Shop) launch(ctx context.Context) error {
	output, err := os.OpenFile(s.path(outputFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open a file for what the shop's process says: %w", err)
	}
	defer output.Close()
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the shop's process: %w", err)
	}
	ended := make(chan error, 1)
	s.life.children.Go(func() { ended <- cmd.Wait() })
	if err := os.WriteFile(s.path(pidFile), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the shop's pidfile: %w", err)
	}
	over := time.After(3 * time.Minute)
	for {
		err := s.tell(ctx, http.MethodGet, "/health", nil)
		if err == nil {
			return nil
		}
		select {
		case failed := <-ended:
			said, _ := os.ReadFile(s.path(outputFile))
			return fmt.Errorf("the shop's process has ended at once (%s): %s", fmt.Sprint(failed), strings.TrimSpace(string(said)))
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return fmt.Errorf("wait for the shop to answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tell puts a request to the shop's process, and reads its answer into out,
// where out is not nil.
func (s *Shop) tell(ctx context.Context, method, path string, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, s.url()+path, nil)
	if err != nil {
		return err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, strings.TrimSpace(string(body)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}
