package playbook

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"
)

// source is a file that offsets point into.
type source struct {
	path  string
	text  []byte
	lines []int // offset of each line's first byte
}

func newSource(path string, text []byte) *source {
	s := &source{path: path, text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// mark is the length of the invisible byte order mark that some editors put
// before the first character.
func (s *source) mark() int {
	if bytes.HasPrefix(s.text, []byte("\ufeff")) {
		return len("\ufeff")
	}
	return 0
}

// pos turns an offset into a line and a column.
func (s *source) pos(offset int) Pos {
	offset = min(max(offset, 0), len(s.text))
	line := sort.SearchInts(s.lines, offset+1)
	return Pos{Path: s.path, Line: line, Col: offset - s.lines[line-1] + 1}
}

// lineStart returns the offset of the first byte of offset's line.
func (s *source) lineStart(offset int) int {
	return s.lines[sort.SearchInts(s.lines, offset+1)-1]
}

// lineEnd returns the offset after the last byte of offset's line, without
// its line break.
func (s *source) lineEnd(offset int) int {
	end := len(s.text)
	if next := sort.SearchInts(s.lines, offset+1); next < len(s.lines) {
		end = s.lines[next] - 1
	}
	if end > offset && s.text[end-1] == '\r' {
		end--
	}
	return end
}

// nextLine returns the offset of the line after offset's, or the end.
func (s *source) nextLine(offset int) int {
	if next := sort.SearchInts(s.lines, offset+1); next < len(s.lines) {
		return s.lines[next]
	}
	return len(s.text)
}

// cut is the text between two offsets, knowing where it came from.
func (s *source) cut(start, stop int) located {
	stop = max(start, stop)
	return located{text: string(s.text[start:stop]), runs: []run{{0, start}}}
}

// located is text that knows where each byte of it stands in its file: it may
// have lost escapes and indentation on the way.
type located struct {
	text string
	runs []run // ascending; the first begins at 0
}

// run says that the text from byte at on stands in the file from byte source on.
type run struct{ at, source int }

// offset is the place of the text's byte i in the file.
func (l located) offset(i int) int {
	if len(l.runs) == 0 {
		return 0
	}
	n := sort.Search(len(l.runs), func(n int) bool { return l.runs[n].at > i }) - 1
	n = max(n, 0)
	return l.runs[n].source + i - l.runs[n].at
}

// slice is the part from byte i to byte j.
func (l located) slice(i, j int) located {
	out := located{text: l.text[i:j], runs: []run{{0, l.offset(i)}}}
	for _, r := range l.runs {
		if r.at > i && r.at < j {
			out.runs = append(out.runs, run{r.at - i, r.source})
		}
	}
	return out
}

// trim drops white space at both ends.
func (l located) trim() located {
	left := len(l.text) - len(strings.TrimLeft(l.text, whiteSpace))
	right := len(strings.TrimRight(l.text, whiteSpace))
	return l.slice(left, max(left, right))
}

const whiteSpace = " \t\r\n"

// add appends text that stands at the given place in the file.
func (l *located) add(text string, source int) {
	if text == "" {
		return
	}
	if n := len(l.runs); n == 0 || l.offset(len(l.text)) != source {
		l.runs = append(l.runs, run{len(l.text), source})
	}
	l.text += text
}

// at is the byte offset of a line and column, both counted from 1 and the
// column in characters, as the YAML decoder gives them.
func lineColumn(text string, line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[offset:], '\n')
		if next < 0 {
			return len(text)
		}
		offset += next + 1
	}
	for ; column > 1 && offset < len(text) && text[offset] != '\n'; column-- {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}

// codeSpan is `code` in a line of Markdown.
type codeSpan struct {
	start, stop int // in the text, with the backticks
	code        located
}

// codeSpans finds the code spans of a text, as CommonMark does: a run of
// backticks up to the next run of the same length.
func codeSpans(l located) []codeSpan {
	var spans []codeSpan
	closers := map[int]int{} // length of a run that is not closed → offset from which that is known
	for i := 0; i < len(l.text); {
		switch l.text[i] {
		case '\\':
			i += 2
		case '`':
			n := ticks(l.text, i)
			if from, none := closers[n]; none && i >= from {
				i += n
				continue
			}
			end := closing(l.text, i+n, n)
			if end < 0 {
				closers[n] = i
				i += n
				continue
			}
			spans = append(spans, codeSpan{i, end + n, l.slice(i+n, end).trim()})
			i = end + n
		default:
			i++
		}
	}
	return spans
}

func ticks(text string, i int) int {
	n := 0
	for i+n < len(text) && text[i+n] == '`' {
		n++
	}
	return n
}

func closing(text string, i, n int) int {
	for i < len(text) {
		next := strings.IndexByte(text[i:], '`')
		if next < 0 {
			return -1
		}
		i += next
		m := ticks(text, i)
		if m == n {
			return i
		}
		i += m
	}
	return -1
}
