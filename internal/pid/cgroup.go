package pid

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// InControlGroup reports whether a process is in a control group whose name
// holds the text: the id of a container, the name of a unit.
func InControlGroup(pid int, name string) bool {
	data, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "cgroup"))
	return err == nil && name != "" && strings.Contains(string(data), name)
}

// Unit is the service unit of systemd that a process belongs to; empty where
// it belongs to none.
func Unit(pid int) string {
	data, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		_, path, _ := strings.Cut(strings.TrimSpace(line), ":/")
		for part := range strings.SplitSeq(path, "/") {
			if strings.HasSuffix(part, ".service") {
				return part
			}
		}
	}
	return ""
}
