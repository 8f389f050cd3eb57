package logfile

import (
	"math"
	"strconv"
	"time"
)

// clock reads the time that a line bears, in the formats that loggers use.
type clock struct {
	zone *time.Location // of times without a zone
	now  time.Time      // for times without a year
}

// How far into a line its time may begin, in bytes: addresses and host names
// stand before it. In brackets it may stand further on (access logs).
const (
	timeWithin    = 40
	bracketWithin = 128
)

// maxYear keeps times within 64 bits of nanoseconds.
const maxYear = 2200

// text finds the time of a line of plain text or logfmt, in nanoseconds since
// 1970. An indented line bears none: it goes on from the line before.
func (c clock) text(line []byte) (int64, bool) {
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
		if i > timeWithin && !bracket {
			continue
		}
		switch ch := line[i]; {
		case ch == '\n':
			return 0, false
		case before != ' ' && before != '[' && before != '|' && before != '>' && before != '=' && before != '"' && before != ':':
			continue
		case ch >= '0' && ch <= '9':
			if t, _, ok := c.iso(line[i:]); ok {
				return t, true
			}
			if t, ok := c.dayFirst(line[i:]); ok {
				return t, true
			}
			if before == '=' || before == '"' {
				if t, ok := epochAfterKey(line, i); ok {
					return t, true
				}
			}
		case bracket && isUpper(ch):
			// [Sat Nov 21 22:00:00.123 2026]
			if len(line) > i+4 && line[i+3] == ' ' {
				if t, ok := c.monthFirst(line[i+4:]); ok {
					return t, true
				}
			}
		}
	}
	return 0, false
}

// start reads the formats that stand only at the start of a line.
func (c clock) start(line []byte) (int64, bool) {
	if line[0] == '<' { // syslog priority
		for i := 1; i < 5 && i < len(line); i++ {
			if line[i] == '>' && len(line) > i+16 {
				line = line[i+1:]
				break
			}
		}
	}
	if isUpper(line[0]) {
		if t, ok := c.monthFirst(line); ok {
			return t, true
		}
		return c.klog(line)
	}
	n := 0
	for n < len(line) && line[n] >= '0' && line[n] <= '9' {
		n++
	}
	if (n == 10 || n == 13) && n < len(line) && (line[n] == ' ' || line[n] == '.') {
		end := n
		for end < len(line) && line[end] != ' ' {
			end++
		}
		return epoch(string(line[:end]))
	}
	return 0, false
}

// iso reads 2026-11-21T22:00:00.123Z and its relatives, with "/" in the date, a
// blank for the T, a comma before the fraction, and the zone as Z, +01:00,
// +0100, +01, UTC, GMT or none. It returns how many bytes it took.
func (c clock) iso(b []byte) (int64, int, bool) {
	if len(b) < 19 || b[4] != '-' && b[4] != '/' || b[7] != b[4] || b[10] != 'T' && b[10] != ' ' && b[10] != 't' && b[10] != '_' {
		return 0, 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	h, m, s, ok4 := hms(b[11:])
	if !ok1 || !ok2 || !ok3 || !ok4 || year < 1970 || year > maxYear || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, 0, false
	}
	end, nanos := fraction(b, 19)
	zone, end := c.zoneAt(b, end)
	return instant(year, month, day, h, m, s, nanos, zone), end, true
}

// dayFirst reads 21/Nov/2026:22:00:00 +0000 and 21 Nov 2026 22:00:00.123.
func (c clock) dayFirst(b []byte) (int64, bool) {
	if len(b) < 20 || b[2] != '/' && b[2] != ' ' || b[6] != b[2] || b[11] != ':' && b[11] != ' ' {
		return 0, false
	}
	day, ok1 := digits(b[0:2])
	month := monthOf(b[3:6])
	year, ok2 := digits(b[7:11])
	h, m, s, ok3 := hms(b[12:])
	if !ok1 || !ok2 || !ok3 || month == 0 || year < 1970 || year > maxYear {
		return 0, false
	}
	end, nanos := fraction(b, 20)
	zone, _ := c.zoneAt(b, end)
	return instant(year, month, day, h, m, s, nanos, zone), true
}

