// Package logql asks questions in LogQL of any stream of log lines: files
// today, other sources behind the same face. It holds the language (Parse), the
// face of a source (Source) and the engine (Run), and needs no server.
//
// It speaks two dialects: Playbook, LogQL with the readings that authors of
// runbooks mean, and Strict, LogQL as it is documented. See README.md for what
// differs. What is not supported is refused by name and place, never read as
// something else.
package logql

import "time"

// Query is a parsed query. It does not change and may be shared.
type Query struct {
	Text    string
	Dialect Dialect
	Root    Expr
	spans   spans // where its parts stand in Text
}

// Dialect says how a query is read. README.md lists the differences.
type Dialect int

// The dialects.
const (
	Playbook Dialect = iota // what authors of runbooks mean; the default
	Strict                  // LogQL as Loki 3 documents it
)

// Metric reports whether the query gives series; otherwise it gives lines.
func (q Query) Metric() bool {
	_, log := q.Root.(*Log)
	return !log
}

// Reach is how far back from the end of its window a query looks.
func (q Query) Reach(asked Asked) time.Duration {
	if !q.Metric() {
		return asked.Since
	}
	var back time.Duration
	for _, r := range rangesOf(q.Root) {
		back = max(back, r.Range+r.Back)
	}
	return asked.Since + back
}

// Expr is a node that gives lines or series.
type Expr interface{ text(*printer) }

// Log selects lines and passes them through stages.
type Log struct {
	Dialect  Dialect // in which its stages are meant
	Matchers []Matcher
	Stages   []Stage
	Offset   int // byte offset in the query
}

// Matcher compares a label with a text. Op is "=", "!=", "=~" or "!~".
type Matcher struct {
	Name, Op, Value string
	Offset          int
}

// Stage is one step of a pipeline.
type Stage interface{ text(*printer) }

// LineFilter keeps lines by their text. Op is "|=", "|~" or "|>" (a pattern
// with <_> for what varies), or "!=", "!~", "!>"; the line passes the first
// three with any of the values, the others with none.
type LineFilter struct {
	Op     string
	Values []string
}

// AddressFilter keeps lines by the IP addresses in them: it is a line filter
// "|=" or "!=" of which at least one value is ip("…"). It passes as a LineFilter
// does.
type AddressFilter struct {
	Op       string
	Networks []string // what stands in ip("…")
	Values   []string // the plain texts beside them
}

// Parse kinds.
const (
	parseJSON    = "json"
	parseLogfmt  = "logfmt"
	parseRegexp  = "regexp"
	parsePattern = "pattern"
	parseUnpack  = "unpack"
)

// Parser takes labels from the line. Kind is json, logfmt, regexp, pattern or
// unpack; unpack also makes the line that was packed the line.
type Parser struct {
	Kind      string
	Pattern   string    // of regexp and pattern
	Fields    []Extract // of json and logfmt; none means all
	Strict    bool      // logfmt --strict: the first fault makes the line unreadable
	KeepEmpty bool      // logfmt --keep-empty: keys without a value are labels too
	Offset    int
}

// Decolorize takes the terminal's colour codes out of the line.
type Decolorize struct{}

// Extract takes one field under a new name.
type Extract struct{ Name, Path string }

// LabelFilter keeps lines by their labels.
type LabelFilter struct{ Cond Cond }

// Cond is a condition on labels.
type Cond interface{ text(*printer) }

// Both holds two conditions. Op is "and" or "or".
type Both struct {
	Op          string
	Left, Right Cond
}

// Compare is a label against a text (Kind Text), a number, a duration in
// seconds, a number of bytes, another label (Kind Label), or a network in
// which its address lies (Kind Address, Op "=" or "!=").
type Compare struct {
	Name, Op string
	Kind     ValueKind
	Text     string  // Kind Text: the text; Label: the other name; Address: what stands in ip("…")
	Number   float64 // the other kinds
	Written  string  // the number as the query wrote it
	Offset   int
}

// eachCompare visits the comparisons of a condition, from left to right.
func eachCompare(c Cond, visit func(*Compare)) {
	switch c := c.(type) {
	case *Both:
		eachCompare(c.Left, visit)
		eachCompare(c.Right, visit)
	case *Compare:
		visit(c)
	}
}

// labels are those that a comparison reads.
func (c *Compare) labels() []string {
	if c.Kind == Label {
		return []string{c.Name, c.Text}
	}
	return []string{c.Name}
}

// ValueKind says what a label is compared with.
type ValueKind int

// The kinds of values.
const (
	Text ValueKind = iota
	Number
	Duration
	Bytes
	Label
	Address
)

// LineFormat rewrites the line from a template.
type LineFormat struct {
	Template string
	Offset   int
}

// LabelFormat renames or makes labels.
type LabelFormat struct{ Sets []LabelSet }

// LabelSet is name=From (a rename) or name="Template".
type LabelSet struct {
	Name, From, Template string
	Offset               int
}

// Select keeps or drops labels. Verb is "keep" or "drop". A matcher without Op
// names the label whatever its value.
type Select struct {
	Verb   string
	Labels []Matcher
}

// Range aggregates the lines of a log query over a time before each step.
type Range struct {
	Op       string // count_over_time, rate, …
	Param    float64
	Log      *Log
	Unwrap   *Unwrap
	After    []Stage // label filters after unwrap
	Range    time.Duration
	Back     time.Duration // offset
	Grouping *Grouping
	Offset   int
}

// Unwrap takes the sample's value from a label. Convert is "", "duration",
// "duration_seconds" or "bytes".
type Unwrap struct{ Label, Convert string }

// Grouping is by (…) or without (…).
type Grouping struct {
	Without bool
	Labels  []string
}

// Aggregate folds series into fewer at each step.
type Aggregate struct {
	Op       string // sum, avg, min, max, count, stddev, stdvar, topk, bottomk, sort, sort_desc
	Param    float64
	Inner    Expr
	Grouping *Grouping
	Offset   int
}

// Binary is arithmetic, a comparison or a set operation.
type Binary struct {
	Op          string
	Bool        bool
	Matching    *Matching
	Left, Right Expr
	Offset      int
}

// Matching says by which labels the series of both sides are paired.
type Matching struct {
	Ignoring bool
	Labels   []string
	Many     string   // "left" or "right": the side with several series for one of the other; else ""
	Include  []string // of group_left and group_right: labels taken over from the side with one
}

// LabelReplace sets the label Target of each series to Replacement, in which $1
// is a group of Pattern, where Pattern matches the whole label Source.
type LabelReplace struct {
	Inner                                Expr
	Target, Replacement, Source, Pattern string
	Offset                               int
}

// Scalar is a number.
type Scalar struct {
	Value  float64
	Offset int
}

// Vector is one series without labels that has the value at every step.
type Vector struct {
	Value  float64
	Offset int
}

// Error is a query that cannot be read or is not supported.
type Error struct {
	Offset     int    // byte offset in the query
	Reason     string // what is wrong
	Suggestion string // what was meant, or what to write instead; may be empty
}

func (e *Error) Error() string {
	if e.Suggestion == "" {
		return e.Reason
	}
	return e.Reason + ": " + e.Suggestion
}
