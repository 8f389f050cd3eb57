// Package stack is a small, honest production service on this machine: a FastAPI
// application in two gunicorn instances behind nginx, with Postgres, Redis, RQ
// and Celery workers, a payment partner, Prometheus, Alertmanager, exporters and
// customers. It lives in one temporary directory, on free ports of the loopback
// interface, and leaves nothing behind: not when it is stopped, not when it
// fails, and not when it is killed.
package stack
