package docker

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"
)

// container is what is read of one. Its environment is left where it is.
type container struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	Path    string
	Image   string // id
	State   struct {
		Status     string
		Pid        int
		OOMKilled  bool
		ExitCode   int
		Error      string
		StartedAt  time.Time
		FinishedAt time.Time
		Health     *struct {
			Status        string
			FailingStreak int
			Log           []struct {
				End      time.Time
				ExitCode int
				Output   string
			}
		}
	}
	RestartCount int
	HostConfig   struct {
		NetworkMode   string
		RestartPolicy struct {
			Name              string
			MaximumRetryCount int
		}
		PortBindings map[string][]binding
		Memory       int64
		NanoCpus     int64
		CPUQuota     int64 `json:"CpuQuota"`
		CPUPeriod    int64 `json:"CpuPeriod"`
		LogConfig    struct {
			Type   string
			Config map[string]string
		}
	}
	Config struct {
		Image       string
		Healthcheck *struct{ Test []string }
	}
	NetworkSettings struct {
		Ports    map[string][]binding
		Networks map[string]struct{}
	}
}

type binding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

// cpuLimit is in cores; 0 is none.
func (c container) cpuLimit() float64 {
	switch {
	case c.HostConfig.NanoCpus > 0:
		return float64(c.HostConfig.NanoCpus) / 1e9
	case c.HostConfig.CPUQuota > 0:
		period := c.HostConfig.CPUPeriod
		if period <= 0 {
			period = 100000 // the kernel's default, in microseconds
		}
		return float64(c.HostConfig.CPUQuota) / float64(period)
	}
	return 0
}

// logUnbounded reports whether its log may fill the disk.
func (c container) logUnbounded() bool {
	return c.HostConfig.LogConfig.Type == "json-file" && c.HostConfig.LogConfig.Config["max-size"] == ""
}

// ended says in one word how it ended: exit codes as sh, Docker and the kernel
// give them.
func (c container) ended() string {
	s := c.State
	code := s.ExitCode
	switch {
	case s.Status == "running" || s.Status == "paused":
		return ""
	case s.OOMKilled:
		return "memory"
	case code == 127:
		return "not_found"
	case code == 126:
		return "not_runnable"
	case s.Error != "", s.StartedAt.IsZero() && code != 0:
		return "not_started"
	case s.StartedAt.IsZero():
		return "" // made and never started
	case code == 0:
		return "finished"
	case code == 137:
		return "killed"
	case code == 143 || code == 130 || code == 129:
		return "stopped"
	case code == 139 || code == 134 || code == 136 || code == 132 || code == 135:
		return "crashed"
	}
	return "failed"
}

// problems tell what the engine could not do, by its message.
var problems = []struct {
	word string
	text *regexp.Regexp
}{
	{"port_taken", regexp.MustCompile(`(?i)port is already allocated|address already in use`)},
	{"image", regexp.MustCompile(`(?i)no such image|pull access denied|manifest (for .*)?(unknown|not found)|toomanyrequests|repository does not exist|failed to (pull|resolve)|error pulling image|image .* not found`)},
	{"architecture", regexp.MustCompile(`(?i)exec format error`)},
	{"not_runnable", regexp.MustCompile(`(?i)exec: .*permission denied`)},
	{"not_found", regexp.MustCompile(`(?i)executable file not found|exec: .*no such file|stat .*no such file`)},
	{"mount", regexp.MustCompile(`(?i)bind source path does not exist|error while mounting|error mounting|not a directory.*mount|invalid mount`)},
	{"network", regexp.MustCompile(`(?i)network .* not found|could not find.* network|failed to set up container networking`)},
	{"no_place", regexp.MustCompile(`(?i)no suitable node|insufficient resources`)},
	{"disk_full", regexp.MustCompile(`(?i)no space left on device`)},
	{"exit", regexp.MustCompile(`(?i)non-zero exit`)},
}

// problem is the first of them that text speaks of, "other" for any further
// text, and empty for none.
func problem(text string) string {
	for _, p := range problems {
		if p.text.MatchString(text) {
			return p.word
		}
	}
	if text != "" {
		return "other"
	}
	return ""
}

// inspect looks at each container; what is gone meanwhile is left out.
func (t *target) inspect(ctx context.Context, found []summary) ([]container, error) {
	all := make([]container, len(found))
	errs := make([]error, len(found))
	each(len(found), func(i int) { errs[i] = t.client.get(ctx, "/containers/"+found[i].ID+"/json", nil, &all[i]) })
	var out []container
	var failed error
	for i := range all {
		switch {
		case errs[i] == nil:
			all[i].Name = strings.TrimPrefix(all[i].Name, "/")
			out = append(out, all[i])
		case isGone(errs[i]):
		default:
			failed = errs[i]
		}
	}
	if len(out) == 0 && failed != nil {
		return nil, failed
	}
	return out, nil
}

// each calls do for 0 … n-1, all at once, and waits: the gate bounds how many
// requests are under way.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			do(i)
		}()
	}
	wg.Wait()
}

// age is how long ago at was, in seconds; nil where it never was.
func (t *target) age(at time.Time) any {
	if at.IsZero() || at.Unix() <= 0 {
		return nil
	}
	return t.tools.Now().Sub(at).Seconds()
}
