package logql

import "fmt"

// What a stage that cannot read a line writes into __error__, as LogQL names it.
const (
	faultJSON     = "JSONParserErr"
	faultLogfmt   = "LogfmtParserErr"
	faultFilter   = "LabelFilterErr"
	faultSample   = "SampleExtractionErr"
	faultTemplate = "TemplateFormatErr"
)

const (
	errorLabel   = "__error__"
	detailsLabel = "__error_details__"
)

// rules are those of the log's dialect. A query that asks for lines with faults
// (__error__ != "") gets them in every dialect: left out, they could not be found.
func (l *Log) rules() rules {
	r := l.Dialect.rules()
	for _, stage := range l.Stages {
		if f, ok := stage.(*LabelFilter); ok {
			eachCompare(f.Cond, func(c *Compare) {
				if c.Kind == Text && (c.Name == errorLabel || c.Name == detailsLabel) && c.refusesEmpty() {
					r.skipFaults, r.otherFormats = false, false
				}
			})
		}
	}
	return r
}

// refusesEmpty reports whether a comparison with a text fails where the label is
// missing.
func (c *Compare) refusesEmpty() bool {
	test, err := Matcher{Name: c.Name, Op: c.Op, Value: c.Text}.compile(true)
	return err == nil && !test(nil)
}

// unreadable is what becomes of a line that a stage cannot read: it is counted
// and left out, or it stays and bears the fault as labels.
func (r rules) unreadable(l *labelSet, fault, details string) verdict {
	if r.skipFaults {
		return broken
	}
	l.set(errorLabel, []byte(fault))
	if details != "" {
		l.set(detailsLabel, []byte(details))
	}
	return yes
}

// faulty reports whether an earlier stage could not read the line. Then only
// filters on texts may still drop it.
func (l *labelSet) faulty() bool { return l.exact && l.index(errorLabel) >= 0 }

// pipelineError is how a metric query ends on a sample with __error__: counted
// along, such lines would falsify the figures without a word.
func (j *rangeJob) pipelineError(fault []byte) error {
	l := j.pipe.labels
	details, _ := l.get(detailsLabel)
	return fmt.Errorf("%s: a line of {%s} could not be read (%s), and strict LogQL does not count such lines in silence: add | __error__=\"\" before the range to leave them out",
		fault, j.pipe.streamText(), details)
}

// streamText writes the labels of the stream at hand.
func (p *pipeline) streamText() string {
	text := ""
	for i, name := range sortedNames(p.record.Stream.Labels) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s=%q", name, p.record.Stream.Labels[name])
	}
	return text
}
