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
		justDeployed(),
		falseAlarm(),
	}, stillWell()...)
}
