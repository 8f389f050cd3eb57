package appserver

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// assigned finds one setting of gunicorn's configuration file. The file is
// Python and may do anything: this reads what people write, and no more.
var assigned = regexp.MustCompile(`(?m)^(workers|worker_class|threads|timeout|max_requests|max_requests_jitter|preload_app|reload|bind|errorlog)[ \t]*=[ \t]*([^\n#]*)`)

// mentioned finds the settings that matter most anywhere in the file: set in
// another way than at the beginning of a line, they are unknown.
var mentioned = regexp.MustCompile(`\b(workers|preload_app|reload|timeout|worker_class)\b[ \t]*=[^=]`)

// mostConfig bounds how much of a configuration file is read, in bytes.
const mostConfig = 64 << 10

// file reads the configuration file that the flags name, or the one that is
// read without being named.
func (t *Told) file(dir string, cores int, given ...flags) {
	file, asked := "gunicorn.conf.py", false
	for _, f := range given { // the arguments come first, and win
		if text := f.last("-c", "--config"); text != "" && !asked {
			file, asked = text, true
		}
	}
	if strings.HasPrefix(file, "python:") {
		t.unread()
		return
	}
	file = strings.TrimPrefix(file, "file:")
	if !filepath.IsAbs(file) {
		at, err := os.Readlink(filepath.Join(dir, "cwd"))
		if err != nil {
			t.unread()
			return
		}
		file = filepath.Join(at, file)
	}
	text, err := readSome(file, mostConfig)
	switch {
	case os.IsNotExist(err) && !asked:
		return
	case err != nil:
		t.unread() // gone, hidden, or another directory than it was started in
		return
	}
	t.ConfigFile = file
	t.assign(string(text), cores)
}

// unread says that a file may have set anything.
func (t *Told) unread() {
	t.Workers, t.WorkersFrom, t.Class, t.Threads, t.Timeout, t.MaxRequests, t.Jitter = nil, "unknown", "", nil, nil, nil, nil
	t.Preload, t.Reload = Unknown, Unknown
}

// assign takes the settings that stand plainly in the text; those that are
// computed become unknown.
func (t *Told) assign(text string, cores int) {
	plain := map[string]bool{}
	for _, m := range assigned.FindAllStringSubmatch(text, -1) {
		plain[m[1]] = true
		t.set(m[1], strings.TrimSpace(m[2]), cores)
	}
	for _, m := range mentioned.FindAllStringSubmatch(text, -1) {
		if !plain[m[1]] {
			t.set(m[1], "", cores)
		}
	}
}

func (t *Told) set(name, value string, cores int) {
	if t.inFile == nil {
		t.inFile = map[string]bool{}
	}
	t.inFile[name] = true
	switch name {
	case "workers":
		t.Workers, t.WorkersFrom = whole(value), "file"
		if t.Workers == nil {
			t.Workers, t.WorkersFrom = counted(value, cores), "the machine's cores"
		}
		if t.Workers == nil {
			t.WorkersFrom = "unknown"
		}
	case "worker_class":
		t.Class = quoted(value)
	case "threads":
		t.Threads = whole(value)
	case "timeout":
		t.Timeout = seconds(value)
	case "max_requests":
		t.MaxRequests = whole(value)
	case "max_requests_jitter":
		t.Jitter = whole(value)
	case "preload_app":
		t.Preload = boolean(value)
	case "reload":
		t.Reload = boolean(value)
	case "bind":
		t.Binds = nil
		for _, m := range inQuotes.FindAllStringSubmatch(value, 16) {
			t.Binds = append(t.Binds, m[1])
		}
	case "errorlog":
		if text := quoted(value); text != "-" {
			t.LogFile = text
		}
	}
}

var inQuotes = regexp.MustCompile(`["']([^"']*)["']`)

// quoted is the text of a plain literal; "" where it is computed.
func quoted(value string) string {
	if m := inQuotes.FindStringSubmatch(value); m != nil && m[0] == value {
		return m[1]
	}
	return ""
}

func boolean(value string) Answer {
	switch value {
	case "True":
		return Yes
	case "False":
		return No
	}
	return Unknown
}

// perCore reads the usual ways to count workers from the cores of the machine,
// which know nothing of a limit: cpu_count() * 2 + 1, 2 * cpu_count() + 1.
var perCore = regexp.MustCompile(`^\(?(?:(\d{1,3})\s*\*\s*)?(?:multiprocessing\.|os\.)?cpu_count\(\)(?:\s*\*\s*(\d{1,3}))?\)?(?:\s*\+\s*(\d{1,3}))?$`)

func counted(value string, cores int) *int64 {
	m := perCore.FindStringSubmatch(value)
	if m == nil || cores < 1 {
		return nil
	}
	n := int64(cores)
	for _, factor := range m[1:3] {
		if f, err := strconv.ParseInt(factor, 10, 64); err == nil {
			n *= f
		}
	}
	if more, err := strconv.ParseInt(m[3], 10, 64); err == nil {
		n += more
	}
	return &n
}
