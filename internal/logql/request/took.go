package request

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// Unit is what a number of a log counts in.
type Unit uint8

// Units of durations.
const (
	None   Unit = iota // the line tells no duration
	Unsaid             // a number, and nothing that says of what
	Seconds
	Millis
	Micros
	Nanos
)

// seconds are how many one of a unit is.
var seconds = map[Unit]float64{Seconds: 1, Millis: 1e-3, Micros: 1e-6, Nanos: 1e-9}

// Took is how long something took, as a line says it.
type Took struct {
	Number float64
	Unit   Unit
	places int8 // decimals that it is written with
}

// Seconds is the duration where the line says its unit; negative otherwise.
func (t Took) Seconds() float64 {
	if f, ok := seconds[t.Unit]; ok {
		return t.Number * f
	}
	return -1
}

// durations are names of fields that hold a duration; what is behind the name
// may say its unit. Those whose unit is fixed by who writes them: nginx counts
// request_time in seconds, pino and morgan responseTime in milliseconds.
var durations = map[string]Unit{
	"duration": Unsaid, "latency": Unsaid, "elapsed": Unsaid, "took": Unsaid, "response_time": Unsaid, "runtime": Unsaid, "time_taken": Unsaid,
	"total_time": Unsaid, "processing_time": Unsaid, "request_duration": Unsaid, "request_latency": Unsaid, "http_duration": Unsaid, "resp_time": Unsaid,
	"event_duration": Nanos, "process_time": Seconds, "request_time": Seconds, "requestTime": Seconds, "rt": Seconds, "upstream_response_time": Seconds,
	"responseTime": Millis, "meta_responseTime": Millis, "ElapsedMilliseconds": Millis, "Elapsed": Millis, "Duration": Nanos,
}

var unitEnds = []struct {
	end  string
	unit Unit
}{
	{"_ms", Millis}, {"_millis", Millis}, {"_milliseconds", Millis}, {"Ms", Millis}, {"Millis", Millis},
	{"_us", Micros}, {"_micros", Micros}, {"_usec", Micros}, {"_ns", Nanos}, {"_nanos", Nanos},
	{"_s", Seconds}, {"_sec", Seconds}, {"_secs", Seconds}, {"_seconds", Seconds}, {"Seconds", Seconds},
}

// named are all names of durations, with and without a unit at their end.
var named = func() map[string]Unit {
	out := map[string]Unit{}
	for name, unit := range durations {
		out[name] = unit
		for _, e := range unitEnds {
			out[name+e.end] = e.unit
		}
	}
	return out
}()

// tookOf reads a field; false where it is no duration of the whole.
func tookOf(f Field) (Took, bool) {
	unit, known := named[string(f.Name)]
	if !known || len(f.Value) == 0 || len(f.Value) > 40 {
		return Took{}, false
	}
	return measured(string(f.Value), unit)
}

// units as people write them behind a number.
var units = map[string]Unit{
	"ns": Nanos, "us": Micros, "µs": Micros, "μs": Micros, "ms": Millis, "msec": Millis, "millis": Millis, "milliseconds": Millis, "millisecond": Millis,
	"s": Seconds, "sec": Seconds, "secs": Seconds, "second": Seconds, "seconds": Seconds,
}

// measured reads a number, with a unit behind it or without.
func measured(text string, unit Unit) (Took, bool) {
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i > 0 {
		said, ok := units[strings.TrimSpace(text[i:])]
		if !ok {
			return Took{}, false
		}
		text, unit = text[:i], said
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 {
		return Took{}, false
	}
	t := Took{Number: n, Unit: unit}
	if dot := strings.IndexByte(text, '.'); dot >= 0 {
		t.places = int8(min(len(text)-dot-1, 9))
	}
	return t, true
}

var (
	// nginx's own variables, and what people call them in a log_format.
	spelt = regexp.MustCompile(`\b(?:rt|request_time|req_time|rtime|duration|took|elapsed|response_time|latency|time)[=:] ?"?([0-9]+(?:\.[0-9]+)?) ?(ns|[uµμ]s|ms|sec|s)?\b`)
	// a number with its unit, behind the status.
	united = regexp.MustCompile(`(?:^|[\s(\[|,"])([0-9]+(?:\.[0-9]+)?) ?(ns|[uµμ]s|ms|msec|secs?|seconds?|s)\b`)
	// $request_time, at the end of a line of the combined format.
	trailing = regexp.MustCompile(`" ([0-9]+\.[0-9]{3})\b`)
)

func maySpell(text []byte) bool {
	for _, word := range [...]string{"time", "rt=", "rt:", "took", "duration", "elapsed", "latency"} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// mayUnite finds a digit before the first letter of a unit.
func mayUnite(text []byte) bool {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case 'n', 'u', 'm', 's', 0xc2, 0xce: // the first bytes of µ and μ
			if isDigit(text[i-1]) || text[i-1] == ' ' && i > 1 && isDigit(text[i-2]) {
				return true
			}
		}
	}
	return false
}

// mayTrail finds a number behind a quote.
func mayTrail(text []byte) bool {
	for {
		i := bytes.Index(text, []byte(`" `))
		if i < 0 || i+2 >= len(text) {
			return false
		}
		if isDigit(text[i+2]) {
			return true
		}
		text = text[i+1:]
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// tookFrom reads the duration of a line of text; end is where its status stands.
func tookFrom(text []byte, end int) Took {
	for _, e := range []struct {
		is   *regexp.Regexp
		may  func([]byte) bool // cheap, and true wherever is may match
		from int
		unit Unit
	}{{spelt, maySpell, 0, Seconds}, {united, mayUnite, end, Unsaid}, {trailing, mayTrail, end, Seconds}} {
		if !e.may(text[e.from:]) {
			continue
		}
		m := e.is.FindSubmatch(text[e.from:])
		if m == nil {
			continue
		}
		number := string(m[1])
		if len(m) > 2 && len(m[2]) > 0 {
			number += string(m[2])
		} else if e.is.NumSubexp() == 2 && !bytes.Contains(m[1], []byte(".")) {
			e.unit = Unsaid // "time=12" may be anything
		}
		if t, ok := measured(number, e.unit); ok {
			return t
		}
	}
	return Took{}
}
