// Package appserver reads what a Python application server (gunicorn, uvicorn)
// was told, whichever way it was told: its arguments, the few variables of its
// environment that are settings, and its configuration file, which is read as
// text and never run. It also knows the sentences of these servers' logs.
package appserver

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Answer is yes, no or unknown.
type Answer string

// The three answers. Unknown is never no: a file that computes a setting may
// set it.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Told is what a server was told. A nil number was not told plainly.
type Told struct {
	Server      string // gunicorn or uvicorn
	Workers     *int64
	WorkersFrom string // arguments, environment, file, the machine's cores, default; unknown
	Class       string // gunicorn: sync, gthread, uvicorn.workers.UvicornWorker …; "" where unknown
	Threads     *int64
	Timeout     *float64 // seconds of silence after which a worker is ended; 0: never
	MaxRequests *int64   // after which a worker is replaced; 0: never
	Jitter      *int64
	Limit       *int64 // uvicorn's limit_concurrency
	Preload     Answer
	Reload      Answer // the reloader of development
	Binds       []string
	App         string          // the application as module:name; "" where unknown
	LogFile     string          // the error log; "" where it is not a file, or unknown
	ConfigFile  string          // the configuration file that was read
	inFile      map[string]bool // what that file sets
}

// Of reads what the process was told. proc is where the kernel shows
// processes, and cores how many the machine has, for files that count them.
func Of(proc string, pid int, args []string, cores int) Told {
	t := Told{Server: server(args), Preload: No, Reload: No}
	dir := filepath.Join(proc, strconv.Itoa(pid))
	env, seen := environment(dir)
	titled := len(args) > 0 && strings.HasPrefix(args[0], "gunicorn: ")
	if titled { // the title has taken the arguments' place, and wiped the environment
		if line := startedBy(proc, pid); line != nil {
			args, titled = line, false
		}
	}
	if t.Server == "uvicorn" {
		t.uvicorn(args, env)
		if !seen && t.WorkersFrom == "default" {
			t.Workers, t.WorkersFrom = nil, "unknown"
		}
		return t
	}
	flags := flagsOf(args)
	fromEnv := flagsOf(strings.Fields(env["GUNICORN_CMD_ARGS"]))
	t.defaults(env)
	t.file(dir, cores, flags, fromEnv)
	if !seen && !titled {
		t.doubt()
	}
	t.gunicorn(fromEnv, "environment")
	t.gunicorn(flags, "arguments")
	if titled {
		t.untold()
		t.App = titledApp(args[0])
	} else {
		t.App = appOf(args)
	}
	return t
}

// defaults are gunicorn's own. WEB_CONCURRENCY is the default of its workers.
func (t *Told) defaults(env map[string]string) {
	t.Workers, t.WorkersFrom = whole("1"), "default"
	if n := whole(env["WEB_CONCURRENCY"]); n != nil {
		t.Workers, t.WorkersFrom = n, "environment"
	}
	t.Class, t.Threads, t.MaxRequests, t.Jitter = "sync", whole("1"), whole("0"), whole("0")
	t.Timeout = seconds("30")
}

// doubt forgets what a hidden environment may have set otherwise.
func (t *Told) doubt() {
	t.Workers, t.WorkersFrom = nil, "unknown"
	if t.Preload == No {
		t.Preload = Unknown
	}
	if t.Reload == No {
		t.Reload = Unknown
	}
}

// untold forgets the defaults of a server whose arguments are hidden behind a
// title. What its file says stands: few say it twice.
func (t *Told) untold() {
	if !t.inFile["workers"] {
		t.Workers, t.WorkersFrom = nil, "unknown"
	}
	if !t.inFile["preload_app"] {
		t.Preload = Unknown
	}
	if !t.inFile["reload"] {
		t.Reload = Unknown
	}
	if !t.inFile["worker_class"] {
		t.Class = ""
	}
	if !t.inFile["timeout"] {
		t.Timeout = nil
	}
	if !t.inFile["threads"] {
		t.Threads = nil
	}
	if !t.inFile["max_requests"] {
		t.MaxRequests = nil
	}
	if !t.inFile["max_requests_jitter"] {
		t.Jitter = nil
	}
}

// titledApp reads the application out of "gunicorn: master [shop:app]".
func titledApp(title string) string {
	_, rest, _ := strings.Cut(title, "[")
	app, _, _ := strings.Cut(rest, "]")
	return app
}

// startedBy finds the arguments of a server that has given itself a title in
// those of who started it and waits for it: a shell, a supervisor's wrapper.
func startedBy(proc string, pid int) []string {
	stat, err := readSome(filepath.Join(proc, strconv.Itoa(pid), "stat"), 4096)
	_, rest, found := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if err != nil || !found || len(fields) < 2 {
		return nil
	}
	data, err := readSome(filepath.Join(proc, fields[1], "cmdline"), mostEnvironment)
	if err != nil {
		return nil
	}
	args := strings.FieldsFunc(string(data), func(r rune) bool { return r == 0 || r == ' ' })
	for n, a := range args[:min(len(args), 12)] {
		if server(args[n:min(n+1, len(args))]) == "gunicorn" && !strings.HasPrefix(a, "gunicorn:") {
			return args[n:]
		}
	}
	return nil
}

