package appserver

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// sentence is one thing that a server says of itself.
type sentence struct {
	kind string
	with [][]byte       // one of them stands in every such line: looking for it costs a tenth of trying the form
	form *regexp.Regexp // a group holds the number of the process that it is about
}

// sentences stand in the order in which they are tried; the first that fits
// counts. The texts are those of gunicorn 20 to 23 and uvicorn 0.17 to 0.34.
var sentences = []sentence{
	{"timeout", words("WORKER TIMEOUT"), regexp.MustCompile(`WORKER TIMEOUT \(pid:(\d+)\)`)},
	{"killed", bySignal, regexp.MustCompile(`Worker (?:\(pid:|with pid )(\d+)\)? was (?:sent SIGKILL|terminated (?:due to|by) signal 9\b)`)},
	{"crashed", bySignal, regexp.MustCompile(`Worker (?:\(pid:|with pid )(\d+)\)? was (?:sent SIG(?:SEGV|ABRT|BUS|ILL|FPE)|terminated (?:due to|by) signal (?:4|6|7|8|11)\b)`)},
	{"signalled", bySignal, regexp.MustCompile(`Worker (?:\(pid:|with pid )(\d+)\)? was (?:sent SIG|terminated (?:due to|by) signal)`)},
	{"child_died", words("Child process ["), regexp.MustCompile(`Child process \[(\d+)\] died`)},
	{"recycled", words("Autorestarting worker", "Maximum request limit"), regexp.MustCompile(`Autorestarting worker after current request|Maximum request limit of \d+ exceeded`)},
	{"boot_failed", words("Worker failed to boot", "App failed to load", "HaltServer", "Application startup failed", "Exception in worker process", "Error loading ASGI app"), regexp.MustCompile(`Worker failed to boot|App failed to load|HaltServer|Application startup failed|Exception in worker process|Error loading ASGI app`)},
	{"port_in_use", words("use", "Use", "USE"), regexp.MustCompile(`Connection in use: |(?i:address already in use)`)},
	{"cannot_bind", words("Can't connect to ", "error while attempting to bind on address"), regexp.MustCompile(`Can't connect to |error while attempting to bind on address`)},
	{"reload_asked", words("Handling signal: hup", "Hang up: "), regexp.MustCompile(`Handling signal: hup|Hang up: `)},
	{"signal", words("Handling signal: "), regexp.MustCompile(`Handling signal: \w+`)},
	{"reloader", words("Started reloader process"), regexp.MustCompile(`Started reloader process`)},
	{"workers_ignored", words("flag is ignored when reloading"), regexp.MustCompile(`"workers" flag is ignored when reloading`)},
	{"too_many_at_once", words("Exceeded concurrency limit"), regexp.MustCompile(`Exceeded concurrency limit`)},
	{"booted", words("Booting worker", "Started server process"), regexp.MustCompile(`Booting worker with pid: (\d+)|Started server process \[(\d+)\]`)},
	{"ended", words("Worker exiting", "Finished server process"), regexp.MustCompile(`Worker exiting \(pid: (\d+)\)|Finished server process \[(\d+)\]`)},
	{"started", words("Listening at: ", "Uvicorn running on"), regexp.MustCompile(`Listening at: |Uvicorn running on`)},
	{"stopped", words("Shutting down: Master", "Stopping parent process"), regexp.MustCompile(`Shutting down: Master|Stopping parent process`)},
}

// aborted is an end by the signal that a master sends to a worker that is silent.
var aborted = regexp.MustCompile(`SIGABRT|signal 6\b`)

// bySignal is what every sentence about a worker that was ended by a signal has.
var bySignal = words("Worker (pid:", "Worker with pid ")

func words(list ...string) [][]byte {
	out := make([][]byte, len(list))
	for n, w := range list {
		out[n] = []byte(w)
	}
	return out
}

