package fault

func healthy() []Fault {
	return []Fault{ordinaryDay(), rollingRestart(), gatewayEdited(), busyEvening(), scanner(), morningLogins()}
	return append([]Fault{
		ordinaryDay(),
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
		idleSessions(),
		reportRuns(),
	}, stillWell()...)
}
