package logfile

import (
	"strconv"
	"strings"
)

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
	if strings.ContainsAny(text, "eE") {
		return exponent(text)
	}
	whole, decimals, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
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
	if len(text) > 32 || !isDigit(text[0]) {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < oldest || v > latest*1e9 {
		return 0, false
	}
	return epoch(strconv.FormatFloat(v, 'f', 6, 64))
}
