package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/policy"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/run"
	"github.com/quellhq/quell/internal/secret"
)

// Setup is everything that an investigation needs to know of the world: what
// quell.yaml says, or what was found without one.
type Setup struct {
	Services  []ServiceSetup
	Targets   []TargetSetup
	Playbooks []string                  // a team's own directories
	Params    map[string]map[string]any // by playbook id ("" for all), then by parameter
	ParamAt   map[string]string         // by PLAYBOOK#PARAMETER: where it stands in the file; may be nil
	Dir       string                    // what relative paths start from
	Secrets   []secret.String           // to be removed from everything shown
	Redact    []string                  // an operator's rules of what is masked besides
	MaskKey   []byte                    // of the store: makes masks of the same secret the same; may be nil
	Policy    policy.Policy             // what changes need
	Store     StoreSetup                // where incidents are kept
	Log       *slog.Logger              // chatter; nil: none
	Notes     []string                  // what a person should know about where this came from
}

// ServiceSetup is a service with the names of the targets it rests on.
type ServiceSetup struct {
	Name, URL, Health string
	Environment       string // as policy names it
	Targets           []string
	Processes         []string // targets of kind process that are the service itself
	Operations        []string // targets whose calls may mend it
}

// TargetSetup is a target that is to be opened.
type TargetSetup struct {
	Name     string
	Kind     string
	Settings connector.Settings
	Limits   connector.Limits
	Process  string // target that is the process behind it
	Err      error  // why it cannot be opened although it is written correctly
}

// declaresCalls reports whether its settings have calls that may mend a service.
func (t TargetSetup) declaresCalls() bool {
	calls, _ := t.Settings["calls"].(map[string]any)
	return len(calls) > 0
}

// facts are what questions may know of a service.
func (s ServiceSetup) facts() probe.Service {
	f := probe.Service{Name: s.Name, URL: s.URL, Health: s.Health}
	if u, err := url.Parse(s.URL); err == nil {
		f.Host = u.Hostname()
		f.Port = u.Port()
		if f.Port == "" && u.Scheme == "https" {
			f.Port = "443"
		} else if f.Port == "" && u.Scheme == "http" {
			f.Port = "80"
		}
	}
	return f
}

// implied are the targets that a service's url stands for: the web service
// itself, its port, its name, and its certificate.
func (s ServiceSetup) implied() []TargetSetup {
	if s.URL == "" {
		return nil
	}
	f := s.facts()
	web := connector.Settings{"url": s.URL}
	if s.Health != "" {
		web["health"] = s.Health
	}
	address := f.Host + ":" + f.Port
	if strings.Contains(f.Host, ":") {
		address = "[" + f.Host + "]:" + f.Port
	}
	out := []TargetSetup{
		{Name: s.Name + "/http", Kind: "http", Settings: web},
		{Name: s.Name + "/tcp", Kind: "tcp", Settings: connector.Settings{"address": address}},
	}
	if named(f.Host) {
		out = append(out, TargetSetup{Name: s.Name + "/dns", Kind: "dns", Settings: connector.Settings{"name": f.Host}})
	}
	if strings.HasPrefix(s.URL, "https:") {
		out = append(out, TargetSetup{Name: s.Name + "/tls", Kind: "tls", Settings: connector.Settings{"address": address}})
	}
	return out
}

// named reports whether a host is a name that DNS answers for: not an address,
// and not this machine.
func named(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && host != "" && host != "localhost"
}

// Session is a setup with its targets open.
type Session struct {
	setup    Setup
	library  Library
	services []run.Service
	targets  map[string]run.Target
	open     map[string]connector.Target
	redact   *secret.Redactor
	values   map[string]map[string]any // of the parameters, by playbook id
	// Unopened are targets whose settings are wrong, each with the reason; the
	// others are asked all the same. Their questions are answered with the
	// reason, so that what rests on them shows as not seen.
	Unopened []Unopened
}

// Unopened is a target that could not be opened.
type Unopened struct {
	Name, Kind string
	Err        error
}

// shut answers for a target that could not be opened.
type shut struct{ reason string }

func (s shut) Ask(context.Context, probe.Question) evidence.Answer {
	return evidence.Not(evidence.NotAsked, s.reason, "")
}

