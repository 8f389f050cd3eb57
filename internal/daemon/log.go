package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/pid"
)

// lastWords is how much of a log is told, in bytes.
const lastWords = 500

// LastWords is the end of what an instance wrote, to say why it ended; empty
// where it wrote nothing.
func (d Daemon) LastWords(name string) string {
	f, err := os.Open(d.log(name))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	text := make([]byte, min(info.Size(), lastWords))
	if _, err := f.ReadAt(text, info.Size()-int64(len(text))); err != nil {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(text)), "?")
}

// keptFor is how long the record and the log of one that has ended stay.
const keptFor = 30 * 24 * time.Hour

// forget removes what is left of instances that have ended before a moment.
func (d Daemon) forget(before time.Time) {
	records, _ := filepath.Glob(filepath.Join(d.Records, "*.run"))
	for _, r := range records {
		name := strings.TrimSuffix(filepath.Base(r), ".run")
		info, err := os.Stat(r)
		if err != nil || info.ModTime().After(before) {
			continue
		}
		if id, err := d.Find(name); err == nil && !pid.Lives(id) {
			_ = os.Remove(d.log(name))
			_ = os.Remove(d.asked(name))
			_ = os.Remove(r)
		}
	}
}
