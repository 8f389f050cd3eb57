package spike

import "github.com/quellhq/quell/internal/logql/pattern"

// Question says what to compare. Times are nanoseconds since 1970.
type Question struct {
	// Start and End bound the time that was read: (Start, End]. The time without
	// any message within it counts as time. Zero takes what the messages say.
	Start, End int64
	// Split parts before from after. Zero takes the onset of errors, or, where no
	// message failed, that of all messages.
	Split int64
	// Least is how many messages make a rise; 5.
	Least int
	// FalseShare is the share of false finds that is put up with among what is
	// reported as risen or vanished (Benjamini–Hochberg); 0.01.
	FalseShare float64
	// Rule asks for the seed rule too: five minutes above three times the mean
	// five minutes of the hour.
	Rule bool
}

// Verdict is the answer in a word.
type Verdict string

// The verdicts.
const (
	Rose       Verdict = "rose"
	Nothing    Verdict = "nothing rose"
	CannotTell Verdict = "cannot tell"
)

// Report says what changed.
type Report struct {
	Verdict  Verdict
	Reason   string // why nothing rose, or why it cannot be told
	Onset    int64  // when it began; 0 where no onset was found
	Over     int64  // when it was over; 0 where it lasts
	Ramp     bool   // it grew slowly: there is no moment at which it began
	Subject  string // what the onset is of: "errors" or "lines"
	Split    int64  // what before and after are parted by; 0 where nothing is
	Before   Span
	After    Span
	New      []Change // templates first seen after the split
	Risen    []Change
	Vanished []Change
	Labels   []Shift  // label values that take a larger share after it
	Dropped  []string // labels with too many values to compare
	Rule     *Rule
	Notes    []string
}

// Span is one side of the comparison.
type Span struct {
	Start, End int64
	Seconds    float64 // without gaps
	Lines      int
	Errors     int
}

// Change is one template before and after.
type Change struct {
	Template pattern.Template
	Before   int
	After    int
	Expected float64 // after, had it gone on as before
	Onset    int64   // when this template began to come more often; 0 where there is no such moment
	P        float64 // chance to see this much by accident
}

// Shift is one label value before and after, among the subject of the report.
type Shift struct {
	Name, Value string
	Before      int
	After       int
	ShareBefore float64 // of all with this label, 0 to 1
	ShareAfter  float64
	// Against says what After is compared with: "before", or, where too little
	// of the subject was there before, "other lines" of the same time.
	Against string
	G       float64 // likelihood ratio statistic, one degree of freedom
	P       float64
}

// Rule is the answer of the seed rule: the last five minutes hold more than
// three times the mean five minutes of the last hour.
type Rule struct {
	Fired  bool
	Known  bool // false where the rule cannot be evaluated; Caveat says why
	Recent int
	Mean   float64 // of five minutes, over the hour
	Caveat string
}

// Report compares. It may be called again after more messages.
func (c *Collector) Report(q Question) Report { return c.report(q) }
