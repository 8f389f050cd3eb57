// Package probe is the face of a question: named, read-only, bounded, and able
// to say what it asks and why. Playbooks name questions, connectors answer
// them, and nothing that can change a system is reachable from here.
package probe

import (
	"context"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// Prober answers questions. Ask never panics and never returns late: the
// caller sets the deadline on ctx, and an answer of TimedOut is due when it
// passes. Ask may be called by several goroutines at once.
type Prober interface {
	Ask(ctx context.Context, q Question) evidence.Answer
}

// Question is one question, ready to be asked of one target.
type Question struct {
	Name    string            // what the playbook calls it: "sessions"
	Lang    string            // "sql", "promql", "logql", "redis", "http", "dns", "tls", "tcp", or "probe"
	Builtin string            // for Lang "probe": "postgres.lock_roots"
	Text    Template          // the fence's body with its holes filled
	Args    map[string]any    // for Lang "probe": arguments, defaults filled in, of the declared types
	Options map[string]string // range=30m, step=15s, since=1h, limit=500 of the fence's first line
	Service Service           // whom the investigation is about
	Now     time.Time         // the end of every time window, the same for all questions of an investigation
	Since   time.Duration     // how far back the investigation looks, where the fence does not say; > 0
}

// Service is what a question may know of the service under investigation.
// Its fields stand in holes as ${service}, ${service.url}, ${service.host},
// ${service.port}, ${service.health}.
type Service struct {
	Name   string `json:"name"`
	URL    string `json:"url,omitempty"`
	Host   string `json:"host,omitempty"`
	Port   string `json:"port,omitempty"`
	Health string `json:"health,omitempty"`
}

// Facts lists the names that may stand in a hole, with their values.
func (s Service) Facts() map[string]any {
	return map[string]any{
		"service": s.Name, "service.url": s.URL, "service.host": s.Host,
		"service.port": s.Port, "service.health": s.Health,
	}
}

// Shape is the form of an answer's value; the type checker of signs uses it.
type Shape string

// The shapes of an answer.
const (
	Rows   Shape = "rows"   // list of maps
	Object Shape = "object" // map with documented fields
	Series Shape = "series" // list of streams: {"labels": …, "points": [[t, v], …]}
	Lines  Shape = "lines"  // list of lines: {"at": t, "line": text, "labels": …}
	Any    Shape = "any"    // depends on the question: series or lines for logql, for instance
)

// Spec is a built-in question stating itself, once, for explain, lint, the
// reference pages and the type checker.
type Spec struct {
	Name     string // "postgres.lock_roots": connector, dot, question
	Question string // as one would ask a colleague: "Which sessions hold up the others?"
	Why      string // why anyone asks
	Cost     string // what it does to the target: "one statement, two samples a second apart"
	Shape    Shape
	Params   []Param
	Fields   []Field   // of the object, or of each row
	Outcomes []Outcome // what each kind of result means
	// Changes are the moments of changes that an answer holds.
	Changes []Moment
	// Timeline asks it in every diagnosis, with its default arguments, for the
	// sake of Changes: it must cost next to nothing.
	Timeline bool
	// OfService says that the answer depends on the service that is asked about.
	OfService bool
	// Began is a field of an object that says when what it tells of began,
	// seconds since 1970; empty where there is none.
	Began string
}

// Param is an argument of a built-in question or of a playbook.
type Param struct {
	Name    string
	Type    ParamType
	Default string // as written in YAML; empty means required
	About   string
}

// ParamType is the type of a parameter.
type ParamType string

// The types of parameters. A list is of texts; a map, from names to texts, is
// for settings only.
const (
	Duration ParamType = "duration" // 5m, 1h30m, 2d
	Number   ParamType = "number"
	Text     ParamType = "text"
	Bool     ParamType = "bool"
	List     ParamType = "list"
	Map      ParamType = "map"
)

// Field is one documented field of a value; Type is "number", "text", "bool",
// "list", "object" or "rows", with a unit in About.
type Field struct{ Name, Type, About string }

// Outcome says what a kind of result means to someone on call.
type Outcome struct{ When, Means string }
