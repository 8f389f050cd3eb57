// Package logfile reads log files as a source of LogQL: JSON, logfmt and plain
// text, rotated and compressed, by time window, newest part first, in bounded
// memory whatever the size of a file or of a line.
package logfile

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/logql"
)

// Config says which files to read, and how.
type Config struct {
	Paths  []string          // files and globs, ** for any directories, "-" for Stdin; rotated siblings come along by themselves
	Dir    string            // directory that relative paths start from
	Labels map[string]string // stream labels of every line
	// Otherwise are labels for the lines of files in which no line has a field
	// of the name: the name of the service that a plain text log belongs to.
	// Where lines have one and agree, those without it are of the same.
	Otherwise map[string]string
	// Strangers says that a file whose lines all name one service, as programs do
	// that call themselves otherwise, belongs to the one of Otherwise all the same.
	Strangers bool
	Location  *time.Location // of times without a zone; default: this machine's
	Now       time.Time      // for times without a year; default: the real time
	Budget    int64          // bytes read of all files together; default 256 MiB
	Files     int            // how many files are read, the newest; default 20,000
	Stdin     *Spooled       // what the path "-" stands for
	Line      int            // longest line kept, in bytes; the rest is skipped; default 256 KiB
	Natures   *Natures       // what is known of the files from questions before; may be nil
}

func (c Config) filled() (Config, error) {
	if len(c.Paths) == 0 {
		return c, fmt.Errorf("no paths are given")
	}
	paths := make([]string, len(c.Paths))
	for i, p := range c.Paths {
		if p == StdinName {
			if c.Stdin == nil {
				return c, fmt.Errorf("- stands for standard input, and there is none here: name files")
			}
			paths[i] = p
			continue
		}
		if strings.Count(p, "**") > 1 {
			return c, fmt.Errorf("%s: ** may stand once in a path", p)
		}
		if _, err := filepath.Match(p, ""); err != nil {
			return c, fmt.Errorf("%s: not a file name or glob: a [ is never closed", p)
		}
		if c.Dir != "" && !filepath.IsAbs(p) {
			p = filepath.Join(c.Dir, p)
		}
		paths[i] = p
	}
	c.Paths = paths
	if c.Location == nil {
		c.Location = time.Local
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	if c.Budget <= 0 {
		c.Budget = 256 << 20
	}
	if c.Files <= 0 {
		c.Files = 20_000
	}
	if c.Line <= 0 {
		c.Line = 256 << 10
	}
	return c, nil
}

// Files is a set of log files. It implements logql.Source and logql.Scanner.
type Files struct {
	config Config
	chunk  int64 // bytes; tests cut finer
	serial bool  // tests read files in one go, to compare with
}

// New returns the files of a config. It opens none.
func New(config Config) (*Files, error) {
	config, err := config.filled()
	if err != nil {
		return nil, err
	}
	return &Files{config: config, chunk: chunkSize}, nil
}

var _ logql.Scanner = (*Files)(nil)
