package logfile

import "time"

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
