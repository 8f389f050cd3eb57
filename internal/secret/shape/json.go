package shape

import (
	"encoding/json"
	"strings"
)

// KeepJSON narrows spans so that a text that is JSON stays JSON when they are
// replaced: a span ends with the string in which it begins, and cuts no escape
// in two. A text may hold JSON line by line. Where there is none, the spans are
// returned as they are.
func KeepJSON(text string, spans []Span) []Span {
	if len(spans) == 0 {
		return spans
	}
	if isJSON(text) {
		return inStrings(text, 0, len(text), spans)
	}
	if !strings.Contains(text, "\n") {
		return spans
	}
	var kept []Span
	for len(spans) > 0 {
		from := strings.LastIndexByte(text[:spans[0].From], '\n') + 1
		to := lineStop(text, from)
		n := 1
		for n < len(spans) && spans[n].From < to {
			n++
		}
		line := spans[:n:n]
		if isJSON(text[from:to]) {
			line = inStrings(text, from, to, line)
		}
		kept, spans = append(kept, line...), spans[n:]
	}
	return kept
}

// isJSON reports whether a text is an object or a list.
func isJSON(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text))
}

// inStrings narrows the spans of the JSON between two places.
func inStrings(text string, from, to int, spans []Span) []Span {
	kept := spans[:0:0]
	for at := from; at < to && len(spans) > 0; at++ {
		if text[at] != '"' {
			if span := spans[0]; span.From <= at {
				spans = spans[1:]
				if span, ok := wholeNumber(text, span); ok {
					kept = append(kept, span)
				}
			}
			continue
		}
		at++
		end := stringEnd(text, at)
		for len(spans) > 0 && spans[0].From < end {
			span := spans[0]
			spans = spans[1:]
			if span.From, span.To = wholeEscapes(text, at, end, span.From, span.To); span.From < span.To {
				if span.Quote == `"` {
					span.Quote = "" // deeper ones have backslashes
				}
				kept = append(kept, span)
			}
		}
		at = end
	}
	return kept
}

// wholeNumber widens a span to the number it lies in, whose mask is a string.
// There is none where it begins among the signs between values.
func wholeNumber(text string, span Span) (Span, bool) {
	span.From = back(text, span.From, 0, len(text), numberByte)
	span.To = run(text, span.From, len(text), numberByte)
	span.Quote = `"`
	return span, span.From < span.To
}

// stringEnd is where the closing quote of a string stands.
func stringEnd(text string, at int) int {
	for text[at] != '"' {
		if text[at] == '\\' {
			at++
		}
		at++
	}
	return at
}

// wholeEscapes widens a place to the escapes it touches, within a string.
func wholeEscapes(text string, begin, end, from, to int) (wideFrom, wideTo int) {
	from, to = max(from, begin), min(to, end)
	wideFrom, wideTo = from, to
	for at := begin; at < to; {
		next := at + 1
		if text[at] == '\\' {
			if next++; text[at+1] == 'u' {
				next += 4
			}
		}
		if at < from && from < next {
			wideFrom = at
		}
		if at < to && to < next {
			wideTo = next
		}
		at = next
	}
	return wideFrom, wideTo
}
