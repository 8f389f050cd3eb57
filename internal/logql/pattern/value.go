package pattern

import "bytes"

// inner tells the apostrophe of "isn't" from a quote.
func inner(text []byte, at, end int) bool {
	return at > 0 && at+1 < end && isLetter(text[at-1]) && isLetter(text[at+1])
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isValue knows words without digits that can only be values: paths, addresses,
// long hexadecimal, truth values.
func isValue(w []byte, seen uint8) bool {
	if seen&isSlash != 0 && isPath(w) {
		return true
	}
	if seen&isAt != 0 && w[0] != '@' && w[len(w)-1] != '@' {
		return true
	}
	if seen&notHex == 0 && len(w) >= 7 {
		return true
	}
	switch len(w) {
	case 3:
		return string(w) == "nil"
	case 4:
		switch string(w) {
		case "true", "True", "TRUE", "null", "NULL", "None":
			return true
		}
	case 5:
		switch string(w) {
		case "false", "False", "FALSE":
			return true
		}
	}
	return false
}

// isPath takes /etc/hosts, ./run, ~/x, a/b/c, conf/app.yaml and C's \windows,
// and leaves I/O and read/write.
func isPath(w []byte) bool {
	if len(w) < 2 {
		return w[0] == '/'
	}
	if w[0] == '/' || w[0] == '\\' || w[0] == '~' || w[0] == '.' {
		return true
	}
	slashes, dots := 0, false
	for _, c := range w {
		if c == '/' || c == '\\' {
			slashes++
		}
		dots = dots || c == '.'
	}
	return slashes >= 2 || slashes == 1 && dots
}

// isUnit knows abbreviations of units, which change with the size of a value.
func isUnit(w []byte) bool {
	if len(w) > 4 {
		return false
	}
	switch string(w) {
	case "B", "KB", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "ns", "us", "µs", "ms", "s", "sec", "secs", "min", "mins":
		return true
	}
	return false
}

// allDigits takes a port, and one at the end of a sentence.
func allDigits(w []byte) bool {
	for _, c := range bytes.TrimRight(w, ".") {
		if classes[c]&isDigit == 0 {
			return false
		}
	}
	return true
}

func isHexPair(w []byte) bool {
	return len(w) == 2 && classes[w[0]]&(notHex|isMark) == 0 && classes[w[1]]&(notHex|isMark) == 0
}

// isFiller knows what stands for a value that is missing in a row of them, ****,
// or between two: 5 - 7.
func isFiller(w []byte) bool {
	for _, c := range w {
		if classes[c]&isWordy != 0 {
			return false
		}
	}
	return len(w) >= 2 || w[0] == '-' || w[0] == '*'
}

// dateWord knows the names of months and days, which are values before a value.
func dateWord(w []byte) bool {
	if len(w) != 3 {
		return false
	}
	switch string(w) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
		"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}
