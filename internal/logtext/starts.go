package logtext

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

func startsSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.starts",
		Question: "When did the service start anew, and when was another version brought, as its log says?",
		Why:      "Servers say when they begin to listen, and those who bring a release often write it down. Nothing else need watch for it.",
		Cost:     "reads the lines of the window that speak of a start or a release, up to max_read of the target",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "window", Type: probe.Duration, Default: "1h", About: "the time looked at"},
		},
		Fields: probe.ChangeFields(
			probe.Field{Name: "version", Type: "text", About: "the version that the line names; missing where it names none"},
		),
		Outcomes: []probe.Outcome{
			{When: "a row of kind deploy", Means: "the line says that a version was brought, or a start names another version than the one before it"},
			{When: "many rows of kind restart", Means: "it starts again and again: look for why it ends"},
			{When: "no data", Means: "nothing: not everything that starts says so"},
		},
		// Silence tells nothing: a service may start and not say so.
		Changes:  []probe.Moment{{Kinds: []string{probe.Deploy, probe.Restart}, At: "at", What: "{what}", About: "detail", Hearsay: true}},
		Timeline: true, OfService: true,
	}
}

// mayStart takes the lines that startLine and releaseLine look at.
const mayStart = `(?i)listening|starting|started|running|ready|deploy|releas|roll(ed|ing) (out|back)`

// opens is where the words of a line may begin: behind a logger's name or a level.
const opens = "(?i)(?:^|[\\])}:|>-] {1,4})("

var (
	// startLine is what servers write once, as they begin: gunicorn, uvicorn, Puma,
	// Spring, .NET, Nest, Phoenix, Sidekiq, Celery, and servers of people's own.
	// What a worker of a server writes is none.
	startLine = regexp.MustCompile(opens +
		`listening at: |starting gunicorn [0-9]|uvicorn running on |puma starting in |now listening on: |nest application successfully started|application started\. press ` +
		`|starting processing, hit ctrl-c|celery@\S+ .{0,20}ready\.|running \S+endpoint with |started \w{1,80} in [0-9.]+ seconds` +
		`|(the )?([\w.-]{1,40} )?((http|grpc|web|api|app) ?)?(server|service|application|app|api|worker)( \S{1,40})? ((has|was|is) )?(now )?(started|starting( up)?|listening|up and running|running|ready)\b` +
		`|(now )?listening (on|at) (https?:|tcp|port\b|localhost|\[|:|[0-9])` +
		`|start(ing|ed) [\w.@/-]{1,60}( (server|service|application|app|api|worker))?[ ,:(-]{1,3}(version[ =:]*)?v?[0-9]+\.[0-9])`)
	// releaseLine is what those write who bring a version.
	releaseLine = regexp.MustCompile(`(?i)\b(deploy(ed|ing)?|roll(ed|ing) (out|back to))( of| to)?( [\w./-]{1,40})? (v?[0-9]+\.[0-9][\w.+-]*|v[0-9]+)\b` +
		`|\b(deploy(ed|ing)?|roll(ed|ing) (out|back)|releas(ed|ing))\b.{0,40}\b(version|release|revision|build|commit|tag|image)[ :=#]{1,2}\S{0,60}[0-9]` +
		`|\b(release|version) \S{0,60}[0-9]\S{0,60} ((was|is|has been) )?(deployed|rolled out|live|released)\b` +
		`|\bdeploy(ment)?\b.{1,60}\b(finished|completed?|succeeded|done|is live|rolled out)\b`)
	// namedVersion is a version in such a line, and no address or time.
	namedVersion = regexp.MustCompile(`(?:^|[\s(:=@/-])(v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:[-+][\w.+-]+)?|v[0-9]+)(?:[\s),;]|$)`)
	// amount is what stands behind a number that is none.
	amount = regexp.MustCompile(`(?i)^\s?(m?s|secs?|seconds?|min(utes)?|%|[KMG]i?B)\b`)
)

const (
	// apart is how far two starts are apart: a server of several processes says
	// several times that it starts.
	apart      = 30 * time.Second
	mostStarts = 50
)

// startSaid is a line that says so.
type startSaid struct {
	at            int64 // nanoseconds
	text, version string
	of            string // what the version is of: the words before it
	release       bool
}

func (t Asker) starts(ctx context.Context, q probe.Question) evidence.Answer {
	files, lines, window, failed := t.opened(ctx, q, time.Hour)
	if failed != nil {
		return *failed
	}
	lines.Stages = append(lines.Stages, &logql.LineFilter{Op: "|~", Values: []string{mayStart}})
	var lanes []*[]startSaid
	stats, reading, hint, err := logql.Visit(ctx, lines, files, logql.Since(q.Now, window), func() func(logql.Entry) {
		said := &[]startSaid{}
		lanes = append(lanes, said)
		return func(e logql.Entry) {
			if s, ok := startOf(e); ok && len(*said) < 20*mostStarts {
				*said = append(*said, s)
			}
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	var all []startSaid
	for _, said := range lanes {
		all = append(all, *said...)
	}
	if len(all) == 0 {
		if stats.Selected == 0 {
			return t.Silent(ctx, q, stats, window, hint)
		}
		return evidence.Not(evidence.NoData, "no line says that something started or was released", "")
	}
	return evidence.Of(startRows(all, q.Service.Name), reading.Notes...)
}

func startOf(e logql.Entry) (startSaid, bool) {
	message := e.Message[:min(len(e.Message), 300)]
	said := releaseLine.FindIndex(message)
	release := said != nil
	if m := startLine.FindSubmatchIndex(message); said == nil && m != nil {
		said = m[2:4]
	}
	if e.Time == 0 || said == nil {
		return startSaid{}, false
	}
	s := startSaid{at: e.Time, text: string(message[said[0]:]), release: release}
	if m := namedVersion.FindStringSubmatchIndex(s.text); m != nil && !amount.MatchString(s.text[m[3]:]) {
		s.of, s.version = s.text[:m[2]], s.text[m[2]:m[3]]
	}
	return s, true
}

// startRows are the starts and releases, newest first.
func startRows(all []startSaid, service string) []any {
	slices.SortFunc(all, func(a, b startSaid) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text)) })
	rows := []any{}
	var last startSaid
	versions := map[string]string{} // a server says its own, and the service says another
	for _, s := range all {
		before := versions[s.of]
		other := s.version != "" && before != "" && s.version != before
		if s.version != "" && !s.release {
			versions[s.of] = s.version
		}
		if last.at != 0 && last.release == s.release && s.at-last.at < int64(apart) && !other {
			continue
		}
		last = s
		kind, what := probe.Restart, service
		if s.release || other {
			kind = probe.Deploy
		}
		if what == "" {
			what = "a service"
		}
		row := map[string]any{"at": seconds(s.at), "kind": kind, "what": what, "detail": s.text}
		if s.version != "" {
			row["version"] = s.version
		}
		rows = append(rows, row)
	}
	slices.Reverse(rows)
	return rows[:min(len(rows), mostStarts)]
}