// monthFirst reads Nov 21 22:00:00, with a year after it or without. Without
// one it is the year that puts it at most a day ahead of now.
func (c clock) monthFirst(b []byte) (int64, bool) {
	if len(b) < 15 || b[3] != ' ' || b[6] != ' ' {
		return 0, false
	}
	month := monthOf(b[:3])
	dayText := b[4:6]
	if dayText[0] == ' ' {
		dayText = dayText[1:]
	}
	day, ok1 := digits(dayText)
	h, m, s, ok2 := hms(b[7:])
	if month == 0 || !ok1 || !ok2 {
		return 0, false
	}
	end, nanos := fraction(b, 15)
	if len(b) >= end+5 && b[end] == ' ' {
		if year, ok := digits(b[end+1 : end+5]); ok && year > 1970 && year < maxYear && (len(b) == end+5 || b[end+5] == ']' || b[end+5] == ' ') {
			return instant(year, month, day, h, m, s, nanos, c.zone), true
		}
	}
	return c.withYear(month, day, h, m, s, nanos), true
}

// klog reads E1121 22:00:00.123456.
func (c clock) klog(b []byte) (int64, bool) {
	if len(b) < 14 || b[5] != ' ' {
		return 0, false
	}
	month, ok1 := digits(b[1:3])
	day, ok2 := digits(b[3:5])
	h, m, s, ok3 := hms(b[6:])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 {
		return 0, false
	}
	_, nanos := fraction(b, 14)
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

// zoneAt reads a zone at b[i:], after a blank or not.
func (c clock) zoneAt(b []byte, i int) (*time.Location, int) {
	at := i
	if at < len(b) && b[at] == ' ' {
		at++
	}
	rest := b[at:]
	switch {
	case len(rest) > 0 && (rest[0] == 'Z' || rest[0] == 'z') && at == i:
		return time.UTC, i + 1
	case len(rest) >= 3 && (string(rest[:3]) == "UTC" || string(rest[:3]) == "GMT"):
		return time.UTC, at + 3
	case len(rest) >= 3 && (rest[0] == '+' || rest[0] == '-'):
		h, ok := digits(rest[1:3])
		if !ok || h > 14 {
			break
		}
		end, m := 3, 0
		if len(rest) > 3 && rest[3] == ':' {
			end = 4
		}
		if len(rest) >= end+2 {
			if v, ok := digits(rest[end : end+2]); ok && v < 60 {
				m, end = v, end+2
			} else if end == 4 {
				end = 3
			}
		}
		if end == 3 && at != i { // "22:00:00 -12 …" is no zone
			break
		}
		offset := h*3600 + m*60
		if rest[0] == '-' {
			offset = -offset
		}
		if offset == 0 {
			return time.UTC, at + end
		}
		return time.FixedZone("", offset), at + end
	}
	return c.zone, i
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

// hms reads 22:00:00.
func hms(b []byte) (h, m, s int, ok bool) {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0, 0, 0, false
	}
	h, ok1 := digits(b[0:2])
	m, ok2 := digits(b[3:5])
	s, ok3 := digits(b[6:8])
	return h, m, s, ok1 && ok2 && ok3 && h < 24 && m < 60 && s <= 60
}

// fraction reads .123 or ,123 at b[i:]; digits beyond the ninth are dropped.
func fraction(b []byte, i int) (end, nanos int) {
	if i >= len(b) || b[i] != '.' && b[i] != ',' {
		return i, 0
	}
	end = i + 1
	scale := 100_000_000
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
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

// epoch reads seconds, milliseconds, microseconds or nanoseconds since 1970,
// told apart by size: 1e11 seconds is the year 5138, 1e11 ms is 1973.
func epoch(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		switch {
		case n < 1e8:
			return 0, false
		case n < 1e11:
			return n * 1e9, true
		case n < 1e14:
			return n * 1e6, true
		case n < 1e17:
			return n * 1e3, true
		}
		return n, true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 1e8 || v > 1e14 || math.IsNaN(v) {
		return 0, false
	}
	if v >= 1e11 {
		v /= 1e3
	}
	whole, part := math.Modf(v)
	return int64(whole)*1e9 + int64(math.Round(part*1e6))*1e3, true
}
