package stack

import (
	"fmt"
	"os"
)

// writeMonitoring writes Prometheus, its rules, Alertmanager and the exporters.
func (s *Stack) writeMonitoring() error {
	for name, text := range map[string]string{"prometheus.yml": prometheusConf, "rules.yml": rulesConf, "alertmanager.yml": alertmanagerConf} {
		if err := os.WriteFile(s.path("etc", name), []byte(s.fill(text)), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	for _, p := range []struct {
		process **Process
		name    string
		env     []string
		args    []string
	}{
		{&s.Prometheus, "prometheus", nil, []string{
			"--config.file={dir}/etc/prometheus.yml", "--storage.tsdb.path={dir}/prometheus", "--web.listen-address=127.0.0.1:{prometheus}",
			"--web.enable-lifecycle", "--rules.alert.resend-delay=2s", "--log.level=warn",
		}},
		{&s.Alertmanager, "prometheus-alertmanager", nil, []string{
			"--config.file={dir}/etc/alertmanager.yml", "--storage.path={dir}/alertmanager", "--web.listen-address=127.0.0.1:{alertmanager}",
			"--cluster.listen-address=", "--log.level=warn",
		}},
		{&s.PostgresExporter, "prometheus-postgres-exporter", []string{
			"DATA_SOURCE_NAME=postgresql://quell:{database-password}@127.0.0.1:{postgres}/orders?sslmode=disable",
		}, []string{"--web.listen-address=127.0.0.1:{postgres-exporter}", "--log.level=warn"}},
		{&s.RedisExporter, "prometheus-redis-exporter", []string{"REDIS_PASSWORD={redis-password}"}, []string{
			"--web.listen-address=127.0.0.1:{redis-exporter}", "--redis.addr=redis://127.0.0.1:{redis}",
		}},
		{&s.NodeExporter, "prometheus-node-exporter", nil, []string{"--web.listen-address=127.0.0.1:{node-exporter}", "--log.level=warn"}},
	} {
		path, err := find(p.name)
		if err != nil {
			return err
		}
		argv, env := []string{path}, []string{}
		for _, a := range p.args {
			argv = append(argv, s.fill(a))
		}
		for _, e := range p.env {
			env = append(env, s.fill(e))
		}
		if *p.process, err = s.process(p.name, program{argv: argv, env: env}); err != nil {
			return err
		}
	}
	return nil
}

const prometheusConf = `global: {scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s}
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:{alertmanager}"]}]}]}
rule_files: ["{dir}/etc/rules.yml"]
scrape_configs:
- {job_name: orders, static_configs: [{targets: ["127.0.0.1:{a}", "127.0.0.1:{b}"], labels: {service: orders}}]}
- {job_name: postgres, static_configs: [{targets: ["127.0.0.1:{postgres-exporter}"]}]}
- {job_name: redis, static_configs: [{targets: ["127.0.0.1:{redis-exporter}"]}]}
- {job_name: node, static_configs: [{targets: ["127.0.0.1:{node-exporter}"]}]}
`

// The rules of an ordinary service, with times that fit a lab's pace.
const rulesConf = `groups:
- name: orders
  rules:
  - alert: HighErrorRate
    expr: sum by (service) (rate(http_requests_total{status=~"5.."}[10s])) / sum by (service) (rate(http_requests_total[10s])) > 0.05
    for: 3s
    labels: {severity: high}
  - alert: HighLatency
    expr: histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[10s]))) > 1
    for: 3s
    labels: {severity: high}
  - alert: TargetDown
    expr: up == 0
    for: 3s
    labels: {severity: high}
`

const alertmanagerConf = `route: {receiver: nobody, group_wait: 1s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname, service]}
receivers: [{name: nobody}]
`
