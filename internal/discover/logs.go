package discover

import (
	"io/fs"
	"sort"
	"strings"
)

// logs looks for log files in the project and, for the services that were
// found, under /var/log.
func (l *look) logs() {
	for _, dir := range []string{"logs", "log"} {
		patterns := patternsIn(l.world.Files, dir, "")
		if len(patterns) == 0 {
			continue
		}
		name := l.add(Target{Name: "app-logs", Kind: "logs", From: "files in " + dir + "/", Settings: []Setting{{"paths", patterns}}})
		if len(l.found.Services) == 0 {
			l.found.Services = append(l.found.Services, Service{Name: l.projectName(), From: "the name of this directory, which has logs"})
		}
		// One directory of one project: the lines say themselves whose they are.
		for i := range l.found.Services {
			l.found.Services[i].Logs = append(l.found.Services[i].Logs, name)
		}
	}
	if l.world.Root == nil {
		return
	}
	for i := range l.found.Services {
		s := &l.found.Services[i]
		dir := "var/log/" + s.Name
		patterns := patternsIn(l.world.Root, dir, "/")
		if len(patterns) == 0 {
			continue
		}
		name := l.add(Target{Name: s.Name + "-logs", Kind: "logs", From: "files in /" + dir, Settings: []Setting{{"paths", patterns}}})
		s.Logs = append(s.Logs, name)
	}
	if patterns := patternsIn(l.world.Root, "var/log/nginx", "/"); len(patterns) > 0 && len(l.found.Services) > 0 {
		name := l.add(Target{Name: "nginx-logs", Kind: "logs", From: "files in /var/log/nginx", Settings: []Setting{{"paths", patterns}}})
		if len(l.found.Services) == 1 && !contains(l.found.Services[0].Logs, name) {
			l.found.Services[0].Logs = append(l.found.Services[0].Logs, name)
		}
	}
}

// patternsIn gives one glob for each ending of log files in a directory.
func patternsIn(files fs.FS, dir, prefix string) []string {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	for _, e := range entries {
		for _, ending := range []string{".log", ".json", ".jsonl", ".out", ".err"} {
			if !e.IsDir() && strings.HasSuffix(e.Name(), ending) {
				seen[prefix+dir+"/*"+ending] = true
			}
		}
	}
	out := make([]string, 0, len(seen))
	for p := range seen {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}

// machine adds this machine, and ties services to what serves them all.
func (l *look) machine() {
	host := l.add(Target{Name: "this-host", Kind: "host", From: "this machine"})
	off := map[string]bool{}
	metrics, logs := "", ""
	for _, t := range l.found.Targets {
		off[t.Name] = t.Off
		if t.Kind == "prometheus" && !t.Off && metrics == "" {
			metrics = t.Name
		}
		if t.Kind == "loki" && !t.Off && logs == "" {
			logs = t.Name
		}
	}
	for i := range l.found.Services {
		s := &l.found.Services[i]
		var reachable []string
		for _, name := range s.DependsOn {
			if !off[name] {
				reachable = append(reachable, name)
			}
		}
		s.DependsOn = reachable
		if metrics != "" {
			s.Metrics = append(s.Metrics, metrics)
		}
		if logs != "" {
			s.Logs = append(s.Logs, logs)
		}
		if strings.Contains(s.URL, "//127.0.0.1:") {
			s.RunsOn = []string{host}
		}
	}
	if metrics == "" {
		for _, s := range l.found.Services {
			if s.URL != "" && strings.HasPrefix(s.URL, "http:") {
				l.found.Targets = append(l.found.Targets, Target{Name: l.free(s.Name + "-metrics"), Kind: "series", Off: true,
					From: "a guess: many services have it", Hint: "if " + s.URL + "/metrics answers, take the # away and add metrics: [" + s.Name + "-metrics] to the service",
					Settings: []Setting{{"scrape", []string{s.URL + "/metrics"}}}})
			}
		}
	}
}
