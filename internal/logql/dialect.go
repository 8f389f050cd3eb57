package logql

// rules are the points in which the dialects differ, all of them: nothing else
// asks for the dialect. README.md shows what each means to a reader.
type rules struct {
	dotted       bool // a.b is a name, the flattened a_b; otherwise a name has no dot
	labelPairs   bool // a label may be compared with a label
	anySelector  bool // a selector may take every stream, as {} does
	lineSelect   bool // a selector also reads the fields of the line
	wholeValue   bool // =~ on a label must match the whole value
	aliases      bool // level finds lvl, message finds msg, and levels compare without case
	otherFormats bool // json and logfmt read lines of another format in their own
	skipFaults   bool // a line that a stage cannot read is counted and left out; otherwise it stays, with __error__
	askedSeries  bool // a series is what selector and by name; otherwise every label of the line makes it
	fromStart    bool // points are laid from the start of the window; otherwise the last stands at its end
}

func (d Dialect) rules() rules {
	if d == Strict {
		return rules{wholeValue: true, fromStart: true}
	}
	return rules{dotted: true, labelPairs: true, anySelector: true, lineSelect: true, aliases: true,
		otherFormats: true, skipFaults: true, askedSeries: true}
}
