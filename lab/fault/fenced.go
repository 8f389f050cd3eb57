package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// fenced puts a process and all that it starts into a control group (version 1)
// with these limits, by file name, and restarts it there. The group bears the
// name of the stack's directory, by which the keeper clears it away.
func fenced(s *stack.Stack, p *stack.Process, controller string, limits map[string]string) (group string, err error) {
	group = filepath.Join("/sys/fs/cgroup", controller, filepath.Base(s.Dir)+"-"+p.Name)
	if err := os.MkdirAll(group, 0o755); err != nil {
		return "", fmt.Errorf("make a control group for %s: %w", p.Name, err)
	}
	for file, value := range limits {
		if err := os.WriteFile(filepath.Join(group, file), []byte(value), 0o644); err != nil {
			return "", fmt.Errorf("limit %s: %w", p.Name, err)
		}
	}
	return group, before(p, "echo $$ > "+filepath.Join(group, "cgroup.procs"))
}

// before lets a process start with a command before it, and restarts it.
func before(p *stack.Process, command string) error {
	text, err := os.ReadFile(p.Script)
	if err != nil {
		return fmt.Errorf("change the start of %s: %w", p.Name, err)
	}
	const mark = "\nexec "
	if strings.Count(string(text), mark) != 1 {
		return fmt.Errorf("change the start of %s: its script has no single exec", p.Name)
	}
	text = []byte(strings.Replace(string(text), mark, "\n"+command+mark, 1))
	if err := os.WriteFile(p.Script, text, 0o755); err != nil {
		return fmt.Errorf("change the start of %s: %w", p.Name, err)
	}
	p.End(8 * time.Second)
	return p.Start()
}
