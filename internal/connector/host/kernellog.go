package host

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// kernelLine is one message of the kernel: seconds since 1970 (0 when it bears
// no time) and the text.
type kernelLine struct {
	at   float64
	text string
}

// maxKernelLog is how much of a log file is read, from its end.
const maxKernelLog = 2 << 20

// kernelLines reads the kernel's messages from where they can be read, and says
// from where.
func (t *target) kernelLines(ctx context.Context) (lines []kernelLine, source string, err error) {
	err = t.request(ctx, func() error {
		lines, source, err = t.readKernelLog()
		return err
	})
	return lines, source, err
}

func (t *target) readKernelLog() ([]kernelLine, string, error) {
	if t.config.KernelLog != "" {
		lines, err := t.logFile(t.config.KernelLog)
		return lines, t.config.KernelLog, err
	}
	boot := t.bootTime()
	lines, err := readKmsg("/dev/kmsg", boot)
	if err == nil {
		return lines, "/dev/kmsg", nil
	}
	for _, path := range []string{"/var/log/kern.log", "/var/log/messages"} {
		if lines, fileErr := t.logFile(path); fileErr == nil {
			return lines, path, nil
		}
	}
	return nil, "", fmt.Errorf("read the kernel's messages: %w", err)
}

func (t *target) bootTime() float64 {
	data, err := t.sys.read("stat")
	if err != nil {
		return 0
	}
	return float64(pairs(data)["btime"])
}

// parseKmsg reads "6,339,5140900,-;text": priority, number, microseconds since boot, flags.
func parseKmsg(record string, boot float64) (kernelLine, bool) {
	head, text, ok := strings.Cut(record, ";")
	parts := strings.Split(head, ",")
	if !ok || len(parts) < 3 {
		return kernelLine{}, false
	}
	usec, err := strconv.ParseFloat(parts[2], 64)
	if err != nil {
		return kernelLine{}, false
	}
	text, _, _ = strings.Cut(text, "\n")
	return kernelLine{at: boot + usec/1e6, text: text}, true
}

// logFile reads the end of a file: records of kmsg, "[  12.345] text" as dmesg
// prints, or lines of syslog with "kernel:".
func (t *target) logFile(path string) ([]kernelLine, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.tools.Dir, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > maxKernelLog {
		if _, err := f.Seek(-maxKernelLog, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKernelLog))
	if err != nil {
		return nil, err
	}
	boot, now := t.bootTime(), t.tools.Now()
	var lines []kernelLine
	for raw := range bytes.Lines(data) {
		text := strings.TrimRight(string(raw), "\r\n")
		if l, ok := parseKmsg(text, boot); ok {
			lines = append(lines, l)
			continue
		}
		lines = append(lines, parseSyslog(text, boot, now))
	}
	return lines, nil
}

func parseSyslog(text string, boot float64, now time.Time) kernelLine {
	if rest, ok := strings.CutPrefix(text, "["); ok {
		if stamp, message, ok := strings.Cut(rest, "] "); ok {
			if s, err := strconv.ParseFloat(strings.TrimSpace(stamp), 64); err == nil {
				return kernelLine{at: boot + s, text: message}
			}
		}
	}
	before, message, ok := strings.Cut(text, "kernel: ")
	if !ok {
		return kernelLine{text: text}
	}
	if strings.HasPrefix(message, "[") {
		if _, rest, ok := strings.Cut(message, "] "); ok {
			message = rest
		}
	}
	l := kernelLine{text: message}
	first, _, _ := strings.Cut(before, " ")
	if at, err := time.Parse(time.RFC3339Nano, first); err == nil {
		l.at = float64(at.UnixMilli()) / 1000
	} else if len(before) > 15 {
		// Traditional syslog has no year: the newest one that is not ahead of us.
		if at, err := time.ParseInLocation(time.Stamp, before[:15], now.Location()); err == nil {
			at = at.AddDate(now.Year(), 0, 0)
			if at.After(now.Add(24 * time.Hour)) {
				at = at.AddDate(-1, 0, 0)
			}
			l.at = float64(at.Unix())
		}
	}
	return l
}