// possible reports whether a line may be such a sentence.
func (s sentence) possible(line []byte) bool {
	return slices.ContainsFunc(s.with, func(w []byte) bool { return bytes.Contains(line, w) })
}

// Kinds are the words that Said uses, in order.
func Kinds() []string {
	out := make([]string, len(sentences))
	for n, s := range sentences {
		out[n] = s.kind
	}
	return out
}

// Said is how often a log says one thing, and when.
type Said struct {
	Kind        string
	Count       int
	First, Last time.Time // zero where the lines have no time
	PIDs        []int     // whom it is about, up to mostPIDs, the newest last
	Line        string    // the newest line
}

const (
	mostPIDs = 20
	mostTail = 2 << 20 // bytes of the log's end that are read
	mostLine = 400
)

// ReadLog groups the end of a server's log by what it says. Lines with a time
// before since are left out. cut says that the file was longer than what was read.
func ReadLog(path string, since time.Time) (said []Said, cut bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("read the log: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("read the log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("read the log: %s is no file", path)
	}
	if cut = info.Size() > mostTail; cut {
		if _, err := f.Seek(-mostTail, io.SeekEnd); err != nil {
			return nil, cut, fmt.Errorf("read the log: %w", err)
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, mostTail))
	if err != nil {
		return nil, cut, fmt.Errorf("read the log: %w", err)
	}
	return group(data, since), cut, nil
}

func group(data []byte, since time.Time) []Said {
	byKind := map[string]*Said{}
	silent := map[string]bool{} // numbers of workers that the master has given up
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		for _, s := range sentences {
			if !s.possible(line) {
				continue
			}
			m := s.form.FindSubmatch(line)
			if m == nil {
				continue
			}
			at := timeOf(line)
			if !at.IsZero() && at.Before(since) {
				break
			}
			if s.kind == "timeout" {
				silent[string(m[1])] = true
			}
			if s.kind == "crashed" && silent[string(m[1])] && aborted.Match(line) {
				break // the master ends a silent worker with SIGABRT first: told already
			}
			if byKind[s.kind] == nil {
				byKind[s.kind] = &Said{Kind: s.kind, First: at}
			}
			byKind[s.kind].add(line, at, m[1:])
			break
		}
	}
	var out []Said
	for _, s := range sentences {
		if g := byKind[s.kind]; g != nil {
			out = append(out, *g)
		}
	}
	return out
}

func (s *Said) add(line []byte, at time.Time, numbers [][]byte) {
	s.Count++
	s.Line = string(bytes.ToValidUTF8(line[:min(len(line), mostLine)], nil))
	if s.First.IsZero() {
		s.First = at
	}
	if !at.IsZero() {
		s.Last = at
	}
	for _, n := range numbers {
		if pid, err := strconv.Atoi(string(n)); err == nil && !slices.Contains(s.PIDs, pid) {
			s.PIDs = append(s.PIDs, pid)
			if len(s.PIDs) > mostPIDs {
				s.PIDs = s.PIDs[1:]
			}
		}
	}
}

// moment finds the time of a line: gunicorn's own brackets, or that of common
// formats and of JSON fields, which are near the beginning.
var moment = regexp.MustCompile(`(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?`)

func timeOf(line []byte) time.Time {
	m := moment.FindSubmatch(line[:min(len(line), 300)])
	if m == nil {
		return time.Time{}
	}
	text := string(m[1]) + " " + string(m[2])
	if len(m[3]) > 0 {
		text += "." + string(m[3])
	}
	zone := string(m[4])
	switch {
	case zone == "Z":
		zone = "+0000"
	case len(zone) == 6:
		zone = zone[:3] + zone[4:]
	}
	if zone == "" {
		at, _ := time.ParseInLocation("2006-01-02 15:04:05", text, time.Local)
		return at
	}
	at, _ := time.Parse("2006-01-02 15:04:05 -0700", text+" "+zone)
	return at
}
