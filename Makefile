# Every target is one line; `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
GO ?= go

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

build: ## build ./quell
	$(GO) build -trimpath -ldflags='-s -w' -o quell ./cmd/quell

demo: build ## break a small shop, diagnose it, mend it and tell the tale: nothing to install
	./quell demo --yes

test: servers ## install the servers that tests need (Debian, root), then run every test
	scripts/test

servers:
	@scripts/servers

lint: ## vet, formatting and the linters
	scripts/lint

generate: build ## rewrite the generated reference pages
	scripts/generate

score: ## let real faults into single real servers, and print the rank of the true cause
	$(GO) test ./lab/... -run 'Score|Faults|Healthy' -count 1 -parallel 3 -timeout 30m -v | sed -E '/^ *(=== |--- PASS)/d'

loki-fixtures: ## ask a real Loki (built once, ten minutes) what our LogQL must answer, and keep its answers
	QUELL_LOKI="$$(scripts/loki)" $(GO) test ./internal/logql -run RecordLoki -record -count 1 -v

lab: ## start a real service again and again, let every fault in (three seeds), and print how it was diagnosed: hours
	$(GO) run ./lab score --seed 1,2,3 --stacks 2 --out lab-results.jsonl
	$(GO) run ./lab table lab-results.jsonl --page docs/reference/accuracy.md

crash: ## kill quell with kill -9 at 500 seeded points of an incident, and count what was done twice, lost or stuck
	$(GO) test ./lab/crash -run KilledAnywhere -count 1 -points 500 -timeout 90m -v

bench-run: ## steps per second of plans of 10 to 1,000 steps, each durable; state, memory, cold start
	$(GO) run ./lab/runbench

bench-diagnose: build ## time, load on the targets, memory and size of a diagnosis on real servers
	QUELL_BENCH_BUILD=1 $(GO) test ./lab/server -run "^$$" -bench Diagnose -benchtime 1x -timeout 30m

bench-logs: build ## time log queries beside jq, grep, ripgrep and a plain loop, on 100 MB and 1 GB
	$(GO) build -tags purego -trimpath -ldflags='-s -w' -o quell-purego ./cmd/quell
	$(GO) run ./lab/logbench -pure ./quell-purego

redaction: ## recall, precision and damage of the redaction on marked lines, and its speed
	$(GO) run ./lab/redaction
	$(GO) test ./internal/secret/shape -run '^$$' -bench Find

fuzz: ## fuzz the parsers for a minute each
	scripts/fuzz

.PHONY: lab redaction help build demo test servers lint generate score crash bench-run bench-diagnose bench-logs fuzz loki-fixtures
