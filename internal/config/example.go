package config

// Example is a configuration that shows every section. It parses.
func Example() string {
	return `# What people feel, and what it rests on.
services:
  orders-api:
    environment: production             # what policies speak of
    url: http://127.0.0.1:8000          # asked for its health, port, name and certificate
    health: /health
    depends_on: [orders-db, cache]
    logs: [app-logs]
    metrics: [app-metrics]
    runs_on: [this-host]
    # processes: [orders-1, orders-2]   # targets of kind process that are the service itself
    # operations: [deploy]              # targets of kind http with calls that may mend it: go back, purge, switch off

# Systems to ask. Secrets are references: env:NAME, file:/path, or ${env:NAME} inside of a text.
# A .env file beside this one is read too.
targets:
  orders-db:
    kind: postgres
    url: postgres://quell@127.0.0.1:5432/orders
    password: env:ORDERS_DB_PASSWORD
  cache: {kind: redis, url: "env:REDIS_URL"}   # process: redis-server names the target of kind process that is its server
  app-metrics: {kind: series, scrape: ["http://127.0.0.1:8000/metrics"]}   # or kind prometheus, with url
  app-logs: {kind: logs, paths: ["/var/log/orders/*.log"]}                 # or kind loki, with url
  this-host: {kind: host}
  # bank: {kind: http, url: "https://api.bank.example", health: /status}   # in depends_on: a service that this one calls

# How hard one investigation may ask one target; a target may have its own.
limits: {concurrency: 2, requests: 400, busy: 30s, timeout: 5s, rows: 2000, bytes: 8MB}

# Your own playbooks, beside those that come with Quell.
playbooks: [runbooks]

# Parameters of playbooks: for all, or for one by its id. Two are in most of them: recently, what counts as now (5m), and
# window, over how long rates are taken (1m): shorter where metrics come every second and nobody waits.
params:
  idle_after: 10m
  db/connections: {idle_after: 5m}

# Who must approve a change, and when nothing is changed: docs/policy.md.
policy:
  approvers: [alice, bob]
  risk: {R1: nobody, R2: anyone, R3: approver, R4: two}
  limits: {per_hour: 6, blast: 50}
  freeze:
    - {weekly: "Fri 16:00 - Mon 08:00", zone: Europe/Berlin, environment: production, approval: two}
  autonomy: {"*": approve}

# Where incidents are kept: a file, or a Postgres database that several machines share (store: {postgres: "env:QUELL_STORE"}).
# Without it they are in incidents.db of the state directory, which is $QUELL_STATE, or quell below $XDG_STATE_HOME, or
# ~/.local/state/quell; the keys that approvals are signed with are there too.
store: {path: incidents.db}

# What is masked besides secrets and personal data that Quell knows by itself: docs/redaction.md.
redact: ['\bCUST-\d{8}\b', 'tenant=(\w+)']
`
}
