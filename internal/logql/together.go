package logql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Question is one of several that are asked of the same source.
type Question struct {
	Query  Query
	Asked  Asked
	Limits Limits
}

// Outcome is what one of the questions came to; Err is as that of Run.
type Outcome struct {
	Result Result
	Err    error
}

// RunTogether asks queries of one source in a single reading: each line is framed,
// dated and searched once, for the words of all of them, and a query sees the lines
// of its own window that hold what it demands. A diagnosis asks a hundred questions
// of the same files; one by one they take a hundred times as long. What is read is
// the widest of the windows: questions that look back much further than others are
// better asked apart. The answers are those of Run, save that a line which no query
// could want is not looked at for faults of its format, and Stats.Selected is 1 where
// a selector takes any line and the query matches none. err is the context's or the
// source's.
func RunTogether(ctx context.Context, questions []Question, src Source) (out []Outcome, err error) {
	words := newDictionary(questions)
	all := make([]*togetherWorker, workers(src))
	for i := range all {
		if all[i], err = newTogetherWorker(questions, words); err != nil {
			return nil, err
		}
	}
	w := all[0]
	if len(w.periods) == 0 {
		return w.outcomes(Reading{}), nil // none can be asked
	}
	reading, err := scan(ctx, src, Ask{Window: w.widest(), Workers: len(all)}, func(worker int, batch []Record) error {
		all[worker].take(batch)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, o := range all[1:] {
		w.merge(o)
	}
	return w.outcomes(reading), nil
}

func (w *togetherWorker) outcomes(reading Reading) []Outcome {
	out := make([]Outcome, len(w.asked))
	for i, a := range w.asked {
		out[i].Result, out[i].Err = a.result(reading)
	}
	return out
}

// togetherWorker answers all questions for the records that one goroutine reads.
type togetherWorker struct {
	periods   map[periodKey]*period
	selectors map[selectorKey]*selector
	asked     []*together
	words     *dictionary
	found     manyWords
}

// period is a window that several questions look at.
type period struct {
	tally
	here bool // the record at hand lies in it
}

type periodKey struct {
	start, end int64
	timed      bool
}

// selector tells whether a selector takes any line of a period at all, once for
// all questions that have it.
type selector struct {
	period *period
	pipe   *pipeline
	any    bool
}

type selectorKey struct {
	text   string
	period periodKey
}

// together is one of the questions: of lines or of numbers.
type together struct {
	lines     *logWorker
	numbers   *metricWorker
	err       error
	demand    demand
	demands   bool // the demand is known; else every line is looked at
	period    *period
	selectors []*selector
}

func newTogetherWorker(questions []Question, words *dictionary) (*togetherWorker, error) {
	w := &togetherWorker{
		periods: map[periodKey]*period{}, selectors: map[selectorKey]*selector{},
		words: words, found: make(manyWords, (len(words.list)+63)/64),
	}
	for i, q := range questions {
		a := &together{demand: words.demands[i].demand, demands: words.demands[i].known}
		var window Window
		if log, ok := q.Query.Root.(*Log); ok {
			window = Window{Start: q.Asked.End.Add(-q.Asked.Since), End: q.Asked.End}
			a.lines, a.err = newLogWorker(log, window, q.Limits.filled())
		} else if a.numbers, a.err = newMetricWorker(q.Query, q.Asked, q.Limits.filled()); a.err == nil {
			window = a.numbers.window
		}
		w.asked = append(w.asked, a)
		if a.err != nil {
			continue // the others are answered all the same
		}
		key := periodKey{window.Start.UnixNano(), window.End.UnixNano(), a.numbers != nil}
		if w.periods[key] == nil {
			w.periods[key] = &period{tally: newTally(window, key.timed)}
		}
		a.period = w.periods[key]
		for _, log := range logsOf(q.Query) {
			s, err := w.selector(log, key)
			if err != nil {
				return nil, err
			}
			a.selectors = append(a.selectors, s)
		}
	}
	return w, nil
}

// logsOf is the log query, or those that a metric query counts lines of.
func logsOf(q Query) []*Log {
	if log, ok := q.Root.(*Log); ok {
		return []*Log{log}
	}
	var out []*Log
	for _, r := range rangesOf(q.Root) {
		out = append(out, r.Log)
	}
	return out
}

func (w *togetherWorker) selector(log *Log, period periodKey) (*selector, error) {
	key := selectorKey{selectorText(log), period}
	if w.selectors[key] == nil {
		pipe, err := compilePipeline(&Log{Dialect: log.Dialect, Matchers: log.Matchers})
		if err != nil {
			return nil, err
		}
		w.selectors[key] = &selector{period: w.periods[period], pipe: pipe}
	}
	return w.selectors[key], nil
}

// selectorText tells selectors apart.
func selectorText(log *Log) string {
	var b strings.Builder
	for _, m := range log.Matchers {
		fmt.Fprintf(&b, "%s%s%q,", m.Name, m.Op, m.Value)
	}
	fmt.Fprintf(&b, "%v", log.Dialect)
	return b.String()
}

// widest is the window that holds those of all questions.
func (w *togetherWorker) widest() Window {
	var start, end int64
	first := true
	for key := range w.periods {
		if first || key.start < start {
			start = key.start
		}
		if first || key.end > end {
			end = key.end
		}
		first = false
	}
	return Window{Start: time.Unix(0, start), End: time.Unix(0, end)}
}

func (w *togetherWorker) take(batch []Record) {
	for i := range batch {
		r := &batch[i]
		here := false
		for _, s := range w.periods {
			s.here = s.in(r)
			here = here || s.here
		}
		if !here {
			continue
		}
		for _, s := range w.selectors {
			if s.period.here && !s.any {
				s.pipe.record = r
				s.any = s.pipe.selects()
			}
		}
		clear(w.found)
		w.words.finder.walk(r.Line, func(at int) bool { w.found.add(at); return true })
		foreign := foldsOutside(r.Line)
		for _, a := range w.asked {
			if a.err == nil && a.period.here && (!a.demands || foreign || a.demand.metBy(w.found)) {
				a.one(r)
			}
		}
	}
}

func (a *together) one(r *Record) {
	if a.lines != nil {
		a.lines.one(r)
		return
	}
	a.err = a.numbers.one(r)
}

func (w *togetherWorker) merge(o *togetherWorker) {
	for key, s := range w.periods {
		s.merge(&o.periods[key].tally)
	}
	for key, s := range w.selectors {
		s.any = s.any || o.selectors[key].any
		s.pipe.meet(o.selectors[key].pipe)
	}
	for i, a := range w.asked {
		a.merge(o.asked[i])
	}
}

func (a *together) merge(o *together) {
	switch {
	case a.err != nil:
	case o.err != nil:
		a.err = o.err
	case a.lines != nil:
		a.lines.merge(o.lines)
	default:
		a.err = a.numbers.merge(o.numbers)
	}
}

func (a *together) result(reading Reading) (Result, error) {
	if a.err != nil {
		return Result{}, a.err
	}
	stats := a.period.stats
	if a.lines != nil {
		stats.Selected, stats.Matched = a.lines.pipe.counts.Selected, a.lines.pipe.counts.Matched
		hint := a.lines.pipe.hint()
		if stats.Selected == 0 {
			stats.Selected, hint = a.selected()
		}
		return a.lines.answer(stats, reading, hint), nil
	}
	hint := ""
	for _, j := range a.numbers.jobs {
		stats.Selected = max(stats.Selected, j.pipe.counts.Selected)
		stats.Matched = max(stats.Matched, j.pipe.counts.Matched)
	}
	if stats.Selected == 0 {
		stats.Selected, hint = a.selected()
	}
	return a.numbers.answer(stats, reading, hint)
}

// selected is 1 where a selector takes any line, though none of them was shown to
// the query; else 0, and what there is instead.
func (a *together) selected() (int, string) {
	for _, s := range a.selectors {
		if s.any {
			return 1, ""
		}
	}
	for _, s := range a.selectors {
		if hint := s.pipe.hint(); hint != "" {
			return 0, hint
		}
	}
	return 0, ""
}

// dictionary is the words that questions demand, each once, and the demands in
// its numbers.
type dictionary struct {
	list    []string
	finder  *finder
	demands []demanded
}

type demanded struct {
	demand demand
	known  bool
}

func newDictionary(questions []Question) *dictionary {
	d := &dictionary{}
	numbers := map[string]int{}
	for _, q := range questions {
		one, words, known := demandOfQuery(q.Query)
		if known {
			one = one.renumbered(func(n int) int {
				at, ok := numbers[words[n]]
				if !ok {
					at = len(d.list)
					numbers[words[n]] = at
					d.list = append(d.list, words[n])
				}
				return at
			})
		}
		d.demands = append(d.demands, demanded{one, known})
	}
	d.finder = newFinder(d.list)
	return d
}

// demandOfQuery is met by every line that a query wants: one of several where it
// counts the lines of several.
func demandOfQuery(q Query) (demand, []string, bool) {
	var all []string
	var parts []demand
	for _, log := range logsOf(q) {
		one, words, known := demandOfLog(log)
		if !known {
			return demand{}, nil, false
		}
		from := len(all)
		parts = append(parts, one.renumbered(func(n int) int { return from + n }))
		all = append(all, words...)
	}
	if len(parts) == 1 {
		return parts[0], all, true
	}
	return demand{any: parts}, all, parts != nil
}

// demandOfLog reads what the line filters of a query demand of a line, as it was
// written: filters behind a stage that changes the line do not count.
func demandOfLog(log *Log) (demand, []string, bool) {
	var words []string
	var all []demand
	for _, stage := range log.Stages {
		switch s := stage.(type) {
		case *LineFilter:
			if d, ok := demandOfFilter(s, &words); ok {
				all = append(all, d)
			}
		case *Parser:
			if s.Kind == parseUnpack {
				return demand{all: all}, words, all != nil
			}
		case *LabelFilter, *AddressFilter:
		default:
			return demand{all: all}, words, all != nil
		}
	}
	return demand{all: all}, words, all != nil
}

// demandOfFilter is met by every line that a filter lets pass.
func demandOfFilter(f *LineFilter, words *[]string) (demand, bool) {
	var parts []demand
	for _, value := range f.Values {
		var d demand
		var ok bool
		switch f.Op {
		case "|=":
			text := strings.ToLower(value)
			if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
				return demand{}, false
			}
			d, ok = anyWord([]string{text}, words)
		case "|~":
			var own []string
			if d, own, ok = demandsOf(value); ok {
				d = d.renumbered(func(n int) int {
					at := slices.Index(*words, own[n])
					if at < 0 {
						at = len(*words)
						*words = append(*words, own[n])
					}
					return at
				})
			}
		}
		if !ok {
			return demand{}, false
		}
		parts = append(parts, d)
	}
	return demand{any: parts}, parts != nil
}

// renumbered is the demand with other numbers for its words.
func (d demand) renumbered(number func(int) int) demand {
	several := func(list []demand) []demand {
		out := make([]demand, len(list))
		for i := range list {
			out[i] = list[i].renumbered(number)
		}
		return out
	}
	switch {
	case d.all != nil:
		return demand{all: several(d.all)}
	case d.any != nil:
		return demand{any: several(d.any)}
	}
	return demand{word: number(d.word)}
}

// manyWords is a wordSet of any size.
type manyWords []uint64

func (s manyWords) add(n int)      { s[n>>6] |= 1 << (n & 63) }
func (s manyWords) has(n int) bool { return s[n>>6]&(1<<(n&63)) != 0 }

// metBy is met, for many words.
func (d *demand) metBy(found manyWords) bool {
	switch {
	case d.all != nil:
		for i := range d.all {
			if !d.all[i].metBy(found) {
				return false
			}
		}
		return true
	case d.any != nil:
		for i := range d.any {
			if d.any[i].metBy(found) {
				return true
			}
		}
		return false
	}
	return found.has(d.word)
}
