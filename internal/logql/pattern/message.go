package pattern

// Label is a name and a value that came with a message, such as service=shop.
type Label struct{ Name, Value []byte }

// Message is one log record as a miner sees it. The miner keeps none of its
// bytes beyond the call.
type Message struct {
	Text   []byte  // the message, or the whole line; a trace follows in further lines
	Level  string  // canonical, in lower case; empty where it is not known
	Error  bool    // the level means that something failed
	Time   int64   // nanoseconds since 1970; 0 where the record bears none
	Labels []Label // the miner does not look at them; spike.Collector does
}

// Config bounds a miner. The zero value is ready to use.
type Config struct {
	// Split parts the recent messages, later than it, from those before
	// (nanoseconds since 1970). Zero calls all messages recent.
	Split int64
	// Shapes is how many shapes are kept over all; 8192 (about 16 MB when all
	// are in use).
	Shapes int
	// Family is how many shapes of one family are kept; 2048.
	Family int
	// Tokens is how many tokens of a message its shape looks at; 96.
	Tokens int
}

func (c Config) filled() Config {
	for _, f := range []struct {
		field *int
		value int
	}{{&c.Shapes, 8192}, {&c.Family, 2048}, {&c.Tokens, 96}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return c
}

// Stats says what a miner looked at.
type Stats struct {
	Messages int // all
	Shapes   int // kept
	// Guessed are messages of shapes beyond the bound of their family: each is
	// counted to the template that has most shapes of that family.
	Guessed int
	// Lost are messages of shapes beyond Config.Shapes: in no template.
	Lost int
}

// Template is a family of messages that differ only in their variable parts.
type Template struct {
	Text        string // with <*> for what varies; "⏎" parts the lines of a trace
	Count       int    // recent messages
	Before      int    // those before the split
	Errors      int    // messages, of both, whose level means that something failed
	First, Last int64  // nanoseconds since 1970; 0 where no message bears a time
	Level       string // the most frequent one; may be empty
	Levels      []Counted
	Samples     []Sample // up to three different messages, oldest first
	Holes       []Hole   // what stood in each <*> of Text, in order
	Times       Series   // messages over time
	Guessed     int      // messages of Count and Before that are only probably of this template
}

// Total is the number of messages, recent or not.
func (t *Template) Total() int { return t.Count + t.Before }

// New reports whether the template occurs only in the recent time.
func (t *Template) New() bool { return t.Before == 0 }

// Counted is a name and how often it occurred.
type Counted struct {
	Name  string
	Count int
}

// Sample is one message as it was written, cut at 300 bytes.
type Sample struct {
	Time int64
	Text string
}

// Hole says what stood at one variable position. Of each shape of messages the
// first eight holes are looked at.
type Hole struct {
	// Distinct is how many different values were seen. Where Exact is false it is
	// an estimate, within about a quarter, or a lower bound where messages were
	// counted without their values.
	Distinct int
	Exact    bool
	// Top are the most frequent values, at most five. Where Exact is false, a
	// value that stands for less than about a tenth of the messages may be missing,
	// and counts are estimates.
	Top []Value
}

// Value is one value of a hole.
type Value struct {
	Text   string // cut at 64 bytes
	Count  int    // recent
	Before int
}
