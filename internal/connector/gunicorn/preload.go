package gunicorn

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/pid"
)

// preload tells whether the master has loaded the application itself, in which
// case new workers are forks of the old code: "yes", "no" or "unknown".
type preload string

// setsPreload finds the setting in a configuration file. The file is Python
// and may do anything: this reads what people write, and no more.
var setsPreload = regexp.MustCompile(`(?m)^\s*preload_app\s*=\s*(True|False)\b`)

// mostConfig bounds how much of a configuration file is read, in bytes.
const mostConfig = 64 << 10

// preloads reads the master's arguments and its configuration file. The
// environment may say it too; it is not read, since it holds secrets.
func preloads(master pid.Process) preload {
	file := "gunicorn.conf.py"
	for n, a := range master.Args {
		switch {
		case a == "--preload":
			return "yes"
		case (a == "-c" || a == "--config") && n+1 < len(master.Args):
			file = master.Args[n+1]
		case strings.HasPrefix(a, "--config="):
			file = strings.TrimPrefix(a, "--config=")
		}
	}
	if strings.HasPrefix(file, "python:") || strings.HasPrefix(master.Args[0], "gunicorn:") {
		return "unknown"
	}
	file = strings.TrimPrefix(file, "file:")
	if !filepath.IsAbs(file) {
		dir, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(master.PID), "cwd"))
		if err != nil {
			return "unknown"
		}
		file = filepath.Join(dir, file)
	}
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return "no"
	}
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, mostConfig))
	found := setsPreload.FindAllSubmatch(text, -1)
	switch {
	case err != nil:
		return "unknown"
	case len(found) == 0 && strings.Contains(string(text), "preload_app"):
		return "unknown"
	case len(found) == 0:
		return "no"
	case string(found[len(found)-1][1]) == "True":
		return "yes"
	}
	return "no"
}

// configured is the number of workers that the master's arguments ask for, or
// nil: the default, or a number from a file or the environment.
func configured(master pid.Process) any {
	for n, a := range master.Args {
		text := ""
		switch {
		case (a == "-w" || a == "--workers") && n+1 < len(master.Args):
			text = master.Args[n+1]
		case strings.HasPrefix(a, "--workers="):
			text = strings.TrimPrefix(a, "--workers=")
		case strings.HasPrefix(a, "-w"):
			text = strings.TrimPrefix(a, "-w")
		}
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number
		}
	}
	return nil
}
