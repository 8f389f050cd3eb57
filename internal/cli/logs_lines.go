package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
)

// lines prints lines, oldest first. Into a pipe they go as they are, so that
// other programs can read them; on a terminal they are laid out for reading.
func (v logsShow) lines(lines []evidence.Line) {
	terminal, _ := isTerminal(v.out)
	w := bufio.NewWriter(v.out)
	defer func() { _ = w.Flush() }() // output remembers the error
	if !terminal || v.asking.raw {
		for _, l := range lines {
			_, _ = w.WriteString(l.Text)
			_ = w.WriteByte('\n')
		}
		return
	}
	layout := lineLayout{show: v, paint: painter(colored(v.out)), origin: severalOrigins(lines)}
	for _, l := range lines {
		layout.write(w, l)
	}
}

// painter wraps text in an escape code, or leaves it.
func painter(on bool) func(code, text string) string {
	return func(code, text string) string {
		if !on || code == "" || text == "" {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
}

// severalOrigins names the label that tells the lines apart best: the service,
// else the file; "" where all lines have the same.
func severalOrigins(lines []evidence.Line) string {
	for _, name := range []string{"service", "filename"} {
		seen := map[string]bool{}
		for _, l := range lines {
			seen[l.Labels[name]] = true
		}
		if len(seen) > 1 {
			return name
		}
	}
	return ""
}

// lineLayout prints lines for a person: day, time, level, origin, message, and
// then the other fields. A line that is no object keeps its own text.
type lineLayout struct {
	show   logsShow
	paint  func(code, text string) string
	origin string
	day    string
}

func (p *lineLayout) write(w *bufio.Writer, l evidence.Line) {
	at := "            "
	if t := timeOf(l.T); !t.IsZero() {
		t = t.In(p.show.zone)
		if day := t.Format("Mon 2006-01-02"); day != p.day {
			p.day = day
			fmt.Fprintln(w, p.paint("2", "── "+day+" ──"))
		}
		at = t.Format("15:04:05.000")
	}
	level := logql.LevelOf([]byte(l.Text))
	if given := l.Labels["level"]; level == "" && given != "" {
		level = strings.ToLower(given)
	}
	head := p.paint("2", at) + " " + p.paint(levelColor(level), fmt.Sprintf("%-5s", shortLevel(level))) + " "
	if l.Labels[p.origin] != "" {
		head += p.paint("36", printable(lastPart(l.Labels[p.origin]))) + " "
	}
	message, fields, traces, ok := objectParts(l.Text)
	if !ok {
		fmt.Fprintln(w, head+p.plain(printable(l.Text)))
		return
	}
	fmt.Fprint(w, head, printable(message))
	for _, f := range fields {
		if f[0] == p.origin {
			continue
		}
		fmt.Fprint(w, " ", p.paint("2", printable(f[0])+"="), printable(f[1]))
	}
	fmt.Fprintln(w)
	for _, t := range traces {
		for _, line := range strings.Split(strings.TrimRight(printable(t), "\n"), "\n") {
			fmt.Fprintln(w, "             "+p.paint("2", line))
		}
	}
}

// plain indents what follows the first line of a text, a trace mostly.
func (p *lineLayout) plain(text string) string {
	first, rest, more := strings.Cut(text, "\n")
	if !more {
		return first
	}
	return first + "\n" + p.paint("2", "             "+strings.ReplaceAll(rest, "\n", "\n             "))
}

func lastPart(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[i+1:]
	}
	return path
}

func shortLevel(level string) string {
	switch level {
	case "warning":
		return "WARN"
	case "critical":
		return "CRIT"
	case "emergency":
		return "EMERG"
	}
	return strings.ToUpper(level)
}

func levelColor(level string) string {
	switch level {
	case "critical", "fatal", "panic", "alert", "emergency":
		return "1;31"
	case "error", "severe":
		return "31"
	case "warning":
		return "33"
	case "debug", "trace":
		return "2"
	}
	return "32"
}

// shownElsewhere are fields whose place is the head of the line.
var shownElsewhere = map[string]bool{"time": true, "timestamp": true, "ts": true, "@timestamp": true, "level": true,
	"lvl": true, "severity": true, "levelname": true, "log_level": true, "loglevel": true, "severity_text": true}

// objectParts reads a JSON line: its message, its other fields in their order,
// and the texts of several lines. Not ok where the line is none.
func objectParts(text string) (message string, fields [][2]string, traces []string, ok bool) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return "", nil, nil, false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return "", nil, nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", nil, nil, false
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return "", nil, nil, false
		}
		name, value := fmt.Sprint(key), string(raw)
		var s string
		isText := json.Unmarshal(raw, &s) == nil && raw[0] == '"'
		if isText {
			value = s
		}
		switch {
		case shownElsewhere[name] || value == "null" || value == "":
		case message == "" && isText && (name == "message" || name == "msg" || name == "event"):
			message = s
		case isText && strings.Contains(s, "\n"):
			traces = append(traces, s)
		case isText && strings.ContainsAny(s, " \"=") || !isText && raw[0] == '{':
			fields = append(fields, [2]string{name, compact(raw)})
		default:
			fields = append(fields, [2]string{name, value})
		}
	}
	return message, fields, traces, message != ""
}

func compact(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// labelText writes {a="b"} without the braces: a=b c="d e".
func labelText(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for n := range labels {
		names = append(names, n)
	}
	sort.Strings(names)
	parts := make([]string, len(names))
	for i, n := range names {
		v := labels[n]
		if v == "" || strings.ContainsAny(v, " \"=\n\t") || strings.ContainsFunc(v, steers) {
			v = fmt.Sprintf("%q", v)
		}
		parts[i] = n + "=" + v
	}
	return strings.Join(parts, " ")
}
