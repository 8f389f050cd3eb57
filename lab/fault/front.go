package fault

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// editFront changes nginx's configuration as an operator does: the file first,
// then a reload. What it returns puts the former one back. Errors: the old text
// is not there exactly once.
func editFront(s *stack.Stack, old, now string) (Heal, error) {
	path := s.Path("etc", "nginx.conf")
	before, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("edit nginx.conf: %w", err)
	}
	if n := strings.Count(string(before), old); n != 1 {
		return nil, fmt.Errorf("edit nginx.conf: it holds %d times: %s", n, old)
	}
	load := func(text string) error {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("edit nginx.conf: %w", err)
		}
		if err := s.Nginx.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // new workers come
		return nil
	}
	if err := load(strings.Replace(string(before), old, now, 1)); err != nil {
		return nil, err
	}
	return func(context.Context) error { return load(string(before)) }, nil
}

// mood says how the partner is from now on.
func mood(s *stack.Stack, pause float64, status int) error {
	return os.WriteFile(s.Path("run", "partner.mood"), fmt.Appendf(nil, "%.3f %d\n", pause, status), 0o644)
}
