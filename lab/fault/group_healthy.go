package fault

func healthy() []Fault {
	return []Fault{ordinaryDay(), idleSessions(), reportRuns(), rollingRestart(), gatewayEdited(), busyEvening()}
	return append([]Fault{
		ordinaryDay(),
		rollingRestart(),
		gatewayEdited(),
		busyEvening(),
		redisSaves(),
		redisEvictsOld(),
		redisManyClients(),
		justDeployed(),
		falseAlarm(),
	}, stillWell()...)
}
