package host

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// system is where the kernel shows itself.
type system struct{ proc, sys string }

// maxFile bounds one file of /proc or /sys. Those that grow with the machine
// (the socket tables) are read line by line instead.
const maxFile = 4 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func (s system) read(parts ...string) ([]byte, error) {
	return readFile(filepath.Join(append([]string{s.proc}, parts...)...))
}

// number reads a file that holds one number; "max" is no number.
func number(path string) (int64, bool) {
	data, err := readFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}

// pairs reads lines of "name value" or "name: value kB" into numbers.
func pairs(data []byte) map[string]int64 {
	out := map[string]int64{}
	for line := range bytes.Lines(data) {
		words := strings.Fields(string(line))
		if len(words) < 2 {
			continue
		}
		n, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			continue
		}
		if len(words) > 2 && words[2] == "kB" {
			n *= 1024
		}
		out[strings.TrimSuffix(words[0], ":")] = n
	}
	return out
}

// table reads the two-line tables of /proc/net/snmp and netstat: names, then
// numbers, each with the protocol in front.
func table(data []byte) map[string]int64 {
	out := map[string]int64{}
	var names []string
	for line := range bytes.Lines(data) {
		words := strings.Fields(string(line))
		if len(words) < 2 {
			continue
		}
		if len(names) == len(words) && names[0] == words[0] {
			for i := 1; i < len(words); i++ {
				if n, err := strconv.ParseInt(words[i], 10, 64); err == nil {
					out[strings.TrimSuffix(words[0], ":")+"."+names[i]] = n
				}
			}
			names = nil
			continue
		}
		names = words
	}
	return out
}

// share is part of whole, or nil where there is no whole.
func share(part, whole float64) any {
	if whole <= 0 {
		return nil
	}
	return part / whole
}

// scan3 reads three numbers off the start of a text.
func scan3(text string, into *[3]int64) bool {
	f := strings.Fields(text)
	if len(f) < 3 {
		return false
	}
	for i := range into {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return false
		}
		into[i] = n
	}
	return true
}

// ours reports this process: the one who looks is not what is looked for.
func (s system) ours(p process) bool { return s.proc == "/proc" && p.pid == os.Getpid() }
