package process

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

type config struct {
	Manager      string                   `json:"manager"`
	Name         string                   `json:"name"`
	URL          string                   `json:"url"`
	Username     string                   `json:"username"`
	Password     secret.String            `json:"password"`
	File         string                   `json:"file"`
	Project      string                   `json:"project"`
	Pidfile      string                   `json:"pidfile"`
	Match        string                   `json:"match"`
	Start        []string                 `json:"start"`
	Stop         []string                 `json:"stop"`
	Restart      []string                 `json:"restart"`
	Reload       []string                 `json:"reload"`
	OwnPidfile   bool                     `json:"writes_pidfile"`
	StopSignal   string                   `json:"stop_signal"`
	ReloadSignal string                   `json:"reload_signal"`
	StopTimeout  connector.Duration       `json:"stop_timeout"`
	StartTimeout connector.Duration       `json:"start_timeout"`
	Steady       connector.Duration       `json:"steady"`
	Health       string                   `json:"health"`
	Dir          string                   `json:"dir"`
	Env          map[string]secret.String `json:"env"`
	User         string                   `json:"user"`
	Log          string                   `json:"log"`
	Through      []string                 `json:"through"`

	match                    *regexp.Regexp
	stopSignal, reloadSignal syscall.Signal
}

func settings() []connector.Setting {
	text := func(name, about string) connector.Setting {
		return connector.Setting{Name: name, Type: probe.Text, Optional: true, About: about}
	}
	list := func(name, about string) connector.Setting {
		return connector.Setting{Name: name, Type: probe.List, Optional: true, About: about}
	}
	span := func(name, def, about string) connector.Setting {
		return connector.Setting{Name: name, Type: probe.Duration, Default: def, About: about}
	}
	secret := func(s connector.Setting) connector.Setting { s.Secret = true; return s }
	return []connector.Setting{
		{Name: "manager", Type: probe.Text, About: "who looks after the service: systemd, supervisor, compose, command or pid"},
		text("name", "what the manager calls it: the unit, the program (group or group:program), the Compose service"),
		text("url", "supervisor: unix:///var/run/supervisor.sock (the default) or http://127.0.0.1:9001; compose: the Docker engine's address, where it is not the usual one"),
		text("username", "supervisor: user of its HTTP server"),
		secret(text("password", "supervisor: that user's password")),
		text("file", "compose: the Compose file; where several projects have a service of this name, it or project is needed"),
		text("project", "compose: the project's name"),
		text("pidfile", "pid and command: the file that holds the number of the main process"),
		text("match", "pid and command: a regular expression that the process's command line matches; a pidfile that names another process is old"),
		list("start", "pid: the service's program and its arguments, in the foreground; command: what starts it"),
		list("stop", "command: what stops it"),
		list("restart", "command: what restarts it; without it, stop and then start"),
		list("reload", "command: what lets it read its configuration again"),
		{Name: "writes_pidfile", Type: probe.Bool, Default: "false", About: "pid: the service writes its pidfile itself, and may put itself into the background"},
		{Name: "stop_signal", Type: probe.Text, Default: "TERM", About: "pid: signal that ends it"},
		{Name: "reload_signal", Type: probe.Text, Default: "HUP", About: "pid, supervisor and compose: signal that lets it read its configuration again"},
		span("stop_timeout", "10s", "how long it may take to end; systemd, supervisor and Compose have a time of their own"),
		span("start_timeout", "30s", "how long it may take to run and to be healthy"),
		span("steady", "1s", "pid and command: how long it must have lived to count as started"),
		text("health", "address that answers when the service is well: http://127.0.0.1:8000/health, or host:port for a bare connection"),
		text("dir", "pid and command: directory to start it in"),
		secret(connector.Setting{Name: "env", Type: probe.Map, Optional: true, About: "pid and command: its environment, beside PATH, HOME, LANG and the like; nothing else of ours is handed on"}),
		text("user", "pid: user to start it as, when quell is root"),
		text("log", "pid: file that its output is appended to; without it the output is lost"),
		list("through", "systemd and compose: what stands before the command, such as [sudo, -n], or [nsenter, -t, 1, -m] in a container that looks after its own machine"),
	}
}

// managers are the words for who looks after a service, with what each needs.
var managers = map[string]struct {
	needs string
	has   func(config) bool
}{
	"systemd":    {"name", func(c config) bool { return c.Name != "" }},
	"supervisor": {"name", func(c config) bool { return c.Name != "" }},
	"compose":    {"name", func(c config) bool { return c.Name != "" }},
	"command":    {"pidfile", func(c config) bool { return c.Pidfile != "" }},
	"pid":        {"pidfile", func(c config) bool { return c.Pidfile != "" }},
}

func parse(s connector.Settings, dir string) (config, error) {
	c := config{
		StopSignal: "TERM", ReloadSignal: "HUP", StopTimeout: connector.Duration{Duration: 10 * time.Second},
		StartTimeout: connector.Duration{Duration: 30 * time.Second}, Steady: connector.Duration{Duration: time.Second},
	}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	m, ok := managers[c.Manager]
	switch {
	case c.Manager == "":
		return c, errors.New("manager is missing: systemd, supervisor, compose, command or pid")
	case !ok:
		return c, fmt.Errorf("there is no manager %q: systemd, supervisor, compose, command or pid", c.Manager)
	case !m.has(c):
		return c, fmt.Errorf("%s is missing: manager %s needs it", m.needs, c.Manager)
	case strings.HasPrefix(c.Name, "-") || strings.ContainsAny(c.Name, " \t\n/"):
		return c, fmt.Errorf("name %q is none that a manager gives", c.Name)
	case c.Manager == "command" && len(c.Start)+len(c.Stop)+len(c.Restart)+len(c.Reload) == 0:
		return c, errors.New("manager command needs start, stop, restart or reload")
	}
	for _, path := range []*string{&c.Pidfile, &c.File, &c.Dir, &c.Log} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return c, c.read()
}

// read turns texts of the settings into what they mean.
func (c *config) read() (err error) {
	if c.stopSignal, err = signalOf(c.StopSignal); err != nil {
		return fmt.Errorf("stop_signal: %w", err)
	}
	if c.reloadSignal, err = signalOf(c.ReloadSignal); err != nil {
		return fmt.Errorf("reload_signal: %w", err)
	}
	if c.Match != "" {
		if c.match, err = regexp.Compile(c.Match); err != nil {
			return fmt.Errorf("match: %w", err)
		}
	}
	if c.Manager == "systemd" && !strings.Contains(c.Name, ".") {
		c.Name += ".service"
	}
	if c.Manager == "systemd" && !strings.HasSuffix(c.Name, ".service") {
		return fmt.Errorf("name: %s is no service unit", c.Name)
	}
	return c.readHealth()
}

// signals are those that end a service or let it read its configuration again.
var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "HUP": syscall.SIGHUP,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "WINCH": syscall.SIGWINCH, "KILL": syscall.SIGKILL,
}

func signalOf(name string) (syscall.Signal, error) {
	sig, ok := signals[strings.TrimPrefix(strings.ToUpper(name), "SIG")]
	if !ok {
		known := make([]string, 0, len(signals))
		for n := range signals {
			known = append(known, n)
		}
		slices.Sort(known)
		return 0, fmt.Errorf("there is no signal %q: one of %s", name, strings.Join(known, ", "))
	}
	return sig, nil
}

// signalName is the short word for a signal: HUP.
func signalName(sig syscall.Signal) string {
	for name, s := range signals {
		if s == sig {
			return name
		}
	}
	return fmt.Sprint(int(sig))
}
