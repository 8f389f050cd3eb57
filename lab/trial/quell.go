package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/quellhq/quell/lab/stack"
)

// stateDir is quell's own directory, below the stack's.
const stateDir = "quell-state"

// quell is the binary that is tried, where it runs and where it keeps its own.
type quell struct{ path, dir, state string }

// quell is the binary as a person would run it beside the stack.
func (t Trial) quell(s *stack.Stack) quell {
	return quell{path: t.Quell, dir: s.Dir, state: s.Path(stateDir)}
}

// run runs it. Its exit status tells whether something is wrong; what is no JSON
// on its output is an error.
func (q quell) run(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, q.path, args...)
	cmd.Dir = q.dir
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + q.dir, "LANG=C.UTF-8", "QUELL_STATE=" + q.state}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && bytes.HasPrefix(bytes.TrimSpace(out.Bytes()), []byte("{"))) {
		return nil, fmt.Errorf("quell %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), nil
}
