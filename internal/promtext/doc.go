// Package promtext is what every answerer of a `promql` fence shares: it fills
// the holes of a query so that a value never becomes syntax, checks a query
// without any server, finds the name that this installation gives to a metric,
// and says what an empty answer means. The Prometheus connector and the
// embedded series connector differ only in who evaluates (see Source).
package promtext
