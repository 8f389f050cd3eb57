package demo

import (
	"fmt"
	"regexp"
	"strings"
)

// Service tells how the shop is called and where it answers.
func (s *Shop) Service() (name, url string) { return Name, s.url() }

// Log is the path of the shop's log.
func (s *Shop) Log() string { return s.path(logFile) }

// YAML is a quell.yaml for the shop, as its operator would write it: how to look
// at it, and what may be done to it. It is looked at often, and the parameters
// of playbooks fit such a pace, so that a fault of some seconds shows.
func (s *Shop) YAML() string {
	start := make([]string, len(s.command))
	for i, word := range s.command {
		start[i] = fmt.Sprintf("%q", word)
	}
	return strings.NewReplacer(
		"{url}", s.url(), "{log}", fmt.Sprintf("%q", s.path(logFile)), "{pidfile}", fmt.Sprintf("%q", s.path(pidFile)),
		"{output}", fmt.Sprintf("%q", s.path(outputFile)), "{match}", fmt.Sprintf("%q", regexp.QuoteMeta(s.dir)+"$"),
		"{start}", strings.Join(start, ", "), "{provider}", s.provider.address,
	).Replace(written)
}

const written = `services:
  shop:
    url: {url}
    health: /health
    logs: [shop-logs]
    metrics: [shop-metrics]
    depends_on: [shop-web, shop-process]

targets:
  shop-metrics: {kind: series, scrape: ["{url}/metrics"], interval: 1s}
  shop-logs: {kind: logs, paths: [{log}]}
  shop-process:
    kind: process
    manager: pid
    name: shop
    pidfile: {pidfile}
    match: {match}
    start: [{start}]
    log: {output}
    health: {url}/health
    steady: 300ms
    stop_timeout: 5s
  shop-web:
    kind: http
    url: {url}
    health: /health
    # What the shipped playbooks ask for by these names: docs/recovery.md.
    calls:
      roll-back:
        about: goes back to the release before
        request: PUT /admin/release
        body: '{"previous": true}'
        repeat: idempotent
        check: {get: /admin/release, pointer: /previous, equals: "true"}
        undo: roll-forward
      roll-forward:
        request: PUT /admin/release
        body: '{"previous": false}'
        repeat: idempotent
        check: {get: /admin/release, pointer: /previous, equals: "false"}
      more-connections:
        about: gives the pool 20 connections
        request: PUT /admin/pool
        body: '{"size": 20}'
        repeat: idempotent
        check: {get: /admin/pool, pointer: /size, equals: "20"}
        undo: usual-connections
      usual-connections:
        request: PUT /admin/pool
        body: '{"size": 10}'
        repeat: idempotent
        check: {get: /admin/pool, pointer: /size, equals: "10"}
      end-blocker:
        about: ends the session that holds the others up
        request: DELETE /admin/blocker
        repeat: idempotent
        check: {get: /admin/blocker, status: "404"}
      do-without:
        about: lets customers buy now, and charges them later
        request: PUT /admin/charges
        body: '{"later": true, "instead of": "${host}"}'
        repeat: idempotent
        check: {get: /admin/charges, pointer: /later, equals: "true"}
        undo: do-with
        values: {host: "{provider}"}
      do-with:
        request: PUT /admin/charges
        body: '{"later": false}'
        repeat: idempotent
        check: {get: /admin/charges, pointer: /later, equals: "false"}
      set-jobs-aside:
        about: puts jobs aside, and keeps them
        request: PUT /admin/jobs/aside/${jobs}
        repeat: idempotent
        check: {get: "/admin/jobs/aside/${jobs}", pointer: /aside, equals: "true"}
        values: {jobs: "[0-9, ]+"}

params: {window: 4s, recently: 6s, stale_after: 4s, patience: 20s}

# It is asked every few seconds while a change is watched, on machines that may be slow.
limits: {requests: 2000, busy: 2m}
`
