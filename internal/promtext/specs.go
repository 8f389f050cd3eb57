package promtext

import "github.com/quellhq/quell/internal/probe"

// TargetsSpec is the question that every source of metrics answers about its scraping.
func TargetsSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.targets",
		Question: "Which endpoints does Prometheus fail to scrape, and why?",
		Why:      "A gap in the metrics looks like an outage, and an outage like a gap: the scrape error says which it is.",
		Cost:     "one GET of /api/v1/targets",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "active", Type: "number", About: "targets that Prometheus means to scrape"},
			{Name: "up", Type: "number", About: "targets whose last scrape worked"},
			{Name: "down", Type: "number", About: "targets whose last scrape failed"},
			{Name: "unknown", Type: "number", About: "targets not scraped yet"},
			{Name: "dropped", Type: "number", About: "discovered targets that relabelling drops; null where the server does not say"},
			{Name: "slow", Type: "number", About: "up targets whose scrape took over 80 % of its timeout"},
			{Name: "jobs", Type: "rows", About: "every job with its number of targets: job, targets"},
			{Name: "dark_jobs", Type: "list", About: "jobs of which no target answers"},
			{Name: "targets", Type: "rows", About: "the down and the slow ones: job, instance, service, url, health, cause, error, scrape_s, timeout_s (seconds), last_scrape_age_s (seconds; null if never)"},
		},
		Outcomes: []probe.Outcome{
			{When: "down == 0", Means: "every endpoint answers; what is missing in the metrics is missing at the source"},
			{When: "cause refused", Means: "the host is up and nothing listens on that port"},
			{When: "cause no_such_host", Means: "the name in the scrape configuration does not exist"},
			{When: "cause timeout", Means: "silence, or a /metrics page slower than the scrape timeout"},
			{When: "cause not_found", Means: "the process answers, and metrics_path is wrong"},
			{When: "cause server_error", Means: "the process answers, and its own /metrics fails"},
			{When: "cause unauthorized", Means: "the endpoint wants credentials that the scrape configuration does not send"},
			{When: "cause limit", Means: "the page has more samples or labels than the scrape configuration allows, and is thrown away whole"},
			{When: "cause wrong_format", Means: "something else than metrics is served there: a login page or an error page"},
			{When: "all targets of one job down", Means: "the exporter or the network path of that job, not one instance"},
		},
	}
}

// HealthSpec is the question whether a source of metrics can be believed.
func HealthSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.health",
		Question: "Can this Prometheus be believed right now?",
		Why:      "Evidence from a server that scrapes nothing, has just started, or has a wrong clock misleads.",
		Cost:     "three small GETs of /api/v1/status and one instant query",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "version", Type: "text", About: "its version; null where it does not say"},
			{Name: "uptime_s", Type: "number", About: "seconds since it started; null where it does not say"},
			{Name: "reload_ok", Type: "bool", About: "whether its last configuration was accepted; false means that the one before still runs"},
			{Name: "corruptions", Type: "number", About: "corruptions found in its write-ahead log"},
			{Name: "retention", Type: "text", About: "how much it keeps, as it says it"},
			{Name: "head_series", Type: "number", About: "series in memory"},
			{Name: "largest", Type: "rows", About: "the metrics with most series: name, series"},
			{Name: "widest", Type: "rows", About: "the labels with most values: name, values"},
			{Name: "scraping", Type: "bool", About: "whether any target was scraped within the last three minutes"},
			{Name: "last_sample_age_s", Type: "number", About: "age of the newest scrape in seconds; null when there is none within five minutes"},
			{Name: "clock_offset_s", Type: "number", About: "its clock minus ours, from the HTTP Date header, precise to a second; null where there is none"},
		},
		Outcomes: []probe.Outcome{
			{When: "scraping == false", Means: "what it says of now is old: missing data is not health"},
			{When: "uptime_s < 600", Means: "it has just started: windows longer than that are short of data"},
			{When: "clock_offset_s beyond 5", Means: "times from here and from elsewhere do not compare; the order of events may be wrong"},
		},
	}
}
