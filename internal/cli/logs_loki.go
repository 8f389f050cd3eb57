package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/logql"
)

// lokiFlags say which Loki is asked instead of files.
type lokiFlags struct{ url, tenant, user, password, bearer string }

func (l *lokiFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.url, "loki", "", "ask this Loki instead of files: http://loki:3100")
	f.StringVar(&l.tenant, "tenant", "", "with --loki: sent as X-Scope-OrgID (default: $LOKI_ORG_ID)")
	f.StringVar(&l.user, "user", "", "with --loki: name for basic auth (default: $LOKI_USERNAME)")
	f.StringVar(&l.password, "password", "", "with --loki: its password, as env:NAME or file:PATH (default: env:LOKI_PASSWORD)")
	f.StringVar(&l.bearer, "bearer", "", "with --loki: a bearer token, as env:NAME or file:PATH (default: env:LOKI_BEARER_TOKEN)")
}

func (l *lokiFlags) on() bool { return l.url != "" }

// address takes what no flag says from the environment, under the names that
// Loki's own client reads.
func (l *lokiFlags) address() app.LokiAddress {
	at := app.LokiAddress{URL: l.url, Tenant: l.tenant, User: l.user, Password: l.password, Bearer: l.bearer}
	for _, d := range []struct {
		field *string
		name  string
		ref   bool
	}{{&at.Tenant, "LOKI_ORG_ID", false}, {&at.User, "LOKI_USERNAME", false}, {&at.Password, "LOKI_PASSWORD", true}, {&at.Bearer, "LOKI_BEARER_TOKEN", true}} {
		value := os.Getenv(d.name)
		switch {
		case *d.field != "" || value == "":
		case d.ref:
			*d.field = "env:" + d.name
		default:
			*d.field = value
		}
	}
	// A name given by a flag is not to be let in with somebody else's token.
	if l.user != "" && l.bearer == "" {
		at.Bearer = ""
	}
	if l.bearer != "" {
		at.User, at.Password = l.user, l.password
	}
	return at
}

// lokiLines is how many lines a Loki gives at most where nobody set it otherwise.
const lokiLines = 5000

// lokiSince is how far back a Loki is asked where nobody says, as it does itself.
const lokiSince = time.Hour

func (a *logsAsking) askLoki(ctx context.Context, v logsShow, files []string, w app.LogWindow, now time.Time) error {
	if len(files) > 0 {
		return usage("logs: %s: with --loki the lines are in Loki, so no FILE is read", files[0])
	}
	if len(a.input.labels) > 0 {
		return usage("--label: with --loki the labels are those of its streams")
	}
	if w.Until.IsZero() {
		w.Until = now
	}
	if w.From.IsZero() {
		w.From = w.Until.Add(-lokiSince)
		if !v.query.Metric() {
			v.note(fmt.Sprintf("the last %s: --since looks further back", expr.FormatDuration(lokiSince)))
		}
	}
	limits := a.limits(v.query, v.out)
	limits.Lines = a.limit
	if a.limit == 0 {
		limits.Lines = lokiLines
	}
	answer, why, err := app.AskLoki(ctx, a.loki.address(), v.query, w, limits)
	if err != nil {
		if ctx.Err() != nil {
			return &exit{exitInterrupted, errors.New("interrupted: Loki had not answered yet")}
		}
		return &exit{exitUsage, fmt.Errorf("logs: %w", err)}
	}
	if r, err := logql.ToStrict(v.query); err == nil {
		answer.Notes = append(answer.Notes, r.Notes...)
	}
	return v.answer(answer, why)
}
