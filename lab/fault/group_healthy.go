package fault

func healthy() []Fault {
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
		scanner(),
		morningLogins(),
	}, stillWell()...)
}
