package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/logql"
)

// mining are the flags of the questions about many lines at once.
type mining struct {
	asking logsAsking
	limit  int
}

func (m *mining) flags(cmd *cobra.Command) {
	m.asking.when.flags(cmd)
	m.asking.input.flags(cmd)
	f := cmd.Flags()
	f.IntVar(&m.limit, "limit", 20, "show at most this many of each list; 0: all")
	f.BoolVar(&m.asking.asJSON, "json", false, "print the answer as JSON (docs/reference/logs.md)")
	f.BoolVarP(&m.asking.quiet, "quiet", "q", false, "say nothing on standard error but errors")
}

// mined is a question that is ready to be asked.
type mined struct {
	show   logsShow
	query  logql.Query
	window app.LogWindow
	logs   *app.Logs
	ctx    context.Context //nolint:containedctx // it outlives an interrupted input; see open
}

// open reads the arguments and opens the lines. The caller closes logs.
func (m *mining) open(ctx context.Context, s streams, args []string) (mined, error) {
	text, files := optionalQuery(args)
	q, err := logql.Parse(text)
	if err != nil {
		return mined{}, badQuery("logs", text, err)
	}
	if q.Metric() {
		return mined{}, usage("logs: this asks about lines, and %q gives series: write a log query, like {service=\"api\"}", text)
	}
	if m.limit < 0 {
		return mined{}, usage("--limit: %d is no number of rows: write 0 for all", m.limit)
	}
	now := time.Now()
	zone, err := m.asking.input.location()
	if err != nil {
		return mined{}, err
	}
	out := mined{query: q, ctx: ctx, show: logsShow{streams: s, zone: zone, asking: &m.asking, query: q, text: text}}
	if out.window, err = m.asking.when.window(now, zone, false); err != nil {
		return mined{}, err
	}
	input, err := m.asking.input.open(s, files, zone, now)
	if err != nil {
		return mined{}, err
	}
	if out.logs, err = app.OpenLogs(ctx, input); err != nil {
		return mined{}, m.asking.failed(ctx, text, err)
	}
	if out.logs.Interrupted {
		out.ctx = context.WithoutCancel(ctx) // a second Ctrl-C ends the process
		out.show.note("interrupted: this is the answer to what had come until then")
	}
	return out, nil
}

// nothing ends a question for which there was no line.
func (m mined) nothing(a app.LogAnswer) error {
	v := m.show
	if !v.asking.quiet {
		say := v.say()
		for _, n := range a.Notes {
			say("", n)
		}
		for _, w := range m.logs.WhyNothing(m.ctx, m.query, a) {
			say("36", w)
		}
	}
	return &exit{code: exitNothing}
}

// chatter says what was looked at.
func (m mined) chatter(a app.LogAnswer, notes ...string) {
	v := m.show
	if v.asking.quiet {
		return
	}
	say := v.say()
	for _, n := range append(append([]string{}, a.Notes...), notes...) {
		say("", n)
	}
	say("2", v.summary(a))
}

// firstOf is the first n of a list; n 0 is all.
func firstOf[T any](list []T, n int) []T {
	if n > 0 && len(list) > n {
		return list[:n]
	}
	return list
}
