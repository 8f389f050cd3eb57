package stack

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Firewall puts rules into the way of packets of this stack's ports: each is
// what stands behind `iptables -I INPUT`. They bear the stack's name, so that
// they go with it, however it ends; lift takes them out before. Needs root.
func (s *Stack) Firewall(ctx context.Context, rules ...string) (lift func(context.Context) error, err error) {
	change := func(ctx context.Context, how, rule string) error {
		argv := append([]string{"iptables", "-w", "5", how, "INPUT"}, strings.Fields(rule)...)
		_, err := s.Tool(ctx, nil, append(argv, "-m", "comment", "--comment", filepath.Base(s.Dir))...)
		return err
	}
	lift = func(ctx context.Context) error {
		var failed error
		for _, rule := range rules {
			if err := change(ctx, "-D", rule); err != nil && failed == nil {
				failed = err
			}
		}
		return failed
	}
	for _, rule := range rules {
		if err := change(ctx, "-I", rule); err != nil {
			clearFirewall(s.Dir)
			return nil, err
		}
	}
	return lift, nil
}

// clearFirewall takes out every rule that bears a stack's name.
func clearFirewall(dir string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	listed, err := exec.CommandContext(ctx, "iptables", "-w", "5", "-S", "INPUT").Output()
	if err != nil {
		return // no iptables, or no right to use it: then there is no rule of ours
	}
	for _, line := range strings.Split(string(listed), "\n") {
		words := strings.Fields(strings.ReplaceAll(line, `"`, ""))
		if len(words) > 2 && words[0] == "-A" && strings.Contains(line, filepath.Base(dir)) {
			_ = exec.CommandContext(ctx, "iptables", append([]string{"-w", "5", "-D"}, words[1:]...)...).Run()
		}
	}
}
