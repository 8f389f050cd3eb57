package realserver

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// networkState is how a process of tests knows whether it has a network of its
// own: "own", or why not.
const networkState = "QUELL_TEST_NETWORK"

// OwnNetwork runs the tests of a package in a network namespace of their own,
// where they may change the firewall and nobody else is touched: call it from
// TestMain in the place of m.Run. It starts the test binary anew in there. Where
// the kernel does not give one, the tests run as they are, and those that call
// NeedNetwork are skipped, loudly.
func OwnNetwork(m *testing.M) int {
	if os.Getenv(networkState) == "own" {
		if err := exec.Command("ip", "link", "set", "lo", "up").Run(); err != nil {
			fmt.Fprintf(os.Stderr, "bring up the loopback of the tests' own network: %v (iproute2)\n", err)
			return 1
		}
		return m.Run()
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), networkState+"=own")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		_ = os.Setenv(networkState, "the kernel gives no network namespace: "+err.Error())
		return m.Run()
	}
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// NeedNetwork skips a test, loudly, where the kernel gives no network namespace
// or has no nftables: no package that could be installed would change that.
func NeedNetwork(t testing.TB) {
	t.Helper()
	nft := Find(t, "nft", "nftables")
	reason := os.Getenv(networkState)
	if reason == "own" {
		out, err := exec.Command(nft, "list", "ruleset").CombinedOutput()
		if err == nil {
			return
		}
		reason = "the kernel refuses nftables: " + strings.TrimSpace(string(out))
	}
	fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n\n", t.Name(), reason)
	t.Skip(reason)
}

// Neighbour is another machine: a network namespace that is joined to that of
// the tests by a cable.
type Neighbour struct{ pid int }

// StartNeighbour makes one. here and there are addresses with their lengths
// ("10.9.0.1/24") of the two ends of the cable; the neighbour has all of there.
func StartNeighbour(t testing.TB, here []string, there []string) *Neighbour {
	t.Helper()
	cmd := exec.Command("sleep", "3600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start a neighbour: %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	n := &Neighbour{cmd.Process.Pid}
	near, far := fmt.Sprintf("near%d", n.pid), fmt.Sprintf("far%d", n.pid)
	command(t, exec.Command("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", strconv.Itoa(n.pid)))
	for _, address := range here {
		command(t, exec.Command("ip", "addr", "add", address, "dev", near, "nodad"))
	}
	command(t, exec.Command("ip", "link", "set", near, "up"))
	command(t, n.Command("ip", "link", "set", "lo", "up"))
	for _, address := range there {
		command(t, n.Command("ip", "addr", "add", address, "dev", far, "nodad"))
	}
	command(t, n.Command("ip", "link", "set", far, "up"))
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", near).Run() })
	return n
}

// Command is a program that runs at the neighbour's.
func (n *Neighbour) Command(argv ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--target", strconv.Itoa(n.pid), "--net"}, argv...)...)
}

func command(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(c.Args, " "), err, out)
	}
}
