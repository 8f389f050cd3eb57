// Package logs asks log files on this machine: logql fences and built-in
// questions about errors, message templates and the files themselves. It reads
// and never writes, in bounded memory, by time window.
package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes log files to the list of connectors.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "logs",
		About:    "Log files and the journal of this machine: JSON, logfmt or plain text, asked in LogQL.",
		Settings: settings(),
		Languages: []connector.Language{{
			Name: "logql", Patterns: true, Shape: probe.Any, Check: logql.Check, ShapeOf: logql.ShapeOf, Options: options(),
		}},
		Probes: append([]probe.Spec{sourcesSpec()}, logtext.Specs()...),
		Open:   open,
	}
}

// Target is a set of log files.
type Target struct {
	config   config
	tools    connector.Tools
	natures  *logfile.Natures
	together together
	scheme   sync.Once // foreign is found out
	foreign  bool
	closed   atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	c, err := parse(s, tools.Dir)
	if err != nil {
		return nil, err
	}
	return &Target{config: c, tools: tools, natures: logfile.NewNatures()}, nil
}

// Ask answers one question; see probe.Prober.
func (t *Target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	if q.Now.IsZero() {
		q.Now = t.tools.Now()
	}
	if q.Lang == "logql" {
		ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
		defer cancel()
		return t.redacted(t.query(ctx, q))
	}
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure("read log files", err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
	defer cancel()
	if q.Lang != "probe" {
		return evidence.Not(evidence.NotApplicable, "log files answer logql and their built-in questions, not "+q.Lang, "")
	}
	if q.Builtin == "logs.sources" {
		return t.redacted(t.sources(ctx, q))
	}
	a, ok := t.asker().Ask(ctx, q)
	if !ok {
		a = evidence.Not(evidence.NotApplicable, "log files have no question called "+q.Builtin, "")
	}
	return t.redacted(a)
}

func (t *Target) redacted(a evidence.Answer) evidence.Answer {
	a.Value = t.tools.Redact.Value(a.Value)
	a.Reason, a.Hint = t.tools.Redact.Text(a.Reason), t.tools.Redact.Text(a.Hint)
	for i := range a.Notes {
		a.Notes[i] = t.tools.Redact.Text(a.Notes[i])
	}
	return a
}

// Close ends the target; there is nothing to give back.
func (t *Target) Close() error {
	t.closed.Store(true)
	return nil
}

// files are the files of the target and the journal, as one question sees them.
// Lines that do not name their service belong to the service whose logs these
// are.
func (t *Target) files(q probe.Question) (source, error) {
	c := t.config.files
	c.Now, c.Natures = q.Now, t.natures
	if q.Service.Name != "" {
		c.Otherwise, c.Strangers = map[string]string{"service": q.Service.Name}, t.strangers(c)
	}
	if t.config.journal != nil {
		return &withJournal{journal: t.config.journal, config: c}, nil
	}
	return logfile.New(c)
}

// namedIn is how many files, the newest, are looked at for the names of services.
const namedIn = 50

// strangers reports whether lines that name a service which quell.yaml does not know
// belong to the one service of it that has these files: it is the only service there
// is, or no line names any service of quell.yaml, so that their names are of another
// scheme. Nobody else is going to read those lines.
func (t *Target) strangers(c logfile.Config) bool {
	t.scheme.Do(func() {
		if len(t.tools.Services) == 0 || t.config.journal != nil {
			return
		}
		if len(t.tools.Services) == 1 {
			t.foreign = true
			return
		}
		files, err := logfile.New(c)
		if err != nil {
			return
		}
		known := func(name string) bool { return slices.Contains(t.tools.Services, name) }
		t.foreign = !slices.ContainsFunc(files.Services(namedIn), known)
	})
	return t.foreign
}

// asker asks what every source of log lines is asked.
func (t *Target) asker() logtext.Asker {
	return logtext.Asker{
		Lines:  func(_ context.Context, q probe.Question, _ time.Duration) (logql.Source, error) { return t.files(q) },
		Failed: t.failure, Silent: t.silence, Rows: t.tools.Gate.Limits().Rows,
	}
}

// failure turns an error of reading or of the engine into an answer.
func (t *Target) failure(err error) evidence.Answer {
	var failed *logfile.Failed
	var wrong *logql.Error
	switch {
	case errors.As(err, &failed):
		return unreadable(failed)
	case errors.As(err, &wrong):
		return evidence.Not(evidence.Invalid, fmt.Sprintf("at byte %d of the query: %s", wrong.Offset, wrong.Error()), "")
	case errors.Is(err, context.DeadlineExceeded):
		return evidence.Not(evidence.TimedOut, "reading the log files took longer than the time allowed", "ask for a shorter time with since=, or set a smaller max_read on the target")
	case errors.Is(err, context.Canceled):
		return evidence.Not(evidence.NotAsked, "interrupted while reading log files", "")
	case errors.Is(err, connector.ErrBudget), errors.Is(err, connector.ErrBackedOff):
		return connector.Failure("read log files", err)
	}
	return evidence.Not(evidence.Refused, err.Error(), "")
}

func unreadable(failed *logfile.Failed) evidence.Answer {
	switch failed.Kind() {
	case logfile.Denied:
		path := ""
		for _, trouble := range failed.Troubles {
			if trouble.Kind == logfile.Denied {
				path = trouble.Path
				break
			}
		}
		return evidence.Not(evidence.Denied, failed.Error(), grant(path))
	case logfile.NoMatch:
		return evidence.Not(evidence.NoData, failed.Error(), "check paths of the target")
	}
	hint := "check paths of the target"
	if failed.Troubles[0].Path == journalName {
		hint = "" // the reason says what to do
	}
	return evidence.Not(evidence.Unreachable, failed.Error(), hint)
}

// grant is the command that lets this user read a file.
func grant(path string) string {
	if path == journalName {
		return fmt.Sprintf("usermod -aG systemd-journal %s", userName())
	}
	return fmt.Sprintf("setfacl -m u:%s:rX %s (or add the user to the group that owns it)", userName(), path)
}

var (
	_ connector.Target   = (*Target)(nil)
	_ connector.Examiner = (*Target)(nil)
)
