package store

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/quellhq/quell/internal/secret"
)

// Config says where incidents are kept. Either Path or DSN is needed; the rest
// has defaults.
type Config struct {
	// Path is a SQLite file. It is made, for its owner alone, where it is
	// missing, and so is its directory. It belongs on a disk of this machine.
	Path string
	// DSN is the address of a Postgres database, postgres://… or host=… dbname=….
	DSN secret.String
	// Schema of the Postgres database, made where it is missing; "quell".
	Schema string
	// Patience is how long a call waits for other writers, and for a server
	// that was lost while it wrote; 10s.
	Patience time.Duration
	// ConnectTimeout bounds each attempt to connect to Postgres; 5s.
	ConnectTimeout time.Duration
	// Timeout bounds every single transaction, whatever the caller's deadline; 30s.
	Timeout time.Duration
	// Now is the wall clock; time.Now. Leases do not depend on it.
	Now func() time.Time
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func (c Config) filled() (Config, error) {
	switch {
	case c.Path == "" && c.DSN.Empty():
		return c, errors.New("open the incident store: it needs a path (SQLite) or a dsn (Postgres)")
	case c.Path != "" && !c.DSN.Empty():
		return c, errors.New("open the incident store: it has a path (SQLite) and a dsn (Postgres); give one of them")
	}
	if c.Schema == "" {
		c.Schema = "quell"
	}
	if !schemaName.MatchString(c.Schema) {
		return c, fmt.Errorf("open the incident store: schema %q: lower-case letters, digits and _ only", c.Schema)
	}
	c.Patience = or(c.Patience, 10*time.Second)
	c.ConnectTimeout = or(c.ConnectTimeout, 5*time.Second)
	c.Timeout = or(c.Timeout, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func or(given, otherwise time.Duration) time.Duration {
	if given > 0 {
		return given
	}
	return otherwise
}
