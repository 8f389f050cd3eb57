package logfile

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// clock reads the time that a line bears, in the formats that loggers use.
type clock struct {
	zone *time.Location // of times without a zone
	now  time.Time      // for times without a year
}

// How far into a line its time may begin, in bytes: addresses and host names
// stand before it. In brackets it may stand further on (access logs). Within a
// frame that has a time of its own only a level or a process may: what follows
// later is what a message speaks of.
const (
	timeWithin    = 48
	bracketWithin = 128
	framedWithin  = 12
)

// maxYear keeps times within 64 bits of nanoseconds.
const maxYear = 2200

// text finds the time of a line of plain text or logfmt, in nanoseconds since
// 1970. An indented line bears none: it goes on from the line before.
func (c clock) text(line []byte) (int64, bool) { return c.find(line, timeWithin) }

// inner is the time of a record that a frame stamped at the given time: its own
// where it has one, else the frame's. A time ahead of the frame's is one that
// the message speaks of; the zone that is set may be wrong by half a day.
func (c clock) inner(line []byte, frame int64) int64 {
	var t int64
	var ok bool
	if isObject(line) {
		t, ok = c.json(line)
	} else {
		t, ok = c.find(line, framedWithin)
	}
	if ok && (frame == 0 || t <= frame+int64(14*time.Hour)) {
		return t
	}
	return frame
}

func (c clock) find(line []byte, within int) (int64, bool) {
	if len(line) < 10 || line[0] == ' ' || line[0] == '\t' {
		return 0, false
	}
	if t, ok := c.start(line); ok {
		return t, true
	}
	for i := 0; i < len(line)-10 && i < bracketWithin; i++ {
		var before byte = ' '
		if i > 0 {
			before = line[i-1]
		}
		bracket := before == '['
		if i > within && !bracket {
			continue
		}
		ch := line[i]
		if ch == '\n' {
			return 0, false
		}
		if !opensTime(before) || !isDigit(ch) && !isUpper(ch) {
			continue
		}
		if t, _, ok := c.stamp(line[i:]); ok && (isDigit(ch) || bracket || before == '=' || before == '"') {
			return t, true
		}
		if isDigit(ch) && (before == '=' || before == '"') {
			if t, ok := epochAfterKey(line, i); ok {
				return t, true
			}
		}
	}
	return 0, false
}

// opensTime knows what may stand right before a time.
func opensTime(c byte) bool {
	switch c {
	case ' ', '\t', '[', '(', '|', '>', '=', '"', '\'', ':', ',', ';':
		return true
	}
	return false
}

// stamp reads one of the forms that name a day and a time of it whole, at the
// start of b, and returns how many bytes it took.
func (c clock) stamp(b []byte) (int64, int, bool) {
	if len(b) < 10 {
		return 0, 0, false
	}
	if isDigit(b[0]) {
		for _, form := range [...]func(clock, []byte) (int64, int, bool){
			clock.iso, clock.dayFirst, clock.basic, clock.slashed,
		} {
			if t, n, ok := form(c, b); ok {
				return t, n, true
			}
		}
		return 0, 0, false
	}
	if !isUpper(b[0]) {
		return 0, 0, false
	}
	skip := 0
	if isWeekday(b) { // Sat Nov 21 22:00:00 2026; Sat, 21 Nov 2026 22:00:00 GMT; Sat 2026-11-21 22:00:00 UTC
		for skip = 3; skip < len(b) && b[skip] >= 'a' && b[skip] <= 'z'; skip++ {
		}
		if skip < len(b) && b[skip] == ',' {
			skip++
		}
		if skip+1 >= len(b) || b[skip] != ' ' {
			return 0, 0, false
		}
		skip++
		if isDigit(b[skip]) {
			t, n, ok := c.dayFirst(b[skip:])
			if !ok {
				t, n, ok = c.iso(b[skip:])
			}
			return t, skip + n, ok
		}
	}
	t, n, ok := c.monthFirst(b[skip:])
	return t, skip + n, ok
}

