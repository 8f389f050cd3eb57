package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/store"
)

// limitedEnv names the file of a store that a process of this binary writes to
// until it may not any more.
const limitedEnv = "QUELL_STORE_LIMITED"

// A quota, or a limit of the process, is no full disk: the write itself fails.
func TestAFileThatMayNotGrowLosesNothing(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitedEnv+"="+filepath.Join(t.TempDir(), "quell.db"))
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	require.Contains(t, string(out), "the limit was met, and nothing was lost")
}

func limited(path string) int {
	err := writeToTheLimit(context.Background(), path)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("the limit was met, and nothing was lost")
	return 0
}

func writeToTheLimit(ctx context.Context, path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := store.Open(ctx, store.Config{Path: path})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	id, err := s.Create(ctx, incident.Header{}, said("opened"))
	if err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 400 << 10, Max: limit.Max}); err != nil {
		return err
	}
	last, began := int64(1), time.Now()
	for size, failures := 20_000, 0; failures < 20; { // until there is no room for a single page
		got, err := s.Append(ctx, id, last, said(strings.Repeat("x", size)))
		switch {
		case err == nil:
			last = got
		case !errors.Is(err, incident.ErrUnavailable) || errors.Is(err, incident.ErrUncertain):
			return fmt.Errorf("it is said of the limit: %w", err)
		case !strings.Contains(err.Error(), "the disk under "+filepath.Dir(path)+" fails"):
			return fmt.Errorf("no line for a person: %w", err)
		default:
			size /= 4
			failures++
		}
	}
	if took := time.Since(began); took > 8*time.Second {
		return fmt.Errorf("what is certain was waited for: %s", took)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if last, err = s.Append(ctx, id, last, said("there is room again")); err != nil {
		return err
	}
	v, err := incident.VerifyAudit(ctx, s)
	if err == nil && v.Events != last {
		err = fmt.Errorf("%d events of %d", v.Events, last)
	}
	return err
}
