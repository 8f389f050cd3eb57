package celery

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
	"github.com/quellhq/quell/internal/secret"
)

// settings are the keys of a celery target in quell.yaml.
type settings struct {
	redisapi.Settings
	daemon.Declared
	Queues    []string `json:"queues"`
	KeyPrefix string   `json:"key_prefix"`
	// Results is where the results are, where that is not the broker's own
	// server and database.
	Results secret.String `json:"result_backend"`
	// Schedule is the file in which the beat of this machine keeps when it sent
	// what.
	Schedule string `json:"beat_schedule"`
}

// mostQueues bounds the queues that are looked at.
const mostQueues = 50

func settingList() []connector.Setting {
	list := append(redisapi.SettingList(),
		connector.Setting{Name: "queues", Type: probe.List, Default: "celery", About: "names of the queues, as task_queues or task_routes have them; the broker does not list them"},
		connector.Setting{Name: "key_prefix", Type: probe.Text, Optional: true, About: "global_keyprefix of broker_transport_options, where it is set"},
		connector.Setting{Name: "result_backend", Type: probe.Text, Optional: true, Secret: true, About: "Redis with the results, redis://…, where it is not the broker's own database"},
		connector.Setting{Name: "beat_schedule", Type: probe.Text, Optional: true, About: "schedule file of the beat, where that runs on this machine: /var/lib/shop/celerybeat-schedule"},
	)
	return append(list, daemon.SettingList(`[celery, -A, app, worker, -n, "{name}@%h"]`)...)
}

// names checks the names of queues.
func (s settings) names() ([]string, error) {
	if len(s.Queues) == 0 {
		return []string{"celery"}, nil
	}
	if len(s.Queues) > mostQueues {
		return nil, errors.New("queues names too many: at most 50")
	}
	for _, q := range s.Queues {
		if !isQueue(q) {
			return nil, errors.New("queues names an empty queue, or one with a control character")
		}
	}
	return s.Queues, nil
}

func isQueue(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' })
}

// resultsAt is where the results are.
func (s settings) resultsAt(dir string) (redisapi.Address, error) {
	broker, err := s.Address(dir)
	if err != nil || s.Results.Empty() {
		return broker, err
	}
	with := s.Settings
	with.URL, with.DB, with.Username, with.Password = s.Results, nil, "", secret.String{}
	at, err := with.Address(dir)
	if err != nil {
		return at, fmt.Errorf("result_backend: %w", err)
	}
	if at.Addr == broker.Addr && at.Password.Empty() { // of another server it is no business
		at.Username, at.Password = broker.Username, broker.Password
	}
	return at, nil
}
