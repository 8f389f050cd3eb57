// Package request reads what log lines tell of requests: of those that a service
// answers, in its own lines and in access logs, and of those that it sends to
// others. A Tally counts them and how long they took, now and before.
package request
