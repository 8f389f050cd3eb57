package logql_test

const (
	loosePattern = "Loki turns this expression into a search for its words, in which it is neither anchored nor folded as RE2 does; its documentation says fully anchored RE2 (grafana/loki issues 14433 and 23892)"
	andOverOr    = "Loki lets and, comma and blank bind tighter than or; its documentation says from left to right. Parentheses make both agree"
	errorsLast   = "Loki tests __error__ behind all filters of the query, where it stands before them too; its documentation says from left to right"
	filtersFirst = "Loki moves line filters before decolorize, so that they see the colours; its documentation says from left to right"
	emptyLabel   = `Loki tells level="" from no level in groups; in Prometheus' model, which it documents, both are the same series`
	droppedFault = "Loki leaves __error_details__ behind on lines that have labels, and not on others; we drop both everywhere"
	refusedHere  = "Loki answers something that nobody can use; we refuse it by name"
)

// knownDifferences are the queries that a real Loki answers otherwise than its
// documentation says, or than we want to, with the reason.
var knownDifferences = map[string]string{
	`lines {app="plain"} |~ "(?i)strasse|ſtraße"`:                                            loosePattern,
	`lines {app="plain"} | regexp "(?P<verb>.*)" | verb=~"POST|PUT|PATCH|DELETE"`:            loosePattern,
	`lines {app="shop"} | json | level="info" or level="error" and path="/b"`:                andOverOr,
	`lines {app="shop"} | json | level="info" or level="error", path="/b"`:                   andOverOr,
	`lines {app="shop"} | json | level="info" or level="error" path="/b"`:                    andOverOr,
	`lines {app="shop"} | json | __error__="" | duration_ms > 5`:                             errorsLast,
	`lines {app="shop"} | json | __error__="" | line_format "x" | duration_ms > 5`:           errorsLast,
	`lines {app="shop"} | json | __error__!="" | duration_ms > 5`:                            errorsLast,
	`lines {app="plain"} | decolorize |= "disk full"`:                                        filtersFirst,
	`at count_over_time({app="plain"} | decolorize |= "disk full" [10m])`:                    filtersFirst,
	`lines {app="shop"} | json | drop __error__`:                                             droppedFault,
	`lines {app="shop"} | json | drop __error__="JSONParserErr"`:                             droppedFault,
	`at sum by (level) (count_over_time({app="shop"} | json | __error__="" [10m]))`:          emptyLabel,
	`at sum by (__error__, level) (count_over_time({app="shop"} | json | keep level [10m]))`: emptyLabel,

	`lines {app="edge"} | logfmt | logfmt level="path"`:                                                           "Loki's logfmt with arguments does not replace a label of an earlier stage, its json with arguments does; ours both do",
	`at count_over_time({app="clean"} | json | line_format "{{.level.x}}" [10m])`:                                 "Loki leaves line_format out where lines are only counted, and sees no fault of it; bytes_over_time fails in both",
	`at label_replace(sum by (path) (count_over_time({app="clean"} | json [10m])), "path", "same", "path", ".*")`: refusedHere + ": several series with the same labels",
	`at label_replace(vector(1), "x-y", "a", "b", "")`:                                                            refusedHere + ": a label name that no selector can read",
	`at quantile_over_time(1.5, {app="clean"} | json | unwrap ms [10m]) by ()`:                                    refusedHere + ": infinity for a quantile beyond 1",
	`at 5 > 3`: refusedHere + ": a question that asks nothing of any log",
}
