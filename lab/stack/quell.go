package stack

import (
	"fmt"
	"os"
)

// writeQuell writes quell.yaml as this service's operator would: what there
// is, where it is, and what may be done to it. The parameters fit the pace of a
// lab, where a fault is half a minute old.
func (s *Stack) writeQuell() error {
	secrets := "ORDERS_DB_PASSWORD={database-password}\n" +
		"ORDERS_REDIS_PASSWORD={redis-password}\n" +
		"ORDERS_MIGRATIONS_URL=postgresql://orders:{database-password}@127.0.0.1:{postgres}/orders\n"
	for path, text := range map[string]string{s.Quell: quellYAML, s.path(".env"): secrets} {
		if err := os.WriteFile(path, []byte(s.fill(text)), 0o600); err != nil {
			return fmt.Errorf("write quell.yaml: %w", err)
		}
	}
	return nil
}

// EditQuell changes quell.yaml.
func (s *Stack) EditQuell(edit func(yaml string) string) error {
	text, err := os.ReadFile(s.Quell)
	if err != nil {
		return fmt.Errorf("read quell.yaml: %w", err)
	}
	if err := os.WriteFile(s.Quell, []byte(edit(string(text))), 0o600); err != nil {
		return fmt.Errorf("write quell.yaml: %w", err)
	}
	return nil
}

const quellYAML = `services:
  orders:
    environment: production
    url: http://127.0.0.1:{front}
    health: /health/ready
    logs: [orders-logs]
    metrics: [orders-metrics]
    runs_on: [this-host]
    processes: [web-a, web-b]
    operations: [deploy]
    depends_on: [orders-db, orders-redis, orders-jobs, orders-tasks, orders-schema, front, gunicorn-a, gunicorn-b,
      receipts, celery-worker, celery-beat, alerts, code, settings]

targets:
  orders-db: {kind: postgres, url: "postgres://quell@127.0.0.1:{postgres}/orders", password: env:ORDERS_DB_PASSWORD, process: postgres-server}
  orders-redis: {kind: redis, url: "redis://127.0.0.1:{redis}/0", password: env:ORDERS_REDIS_PASSWORD, process: redis-server}
  orders-jobs: {kind: rq, url: "redis://127.0.0.1:{redis}/1", password: env:ORDERS_REDIS_PASSWORD}
  orders-tasks: {kind: celery, url: "redis://127.0.0.1:{redis}/2", password: env:ORDERS_REDIS_PASSWORD, queues: [celery], beat_schedule: {dir}/run/beat-schedule}
  orders-schema:
    kind: alembic
    dir: {dir}/srv
    command: [/usr/bin/python3, /usr/bin/alembic]
    env: {MIGRATIONS_URL: "env:ORDERS_MIGRATIONS_URL"}
  front: {kind: nginx, conf: {dir}/etc/nginx.conf, snippets: {dir}/etc/quell.d}
  web-a: {kind: process, manager: pid, name: web-a, pidfile: {dir}/run/web-a.pid, start: [{dir}/bin/web-a], writes_pidfile: true, health: "http://127.0.0.1:{a}/health"}
  web-b: {kind: process, manager: pid, name: web-b, pidfile: {dir}/run/web-b.pid, start: [{dir}/bin/web-b], writes_pidfile: true, health: "http://127.0.0.1:{b}/health"}
  gunicorn-a: {kind: gunicorn, pidfile: {dir}/run/gunicorn-a.pid}
  gunicorn-b: {kind: gunicorn, pidfile: {dir}/run/gunicorn-b.pid}
  redis-server: {kind: process, manager: pid, name: redis, pidfile: {dir}/run/redis.pid, start: [{dir}/bin/redis], writes_pidfile: true}
  postgres-server: {kind: process, manager: pid, name: postgres, pidfile: {dir}/run/postgres.pid, start: [{as-postgres}{dir}/bin/postgres], writes_pidfile: true}
  receipts: {kind: process, manager: pid, name: receipts, pidfile: {dir}/run/receipts.pid, start: [{dir}/bin/receipts], writes_pidfile: true}
  celery-worker: {kind: process, manager: pid, name: celery-worker, pidfile: {dir}/run/tasks.pid, start: [{dir}/bin/tasks], writes_pidfile: true}
  celery-beat: {kind: process, manager: pid, name: celery-beat, pidfile: {dir}/run/beat.pid, start: [{dir}/bin/beat], writes_pidfile: true}
  deploy:
    kind: http
    url: http://127.0.0.1:{operations}
    calls:
      roll-back: {request: PUT /release/previous, repeat: idempotent, timeout: 60s, check: {get: /release, pointer: /went_back, equals: "true"}, about: goes back to the release before}
      restore-settings: {request: PUT /release/previous, repeat: idempotent, timeout: 60s, check: {get: /release, pointer: /went_back, equals: "true"}, about: goes back to the settings before}
  orders-metrics: {kind: prometheus, url: "http://127.0.0.1:{prometheus}"}
  orders-logs: {kind: logs, paths: ["{dir}/log/*.log"]}
  alerts: {kind: alertmanager, url: "http://127.0.0.1:{alertmanager}"}
  code: {kind: git, dir: {dir}/srv, name: orders}
  settings: {kind: git, dir: {dir}/etc, name: settings}
  this-host: {kind: host, processes: {orders: "{dir}/srv(/gunicorn[.]conf[.]py)?( |$)"}}

params: {window: 8s, recently: 20s, stale_after: 10s, patience: 30s, waits_long: 6s, runs_long: 2m, cookie_page: /login, pages: [/items/1, /items/2, /items/3, /items/5, /items/8, /items/13]}

policy:
  approvers: [alice, bob]

store: {path: {dir}/incidents.db}
`
