package logfile

import "time"

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
