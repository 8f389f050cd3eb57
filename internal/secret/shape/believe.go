package shape

// believed reports whether a value is what its name says.
func believed(a assignment, v string) bool {
	switch a.reading {
	case hard:
		return !allDigits(v) || len(v) >= 4
	case soft:
		return !allDigits(v) || len(v) >= 6
	case weak:
		return random(v) || userAndPassword(v)
	case digits:
		return numbered(a.kind, v)
	}
	return false
}

// numbered reports whether a value has as many digits as the number that its
// name speaks of.
func numbered(kind Kind, v string) bool {
	n := count(v, digit)
	if n+count(v, func(b byte) bool { return b == ' ' || b == '-' }) != len(v) {
		return false
	}
	switch kind {
	case SSN:
		return n == 9
	case Token:
		return n >= 4 && n <= 8
	}
	return n == 3 || n == 4 || n >= 12 && n <= 19
}
