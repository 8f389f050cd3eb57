package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// beside starts a program on the machine that is none of the service's. It ends
// when ctx does.
func neighbour(ctx context.Context, nice int, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a neighbour: %w", err)
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, nice)
	go func() { _ = cmd.Wait() }()
	return nil
}

// busyNeighbours is a build beside the service that takes every processor.
func busyNeighbours() Fault {
	return Fault{
		Name: "busy-neighbours", Group: "Capacity", Cause: "C-cpu-taken", Alone: true,
		About:      "a build on the same machine takes every processor, with priority",
		Truth:      one("app/cpu#another-program-takes-the-processors", "startup/limits#the-processors-are-overloaded"),
		LookAlikes: []string{"C-under-provisioned", "C-hot-code"},
		Needs:      []string{"root"}, Settle: 30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			for range runtime.NumCPU() * between(r, 2, 3) {
				if err := neighbour(ctx, -15, "/bin/sh", "-c", "while :; do :; done"); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
	}
}