// start reads the formats that stand only at the start of a line.
func (c clock) start(line []byte) (int64, bool) {
	if line[0] == '<' { // syslog priority
		if _, n, ok := priority(line); ok && len(line) > n+16 {
			line = line[n:]
		}
	}
	switch {
	case isUpper(line[0]):
		if t, _, ok := c.stamp(line); ok {
			return t, true
		}
		return c.klog(line)
	case line[0] == '[':
		return c.bracketed(line)
	case isDigit(line[0]):
		return c.bare(line)
	}
	return 0, false
}

// bare reads forms that are digits only, and so must be the first thing of a
// line: seconds since 1970, 081109 203615 and 11-21 22:00:00.123.
func (c clock) bare(line []byte) (int64, bool) {
	n := 0
	for n < len(line) && isDigit(line[n]) {
		n++
	}
	if n == len(line) {
		return 0, false
	}
	switch {
	case n == 2 && line[2] == '-':
		return c.dayOfYear(line, '-')
	case n == 6 && line[6] == ' ':
		return c.sixes(line)
	case n >= 10 && (line[n] == ' ' || line[n] == '.' || line[n] == '\t' || line[n] == '|' || line[n] == ','):
		end := n
		for end < len(line) && (isDigit(line[end]) || line[end] == '.') {
			end++
		}
		return c.recent(epoch(string(line[:end])))
	}
	return 0, false
}

// recent takes a number for a time only when it is one of the last years: a
// line may begin with any number.
func (c clock) recent(t int64, ok bool) (int64, bool) {
	if !ok || t > c.now.Add(24*time.Hour).UnixNano() || t < c.now.AddDate(-5, 0, 0).UnixNano() {
		return 0, false
	}
	return t, true
}

// bracketed reads [1763762400] and [11.21 22:00:00] at the start of a line; the
// forms that name a year are found in any bracket.
func (c clock) bracketed(line []byte) (int64, bool) {
	end := bytes.IndexByte(line[:min(len(line), 32)], ']')
	if end < 10 {
		return 0, false
	}
	inside := line[1:end]
	if inside[2] == '.' {
		return c.dayOfYear(inside, '.')
	}
	return c.recent(epoch(string(inside)))
}

