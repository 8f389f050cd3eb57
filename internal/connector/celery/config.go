package celery

import (
	"errors"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// settings are the keys of a celery target in quell.yaml.
type settings struct {
	redisapi.Settings
	daemon.Declared
	Queues    []string `json:"queues"`
	KeyPrefix string   `json:"key_prefix"`
}

// mostQueues bounds the queues that are looked at.
const mostQueues = 50

func settingList() []connector.Setting {
	list := append(redisapi.SettingList(),
		connector.Setting{Name: "queues", Type: probe.List, Default: "celery", About: "names of the queues, as task_queues or task_routes have them; the broker does not list them"},
		connector.Setting{Name: "key_prefix", Type: probe.Text, Optional: true, About: "global_keyprefix of broker_transport_options, where it is set"},
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
