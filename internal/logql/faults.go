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
