// Package discover finds what a first quell.yaml should hold: from environment
// variables, .env, compose files, Procfiles, listening ports and log files. It
// only looks; it connects to nothing, and it never writes a secret.
package discover

import (
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// World is what there is to look at.
type World struct {
	Dir       string            // name of the project's directory, for the name of its service
	Files     fs.FS             // the project's directory
	Root      fs.FS             // the machine's files, for /var/log; may be nil
	Env       map[string]string // the process's environment
	Listening []int             // TCP ports that something listens on, on this machine
}

// Found is what a first configuration holds. Services and targets are sorted
// by name.
type Found struct {
	Services []Service
	Targets  []Target
	Notes    []string // what was seen and cannot be written down, with what to do
}

// Service is one entry of services. From says where it was seen.
type Service struct {
	Name, URL, From string
	DependsOn       []string
	Logs, Metrics   []string
	RunsOn          []string
}

// Target is one entry of targets.
type Target struct {
	Name, Kind string
	Settings   []Setting // in the order to be written
	From       string    // where it was seen
	Hint       string    // what a person should check or do; may be empty
	// Off is written as a comment: it was seen, and cannot be reached as it is.
	Off bool

	host string // of its address, to tell that two findings are the same
	port string
}

// Setting is a key with its value as YAML has it.
type Setting struct {
	Name  string
	Value any // string or []string
}

// Empty reports whether nothing was found but this machine itself.
func (f Found) Empty() bool {
	for _, t := range f.Targets {
		if t.Kind != "host" && !t.Off {
			return false
		}
	}
	return len(f.Services) == 0
}

// Here is the world around a directory of this machine. Ports that cannot be
// read are left out.
func Here(dir string) (World, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return World{}, err
	}
	w := World{Dir: filepath.Base(absolute), Files: os.DirFS(absolute), Root: os.DirFS("/"), Env: map[string]string{}}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		w.Env[name] = value
	}
	w.Listening = Listening(w.Root)
	return w, nil
}

// Look finds what there is. The same world gives the same answer.
func Look(w World) Found {
	l := &look{world: w, dotenv: map[string]string{}}
	l.readDotenv()
	l.compose()
	l.variables()
	l.procfile()
	l.ports()
	l.engine()
	l.project()
	l.logs()
	l.machine()
	l.sort()
	return l.found
}

// look gathers findings. What is found first stays; a later finding of the
// same address adds nothing.
type look struct {
	world    World
	dotenv   map[string]string
	composed map[string]*composeService // by name, of the compose file
	found    Found
}

func (l *look) note(text string) { l.found.Notes = append(l.found.Notes, text) }

// env looks a variable up in the environment, then in .env.
func (l *look) env(name string) (value, from string) {
	if v := l.world.Env[name]; v != "" {
		return v, "the environment"
	}
	if v := l.dotenv[name]; v != "" {
		return v, ".env"
	}
	return "", ""
}

// names lists the variables that there are, sorted.
func (l *look) names() []string {
	seen := map[string]bool{}
	for _, m := range []map[string]string{l.world.Env, l.dotenv} {
		for name, v := range m {
			if v != "" {
				seen[name] = true
			}
		}
	}
	out := make([]string, 0, len(seen))
	for name := range seen {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// add keeps a target unless one with its address is there. It returns the name
// under which the system is known.
func (l *look) add(t Target) string {
	for i := range l.found.Targets {
		have := &l.found.Targets[i]
		if have.Kind == t.Kind && have.port == t.port && t.port != "" && sameHost(have.host, t.host) {
			// A variable holds the user and password that work; a port in a
			// compose file is only an address.
			if have.Off && !t.Off || !have.reference() && t.reference() {
				t.Name = have.Name
				*have = t
			}
			return have.Name
		}
	}
	t.Name = l.free(t.Name)
	l.found.Targets = append(l.found.Targets, t)
	return t.Name
}

// reference reports whether the address is kept in a variable or a file.
func (t Target) reference() bool {
	for _, s := range t.Settings {
		if text, ok := s.Value.(string); ok && s.Name == "url" && strings.HasPrefix(text, "env:") {
			return true
		}
	}
	return false
}

func (l *look) free(name string) string {
	for try := name; ; try += "-2" {
		taken := false
		for _, t := range l.found.Targets {
			taken = taken || t.Name == try
		}
		if !taken {
			return try
		}
	}
}

func (l *look) has(kind string) bool {
	for _, t := range l.found.Targets {
		if t.Kind == kind && !t.Off {
			return true
		}
	}
	return false
}

func sameHost(a, b string) bool { return a == b || isLocal(a) && isLocal(b) }

func isLocal(host string) bool {
	switch host {
	case "", "localhost", "127.0.0.1", "::1", "0.0.0.0":
		return true
	}
	return false
}

func (l *look) sort() {
	sort.SliceStable(l.found.Targets, func(a, b int) bool { return l.found.Targets[a].Name < l.found.Targets[b].Name })
	sort.SliceStable(l.found.Services, func(a, b int) bool { return l.found.Services[a].Name < l.found.Services[b].Name })
}