// gunicorn takes what flags say over what was known.
func (t *Told) gunicorn(f flags, from string) {
	if n := whole(f.last("-w", "--workers")); n != nil {
		t.Workers, t.WorkersFrom = n, from
	}
	if text := f.last("-k", "--worker-class"); text != "" {
		t.Class = text
	}
	if n := whole(f.last("--threads")); n != nil {
		t.Threads = n
	}
	if s := seconds(f.last("-t", "--timeout")); s != nil {
		t.Timeout = s
	}
	if n := whole(f.last("--max-requests")); n != nil {
		t.MaxRequests = n
	}
	if n := whole(f.last("--max-requests-jitter")); n != nil {
		t.Jitter = n
	}
	if f.has("--preload") {
		t.Preload = Yes
	}
	if f.has("--reload") {
		t.Reload = Yes
	}
	if binds := append(f["-b"], f["--bind"]...); len(binds) > 0 {
		t.Binds = binds
	}
	if text := f.last("--error-logfile", "--log-file"); text != "" && text != "-" {
		t.LogFile = text
	}
}

// uvicorn reads the flags of uvicorn; each may also stand in the environment.
func (t *Told) uvicorn(args []string, env map[string]string) {
	f := flagsOf(args)
	t.Workers, t.WorkersFrom = whole("1"), "default"
	for _, name := range []string{"WEB_CONCURRENCY", "UVICORN_WORKERS"} {
		if n := whole(env[name]); n != nil {
			t.Workers, t.WorkersFrom = n, "environment"
		}
	}
	if n := whole(f.last("--workers")); n != nil {
		t.Workers, t.WorkersFrom = n, "arguments"
	}
	if t.Workers != nil && *t.Workers < 1 { // its source has "workers or 1": nothing is counted
		t.Workers = whole("1")
	}
	if f.has("--reload") || truth(env["UVICORN_RELOAD"]) {
		t.Reload = Yes
	}
	host, port := "127.0.0.1", "8000"
	for _, c := range []struct {
		to    *string
		texts []string
	}{{&host, []string{env["UVICORN_HOST"], f.last("--host")}}, {&port, []string{env["UVICORN_PORT"], f.last("--port")}}} {
		for _, text := range c.texts {
			if text != "" {
				*c.to = text
			}
		}
	}
	t.Binds = []string{host + ":" + port}
	if socket := f.last("--uds"); socket != "" {
		t.Binds = []string{"unix:" + socket}
	}
	t.Limit, t.MaxRequests = whole(f.last("--limit-concurrency")), whole(f.last("--limit-max-requests"))
	t.App = appOf(args)
}

// server recognises the program by its name or its title.
func server(args []string) string {
	if len(args) > 0 && strings.HasPrefix(args[0], "gunicorn: ") {
		return "gunicorn"
	}
	for i, a := range args[:min(len(args), 4)] {
		switch base := filepath.Base(a); {
		case base == "gunicorn" || base == "gunicorn3" || base == "gunicorn.app.wsgiapp":
			return "gunicorn"
		case base == "uvicorn" && (i > 0 || len(args) > 1):
			return "uvicorn"
		}
	}
	return ""
}

// appOf is the argument that names the application: the one with a colon
// between two names.
func appOf(args []string) string {
	for n := len(args) - 1; n > 0; n-- {
		module, name, found := strings.Cut(args[n], ":")
		if found && module != "" && name != "" && !strings.ContainsAny(args[n], "/= ") && !strings.HasPrefix(module, "-") &&
			strings.Trim(name, "0123456789") != "" && !takesValue(args[n-1]) {
			return args[n]
		}
	}
	return ""
}

// takesValue reports whether the word behind a flag is its value.
func takesValue(flag string) bool {
	return flag == "-b" || flag == "--bind" || flag == "-c" || flag == "--config" || flag == "--chdir" || flag == "--host" || flag == "-k" || flag == "--worker-class"
}

// named are the only variables of the environment that are looked at; the rest
// holds secrets, and is dropped unread.
var named = map[string]bool{
	"GUNICORN_CMD_ARGS": true, "WEB_CONCURRENCY": true,
	"UVICORN_WORKERS": true, "UVICORN_RELOAD": true, "UVICORN_HOST": true, "UVICORN_PORT": true,
}

// environment reads those; seen is false where we may not look.
func environment(dir string) (env map[string]string, seen bool) {
	out := map[string]string{}
	data, err := readSome(filepath.Join(dir, "environ"), mostEnvironment)
	if err != nil {
		return out, false
	}
	for _, pair := range strings.Split(string(data), "\x00") {
		if name, value, ok := strings.Cut(pair, "="); ok && named[name] {
			out[name] = value
		}
	}
	return out, strings.Contains(string(data), "=") || len(data) == 0
}

// mostEnvironment bounds an environment, in bytes: the kernel's own limit is higher.
const mostEnvironment = 256 << 10

// Directory is where the process works; "" where that is hidden.
func Directory(proc string, pid int) string {
	dir, err := os.Readlink(filepath.Join(proc, strconv.Itoa(pid), "cwd"))
	if err != nil {
		return ""
	}
	return dir
}
