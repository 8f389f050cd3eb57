package host

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/appserver"
)

// lookers are programs that name a service without being it. A session of
// Postgres is one too: it names its database.
var lookers = map[string]bool{
	"quell": true, "tail": true, "less": true, "more": true, "vi": true, "vim": true, "nvim": true, "nano": true, "emacs": true,
	"grep": true, "rg": true, "cat": true, "journalctl": true, "ssh": true, "scp": true, "sudo": true, "watch": true, "tmux": true,
	"sh": true, "bash": true, "zsh": true, "dash": true, "fish": true, "strace": true, "gdb": true, "curl": true, "wget": true, "git": true,
	"systemctl": true, "docker": true, "kubectl": true, "make": true, "script": true, "tee": true,
}

// matcher tells which processes are the service's own. explicit means that an
// operator wrote the expression, so that not matching says something too.
func (t *target) matcher(name, expression string) (match func(system, process) bool, explicit bool, err error) {
	re := t.config.patterns[name]
	if expression != "" {
		if re, err = regexp.Compile(expression); err != nil {
			return nil, false, fmt.Errorf("match cannot be read: %w", err)
		}
	}
	us := t.us()
	if re != nil {
		return func(s system, p process) bool {
			return !us[p.pid] && (re.MatchString(strings.Join(p.args, " ")) || titled(p) && re.MatchString(s.behindTitle(p)))
		}, true, nil
	}
	if len(name) < 3 { // "a" or "db" would match half of the machine
		return func(system, process) bool { return false }, false, nil
	}
	word := regexp.MustCompile(`(^|[^A-Za-z0-9])` + strings.ReplaceAll(regexp.QuoteMeta(name), "-", "[-_]") + `($|[^A-Za-z0-9])`)
	return func(s system, p process) bool {
		if us[p.pid] || len(p.args) == 0 || lookers[filepath.Base(p.args[0])] || strings.HasPrefix(p.args[0], "postgres:") {
			return false
		}
		if word.MatchString(strings.Join(p.args, " ")) {
			return true
		}
		if data, err := s.read(strconv.Itoa(p.pid), "cgroup"); err == nil && word.Match(data) {
			return true
		}
		dir, err := os.Readlink(filepath.Join(s.proc, strconv.Itoa(p.pid), "cwd"))
		return err == nil && word.MatchString(filepath.Base(dir))
	}, false, nil
}

// titled reports whether a process has put a title in the place of its
// command line, as gunicorn does where the package setproctitle is installed.
func titled(p process) bool { return len(p.args) > 0 && strings.HasPrefix(p.args[0], "gunicorn: ") }

// behindTitle is what else tells such a process from others: the directory
// that it works in, and the configuration file that lies there.
func (s system) behindTitle(p process) string {
	dir := appserver.Directory(s.proc, p.pid)
	return strings.Join([]string{p.args[0], dir, appserver.Of(s.proc, p.pid, p.args, 0).ConfigFile}, " ")
}

// us are this process and those that started it, a shell or a timer with the
// service's name among their arguments.
func (t *target) us() map[int]bool {
	out := map[int]bool{}
	if !t.config.own() {
		return out
	}
	for pid := os.Getpid(); pid > 1 && !out[pid]; {
		out[pid] = true
		p, err := t.sys.process(pid)
		if err != nil {
			break
		}
		pid = p.ppid
	}
	return out
}