// Open opens every target. Settings that are wrong keep their own target out
// and are listed in Unopened; only a playbook directory that is not there, and
// parameters that no playbook has or can take, are errors.
func Open(setup Setup) (*Session, error) {
	library, err := LoadLibrary(setup.Playbooks)
	if err != nil {
		return nil, err
	}
	masking := secret.Masking{Known: setup.Secrets, Key: setup.MaskKey}
	for _, rule := range setup.Redact {
		if err := masking.Rule(rule); err != nil {
			return nil, fmt.Errorf("redact: %w", err)
		}
	}
	s := &Session{
		setup: setup, library: library, targets: map[string]run.Target{}, open: map[string]connector.Target{},
		redact: masking.Redactor(),
	}
	if s.values, err = parameters(library, setup); err != nil {
		return nil, err
	}
	kinds := map[string]connector.Kind{}
	for _, k := range all.Kinds() {
		kinds[k.Name] = k
	}
	for _, t := range setup.Targets {
		s.openTarget(kinds, t)
	}
	for _, service := range setup.Services {
		names := append([]string{}, service.Targets...)
		elsewhere := s.elsewhere(service, names)
		for _, t := range service.implied() {
			// A target of the same kind that was written down takes its place; one of
			// kind http that is somewhere else is a service that it calls.
			if s.has(names, t.Kind) && (t.Kind != "http" || len(elsewhere) < s.count(names, "http")) {
				continue
			}
			s.openTarget(kinds, t)
			names = append(names, t.Name)
		}
		s.services = append(s.services, run.Service{Facts: service.facts(), Targets: names, Processes: service.Processes, Operations: service.Operations, Called: elsewhere})
	}
	return s, nil
}

func (s *Session) openTarget(kinds map[string]connector.Kind, t TargetSetup) {
	kind, ok := kinds[t.Kind]
	if !ok {
		s.Unopened = append(s.Unopened, Unopened{t.Name, t.Kind, fmt.Errorf("target %s: there is no kind %q", t.Name, t.Kind)})
		return
	}
	if t.Err != nil {
		s.keepOut(t, kind, t.Err, t.Err.Error())
		return
	}
	gate := connector.NewGate(t.Limits)
	tools := connector.Tools{Gate: gate, Log: s.setup.Log, Dir: s.setup.Dir, Redact: s.redact, Services: s.setup.servicesWhereAlone(t.Name)}.Filled()
	target, err := kind.Open(t.Settings, tools)
	if err != nil {
		reason := s.redact.Text(err.Error())
		s.keepOut(t, kind, fmt.Errorf("target %s: %s", t.Name, reason), "its settings in quell.yaml: "+reason)
		return
	}
	s.open[t.Name] = target
	s.targets[t.Name] = run.Target{Name: t.Name, Kind: kind.Name, Serves: kind.Serves, Probes: kind.Probes, Prober: target, Gate: gate, Process: t.Process, Calls: t.declaresCalls()}
}

// servicesWhereAlone are the names of all services, if one alone has the target.
func (s Setup) servicesWhereAlone(target string) []string {
	var all []string
	users := 0
	for _, service := range s.Services {
		all = append(all, service.Name)
		if slices.Contains(service.Targets, target) {
			users++
		}
	}
	if users != 1 {
		return nil
	}
	return all
}

// keepOut puts in the place of a target the reason why it is not there.
func (s *Session) keepOut(t TargetSetup, kind connector.Kind, err error, reason string) {
	s.Unopened = append(s.Unopened, Unopened{t.Name, t.Kind, err})
	s.targets[t.Name] = run.Target{Name: t.Name, Kind: kind.Name, Serves: kind.Serves, Probes: kind.Probes, Prober: shut{reason}, Process: t.Process, Calls: t.declaresCalls()}
}

func (s *Session) has(names []string, kind string) bool { return s.count(names, kind) > 0 }

func (s *Session) count(names []string, kind string) (n int) {
	for _, name := range names {
		if t, ok := s.targets[name]; ok && t.Kind == kind {
			n++
		}
	}
	return n
}

// elsewhere are the targets of kind http that are at another address than the
// service: others that it calls.
func (s *Session) elsewhere(service ServiceSetup, names []string) (out []string) {
	here := service.facts()
	if here.Host == "" {
		return nil
	}
	for _, t := range s.setup.Targets {
		address, _ := t.Settings["url"].(string)
		there := ServiceSetup{URL: address}.facts()
		if t.Kind == "http" && slices.Contains(names, t.Name) && there.Host != "" && !same(here, there) {
			out = append(out, t.Name)
		}
	}
	return out
}

// same reports whether two addresses may be those of one service: behind a name
// and behind an address of the same port there may be the same.
func same(a, b probe.Service) bool {
	return a.Port == b.Port && (strings.EqualFold(a.Host, b.Host) || !named(a.Host) || !named(b.Host))
}

// Library is the set of playbooks of the session.
func (s *Session) Library() Library { return s.library }

// Services lists the names of the services, in the order of the setup.
func (s *Session) Services() []string {
	var names []string
	for _, service := range s.services {
		names = append(names, service.Facts.Name)
	}
	return names
}

// Close closes every target. It may be called twice.
func (s *Session) Close() {
	for _, t := range s.open {
		// A target that does not close cleanly has nothing left to lose.
		_ = t.Close()
	}
}
