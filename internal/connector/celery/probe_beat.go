package celery

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func beatQuestion() question {
	return question{here: func(ctx context.Context, t *target) evidence.Answer { return t.askBeat(ctx) }, spec: probe.Spec{
		Name:     "celery.beat",
		Question: "Does the beat, which sends periodic tasks, run on this machine, once?",
		Why:      "Without a beat queues are empty, workers idle, and periodic tasks never come; two of them send everything twice. The broker shows neither.",
		Cost:     "the process table, and the time of the schedule file; the file is not opened",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "file", Type: "bool", About: "there is a schedule file"},
			numberField("file_age_s", "since the beat last wrote it, which it does every three minutes and at its end; null without"),
			numberField("processes", "processes of Celery on this machine that beat by this schedule; null where the process table cannot be read"),
			{Name: "alive", Type: "bool", About: "at least one of them; null as above"},
			rowsField("list", "pid, age_s, command"),
		},
		Outcomes: []probe.Outcome{
			{When: "alive is false", Means: "nobody sends periodic tasks"},
			{When: "processes above 1", Means: "periodic tasks may be sent twice"},
			{When: "alive and file_age_s above 360", Means: "it hangs, or keeps its schedule elsewhere"},
		},
	}}
}

func (t *target) askBeat(ctx context.Context) evidence.Answer {
	if t.schedule == "" {
		return evidence.Not(evidence.NotApplicable, "no beat is said to run on this machine", "set beat_schedule of the target where it does")
	}
	out := map[string]any{"file": false, "file_age_s": nil, "processes": nil, "alive": nil, "list": []any{}}
	written, err := scheduleWritten(t.schedule)
	switch {
	case err == nil:
		out["file"], out["file_age_s"] = true, max(0, t.tools.Now().Sub(written).Seconds())
	case !errors.Is(err, fs.ErrNotExist):
		return evidence.Not(evidence.Denied, "look at the schedule file of the beat: "+err.Error(), "let quell's user into its directory")
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return evidence.Of(out)
	}
	rows := []any{}
	for _, p := range tree.Processes() {
		if parent, ok := tree.Of(p.Parent); p.Dead() || !beats(p.Args) || ok && beats(parent.Args) || !keeps(p, t.schedule) {
			continue
		}
		rows = append(rows, map[string]any{"pid": p.PID, "age_s": max(0, t.tools.Now().Sub(p.Started()).Seconds()), "command": p.Line()})
	}
	out["processes"], out["alive"], out["list"] = int64(len(rows)), len(rows) > 0, rows[:min(len(rows), 10)]
	return evidence.Of(out)
}

// shelved are the files in which Python's shelve may keep a schedule: it adds an
// ending of its own.
func shelved(path string) []string {
	return []string{path, path + ".db", path + ".dat", path + ".dir", path + ".bak"}
}

// scheduleWritten is when any of them was written.
func scheduleWritten(path string) (newest time.Time, err error) {
	err = fs.ErrNotExist
	for _, file := range shelved(path) {
		info, e := os.Stat(file)
		switch {
		case e == nil && info.ModTime().After(newest):
			newest, err = info.ModTime(), nil
		case e != nil && !errors.Is(e, fs.ErrNotExist) && newest.IsZero():
			err = e
		}
	}
	return newest, err
}

// beats reports a command line of a beat: `celery … beat`, or a worker with -B.
// Where setproctitle is installed, Celery writes a title over it.
func beats(args []string) bool {
	if len(args) == 0 {
		return false
	}
	if strings.HasPrefix(args[0], "[celery beat]") {
		return true
	}
	if strings.HasPrefix(args[0], "[celeryd:") {
		title := strings.Fields(strings.TrimRight(args[0], ")"))
		return strings.Contains(args[0], "MainProcess]") && (slices.Contains(title, "-B") || slices.Contains(title, "--beat"))
	}
	if !slices.ContainsFunc(args[:min(len(args), 4)], func(a string) bool { return filepath.Base(a) == "celery" }) {
		return false
	}
	worker := slices.Contains(args, "worker")
	return !worker && slices.Contains(args, "beat") || worker && (slices.Contains(args, "-B") || slices.Contains(args, "--beat"))
}

// keeps reports a beat of this schedule: it has the file open, names it, or
// stands in its directory. Of one whose files are hidden we cannot tell, and
// take it for ours.
func keeps(p pid.Process, schedule string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(p.PID))
	if strings.Contains(strings.Join(p.Args, " "), schedule) {
		return true
	}
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return true
	}
	for _, fd := range fds {
		if file, err := os.Readlink(filepath.Join(dir, "fd", fd.Name())); err == nil && slices.Contains(shelved(schedule), file) {
			return true
		}
	}
	at, err := os.Readlink(filepath.Join(dir, "cwd"))
	return err == nil && at == filepath.Dir(schedule)
}
