package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// falseAlert is a rule that is too sharp.
func falseAlert() Fault {
	return Fault{
		Name: "false-positive-alert", Group: "Observability", Cause: "C-false-positive-alert",
		About:      "somebody has written an alert at about the usual number of requests, without a waiting time: it comes and goes",
		Truth:      one("observability/alerts#an-alert-fires-without-a-fault"),
		LookAlikes: []string{"C-traffic-spike", "C-bad-deploy"},
		Settle:     45 * time.Second, Alert: "ManyRequests",
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			rate := between(r, 8, 16)
			s.Customers.Rate(float64(rate))
			return watched(s, "rules.yml", func(text string) string {
				return text + fmt.Sprintf("  - alert: ManyRequests\n    expr: sum by (service) (rate(http_requests_total[2s])) > %d\n    labels: {severity: high}\n", rate)
			})
		},
	}
}

// prometheusConfig is a slip that Prometheus refuses to load.
func prometheusConfig() Fault {
	return Fault{
		Name: "prometheus-config-refused", Group: "Observability", Cause: "C-prometheus-config",
		About:      "a new entry of the scrape configuration has a slip, and Prometheus goes on with the old one",
		Truth:      one("observability/prometheus#the-configuration-of-prometheus-was-refused"),
		LookAlikes: []string{"C-scrape-target-wrong"},
		Settle:     15 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			slip := pick(r, "- {job_name: batch, scrape_interval: often}\n", "- {job_name: node, static_configs: []}\n", "- job_name: batch\n   static_configs: []\n")
			return watched(s, "prometheus.yml", func(text string) string { return text + slip })
		},
	}
}

// ruleFails is an alert that can never fire.
func ruleFails() Fault {
	return Fault{
		Name: "rule-fails", Group: "Observability", Cause: "C-rule-fails",
		About:      "an alert joins series that are not alike, and fails each time it is evaluated",
		Truth:      one("observability/prometheus#rules-fail"),
		LookAlikes: []string{"C-prometheus-config"},
		Settle:     15 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return watched(s, "rules.yml", func(text string) string {
				return text + "  - alert: PoolFull\n    expr: db_connections_active * on() up > 100\n"
			})
		},
	}
}

// alertmanagerGone is a Prometheus whose alerts go nowhere.
func alertmanagerGone() Fault {
	return Fault{
		Name: "alertmanager-unreachable", Group: "Observability", Cause: "C-alertmanager-unreachable",
		About:      "Prometheus is given a wrong address of Alertmanager: what fires reaches nobody",
		Truth:      one("observability/alerts#prometheus-does-not-reach-an-alertmanager"),
		LookAlikes: []string{"C-false-positive-alert"},
		Settle:     40 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			right, wrong := fmt.Sprintf(`"127.0.0.1:%d"`, s.Port.Alertmanager), fmt.Sprintf(`"127.0.0.1:%d"`, between(r, 2, 900))
			if _, err := watched(s, "rules.yml", func(text string) string {
				return text + "  - alert: Watchdog\n    expr: vector(1)\n    labels: {severity: none}\n"
			}); err != nil {
				return nil, err
			}
			return watched(s, "prometheus.yml", func(text string) string { return strings.Replace(text, right, wrong, 1) })
		},
	}
}
