package logql

import (
	"fmt"
	"strings"
	"time"
)

// Rewritten is a playbook query in the words of strict LogQL.
type Rewritten struct {
	Query Query    // strict, and means the same on a Loki; zero with Client
	Notes []string // what had to be said otherwise, for a person
	// Client says why the query cannot be said in strict LogQL. Fetch are then
	// the log queries whose lines it must be asked of here.
	Client string
	Fetch  []Query
	// Reach is how far before the first point lines are looked at.
	Reach time.Duration
}

// ToStrict rewrites a query of the playbook dialect so that a Loki, which reads
// strict LogQL, gives the same answer. Lines of another format than the query's
// parser are the exception: here they are read in their own, there they are left
// out. A strict query comes back as it is. The error is *Error, for a selector
// that no Loki takes.
func ToStrict(q Query) (Rewritten, error) {
	if q.Dialect == Strict {
		return Rewritten{Query: q}, nil
	}
	w := &rewriter{}
	if dotted := dottedNames(q.Text); dotted != nil {
		w.note("Loki joins nested names by underscores: %s", strings.Join(dotted, ", "))
	}
	root, err := w.expr(q.Root, nil)
	if err != nil {
		return Rewritten{}, err
	}
	if w.client != "" {
		return Rewritten{Notes: w.notes, Client: w.client, Fetch: fetches(q.Root), Reach: reach(q.Root)}, nil
	}
	text := Query{Root: root}.String()
	strict, err := ParseIn(Strict, text)
	if err != nil {
		// Not one of the differences that are known: ask here.
		return Rewritten{Notes: w.notes, Client: "strict LogQL cannot say it: " + err.Error(), Fetch: fetches(q.Root), Reach: reach(q.Root)}, nil
	}
	return Rewritten{Query: strict, Notes: w.notes}, nil
}

type rewriter struct {
	notes  []string
	client string
}

func (w *rewriter) note(format string, args ...any) {
	w.notes = unique(append(w.notes, fmt.Sprintf(format, args...)))
}

func (w *rewriter) cannot(why string) {
	if w.client == "" {
		w.client = why
	}
}

// expr goes down as plan does: outer is the aggregation around, which says what
// makes a series.
func (w *rewriter) expr(e Expr, outer *Aggregate) (Expr, error) {
	switch n := e.(type) {
	case *Log:
		return w.log(n, nil, nil)
	case *Range:
		return w.ranged(n, outer)
	case *Aggregate:
		inner, err := w.expr(n.Inner, n)
		out := *n
		out.Inner = inner
		return &out, err
	case *LabelReplace:
		inner, err := w.expr(n.Inner, outer.unpushed())
		out := *n
		out.Inner = inner
		return &out, err
	case *Binary:
		left, err := w.expr(n.Left, outer.unpushed())
		if err != nil {
			return nil, err
		}
		right, err := w.expr(n.Right, outer.unpushed())
		out := *n
		out.Left, out.Right = left, right
		return &out, err
	}
	return e, nil
}

// ranged rewrites a range aggregation and gives its series the identity that
// plan gives them.
func (w *rewriter) ranged(n *Range, outer *Aggregate) (Expr, error) {
	r := *n
	var group []string // labels that are looked at after the pipeline
	var wrap Expr
	err := plan(n, outer, func(_ *Range, labels []string, without bool) error {
		group = labels
		if n.Grouping != nil || n.Op == "absent_over_time" {
			return nil
		}
		if without {
			w.without(&r, outer)
			return nil
		}
		wrap = w.identify(&r, labels, outer)
		return nil
	})
	if err != nil {
		return nil, err
	}
	log, err := w.log(n.Log, n, group)
	if err != nil {
		return nil, err
	}
	r.Log = log
	if n.Unwrap != nil || len(n.After) > 0 {
		// What can fail is failed by then: one filter for all faults, at the end.
		after, _ := w.stages(n.After)
		r.After = append(after, noFaults())
	}
	if wrap != nil {
		return wrap, nil
	}
	return &r, nil
}

// without handles an aggregation "without": all labels but those make a series
// in both dialects, but an average over averages is one over lines here.
func (w *rewriter) without(r *Range, outer *Aggregate) {
	if outer != nil && outer.Op == "avg" && r.Op == "avg_over_time" {
		r.Grouping = &Grouping{Without: true, Labels: outer.Grouping.Labels}
		w.note("the average is taken over lines, not over the averages of series: without (…) stands at avg_over_time too")
	}
}

// identify makes labels the identity of the series. Where an aggregation must
// stand around the range it is returned.
func (w *rewriter) identify(r *Range, labels []string, outer *Aggregate) Expr {
	pushed := outer != nil && pushes(outer.Op, r.Op)
	by := &Grouping{Labels: append([]string{}, labels...)}
	switch r.Op {
	case "count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time":
		if pushed {
			return nil // the sum around it does the same
		}
		w.note("a series is what selector and by name, not every label of a line: sum by (%s) stands around %s", strings.Join(labels, ", "), r.Op)
		return &Aggregate{Op: "sum", Grouping: by, Inner: r}
	case "rate_counter":
		w.cannot("rate_counter over the lines of several label sets")
		return nil
	}
	r.Grouping = by
	if pushed && outer.Op == "avg" {
		w.note("the average is taken over lines, not over the averages of series: by (%s) stands at avg_over_time", strings.Join(labels, ", "))
	} else {
		w.note("a series is what selector and by name, not every label of a line: by (%s) stands at %s", strings.Join(labels, ", "), r.Op)
	}
	return nil
}

