// Package host looks at the machine that we run on: processes, ports, CPU,
// memory, disks, limits and the kernel's own complaints. It reads /proc and
// /sys, starts no other program, and where it is allowed to it signals
// processes and makes room on disks.
package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	kind := connector.Kind{
		Name:     "host",
		About:    "The Linux machine that quell runs on: processes, ports, CPU, memory, disks and kernel limits, read from /proc.",
		Settings: settings(),
		Probes:   specs(),
		Tried:    "the processes and file systems of a Linux machine, as root.",
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := parse(s)
			if err != nil {
				return nil, err
			}
			return &target{used: ownCPU, config: c, sys: system{proc: c.Proc, sys: c.Sys}, tools: tools.Filled()}, nil
		},
	}
	for _, c := range changes() {
		kind.Actions = append(kind.Actions, c.spec)
	}
	return kind
}

func specs() []probe.Spec {
	return []probe.Spec{
		listenersSpec(), serviceSpec(), processesSpec(), cpuSpec(), memorySpec(), pressureSpec(),
		diskSpec(), filesSpec(), writtenSpec(), fdsSpec(), oomSpec(), messagesSpec(), connectionsSpec(), pathsSpec(), clockSpec(), kernelSpec(),
		diskSpec(), filesSpec(), fdsSpec(), oomSpec(), messagesSpec(), connectionsSpec(), pathsSpec(), clockSpec(), kernelSpec(), bootSpec(),
	}
}

type target struct {
	config config
	sys    system
	tools  connector.Tools
	closed atomic.Bool
	used   func() time.Duration // processor time that we have used so far
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	if _, err := os.Stat(filepath.Join(t.config.Proc, "stat")); err != nil {
		return evidence.Not(evidence.NotApplicable, "there is no proc file system at "+t.config.Proc, "this question needs Linux; set proc if it is mounted elsewhere")
	}
	asks := map[string]func(context.Context, probe.Question) evidence.Answer{
		"host.listeners": t.listeners, "host.service": t.service, "host.processes": t.processes,
		"host.cpu": t.cpu, "host.memory": t.memory, "host.pressure": t.pressure,
		"host.disk": t.disk, "host.files": t.files, "host.written": t.written, "host.fds": t.fds, "host.oom": t.oom,
		"host.kernel_messages": t.messages, "host.connections": t.connections, "host.paths": t.paths,
		"host.clock": t.clock, "host.kernel": t.kernel, "host.boot": t.boot,
	}
	ask := asks[q.Builtin]
	if ask == nil {
		return evidence.Not(evidence.NotApplicable, "a host does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	return ask(ctx, q)
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	procs, err := t.sys.processes(ctx)
	if err != nil {
		return []connector.Check{{Name: "reads /proc", Detail: err.Error(), Needed: true, Fix: "this target needs Linux; set proc if it is mounted elsewhere"}}
	}
	checks := []connector.Check{{Name: "reads /proc", OK: true, Needed: true, Detail: fmt.Sprintf("%d processes are visible", len(procs))}}
	hidden := 0
	for _, p := range procs {
		if _, err := t.sys.countFDs(p.pid); err != nil && os.IsPermission(err) {
			hidden++
		}
	}
	c := connector.Check{Name: "sees who holds which port and file", OK: hidden == 0, Detail: "open files of all processes are visible"}
	if hidden > 0 {
		c.Detail = fmt.Sprintf("open files of %d of %d processes are hidden", hidden, len(procs))
		c.Fix = hintHidden
	}
	checks = append(checks, c)
	_, source, err := t.kernelLines(ctx)
	k := connector.Check{Name: "reads the kernel's messages", OK: err == nil, Detail: source}
	if err != nil {
		k.Detail, k.Fix = err.Error(), hintKernelLog
	}
	_, err = os.Stat(filepath.Join(t.config.Proc, "pressure"))
	p := connector.Check{Name: "has pressure figures (PSI)", OK: err == nil, Detail: "/proc/pressure is there"}
	if err != nil {
		p.Detail, p.Fix = "/proc/pressure is not there", "start the kernel with psi=1"
	}
	return append(checks, k, p)
}

const (
	hintHidden    = "run quell as root, or give it CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
	hintKernelLog = "run quell as root or with CAP_SYSLOG, or set kernel.dmesg_restrict=0, or name a readable file as kernel_log"
)

// request passes one reading of /proc through the gate.
func (t *target) request(ctx context.Context, read func() error) error {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	return read()
}

// twice reads, waits with the gate open, and reads again. It returns the time
// between the two. With little time left it waits less.
func (t *target) twice(ctx context.Context, q probe.Question, first, second func() error) (time.Duration, error) {
	return t.twiceWith(ctx, q, first, func() {}, second)
}

// between is how often something is looked at between two readings.
const between = 45 * time.Millisecond

// loud reports whether we have used over a quarter of all processors.
func loud(used, took time.Duration) bool {
	return used > took*time.Duration(runtime.NumCPU())/4
}

// twiceWith is twice, and calls during again and again between the readings.
func (t *target) twiceWith(ctx context.Context, q probe.Question, first func() error, during func(), second func() error) (time.Duration, error) {
	wait := sampleTime(ctx, q)
	if err := t.request(ctx, first); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := meanwhile(ctx, wait, during); err != nil {
		return 0, err
	}
	err := t.request(ctx, second)
	return time.Since(start), err
}

// quietly is twiceWith for readings of who uses the processors. Where we were
// loud between the two, it begins anew, once: a diagnosis begins with work of its
// own, and whoever needs that processor looks idle meanwhile.
func (t *target) quietly(ctx context.Context, q probe.Question, first func() error, during func(), second func() error) (time.Duration, error) {
	wait := sampleTime(ctx, q)
	used := t.used()
	took, err := t.twiceWith(ctx, q, first, during, second)
	if deadline, bounded := ctx.Deadline(); err != nil || !loud(t.used()-used, took) || bounded && time.Until(deadline) < 2*wait {
		return took, err
	}
	return t.twiceWith(ctx, q, first, during, second)
}

// sampleTime is how long to wait between two readings: less with little time left.
func sampleTime(ctx context.Context, q probe.Question) time.Duration {
	wait := time.Second
	if d, ok := q.Args["sample"].(time.Duration); ok && d > 0 {
		wait = min(d, 10*time.Second)
	}
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)*6/10)
	}
	return wait
}

// meanwhile waits, and calls during again and again.
func meanwhile(ctx context.Context, wait time.Duration, during func()) error {
	timer := time.NewTimer(max(wait, 10*time.Millisecond))
	defer timer.Stop()
	tick := time.NewTicker(between)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			during()
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// failure turns an error of reading into an answer.
func failure(what string, err error) evidence.Answer {
	if os.IsPermission(err) {
		return evidence.Not(evidence.Denied, what+": permission denied", hintHidden)
	}
	if os.IsNotExist(err) {
		return evidence.Not(evidence.NotApplicable, what+": this kernel does not have it", "")
	}
	return connector.Failure(what, err)
}

func sampleParam() probe.Param {
	return probe.Param{Name: "sample", Type: probe.Duration, Default: "1s", About: "time between the two readings, at most 10s"}
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
