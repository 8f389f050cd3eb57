package logql

// LevelOf is the canonical level of a line in whatever format it has, in lower
// case; "" where it names none.
func LevelOf(line []byte) string {
	want := func(name []byte) bool { return isLevelName(string(name)) }
	labels := newLabelSet()
	for _, format := range []Format{Logfmt, Plain} {
		labels.reset()
		parseOwn(&Record{Stream: &Stream{Format: format}}, line, want, labels)
		if l, ok := labels.get("level"); ok {
			return canonicalLevel(l)
		}
	}
	return ""
}