// iso reads 2026-11-21T22:00:00.123Z and its relatives, with "/" or "." in the
// date, a blank for the T, a comma before the fraction, dots in the time after
// a "-" (DB2, Blue Gene), and the zone as zoneAt reads it. It returns how many
// bytes it took.
func (c clock) iso(b []byte) (int64, int, bool) {
	if len(b) < 19 || b[4] != '-' && b[4] != '/' && b[4] != '.' || b[7] != b[4] {
		return 0, 0, false
	}
	switch b[10] {
	case 'T', ' ', 't', '_', '-', ':':
	default:
		return 0, 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	h, m, s, ok4 := hms(b[11:])
	if !ok1 || !ok2 || !ok3 || !ok4 || year < 1970 || year > maxYear || !isDay(year, month, day) {
		return 0, 0, false
	}
	end, nanos := fraction(b, 19)
	if end < len(b) && isDigit(b[end]) {
		return 0, 0, false
	}
	zone, end := c.zoneAt(b, end)
	return instant(year, month, day, h, m, s, nanos, zone), end, true
}

// dayFirst reads 21/Nov/2026:22:00:00 +0000, 21 Nov 2026 22:00:00.123 and
// 21-Nov-2026 22:00:00.123.
func (c clock) dayFirst(b []byte) (int64, int, bool) {
	if len(b) < 19 {
		return 0, 0, false
	}
	if b[1] == ' ' { // a day below ten without a zero
		b = append([]byte{'0'}, b[:min(len(b), maxStamp)]...)
		t, n, ok := c.dayFirst(b)
		return t, n - 1, ok
	}
	if len(b) < 20 || b[2] != '/' && b[2] != ' ' && b[2] != '-' || b[6] != b[2] || b[11] != ':' && b[11] != ' ' {
		return 0, 0, false
	}
	day, ok1 := digits(b[0:2])
	month := monthOf(b[3:6])
	year, ok2 := digits(b[7:11])
	h, m, s, ok3 := hms(b[12:])
	if !ok1 || !ok2 || !ok3 || year < 1970 || year > maxYear || !isDay(year, month, day) {
		return 0, 0, false
	}
	end, nanos := fraction(b, 20)
	zone, end := c.zoneAt(b, end)
	return instant(year, month, day, h, m, s, nanos, zone), end, true
}

// basic reads 20261121T220000Z, 20261121-22:00:00:123 and 20261121 22:00:00.
func (c clock) basic(b []byte) (int64, int, bool) {
	if len(b) < 15 || b[8] != 'T' && b[8] != '-' && b[8] != ' ' {
		return 0, 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[4:6])
	day, ok3 := digits(b[6:8])
	if !ok1 || !ok2 || !ok3 || year < 1970 || year > maxYear || !isDay(year, month, day) {
		return 0, 0, false
	}
	h, m, s, ok := hms(b[9:])
	end := 17
	if !ok {
		if b[8] == ' ' {
			return 0, 0, false // two numbers
		}
		h, m, s, ok = packed(b[9:15])
		end = 15
	}
	if !ok || end < len(b) && isDigit(b[end]) {
		return 0, 0, false
	}
	end, nanos := fraction(b, end)
	if end+1 < len(b) && b[end] == ':' && isDigit(b[end+1]) { // milliseconds after a colon
		end, nanos = fractionAt(b, end)
	}
	zone, end := c.zoneAt(b, end)
	return instant(year, month, day, h, m, s, nanos, zone), end, true
}

// slashed reads 11/21/2026 10:00:00 PM, month first as in the United States
// unless that is no month, and 26/11/21 22:00:00 of Spark, year first.
func (c clock) slashed(b []byte) (int64, int, bool) {
	at, year, month, day := 0, 0, 0, 0
	switch {
	case len(b) >= 19 && b[2] == '/' && b[5] == '/' && b[10] == ' ' || len(b) >= 20 && b[2] == '/' && b[5] == '/' && b[10] == ',' && b[11] == ' ':
		first, ok1 := digits(b[0:2])
		second, ok2 := digits(b[3:5])
		y, ok3 := digits(b[6:10])
		if !ok1 || !ok2 || !ok3 {
			return 0, 0, false
		}
		if year, month, day, at = y, first, second, 11; first > 12 {
			month, day = second, first
		}
		if b[10] == ',' {
			at = 12
		}
	case len(b) >= 17 && b[2] == '/' && b[5] == '/' && b[8] == ' ':
		y, ok1 := digits(b[0:2])
		m, ok2 := digits(b[3:5])
		d, ok3 := digits(b[6:8])
		if !ok1 || !ok2 || !ok3 {
			return 0, 0, false
		}
		year, month, day, at = 2000+y, m, d, 9
	default:
		return 0, 0, false
	}
	h, m, s, ok := hms(b[at:])
	if !ok || year < 1970 || year > maxYear || !isDay(year, month, day) {
		return 0, 0, false
	}
	end, nanos := fraction(b, at+8)
	if half := b[end:]; len(half) >= 3 && half[0] == ' ' && (half[1] == 'A' || half[1] == 'P') && half[2] == 'M' && h <= 12 {
		if h %= 12; half[1] == 'P' {
			h += 12
		}
		end += 3
	}
	zone, end := c.zoneAt(b, end)
	return instant(year, month, day, h, m, s, nanos, zone), end, true
}

// sixes reads 081109 203615 of HDFS and 261121 22:00:00 of old MySQL.
func (c clock) sixes(b []byte) (int64, bool) {
	if len(b) < 14 {
		return 0, false
	}
	year, _ := digits(b[0:2])
	month, _ := digits(b[2:4])
	day, _ := digits(b[4:6])
	h, m, s, ok := hms(b[7:])
	if !ok {
		if h, m, s, ok = packed(b[7:13]); b[13] != ' ' {
			return 0, false
		}
	}
	if !ok || !isDay(2000+year, month, day) {
		return 0, false
	}
	return instant(2000+year, month, day, h, m, s, 0, c.zone), true
}

// dayOfYear reads 11-21 22:00:00.123 of Android and 11.21 22:00:00 in brackets.
func (c clock) dayOfYear(b []byte, mark byte) (int64, bool) {
	if len(b) < 14 || b[2] != mark || b[5] != ' ' {
		return 0, false
	}
	month, ok1 := digits(b[0:2])
	day, ok2 := digits(b[3:5])
	h, m, s, ok3 := hms(b[6:])
	if !ok1 || !ok2 || !ok3 || !isDay(2000, month, day) {
		return 0, false
	}
	_, nanos := fraction(b, 14)
	return c.withYear(month, day, h, m, s, nanos), true
}

// monthFirst reads Nov 21 22:00:00, with a year after it or before the time, or
// without. Without one it is the year that puts it at most a day ahead of now.
func (c clock) monthFirst(b []byte) (int64, int, bool) {
	if len(b) < 15 || b[3] != ' ' {
		return 0, 0, false
	}
	month := monthOf(b[:3])
	day, at := 0, 0
	switch {
	case month == 0:
		return 0, 0, false
	case isDigit(b[4]) && b[5] == ' ': // a day below ten, not padded
		day, at = int(b[4]-'0'), 6
	case b[6] == ' ' || b[6] == ',':
		pad := 0
		if b[4] == ' ' {
			pad = 1
		}
		var ok bool
		if day, ok = digits(b[4+pad : 6]); !ok {
			return 0, 0, false
		}
		at = 7
		if b[6] == ',' { // Nov 21, 2026 22:00:00
			at = 8
		}
	default:
		return 0, 0, false
	}
	year := 0
	if len(b) >= at+13 && b[at+4] == ' ' {
		if y, ok := digits(b[at : at+4]); ok {
			year, at = y, at+5
		}
	}
	if len(b) < at+8 || !isDay(2000, month, day) {
		return 0, 0, false
	}
	h, m, s, ok := hms(b[at:])
	if !ok {
		return 0, 0, false
	}
	end, nanos := fraction(b, at+8)
	zone, end := c.zoneAt(b, end)
	if year == 0 && len(b) >= end+5 && b[end] == ' ' && (len(b) == end+5 || !isDigit(b[end+5]) && b[end+5] != '-' && b[end+5] != '.') {
		if y, ok := digits(b[end+1 : end+5]); ok && y >= 1970 && y <= maxYear {
			year, end = y, end+5
		}
	}
	if year != 0 {
		if year < 1970 || year > maxYear {
			return 0, 0, false
		}
		return instant(year, month, day, h, m, s, nanos, zone), end, true
	}
	return c.withYear(month, day, h, m, s, nanos), end, true
}

// klog reads E1121 22:00:00.123456, and E20261121 22:00:00.123456 of glog.
func (c clock) klog(b []byte) (int64, bool) {
	year, at := 0, 1
	if len(b) >= 18 && b[9] == ' ' {
		var ok bool
		if year, ok = digits(b[1:5]); !ok || year < 1970 || year > maxYear {
			return 0, false
		}
		at = 5
	}
	if len(b) < at+13 || b[at+4] != ' ' {
		return 0, false
	}
	month, ok1 := digits(b[at : at+2])
	day, ok2 := digits(b[at+2 : at+4])
	h, m, s, ok3 := hms(b[at+5:])
	if !ok1 || !ok2 || !ok3 || !isDay(2000, month, day) {
		return 0, false
	}
	_, nanos := fraction(b, at+13)
	if year != 0 {
		return instant(year, month, day, h, m, s, nanos, c.zone), true
	}
	return c.withYear(month, day, h, m, s, nanos), true
}

func (c clock) withYear(month, day, h, m, s, nanos int) int64 {
	year := c.now.In(c.zone).Year()
	t := instant(year+1, month, day, h, m, s, nanos, c.zone)
	for t > c.now.Add(24*time.Hour).UnixNano() {
		year--
		t = instant(year+1, month, day, h, m, s, nanos, c.zone)
	}
	return t
}

// instant is time.Date without its cost where the zone is UTC.
func instant(year, month, day, h, m, s, nanos int, zone *time.Location) int64 {
	if zone != time.UTC {
		return time.Date(year, time.Month(month), day, h, m, s, nanos, zone).UnixNano()
	}
	// Days since 1970 of the proleptic Gregorian calendar, counted in years that
	// begin in March, so that the leap day comes last.
	y, mm := year, month-3
	if month < 3 {
		y, mm = year-1, month+9
	}
	days := 365*y + y/4 - y/100 + y/400 + (153*mm+2)/5 + day - 1 - 719468
	return (int64(days)*86400+int64(h*3600+m*60+s))*1e9 + int64(nanos)
}

// hms reads 22:00:00, and 22.00.00.
func hms(b []byte) (h, m, s int, ok bool) {
	if len(b) < 8 || b[2] != ':' && b[2] != '.' || b[5] != b[2] {
		return 0, 0, 0, false
	}
	h, ok1 := digits(b[0:2])
	m, ok2 := digits(b[3:5])
	s, ok3 := digits(b[6:8])
	return h, m, s, ok1 && ok2 && ok3 && h < 24 && m < 60 && s <= 60
}

// packed reads 220000.
func packed(b []byte) (h, m, s int, ok bool) {
	if len(b) < 6 {
		return 0, 0, 0, false
	}
	h, ok1 := digits(b[0:2])
	m, ok2 := digits(b[2:4])
	s, ok3 := digits(b[4:6])
	return h, m, s, ok1 && ok2 && ok3 && h < 24 && m < 60 && s <= 60
}

// isDay reports whether a month has such a day.
func isDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	switch month {
	case 4, 6, 9, 11:
		return day <= 30
	case 2:
		leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
		return day <= 28 || leap && day == 29
	}
	return true
}

