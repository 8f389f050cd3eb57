package fault

func healthy() []Fault {
	return []Fault{ordinaryDay(), rollingRestart(), gatewayEdited(), busyEvening(), scanner(), morningLogins()}
	return append([]Fault{
		ordinaryDay(),
		idleSessions(),
		reportRuns(),
		rollingRestart(),
		gatewayEdited(),
		busyEvening(),
		redisSaves(),
		redisEvictsOld(),
		redisManyClients(),
		workersRecycled(),
		idleWorkers(),
		justDeployed(),
		falseAlarm(),
	}, stillWell()...)
}
