package logfile

import "time"

// zoneAt reads a zone at b[i:], after a blank or not.
func (c clock) zoneAt(b []byte, i int) (*time.Location, int) {
	at := i
	if at < len(b) && b[at] == ' ' {
		at++
	}
	rest := b[at:]
	switch {
	case len(rest) == 0:
		return c.zone, i
	case (rest[0] == 'Z' || rest[0] == 'z') && at == i && (len(rest) == 1 || !isLetter(rest[1])):
		return time.UTC, i + 1
	case rest[0] == '+' || rest[0] == '-':
		return c.offset(rest, i, at)
	case isUpper(rest[0]):
		return c.named(rest, i, at)
	}
	return c.zone, i
}

// offset reads +01:00, +0100 and +01; the last one only without a blank before
// it, since "22:00:00 -12 …" is no zone.
func (c clock) offset(rest []byte, i, at int) (*time.Location, int) {
	if len(rest) < 3 {
		return c.zone, i
	}
	h, ok := digits(rest[1:3])
	if !ok || h > 14 {
		return c.zone, i
	}
	end, m := 3, 0
	if len(rest) > 3 && rest[3] == ':' {
		end = 4
	}
	if len(rest) >= end+2 {
		if v, ok := digits(rest[end : end+2]); ok && v < 60 {
			m, end = v, end+2
		} else {
			end = 3
		}
	} else {
		end = 3
	}
	if end == 3 && at != i || end < len(rest) && isDigit(rest[end]) {
		return c.zone, i
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

// named reads the abbreviation of a zone. One that two parts of the world use
// for different times (CST, IST, BST) says nothing, unless the zone that is set
// has it.
func (c clock) named(rest []byte, i, at int) (*time.Location, int) {
	n := 0
	for n < len(rest) && n < 6 && isUpper(rest[n]) {
		n++
	}
	if n < 3 || n > 4 || n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
		return c.zone, i
	}
	switch rest[n-1] {
	case 'T', 'C', 'K', 'B', 'A': // EST, UTC, MSK, WIB, WITA
	default:
		return c.zone, i // INFO and WARN stand behind most times
	}
	name := string(rest[:n])
	if name == "UTC" || name == "GMT" {
		return time.UTC, at + n
	}
	if c.uses(name) {
		return c.zone, at + n
	}
	if hours, ok := abbreviations[name]; ok {
		return time.FixedZone(name, hours*3600), at + n
	}
	return c.zone, i
}

// uses reports whether the zone that is set has this name in summer or winter.
func (c clock) uses(name string) bool {
	for _, month := range []time.Month{time.January, time.July} {
		if short, _ := time.Date(c.now.Year(), month, 1, 0, 0, 0, 0, c.zone).Zone(); short == name {
			return true
		}
	}
	return false
}

// abbreviations that mean one zone wherever they are written, in hours.
var abbreviations = map[string]int{
	"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
	"EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
