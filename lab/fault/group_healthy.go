package fault

func healthy() []Fault {
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
		scanner(),
		morningLogins(),
	}, stillWell()...)
}
