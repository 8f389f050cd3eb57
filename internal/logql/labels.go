package logql

import (
	"bytes"
	"slices"
	"strings"
)

// labelSet holds the labels of the line at hand. It is reset for each line and
// keeps its memory. Values point into the line or into the arena.
type labelSet struct {
	names  []string
	values [][]byte
	stream []bool // came with the stream, not out of the line
	arena  []byte
	known  map[string]string // names met so far, to make each string once
	exact  bool              // names are just what they are: no aliases

	settled []string // names that the stream has, whatever the stages did to them
}

func newLabelSet() *labelSet { return &labelSet{known: map[string]string{}} }

func (r rules) newLabelSet() *labelSet {
	l := newLabelSet()
	l.exact = !r.aliases
	return l
}

func (l *labelSet) reset() {
	l.names, l.values, l.stream, l.arena = l.names[:0], l.values[:0], l.stream[:0], l.arena[:0]
}

// maxNames bounds the memory for names: keys of a line can be anything.
const maxNames = 4096

func (l *labelSet) intern(name []byte) string {
	if s, ok := l.known[string(name)]; ok {
		return s
	}
	if len(l.known) >= maxNames {
		clear(l.known)
	}
	s := string(name)
	l.known[s] = s
	return s
}

func (l *labelSet) index(name string) int {
	for i, n := range l.names {
		if n == name {
			return i
		}
	}
	return -1
}

// parsed adds a label that a parser found. The first value in a line wins; one
// that the stream already has goes under name_extracted; unless they agree,
// where nobody asked for exactness.
func (l *labelSet) parsed(name string, value []byte) {
	if l.exact && slices.Contains(l.settled, name) {
		if name += "_extracted"; l.index(name) < 0 {
			l.add(name, value, false)
		}
		return
	}
	if i := l.index(name); i >= 0 {
		if !l.stream[i] || bytes.Equal(l.values[i], value) {
			return
		}
		name += "_extracted"
		if l.index(name) >= 0 {
			return
		}
	}
	l.add(name, value, false)
}

// extracted sets a label that a parser was told to take: it replaces what an
// earlier parser found. One that is not there is empty, and replaces nothing.
func (l *labelSet) extracted(name string, value []byte, found bool) {
	i, settled := l.index(name), slices.Contains(l.settled, name)
	if !found && (settled || i >= 0) {
		return
	}
	if settled {
		if !l.exact && i >= 0 && bytes.Equal(l.values[i], value) {
			return
		}
		name += "_extracted"
	}
	l.set(name, value)
}

func (l *labelSet) add(name string, value []byte, stream bool) {
	l.names = append(l.names, name)
	l.values = append(l.values, value)
	l.stream = append(l.stream, stream)
}

func (l *labelSet) set(name string, value []byte) {
	if i := l.index(name); i >= 0 {
		l.values[i] = value
		return
	}
	l.add(name, value, false)
}

func (l *labelSet) remove(name string) {
	i := l.index(name)
	if i < 0 {
		return
	}
	l.names = append(l.names[:i], l.names[i+1:]...)
	l.values = append(l.values[:i], l.values[i+1:]...)
	l.stream = append(l.stream[:i], l.stream[i+1:]...)
}

// get looks a label up, under its aliases too.
func (l *labelSet) get(name string) ([]byte, bool) {
	if i := l.index(name); i >= 0 {
		return l.values[i], true
	}
	if l.exact {
		return nil, false
	}
	for _, alias := range aliases(name) {
		if i := l.index(alias); i >= 0 {
			return l.values[i], true
		}
	}
	return nil, false
}

func (l *labelSet) toMap() map[string]string {
	m := make(map[string]string, len(l.names))
	for i, n := range l.names {
		m[n] = cut(l.values[i], maxLabelShown)
	}
	return m
}

// Lengths, in bytes, to which labels and lines are cut in an answer.
const (
	maxLabelShown = 2 << 10
	maxLineShown  = 4 << 10
)

func cut(b []byte, limit int) string {
	if len(b) <= limit {
		return strings.ToValidUTF8(string(b), "�")
	}
	return strings.ToValidUTF8(string(b[:limit]), "") + "…"
}

// Loggers disagree on two names; a question for one finds the others.
var (
	levelNames   = []string{"level", "lvl", "severity", "levelname", "log_level", "loglevel", "severity_text"}
	messageNames = []string{"message", "msg", "event"}
)

func aliases(name string) []string {
	switch name {
	case "level", "lvl", "severity", "levelname", "log_level", "loglevel", "severity_text":
		return levelNames
	case "message", "msg":
		return messageNames
	}
	return nil
}

func isLevelName(name string) bool {
	return len(aliases(name)) == len(levelNames)
}

// canonicalLevel brings the spellings of levels together, in lower case;
// numbers are those of pino and bunyan. Other texts come back in lower case.
func canonicalLevel(level []byte) string {
	switch s := strings.ToLower(string(bytes.TrimSpace(level))); s {
	case "warn", "40", "wrn":
		return "warning"
	case "err", "eror", "50":
		return "error"
	case "crit":
		return "critical"
	case "60":
		return "fatal"
	case "information", "30", "inf", "notice":
		if s == "notice" {
			return s
		}
		return "info"
	case "20", "dbg":
		return "debug"
	case "10":
		return "trace"
	case "emerg":
		return "emergency"
	default:
		return s
	}
}

// isErrorLevel reports whether a canonical level means that something failed.
func isErrorLevel(level string) bool {
	switch level {
	case "error", "critical", "fatal", "panic", "alert", "emergency", "severe":
		return true
	}
	return false
}