// log rewrites a pipeline. In a metric query the aggregation is given, and the
// labels that it groups by.
func (w *rewriter) log(l *Log, metric *Range, group []string) (*Log, error) {
	if !l.selective() {
		return nil, &Error{Offset: l.Offset, Reason: "a Loki asks for a selector that names a stream, and this one may take every stream",
			Suggestion: `write at least one label with a value, like {service="api"} or {service=~".+"}`}
	}
	stages := l.Stages
	var names []string
	if metric != nil {
		names = append(names, group...)
		if metric.Unwrap != nil {
			names = append(names, metric.Unwrap.Label)
		}
		for _, s := range metric.After {
			names = append(names, namesOf(s)...)
		}
	}
	out := &Log{Dialect: Strict, Matchers: l.Matchers, Offset: l.Offset}
	rewritten, fallible := w.stages(w.normalised(stages, names))
	out.Stages = rewritten
	if fallible && (metric == nil || metric.Unwrap == nil && len(metric.After) == 0) && !endsWithoutFaults(out.Stages) {
		out.Stages = append(out.Stages, noFaults())
	}
	if fallible {
		w.note(`lines that a stage cannot read are left out: | __error__=""`)
	}
	return out, nil
}

// noFaults drops the lines that a stage could not read.
func noFaults() Stage { return &LabelFilter{Cond: &Compare{Name: errorLabel, Op: "=", Kind: Text}} }

func endsWithoutFaults(stages []Stage) bool {
	if len(stages) == 0 {
		return false
	}
	f, ok := stages[len(stages)-1].(*LabelFilter)
	return ok && stageText(f) == stageText(noFaults())
}

// stages rewrites one stage after the other, and reports whether any can fail
// on a line.
func (w *rewriter) stages(list []Stage) (out []Stage, fallible bool) {
	for _, stage := range list {
		switch s := stage.(type) {
		case *Parser:
			fallible = fallible || s.Kind == parseJSON || s.Kind == parseLogfmt || s.Kind == parseUnpack
			out = append(out, s)
		case *LabelFilter:
			fallible = fallible || hasNumber(s.Cond)
			out = append(out, &LabelFilter{Cond: w.cond(s.Cond, false)})
		case *LineFormat:
			fallible = true
			out = append(out, &LineFormat{Template: w.template(s.Template)})
		case *LabelFormat:
			fallible = true
			f := &LabelFormat{}
			for _, set := range s.Sets {
				f.Sets = append(f.Sets, LabelSet{Name: set.Name, From: set.From, Template: w.template(set.Template)})
			}
			out = append(out, f)
		case *Select:
			if s.Verb == "drop" && fallible && contains(namesOf(s), errorLabel) {
				out = append(out, noFaults())
			}
			f := &Select{Verb: s.Verb}
			for _, m := range s.Labels {
				if strings.HasSuffix(m.Op, "~") {
					m.Value = w.contains(m.Value)
				}
				f.Labels = append(f.Labels, m)
			}
			out = append(out, f)
		default:
			out = append(out, s)
		}
	}
	return out, fallible
}

func hasNumber(c Cond) bool {
	for _, one := range comparesOf(c) {
		if one.Kind == Number || one.Kind == Duration || one.Kind == Bytes {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// namesOf are the labels that a stage looks at by name.
func namesOf(stage Stage) []string {
	var names []string
	switch s := stage.(type) {
	case *LabelFilter:
		for _, c := range comparesOf(s.Cond) {
			names = append(names, c.Name)
			if c.Kind == Label {
				names = append(names, c.Text)
			}
		}
	case *Select:
		for _, m := range s.Labels {
			names = append(names, m.Name)
		}
	case *LabelFormat:
		for _, set := range s.Sets {
			names = append(names, set.From)
			names = append(names, templateNames(set.Template)...)
		}
	case *LineFormat:
		names = templateNames(s.Template)
	}
	return names
}

func templateNames(text string) []string {
	t, err := Playbook.rules().compileTemplate(text)
	if err != nil {
		return nil
	}
	return t.fields
}

// dottedNames are the flattened forms of names that a query writes with dots,
// those in templates too.
func dottedNames(text string) []string {
	found := map[string]bool{}
	tokens, err := lex(text, true)
	if err != nil {
		return nil
	}
	for _, t := range tokens {
		switch t.kind {
		case tokIdent:
			if strings.Contains(t.text, ".") {
				found[flatName(t.text)] = true
			}
		case tokString:
			for _, at := range dottedFields(t.text) {
				found[flatName(t.text[at.from+1:at.to])] = true
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return sortedNames(found)
}

func reach(root Expr) time.Duration {
	var far time.Duration
	for _, r := range rangesOf(root) {
		far = max(far, r.Range+r.Back)
	}
	return far
}

// fetches are the log queries that give every line a query could look at. One
// range may keep its first filters, which drop what it does not want anyway;
// several share the lines of their selectors.
func fetches(root Expr) []Query {
	var logs []*Log
	if log, ok := root.(*Log); ok {
		logs = append(logs, log)
	}
	for _, r := range rangesOf(root) {
		logs = append(logs, r.Log)
	}
	var out []Query
	seen := map[string]bool{}
	for _, l := range logs {
		narrow := &Log{Dialect: Strict, Matchers: l.Matchers}
		for _, s := range l.Stages {
			f, ok := s.(*LineFilter)
			if !ok || len(logs) > 1 {
				break
			}
			narrow.Stages = append(narrow.Stages, f)
		}
		q := Query{Dialect: Strict, Root: narrow}
		if q.Text = q.String(); !seen[q.Text] {
			seen[q.Text] = true
			out = append(out, q)
		}
	}
	return out
}
