package nginx

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// accessLog is one access log of a configuration, with how its lines are written.
type accessLog struct {
	path   string
	format string // name of the log_format
	layout *layout
}

// mostLogs bounds how many log files of one configuration are read.
const mostLogs = 16

// combined is what nginx knows by itself.
const combined = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// accessLogs lists the access logs that can be read, and says of the others why
// they cannot. Where one block writes several, the one whose format says most is
// taken, since each of them has every request.
func (t *target) accessLogs(tree *tree, b built) (logs []accessLog, notes []string) {
	formats := map[string]*layout{"combined": readLayout(combined)}
	type place struct{ block *directive }
	var order []place
	named := map[place][]*directive{}
	tree.walk(func(d *directive, within []*directive) {
		switch d.name.text {
		case "log_format":
			if len(d.args) > 1 {
				formats[d.arg(0)] = readLayout(formatText(d))
			}
		case "access_log":
			p := place{}
			if len(within) > 0 {
				p.block = within[len(within)-1]
			}
			if named[p] == nil {
				order = append(order, p)
			}
			named[p] = append(named[p], d)
		}
	})
	if len(order) == 0 && b.accessLog != "" {
		logs = append(logs, accessLog{path: b.accessLog, format: "combined", layout: formats["combined"]})
	}
	for _, p := range order {
		var best *accessLog
		for _, d := range named[p] {
			path, ok := t.logPath(d, b, &notes)
			if !ok {
				continue
			}
			l := accessLog{path: path, format: "combined"}
			if name := d.arg(1); name != "" && !strings.Contains(name, "=") {
				l.format = name
			}
			if l.layout = formats[l.format]; l.layout == nil {
				notes = append(notes, fmt.Sprintf("%s: its log_format %s is not one that quell can read", path, l.format))
				continue
			}
			if best == nil || l.layout.richer(best.layout) {
				best = &l
			}
		}
		if best != nil && !slices.ContainsFunc(logs, func(l accessLog) bool { return l.path == best.path && l.format == best.format }) {
			logs = append(logs, *best)
		}
	}
	if len(logs) > mostLogs {
		notes = append(notes, fmt.Sprintf("%d access logs are not read: the first %d are", len(logs)-mostLogs, mostLogs))
		logs = logs[:mostLogs]
	}
	return logs, notes
}

// formatText is what a log_format writes: its texts joined, as nginx does.
func formatText(d *directive) string {
	var text strings.Builder
	for i, a := range d.args[1:] {
		if i == 0 && strings.HasPrefix(a.text, "escape=") {
			continue
		}
		text.WriteString(a.text)
	}
	return text.String()
}

// errorLogs lists the error logs of a configuration, and says of the others why
// they cannot be read.
func (t *target) errorLogs(tree *tree, m master, b built) (paths, notes []string) {
	add := func(path string) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	outermost := false
	tree.walk(func(d *directive, within []*directive) {
		if d.name.text != "error_log" {
			return
		}
		outermost = outermost || len(within) == 0
		if path, ok := t.logPath(d, b, &notes); ok {
			add(path)
		}
	})
	if !outermost {
		path := b.errorLog
		if named := logOption.FindStringSubmatch(m.title); named != nil {
			path = named[1]
		}
		if path != "" {
			add(t.inPrefix(path, b))
		}
	}
	if len(paths) > mostLogs {
		notes = append(notes, fmt.Sprintf("%d error logs are not read: the first %d are", len(paths)-mostLogs, mostLogs))
		paths = paths[:mostLogs]
	}
	return paths, notes
}

// logPath is the file that a log directive writes into. It adds a note where
// there is none that could be read.
func (t *target) logPath(d *directive, b built, notes *[]string) (string, bool) {
	path := d.arg(0)
	switch {
	case path == "off" || path == "" || path == "/dev/null":
		return "", false
	case path == "stderr" || strings.HasPrefix(path, "syslog:") || strings.HasPrefix(path, "memory:") || strings.HasPrefix(path, "/dev/std"):
		*notes = append(*notes, fmt.Sprintf("%s:%d: %s cannot be read from here", d.file.path, d.line(), path))
		return "", false
	case strings.Contains(path, "$"):
		*notes = append(*notes, fmt.Sprintf("%s:%d: the log's name %s holds variables", d.file.path, d.line(), path))
		return "", false
	}
	return filepath.Clean(t.inPrefix(path, b)), true
}

// surroundings is how nginx was built and what runs of it: guesses where the
// program cannot be asked, and no master where none is found.
func (t *target) surroundings(ctx context.Context, tree *tree) (built, master) {
	if m, err := t.findMaster(ctx, tree); err == nil {
		return m.built, m
	}
	if b, err := t.build(ctx); err == nil {
		return b, master{}
	}
	return built{prefix: filepath.Dir(tree.conf), errorLog: "/var/log/nginx/error.log", accessLog: "/var/log/nginx/access.log"}, master{}
}
