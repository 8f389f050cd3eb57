// Package config reads quell.yaml: the services that people feel, the targets
// that can be asked about them, how hard they may be asked, and who must approve
// a change. Everything that
// is wrong is said with file, line and column, all of it at once.
package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/policy"
	"github.com/quellhq/quell/internal/secret"
)

// Config is a quell.yaml that was read and checked.
type Config struct {
	Path      string // of the file
	Dir       string // its directory: what relative paths start from
	Services  []Service
	Targets   []Target
	Playbooks []string                  // a team's own directories, absolute
	Params    map[string]map[string]any // by playbook id ("" for all), then by parameter
	ParamAt   map[string]string         // by PLAYBOOK#PARAMETER: where it stands, as file:line:column
	Store     Store                     // where incidents are kept
	Policy    policy.Policy             // what a change needs; the zero value where the file says nothing
	Redact    []string                  // rules of what is masked besides; see secret.Masking
	Secrets   []secret.String           // what must be removed from everything shown
	Warnings  []Problem                 // odd, but no reason to stop
}

// Store says where incidents are kept: in a file, or in a Postgres database.
// The zero value leaves it to the program.
type Store struct {
	Path string        // of a SQLite file, absolute
	DSN  secret.String // of a Postgres database
}

// Service is something that users feel.
type Service struct {
	Name        string
	Environment string   // "production"; what policies speak of; may be empty
	URL         string   // empty, or http:// or https://
	Health      string   // path; empty where there is none
	DependsOn   []string // targets
	Upstream    []string // other services that depends_on names
	Logs        []string // targets that serve logs
	Metrics     []string // targets that serve metrics
	Hosts       []string // targets of kind host that it runs on (runs_on)
	Processes   []string // targets of kind process that are the service itself (processes)
	Operations  []string // targets of kind http whose calls may mend it; nobody asks them how it is (operations)
	Line        int
}

// Targets lists the targets that the service rests on, without repeats, in the
// order written.
func (s Service) Targets() []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range [][]string{s.DependsOn, s.Logs, s.Metrics, s.Hosts, s.Processes} {
		for _, name := range list {
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

// Target is a system to talk to.
type Target struct {
	Name     string
	Kind     string
	Settings connector.Settings // without kind and limits, references resolved
	Limits   connector.Limits   // zero fields: the defaults
	Process  string             // target of kind process that is the server behind it; may be empty
	Line     int
	// Err says why the target cannot be opened although it is written correctly:
	// an environment variable or a file that it refers to is missing. The other
	// targets can be asked all the same.
	Err error
}

// Problem is something wrong in the file.
type Problem struct {
	Path      string
	Line, Col int
	Text      string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.Path + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.Path, p.Line, p.Col, p.Text)
}

// Errors are all the problems of a file.
type Errors []Problem

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ErrNone is returned when there is no configuration file at all.
var ErrNone = errors.New("no quell.yaml here or in any directory above: `quell init` writes one from what it finds")

// ErrEmpty is returned, wrapped with the path, when the file says nothing.
var ErrEmpty = errors.New("names no service and no target: `quell init --force` writes one from what it finds")

// Missing lists the targets whose references lead nowhere.
func (c Config) Missing() []error {
	var out []error
	for _, t := range c.Targets {
		if t.Err != nil {
			out = append(out, t.Err)
		}
	}
	return out
}
