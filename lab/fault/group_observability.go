package fault

func observability() []Fault {
	return []Fault{
		scrapeTargetWrong(),
		scrapeBlocked(),
		metricsBroken(),
		exporterDown(),
		exporterBlind(),
		falseAlert(),
		prometheusConfig(),
		ruleFails(),
		alertmanagerGone(),
	}
}