func isWeekday(b []byte) bool {
	switch string(b[:3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// fraction reads .123 or ,123 at b[i:]; digits beyond the ninth are dropped.
func fraction(b []byte, i int) (end, nanos int) {
	if i >= len(b) || b[i] != '.' && b[i] != ',' {
		return i, 0
	}
	return fractionAt(b, i)
}

// fractionAt reads the digits after b[i], whatever that is.
func fractionAt(b []byte, i int) (end, nanos int) {
	end = i + 1
	scale := 100_000_000
	for end < len(b) && isDigit(b[end]) {
		nanos += int(b[end]-'0') * scale
		scale /= 10
		end++
	}
	if end == i+1 {
		return i, 0
	}
	return end, nanos
}

func digits(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}

func monthOf(b []byte) int {
	switch string(b) {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// epochAfterKey reads ts=1763762400.123 of logfmt.
func epochAfterKey(line []byte, i int) (int64, bool) {
	key := i - 1
	for key > 0 && (line[key-1] == '=' || line[key-1] == '"') {
		key--
	}
	start := key
	for start > 0 && line[start-1] > ' ' {
		start--
	}
	if !isTimeKey(line[start:key]) {
		return 0, false
	}
	end := i
	for end < len(line) && line[end] > ' ' && line[end] != '"' {
		end++
	}
	return epoch(string(line[i:end]))
}

// Years that a number is taken for a time of, in seconds since 1970: 2000 to
// 2199. They keep the four units apart, and most other numbers out.
const (
	oldest = 946_684_800
	latest = 7_258_118_399
)

// epoch reads seconds, milliseconds, microseconds or nanoseconds since 1970,
// told apart by size, with decimals or without.
func epoch(text string) (int64, bool) {
	whole, decimals, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return exponent(text)
	}
	for unit := int64(1e9); unit >= 1; unit /= 1e3 {
		per := int64(1e9) / unit
		if n < oldest*per || n/per > latest {
			continue
		}
		t := n * unit
		for _, c := range []byte(decimals) {
			if !isDigit(c) {
				return 0, false
			}
			unit /= 10
			t += int64(c-'0') * unit
		}
		return t, true
	}
	return 0, false
}

// exponent reads 1.7637624e+09, as some encoders write floats.
func exponent(text string) (int64, bool) {
	if !strings.ContainsAny(text, "eE") || len(text) > 32 || !isDigit(text[0]) {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < oldest || v > latest*1e9 {
		return 0, false
	}
	return epoch(strconv.FormatFloat(v, 'f', 6, 64))
}
