package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// errorLog follows what the master writes from now on.
type errorLog struct {
	path string
	from int64
}

var logOption = regexp.MustCompile(`(?:^| )-e ?(\S+)`)

func (t *target) followLog(tree *tree, m master) errorLog {
	path := m.built.errorLog
	if named := logOption.FindStringSubmatch(m.title); named != nil {
		path = named[1]
	}
	if d := tree.mainDirective("error_log"); d != nil {
		path = d.arg(0)
	}
	if path == "stderr" || strings.HasPrefix(path, "syslog:") || strings.HasPrefix(path, "memory:") {
		return errorLog{path: path + ", which cannot be read"}
	}
	l := errorLog{path: filepath.Clean(t.inPrefix(path, m.built))}
	if info, err := os.Stat(l.path); err == nil {
		l.from = info.Size()
	}
	return l
}

// faults are the emergencies that the process has written since, in one line.
func (l errorLog) faults(pid int) string {
	f, err := os.Open(l.path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	const most = 64 << 10
	data := make([]byte, most)
	n, err := f.ReadAt(data, l.from)
	if n == 0 && err != nil {
		return ""
	}
	var found []string
	mark := fmt.Sprintf("[emerg] %d#", pid)
	for line := range strings.Lines(string(data[:n])) {
		if _, text, ok := strings.Cut(line, mark); ok && strings.HasSuffix(line, "\n") {
			_, text, _ = strings.Cut(text, ": ")
			found = append(found, strings.TrimSpace(text))
		}
	}
	return strings.Join(found[:min(len(found), 3)], "; ")
}
