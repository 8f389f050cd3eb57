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
